"""Paths and days are two names of one thing."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.lake import Layout
from voxlake.model import DayKey

LAYOUT = Layout(Path("data"))
keys = st.builds(DayKey, st.integers(1, 10**12), st.sampled_from(["sms", "a2p"]), st.dates(date(2000, 1, 1)))


@given(keys)
def test_round_trip(key):
    """A day's path leads back to the day."""
    assert LAYOUT.key_of(LAYOUT.day_file(key)) == key


def test_the_paths_that_users_know():
    """Programs of others read these folders: their names never change."""
    key = DayKey(7, "a2p", date(2026, 3, 1))
    day = "account_id=7/date=2026-03-01"
    assert LAYOUT.day_file(key) == Path(f"data/lake/a2p_sms_history/{day}/part.parquet")
    assert LAYOUT.rejects(key) == Path(f"data/rejects/a2p_sms_history/{day}.jsonl")
    assert LAYOUT.replaced(key) == Path(f"data/rejects/gone/a2p_sms_history/{day}/part.parquet")
    assert LAYOUT.stray(Path("data/lake/x.parquet")) == Path("data/rejects/stray/lake/x.parquet")
    assert (LAYOUT.index, LAYOUT.database, LAYOUT.replies) == (
        Path("data/ledger.sqlite"), Path("data/voxlake.duckdb"), Path("data/raw"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "data/lake/sms_history/account_id=7/date=2026-03-01/copy.parquet",
        "data/lake/sms_history/account_id=07/date=2026-03-01/part.parquet",
        "data/lake/sms_history/account_id=9223372036854775808/date=2026-03-01/part.parquet",
        "data/lake/sms_history/account_id=x/date=2026-03-01/part.parquet",
        "data/lake/sms_history/account_id=7/date=20260301/part.parquet",
        "data/lake/sms_history/account_id=7/date=2026-02-30/part.parquet",
        "data/lake/sms_history/date=2026-03-01/account_id=7/part.parquet",
        "data/lake/calls/account_id=7/date=2026-03-01/part.parquet",
        "data/lake/sms_history/part.parquet",
        "elsewhere/sms_history/account_id=7/date=2026-03-01/part.parquet",
    ],
)
def test_what_is_not_a_day_file(path):
    """A file in any other place belongs to no day."""
    assert LAYOUT.key_of(Path(path)) is None
