"""What a run says of itself, and the exit code that follows."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from voxlake.errors import DataError, Refused, SettingsError, Unavailable
from voxlake.model import DayFile, DayKey
from voxlake.pipeline.account_result import AccountResult, ExportResult
from voxlake.pipeline.recorder import StreamRecord
from voxlake.pipeline.result import StreamResult, describe_missing


def part(day, problem=None, *, total=3):
    """Return a day of November 2026."""
    day_key = DayKey(1, "sms", date(2026, 11, day))
    return DayFile(day_key, 3, total, problem is None, 0, datetime(2026, 11, 20, tzinfo=UTC), "", problem=problem)


def result_of(*streams, requests=0, errors=()):
    """Return the result of a run for one account."""
    return ExportResult((AccountResult(1, streams, requests, errors),), errors=errors)


def test_neighbours_with_one_problem_are_one_line():
    """Days that lie together and have the same problem are named as a span, others by themselves."""
    told = StreamRecord(1, "sms", days=6)
    for one in (part(1), part(2, "late"), part(3, "late"), part(4, "odd"), part(6, "late")):
        told.add(one, new=3, changed=0)
    lines = str(result_of(told.result())).splitlines()
    assert "sms: 2026-11-02 to 2026-11-03 is not verified: late" in lines
    assert "sms: 2026-11-04 is not verified: odd" in lines
    assert "sms: 2026-11-06 is not verified: late" in lines
    assert result_of(told.result()).exit_code == 4


def test_one_is_not_many():
    """What there is one of is said in the singular."""
    told = StreamRecord(1, "sms", days=1)
    told.add(replace(part(1), row_count=1, rejects=1), new=1, changed=0)
    first, second, last = str(result_of(told.result(), requests=1)).splitlines()
    assert first == "sms: 1 row in 1 day, 1 new, 0 changed; 1 of 1 day verified"
    assert second == "sms: 1 row could not be read, see rejects/"
    assert last.startswith("1 request; ")


def test_the_gravest_trouble_decides():
    """A refusal weighs more than the moment, and that more than days that are not verified."""
    told = StreamRecord(1, "sms", days=1)
    told.add(part(1, "not read", total=None), new=0, changed=0)
    assert "none of 1 day could be read" in str(result_of(told.result()))
    told.errors.append(Unavailable("later"))
    assert result_of(told.result()).exit_code == 75
    told.errors.append(Refused("never"))
    assert result_of(told.result()).exit_code == 3


def test_what_was_taken_out_is_said():
    """Rows that the API's word was taken for are counted, with where they are kept."""
    told = StreamRecord(1, "sms", days=1)
    told.add(part(1), new=0, changed=2, gone=1)
    assert "0 new, 2 changed, 1 gone (kept in rejects/gone/); 1 of 1 day verified" in str(result_of(told.result()))


@pytest.mark.parametrize(
    ("errors", "problem", "code"),
    [
        ([], None, 0),
        ([], "late", 4),
        ([DataError("d")], None, 4),
        ([Unavailable("u"), DataError("d")], None, 75),
        ([Refused("r"), Unavailable("u")], "late", 3),
        ([SettingsError("s"), Refused("r")], None, 2),
    ],
)
def test_exit_codes(errors, problem, code):
    """Errors of a run and of its streams weigh the same, and each sentence is said once."""
    told = StreamRecord(1, "sms", days=1)
    told.add(part(1, problem), new=0, changed=0)
    told.errors += errors
    assert result_of(told.result()).exit_code == code
    run = result_of(told.result(), errors=tuple(errors))
    assert (run.exit_code, run.to_json()["exit_code"]) == (code, code)
    assert run.to_json()["errors"] == [str(error) for error in errors]


def test_nothing_to_ask():
    """A stream whose days are all final, or that has none, says so."""
    assert str(result_of(StreamResult("sms", final=3))).startswith("sms: every day is final, nothing to ask")
    assert str(result_of(StreamResult("a2p"))).startswith("a2p: no such day, nothing to ask")


def test_missing_days_are_described():
    """Days are counted once, whichever streams lack them."""
    keys = [DayKey(1, stream, date(2026, 3, day)) for stream, day in (("sms", 1), ("a2p", 1), ("sms", 3))]
    assert describe_missing(keys) == "2 days of sms and a2p (2026-03-01 to 2026-03-03) had files and have none any more"
    assert describe_missing(keys[1:2]) == "1 day of a2p (2026-03-01) had files and have none any more"


def test_many_accounts_are_short():
    """Each account with trouble has a line, and all others have one together; the gravest decides the exit code."""
    well = [AccountResult(n, (StreamResult("sms", 1, day_files=(part(1),), new=3),), requests=2) for n in range(10, 20)]
    late = AccountResult(2, (StreamResult("sms", 2, day_files=(part(1), part(2, "late"))),), requests=2, name="shop")
    refused = AccountResult(3, (), errors=(Refused("The account is frozen: ask its owner."),))
    run = ExportResult((late, refused, *well), database="voxlake.duckdb")
    assert (run.exit_code, run.requests, len(run.streams)) == (3, 22, 11)
    assert str(run).splitlines() == [
        "shop (2): sms: 1 day not verified, first 2026-11-02: late",
        "3: The account is frozen: ask its owner",
        "10 other accounts: 30 rows in 10 days, 30 new, 0 changed; all verified",
        "22 requests; database voxlake.duckdb",
    ]
    assert [(its["account_id"], its["exit_code"]) for its in run.to_json()["accounts"]][:3] == [(2, 4), (3, 3), (10, 0)]


def test_notes_of_many_accounts_are_few():
    """The same note of several accounts is one line, and of many different ones the first are printed."""
    alike = [AccountResult(n, (), notes=("the same",)) for n in range(1, 5)]
    other = [AccountResult(n, (), notes=(f"note {n}",)) for n in range(10, 40)]
    lines = [line for line in str(ExportResult((*alike, *other))).splitlines() if "note" in line or "same" in line]
    assert lines[:2] == ["4 accounts: the same", "10: note 10"]
    assert lines[10:] == ["21 notes more: '--format json' has all of them, by account"]
