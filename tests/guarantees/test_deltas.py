"""Delta tables are the last good ones after any kill, and those of the lake after any race: see `support/deltas.py`."""

from datetime import timedelta

import obstore
import pytest
from support.clock import CLOCK
from support.deltas import campaign
from support.forgets import KEY
from support.lakes import FIRST, Hand, row
from support.stores import BUCKET, environment, raw_store, seaweedfs
from support.tables import delta_rows, lake_rows

from voxlake import library


@pytest.fixture
def endpoint(monkeypatch):
    """Return the address of a real server of S3, which is the one that everybody asks."""
    with seaweedfs() as address:
        for name, value in (environment(address) | {"AWS_ALLOW_HTTP": "true"}).items():
            monkeypatch.setenv(name, value)
        yield address


@pytest.mark.parametrize(
    ("kills", "races", "days"), [(2, 1, 4), pytest.param(60, 20, 40, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_kills_and_races(tmp_path, kills, races, days):
    """Killed in the middle of writes and commits, or raced: what is read is whole, and the lake's in the end."""
    tally = campaign(tmp_path / "data", str(tmp_path / "tables"), kills=kills, races=races, seed=1, days=days)
    print(tally)  # noqa: T201 - the figures are wanted: pytest -s -m slow
    assert (tally["kills"], tally["races"]) == (kills, races)


@pytest.mark.slow
def test_kills_and_races_in_a_bucket(tmp_path, endpoint):
    """The same over S3."""
    tally = campaign(tmp_path / "data", f"s3://{BUCKET}/tables", kills=10, races=4, seed=1)
    assert (tally["kills"], tally["races"]) == (10, 4)


@pytest.mark.slow
def test_who_was_forgotten_is_in_no_object(tmp_path, endpoint):
    """An erasure reaches the tables in a bucket, and what a writer that was killed has left there."""
    hand, uri, store = Hand(tmp_path / "data"), f"s3://{BUCKET}/tables", raw_store(endpoint, BUCKET)
    for n in range(3):
        day = FIRST + timedelta(days=n)
        numbers = ("491711234567", "447911123456")
        hand.put(day, [row(10 * n + i, day, destination_number=numbers[i]) for i in range(2)])
    hand.publish()
    library.publish_delta(hand.root, uri)
    obstore.put(store, "tables/sms_history/month=2026-01/left.parquet", b"491711234567")
    done = library.forget(hand.root, "491711234567", privacy_key=KEY, clock=CLOCK)
    assert (done.exit_code, done.rows) == (0, 3)
    assert delta_rows(uri) == lake_rows(hand.root)
    names = [its["path"] for page in obstore.list(store, "tables") for its in page]
    assert len(names) > 5
    assert not [name for name in names if b"1711234567" in bytes(obstore.get(store, name).bytes())]
