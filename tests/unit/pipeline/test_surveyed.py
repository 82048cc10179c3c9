"""A night in which nothing is new is one request: a page that shows again what is known."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from support.contexts import FINALITY, StandingClock, noon
from support.rows import message
from support.scripted_api import ScriptedApi

from voxlake.extract import ApiQuirks
from voxlake.lake import DATE_SHIFT, Lake, Learned, Manifest
from voxlake.model import DAY, DayKey, Window, midnight
from voxlake.pipeline import Context
from voxlake.pipeline.database import EarlyBuild
from voxlake.pipeline.memory import remember
from voxlake.pipeline.read import read_days
from voxlake.pipeline.recorder import Recorder
from voxlake.transform import SMS
from voxlake.warehouse import Warehouse

NOW = noon(2026, 3, 29)
TONIGHT = NOW + DAY
HISTORY = [NOW.date() - DAY * n for n in range(40, -1, -1)]
OPEN = [TONIGHT.date() - DAY * n for n in range(4, -1, -1)]
ROWS = [
    message(n * 10 + hour, midnight(day) + timedelta(hours=hour)) for n, day in enumerate(HISTORY) for hour in (3, 8)
]
NEW = message(10**6, NOW + timedelta(hours=7))


class Nights:
    """A lake that was filled on the day before, in a folder, and its next nights."""

    def __init__(self, folder):
        self.folder, self.lake = folder, Lake(folder)

    def read(self, api, days=OPEN, *, now=TONIGHT, force=False):
        """Read days, and return the rows of all days by date, None of those that are not verified."""
        with ThreadPoolExecutor(1) as executor:
            context = Context(api, self.lake, Warehouse(self.folder), StandingClock(now), executor, FINALITY)
            self.record = Recorder(context, Manifest(self.lake), [SMS])
            read_days(context, {SMS: days}, self.record, EarlyBuild(context, rebuild=True), force=force)
        remember(self.record.learned, 1, SMS, self.record.quirks[SMS], now.date())
        self.record.learned.save()
        return {file.key.date: file.row_count if file.verified else None for file in Manifest(self.lake)}

    @staticmethod
    def expected(rows, days):
        """Return how many rows each day has."""
        return {day: sum(row["processed_at"].date() == day for row in rows) for day in days}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Return the folder of a lake of forty days, each with two messages."""
    nights = Nights(tmp_path_factory.mktemp("filled"))
    nights.lake.tmp.mkdir()
    learned = Learned(nights.lake)
    learned.put(1, "sms", DATE_SHIFT, 0, on=NOW.date())
    learned.save()
    assert nights.read(ScriptedApi(ROWS), HISTORY, now=NOW) == nights.expected(ROWS, HISTORY)
    return nights.folder


@pytest.fixture
def nights(filled, tmp_path):
    """Return such a lake."""
    shutil.copytree(filled, tmp_path / "data")
    return Nights(tmp_path / "data")


ALL = [*HISTORY, TONIGHT.date()]


@pytest.mark.parametrize("output", ["json", "csv"])
def test_a_quiet_night_is_one_request(nights, output):
    """Ended days keep their files, the one that had not ended is known to its end, and the oldest one is final."""
    before = {file.key.date: file for file in Manifest(nights.lake)}
    api = ScriptedApi(ROWS, output=output)
    assert nights.read(api) == nights.expected(ROWS, ALL)
    ((asked, offset, count),) = api.asked
    assert (offset, count, asked.end) == (0, 999, midnight(TONIGHT.date()) + DAY)
    after = {file.key.date: file for file in Manifest(nights.lake)}
    assert {day for day in before if before[day] != after[day]} == {OPEN[0], OPEN[3]}
    assert after[OPEN[3]].exported_at == after[OPEN[4]].exported_at == TONIGHT
    assert [after[day].final(FINALITY) for day in OPEN] == [True, False, False, False, False]


@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("order", ["time", "-time"])
def test_news_takes_one_count_more(nights, order, output):
    """The page is the reading, and a count that begins elsewhere confirms it."""
    api = ScriptedApi([*ROWS, NEW], output=output, order=order)
    assert nights.read(api) == nights.expected([*ROWS, NEW], ALL)
    (page, _, size), (counted, _, one) = api.asked
    assert (size, one) == (999, 1)
    assert counted.start == midnight(OPEN[0] - DAY) != page.start


def test_a_changed_status_takes_one_count_more(nights):
    """The messages are those that are known: what changed is stored."""
    rows = [row | {"status_id": 2} if row is ROWS[-1] else row for row in ROWS]
    api = ScriptedApi(rows)
    assert nights.read(api) == nights.expected(rows, ALL)
    assert (len(api.asked), nights.record.streams[SMS].changed) == (2, 1)


def test_a_message_that_is_gone_is_looked_for(nights):
    """A page without it is not believed, nor another one: it stays, and its day is named."""
    gone = next(n for n, row in enumerate(ROWS) if row["processed_at"].date() == OPEN[1])
    api = ScriptedApi([*ROWS[:gone], *ROWS[gone + 1 :]])
    assert nights.read(api) == nights.expected(ROWS, ALL) | {OPEN[1]: None}
    assert len(api.asked) > 2


