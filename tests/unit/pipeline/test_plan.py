"""Which days a run reads, which it probes and which it leaves alone: decided without a request."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from support.lakes import ACCOUNT, SETTLING, Hand, row

from voxlake.lake import Lake
from voxlake.model import DAY, DayFile, DayKey, midnight
from voxlake.pipeline import DayRange, plan_export
from voxlake.pipeline.horizon import DEFAULT_DAYS
from voxlake.pipeline.plan import begun, plan, span
from voxlake.transform import A2P, SMS
from voxlake.warehouse import Warehouse

MONDAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 11, 12, tzinfo=UTC)


def day_file(day, **fields):
    """Return a day file that is final: verified long after its day had ended."""
    usual = {"row_count": 5, "total_count": 5, "verified": True, "moving": 0, "checksum": ""}
    return DayFile(DayKey(ACCOUNT, "sms", day), **usual | {"exported_at": midnight(day) + 30 * DAY} | fields)


def planned(day_file_of_monday, **options):
    """Return which of the three lists of a plan a day is in."""
    known = {MONDAY: day_file_of_monday} if day_file_of_monday else {}
    made = plan([MONDAY], known, finality=SETTLING, **options)
    lists = {"read": made.read, "probe": made.probe_days, "final": made.final}
    (name,) = [name for name, days in lists.items() if days]
    assert lists[name] == (MONDAY,)
    return name


def test_a_day_without_a_file_is_read():
    """What is not in the lake is read."""
    assert planned(None) == "read"


def test_a_verified_day_is_final_once_it_has_settled():
    """The time of finality counts from the day's end to the export that verified it; until then it is probed."""
    settled = midnight(MONDAY) + DAY + SETTLING.time
    assert planned(day_file(MONDAY, exported_at=settled - timedelta(seconds=1))) == "probe"
    assert planned(day_file(MONDAY, exported_at=settled)) == "final"


def test_a_day_whose_statuses_still_move_is_probed():
    """Statuses that can change keep a day open, until nobody waits for them any longer."""
    given_up = midnight(MONDAY) + DAY + SETTLING.give_up
    assert planned(day_file(MONDAY, moving=1, exported_at=given_up - timedelta(seconds=1))) == "probe"
    assert planned(day_file(MONDAY, moving=1, exported_at=given_up)) == "final"


def test_a_day_that_was_exported_before_its_end_is_read():
    """Nothing is known of the rest of such a day, however well the beginning was verified."""
    end = midnight(MONDAY) + DAY
    assert planned(day_file(MONDAY, exported_at=end - timedelta(seconds=1))) == "read"
    assert planned(day_file(MONDAY, exported_at=end)) == "probe"


def test_an_unverified_day_is_read_however_old_it_is():
    """Time alone proves nothing."""
    assert planned(day_file(MONDAY, verified=False, problem="moving rows")) == "read"


def test_force_reads_what_is_final():
    """With force, all days are read."""
    assert planned(day_file(MONDAY), force=True) == "read"


def test_days_are_sorted_and_counted_once():
    """Days come in order, each once, whatever the order they were named in."""
    days = [MONDAY + n * DAY for n in (3, 1, 1, 2)]
    made = plan(days, {MONDAY + 2 * DAY: day_file(MONDAY + 2 * DAY)}, finality=SETTLING)
    assert made.read == (MONDAY + DAY, MONDAY + 3 * DAY)
    assert made.final == (MONDAY + 2 * DAY,)
    assert made.open == 2


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2026, 3, 3, 0, 0, 0, 999_999, tzinfo=UTC), MONDAY),
        (datetime(2026, 3, 3, 0, 0, 1, tzinfo=UTC), MONDAY + DAY),
    ],
)
def test_a_day_has_begun_with_its_first_whole_second(now, last):
    """In the second that begins at midnight, there is nothing of the day to ask for."""
    assert begun(span(MONDAY, MONDAY + 3 * DAY), now)[-1] == last


def test_a_range_of_days():
    """The end is not included; without a first day, the range begins with the default."""
    tuesday = MONDAY + DAY
    assert DayRange(None, MONDAY + 2 * DAY).days(tuesday) == [tuesday]
    assert DayRange(MONDAY, MONDAY + 2 * DAY).days(tuesday) == [MONDAY, tuesday]
    assert DayRange(tuesday, MONDAY).days(tuesday) == []


@pytest.fixture
def context(tmp_path):
    """Return what a plan is made with: a lake that holds one final day of SMS, a time, and no way to ask the API."""
    hand = Hand(tmp_path)
    hand.put(MONDAY, [row(1, MONDAY)], exported_at=NOON)
    return SimpleNamespace(
        lake=Lake(tmp_path),
        warehouse=Warehouse(tmp_path),
        history=SimpleNamespace(account_id=ACCOUNT),
        identity=None,
        now=lambda: NOON,
        finality=SETTLING,
    )


def test_each_stream_begins_with_its_oldest_day(context):
    """A stream in the lake goes on from its oldest day; one that was never exported begins a month ago."""
    plans = plan_export(context, [SMS, A2P], DayRange(None, NOON.date() + DAY))
    assert plans[SMS].final == (MONDAY,)
    assert plans[SMS].read == tuple(MONDAY + n * DAY for n in range(1, 10))
    assert len(plans[A2P].read) == DEFAULT_DAYS + 1
    assert plans[A2P].read[-1] == NOON.date()


def test_days_that_have_not_begun_are_not_planned(context):
    """A range may reach into the future; the plan does not."""
    plans = plan_export(context, [SMS], DayRange(MONDAY, NOON.date() + 30 * DAY))
    assert plans[SMS].read[-1] == NOON.date()
