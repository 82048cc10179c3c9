"""What a run says of itself, and the exit code that follows."""

from datetime import UTC, date, datetime

from voxlake.errors import Refused, Unavailable
from voxlake.model import Cell, Part
from voxlake.report import Report, StreamReport


def part(day, problem=None, *, total=3):
    """Give a day of November 2026."""
    cell = Cell(1, "sms", date(2026, 11, day))
    return Part(cell, 3, total, problem is None, 0, datetime(2026, 11, 20, tzinfo=UTC), "", problem=problem)


def test_neighbours_with_one_problem_are_one_line():
    """Days that lie together and have the same problem are named as a span, others by themselves."""
    told = StreamReport("sms", days=6)
    for one in (part(1), part(2, "late"), part(3, "late"), part(4, "odd"), part(6, "late")):
        told.add(one, new=3, changed=0)
    lines = str(Report([told])).splitlines()
    assert "sms: 2026-11-02 to 2026-11-03 is not verified: late" in lines
    assert "sms: 2026-11-04 is not verified: odd" in lines
    assert "sms: 2026-11-06 is not verified: late" in lines
    assert Report([told]).exit_code == 4


def test_the_gravest_trouble_decides():
    """A refusal weighs more than the moment, and that more than days that are not verified."""
    told = StreamReport("sms", days=1)
    told.add(part(1, "not read", total=None), new=0, changed=0)
    assert "none of 1 days could be read" in str(Report([told]))
    told.errors.append(Unavailable("later"))
    assert Report([told]).exit_code == 75
    told.errors.append(Refused("never"))
    assert Report([told]).exit_code == 3
