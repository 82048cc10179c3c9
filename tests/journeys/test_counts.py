"""Counts that are not counts: estimates, capped, of the page, or of rows that are given twice."""

import json

import pytest
from support.dates import days_ago
from support.truth import held, truth

from voxlake.lake import Lake

ODD = {
    "of a page": ["counts=page"],
    "of a page of one size": ["counts=page", "max_count=100", "count_mode=ignore"],
    "of a page of one size, without an order": [
        "counts=page",
        "max_count=100",
        "count_mode=ignore",
        "order=random-per-request",
    ],
    "rounded to tens": ["counts=tens"],
    "capped": ["max_total=100"],
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("switches", ODD.values(), ids=ODD)
def test_counts_that_are_none_verify_no_day_that_lacks_rows(sandbox, voxlake, switches, output):
    """Whatever the API says instead of a count, a verified day has all of its rows, and requests are bounded."""
    server = sandbox(*switches, rows=1500, days=2)
    done = voxlake("export", "--since", days_ago(3), "--output", output, server=server, code=None)
    assert done.returncode in (0, 4)
    status = json.loads(voxlake("status", "--format", "json", code=None).stdout)
    for stream in status["streams"]:
        name = stream["stream"]
        verified = {day for key in ("final_days", "open_days") for day in stream[key]}
        there = [row for row in server.world.truth(name) if str(row["processed_at"].date()) in verified]
        assert len(there) == held_in(voxlake, name, verified)
    # Pages, twice, counts, and what leads to each piece of a day that has to be cut; some rejected requests are free.
    assert len(server.requests) <= 3 * (2 * 2 * 1500 // 100 + 10) + 50 + 20


def held_in(voxlake, name, days):
    """Return how many rows the lake holds of some days."""
    lake = Lake(voxlake.folder / "data")
    keys = [key for key in lake.day_keys() if key.stream == name and str(key.date) in days]
    return sum(lake.read_footer(key).row_count for key in keys)


@pytest.mark.slow
@pytest.mark.parametrize("output", [pytest.param("json", marks=pytest.mark.slow), "csv"])
def test_doubled_rows_are_one_message(sandbox, voxlake, output):
    """Rows that the API gives and counts twice: every day is verified, holds each message once, and stays quiet."""
    server = sandbox("doubles=10", rows=5000, days=4)
    export = ("export", "--since", days_ago(5), "--output", output)
    first = voxlake(*export, server=server)
    asked = len(server.requests)
    again = voxlake(*export, server=server)
    # What was read twice once is read once from then on.
    assert len(server.requests) - asked <= 0.6 * asked
    doubled = sum(not row["message_id"] % 10 for stream in ("sms", "a2p") for row in server.world.truth(stream))
    assert f"this API gives and counts {doubled:,} rows more than once: each message is kept once" in first.stderr
    assert "more than once" not in again.stderr
    for stream in ("sms", "a2p"):
        assert truth(server, stream) == held(voxlake.folder / "data" / "voxlake.duckdb", stream)
    lake = Lake(voxlake.folder / "data")
    assert sum(lake.read_footer(key).surplus for key in lake.day_keys()) == doubled
    assert "0 differences" in voxlake("audit", server=server).stdout


INEXACT = {
    "rounded to tens": (["counts=tens"], "rounded to a multiple of 10"),
    "rounded to hundreds": (["counts=hundreds"], "rounded to a multiple of 100"),
    "of a page": (["counts=page"], "those of a page"),
    "of a page of one size": (["counts=page", "max_count=100", "count_mode=ignore"], "those of a page"),
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize(("switches", "said"), INEXACT.values(), ids=INEXACT)
def test_counts_that_prove_nothing_are_learned_once(sandbox, voxlake, switches, said, output):
    """Two readings prove the days and say so; it is said once, and a night costs a reading of its open days."""
    server = sandbox(*switches, rows=2222, days=4)
    export = ("export", "--since", days_ago(5), "--output", output)
    done = voxlake(*export, server=server)
    for stream in ("sms", "a2p"):
        assert truth(server, stream) == held(voxlake.folder / "data" / "voxlake.duckdb", stream)
    assert done.stderr.count(f"this API's counts are {said}: days are verified by two readings") == 1
    lake = Lake(voxlake.folder / "data")
    filled = [file for file in map(lake.read_footer, lake.day_keys()) if file.row_count]
    assert {(file.verified, file.proof) for file in filled} == {(True, "readings")}
    asked = len(server.requests)
    again = voxlake(*export, server=server)
    assert "this API's counts" not in again.stderr
    largest = 100 if "max_count=100" in switches else 1000
    assert len(server.requests) - asked <= 2222 // largest + 2 * 8


def test_what_is_counted_and_never_given_is_not_an_estimate(sandbox, voxlake):
    """An API that counts rows which no page contains: two readings that agree do not make its days verified."""
    server = sandbox("total_of=hidden", rows=600, days=2)
    voxlake("export", "--since", days_ago(3), server=server, code=4)
    lake = Lake(voxlake.folder / "data")
    files = [lake.read_footer(key) for key in lake.day_keys()]
    assert not any(file.verified and file.row_count > 10 for file in files)
