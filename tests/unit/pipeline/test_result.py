"""What a run says of itself, and the exit code that follows."""

from dataclasses import replace
from datetime import UTC, date, datetime

from voxlake.errors import Refused, Unavailable
from voxlake.model import DayFile, DayKey
from voxlake.pipeline.result import RunResult, StreamResult


def part(day, problem=None, *, total=3):
    """Give a day of November 2026."""
    day_key = DayKey(1, "sms", date(2026, 11, day))
    return DayFile(day_key, 3, total, problem is None, 0, datetime(2026, 11, 20, tzinfo=UTC), "", problem=problem)


def test_neighbours_with_one_problem_are_one_line():
    """Days that lie together and have the same problem are named as a span, others by themselves."""
    told = StreamResult("sms", days=6)
    for one in (part(1), part(2, "late"), part(3, "late"), part(4, "odd"), part(6, "late")):
        told.add(one, new=3, changed=0)
    lines = str(RunResult((told,))).splitlines()
    assert "sms: 2026-11-02 to 2026-11-03 is not verified: late" in lines
    assert "sms: 2026-11-04 is not verified: odd" in lines
    assert "sms: 2026-11-06 is not verified: late" in lines
    assert RunResult((told,)).exit_code == 4


def test_one_is_not_many():
    """What there is one of is said in the singular."""
    told = StreamResult("sms", days=1)
    told.add(replace(part(1), row_count=1, rejects=1), new=1, changed=0)
    first, second, last = str(RunResult((told,), requests=1)).splitlines()
    assert first == "sms: 1 row in 1 day, 1 new, 0 changed; 1 of 1 day verified"
    assert second == "sms: 1 row could not be read, see rejects/"
    assert last.startswith("1 request; ")


def test_the_gravest_trouble_decides():
    """A refusal weighs more than the moment, and that more than days that are not verified."""
    told = StreamResult("sms", days=1)
    told.add(part(1, "not read", total=None), new=0, changed=0)
    assert "none of 1 day could be read" in str(RunResult((told,)))
    told.errors.append(Unavailable("later"))
    assert RunResult((told,)).exit_code == 75
    told.errors.append(Refused("never"))
    assert RunResult((told,)).exit_code == 3