def test_a_late_message_of_a_final_day_is_read(nights):
    """A day that is looked back to is read again where it has more messages than are known, though it is final."""
    late = message(10**6, midnight(OPEN[0] - DAY * 2) + timedelta(hours=5))
    assert Manifest(nights.lake)[DayKey(1, "sms", late["processed_at"].date())].final(FINALITY)
    api = ScriptedApi([*ROWS, late])
    assert nights.read(api) == nights.expected([*ROWS, late], ALL)


MANY = [message(10**6 + n, NEW["processed_at"]) for n in range(45)]


@pytest.mark.sample(10)
@pytest.mark.parametrize("news", [[], [NEW], MANY], ids=len)
@pytest.mark.parametrize("order", ["time", "-time"])
@pytest.mark.parametrize("part", [0, 0.5])
@pytest.mark.parametrize("number", [1, 2])
def test_a_reply_that_lacks_messages_loses_none(nights, number, part, order, news):
    """Whichever reply lacks all or a part of the messages, and counts what it has, the oldest of them or the newest."""
    api = ScriptedApi([*ROWS, *news], order=order, lie=lambda n: part if n == number else 1)
    assert nights.read(api) == nights.expected([*ROWS, *news], ALL)
    assert len(api.asked) <= 10


def test_two_replies_that_lack_half_do_not_agree(nights):
    """More new messages than known ones: half of the page has all of these, and half of the count is another number."""
    api = ScriptedApi([*ROWS, *MANY], lie=lambda n: 0.5 if n <= 2 else 1)
    assert nights.read(api) == nights.expected([*ROWS, *MANY], ALL)


def test_a_stale_reply_is_found_out_by_the_next_night(nights):
    """One that lacks nothing but what is new is believed for a night, even of a day that it makes final."""
    assert nights.read(ScriptedApi(ROWS)) == nights.expected(ROWS, ALL)
    late = message(10**6 + 1, midnight(OPEN[0]) + timedelta(hours=5))
    assert Manifest(nights.lake)[nights.record.key(SMS, OPEN[0])].final(FINALITY)
    later, rows = [day + DAY for day in OPEN], [*ROWS, NEW, late]
    assert nights.read(ScriptedApi(rows), later, now=TONIGHT + DAY) == nights.expected(rows, [*ALL, later[-1]])


def test_a_reply_that_lacks_old_messages_ends_it_for_a_week(nights):
    """The API may give no older ones any more: so far back is not asked again, and nothing is lost."""
    recent = [row for row in ROWS if row["processed_at"].date() >= OPEN[0]]
    api = ScriptedApi(recent)
    assert nights.read(api) == nights.expected(ROWS, ALL)
    assert nights.record.quirks[SMS].no_look_back
    again = ScriptedApi(recent)
    assert nights.read(again, now=TONIGHT + DAY / 4) == nights.expected(ROWS, ALL)
    assert 999 not in [count for _, _, count in again.asked]


def test_dates_that_are_refused_are_not_asked_for_again(nights):
    """Where the API allows no window that long, that is learned by one request."""
    api = ScriptedApi(ROWS, longest=7 * DAY)
    assert nights.read(api) == nights.expected(ROWS, ALL)
    assert nights.record.quirks[SMS].no_look_back


@pytest.mark.parametrize("quirks", [ApiQuirks(contradicts=True), ApiQuirks(count_step=10)], ids=["lies", "rounds"])
def test_an_api_that_is_not_believed_is_asked_as_before(nights, quirks):
    """One whose replies contradicted each other lately, or whose counts prove nothing."""
    learned = Learned(nights.lake)
    remember(learned, 1, SMS, quirks, NOW.date())
    learned.save()
    api = ScriptedApi(ROWS)
    assert nights.read(api) == nights.expected(ROWS, ALL)
    assert 999 not in [count for _, _, count in api.asked]


def test_messages_that_come_meanwhile(nights):
    """What came before the page was asked for, and after this run began, is another night's."""
    rows = list(ROWS)
    api = ScriptedApi(rows, before=lambda _: rows.append(message(10**6 + len(rows), TONIGHT + timedelta(seconds=1))))
    assert nights.read(api) == nights.expected(ROWS, ALL)
    assert len(api.asked) == 1


def test_forced_days_are_read(nights):
    """Whoever forces a reading gets one."""
    api = ScriptedApi(ROWS)
    nights.read(api, force=True)
    assert 999 not in [count for _, _, count in api.asked]


def test_windows_are_looked_back_from_each(nights):
    """Days with a gap between them are two windows."""
    days = [OPEN[0] - DAY * 9, OPEN[0] - DAY * 8, *OPEN]
    assert len(Window.joining(days)) == 2
    api = ScriptedApi(ROWS)
    assert nights.read(api, days) == nights.expected(ROWS, ALL)
    assert len(api.asked) == 2
