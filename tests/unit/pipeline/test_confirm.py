"""No reply is its own witness: a reply that lacks rows, and counts without them, verifies no day."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from support.contexts import FINALITY, StandingClock
from support.rows import messages
from support.scripted_api import ScriptedApi

from voxlake.errors import Unavailable
from voxlake.lake import DATE_SHIFT, Lake, Learned, Manifest
from voxlake.model import DAY, SECOND, Window, midnight
from voxlake.pipeline import Context
from voxlake.pipeline.database import EarlyBuild
from voxlake.pipeline.read import read_days
from voxlake.pipeline.recorder import Recorder
from voxlake.pipeline.refresh import refresh
from voxlake.transform import SMS
from voxlake.warehouse import Warehouse

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(6)]
ROWS = [row for n, day in enumerate(DAYS) for row in messages(day, 50, first=100 * (n + 1))]
NOW = datetime(2026, 3, 7, 13, tzinfo=UTC)


@pytest.fixture
def run(tmp_path):
    """Return a function that reads days into a lake and returns what the manifest says of each, by date.

    It is known that the API's dates are those of its rows, so that nothing is asked to find out.
    """
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    learned = Learned(lake)
    learned.put(1, "sms", DATE_SHIFT, 0, on=NOW.date())
    learned.save()

    def read(api, days=DAYS, *, now=NOW, force=False):
        with ThreadPoolExecutor(1) as executor:
            context = Context(api, lake, Warehouse(tmp_path), StandingClock(now), executor, FINALITY)
            record = Recorder(context, Manifest(lake), [SMS])
            read_days(context, {SMS: days}, record, EarlyBuild(context, rebuild=True), force=force)
        read.record = record
        return {day_file.key.date: (day_file.row_count, day_file.verified) for day_file in Manifest(lake)}

    read.lake = lake
    return read


def true(days=DAYS, rows=50):
    """Return the days as they are when all rows are there."""
    return dict.fromkeys(days, (rows, True))


@pytest.mark.parametrize("output", ["json", "csv"])
def test_an_honest_api_costs_one_count_more(run, output):
    """A count of the window, its page, and a count over all of it; csv has counts around its page already."""
    api = ScriptedApi(ROWS, output=output)
    assert run(api) == true()
    assert len(api.asked) == {"json": 3, "csv": 4}[output]


@pytest.mark.sample(14)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("part", [0, 0.5])
@pytest.mark.parametrize("number", range(1, 8))
def test_one_reply_that_lacks_rows_loses_none(run, number, part, output):
    """Whichever reply lacks all or half of the rows, and counts what it has: every row is read, every day verified."""
    api = ScriptedApi(ROWS, output=output, lie=lambda n: part if n == number else 1)
    assert run(api) == true()
    assert len(api.asked) <= 3 * 4


@pytest.mark.parametrize("part", [0, 0.5])
def test_two_replies_that_lack_rows_lose_none(run, part):
    """The count before and the page agree with one another: the count after them is the second witness."""
    assert run(ScriptedApi(ROWS, lie=lambda n: part if n <= 2 else 1)) == true()


def test_one_reply_of_many_is_found_by_halving(run):
    """Where a reply for some days lacked rows, counts find them; the others are not read again."""
    api = ScriptedApi(ROWS, longest=timedelta(days=3, seconds=1))
    pages = []
    api.before = lambda n: pages.append(n) if api.asked[-1][2] > 1 else None
    api.lie = lambda n: 0 if len(pages) == 2 and n == pages[1] else 1
    assert run(api) == true()
    assert len(pages) <= 2 + 4


def test_what_never_agrees_is_not_verified_and_says_why(run):
    """Counts that say more than is given, of windows that are longer than a day: read three times, then said."""
    api = ScriptedApi(ROWS)
    api.counted = lambda count: count + (api.asked[-1][2] == 1)
    assert not any(verified for _, verified in run(api).values())
    problems = {file.problem for file in run.record.streams[SMS].day_files.values()}
    assert problems == {"300 messages were read of 2026-03-01 to 2026-03-06 where the API counts 301"}
    assert len(api.asked) < 60


def test_a_day_that_is_emptied_is_read_twice(run):
    """Rows that were there before do not go because one reply has none, not even where the API's word is taken."""
    run(ScriptedApi(ROWS))
    api = ScriptedApi(ROWS, lie=lambda n: 0 if n == 1 else 1)
    assert run(api, DAYS[:1], force=True) == true()
    assert not list(run.lake.root.glob("rejects/gone/**/*.parquet"))
    gone = ScriptedApi(ROWS[50:])
    assert run(gone, DAYS[:1], force=True) == true() | {DAYS[0]: (0, True)}


def test_a_run_that_ends_before_its_last_count_verifies_nothing(run):
    """One reply is no proof, and the files say so until a second one agrees."""
    api = ScriptedApi(ROWS)

    def fail(_number):
        if api.asked[-1][2] == 1:
            raise Unavailable("later")

    api.before = fail
    assert run(api, DAYS[:1]) == {DAYS[0]: (50, False)}
    (day_file,) = Manifest(run.lake)
    assert day_file.unconfirmed
    assert [str(error) for error in run.record.streams[SMS].errors] == ["later"]


def test_rows_that_come_meanwhile_do_no_harm(run):
    """Today grows with every request: what was read of it up to the beginning of the run is verified all the same."""
    today = NOW.date()
    rows = [*ROWS, *messages(today, 20, first=5000)]
    api = ScriptedApi(rows)
    new = messages(today, 100, first=9000)
    api.before = lambda n: rows.append(new[n] | {"processed_at": NOW + timedelta(seconds=n)})
    assert run(api, [*DAYS, today]) == true() | {today: (20, True)}
    assert len(api.asked) == 3


def test_an_idle_night_costs_nothing_more(run):
    """Days without a message are counted together with the last that had some, which proves them."""
    run(ScriptedApi(ROWS))
    later = NOW + timedelta(days=3)
    idle = [later.date() - timedelta(days=n) for n in (1, 0)]
    between = [NOW.date() + timedelta(days=n) for n in range(2)]
    run(ScriptedApi(ROWS), between, now=later)
    api = ScriptedApi(ROWS)
    assert run(api, idle, now=later) == true() | dict.fromkeys([*between, *idle], (0, True))
    assert len(api.asked) == 2


def empty_replies(*wrong):
    """Return a lie: which of the replies for one day, by their number from 0, say that it is empty."""

    def lie(api, day, seen):
        start, end = (edge.date() for edge in (api.asked[-1][0].start + SECOND, api.asked[-1][0].end - SECOND))
        if (start, end) != (day, day):
            return 1
        seen.append(day)
        return len(seen) - 1 not in wrong

    return lie


def lying(rows, day, *wrong, **fields):
    """Return an API that allows windows of one day, whose replies for one of them lie."""
    api, seen, lie = ScriptedApi(rows, longest=DAY + SECOND, **fields), [], empty_replies(*wrong)
    api.lie = lambda _: lie(api, day, seen)
    return api


@pytest.mark.parametrize("output", ["json", "csv"])
def test_replies_about_one_day_do_not_outvote_its_neighbours(run, output):
    """A day that every reply for it alone calls empty: counts together with a day that has rows say otherwise."""
    api = lying(ROWS, DAYS[3], *range(99), output=output)
    api.longest = 2 * DAY
    assert run(api) == true() | {DAYS[3]: (0, False)}
    api = lying(ROWS, DAYS[3], *range(2), output=output)
    api.longest = 2 * DAY
    assert run(api) == true()


@pytest.mark.parametrize("output", ["json", "csv"])
def test_a_day_alone_that_one_page_and_two_counts_call_empty(run, output):
    """An API that allows one day has no neighbour to count with: where it has contradicted itself, more have to agree.

    The contradiction may come later, and with another day: what was believed before is asked for again.
    """
    api = lying(ROWS, DAYS[5], *range({"json": 3, "csv": 4}[output]), output=output)
    honest, told, before_closing = api.lie, [], {"json": 10, "csv": 20}[output]

    def lie(number):
        part = honest(number)
        if number > before_closing and api.asked[-1][0].end == midnight(DAYS[1]) and not told:
            told.append(number)
            return 0
        return part

    api.lie = lie
    assert run(api) == true()
    assert told


def test_today_alone_takes_two_counts(run):
    """A page and a count that both say that today is empty verify nothing."""
    today = NOW.date()
    rows = messages(today, 20, first=5000)
    assert run(ScriptedApi(rows, lie=lambda n: n > 2), [today])[today] == (20, True)


def test_today_beside_a_known_day_takes_one_count(run):
    """Yesterday has rows, so no count that lacks rows agrees with both: it costs what one count of today would."""
    run(ScriptedApi(ROWS))
    today = NOW.date()
    api = ScriptedApi([*ROWS, *messages(today, 20, first=5000)])
    assert run(api, [today]) == true() | {today: (20, True)}
    assert len(api.asked) == 2


def test_days_of_an_api_that_allows_exactly_a_day_are_counted(run):
    """The second more that readings ask for is refused: days are read in halves, and counted at their midnights."""
    api = ScriptedApi(ROWS, longest=DAY)
    assert run(api) == true()
    narrow = [asked for asked, _, _ in api.asked if asked.seconds == DAY.total_seconds()]
    assert set(narrow[-len(DAYS) :]) == {Window.of_days(day, day) for day in DAYS}


def test_an_interrupted_reading_takes_two_counts_or_is_read_again(run):
    """What one reply gave before a run ended is not believed because one count agrees with it."""
    half = ScriptedApi(ROWS, lie=lambda _: 0.5)

    def fail(_number):
        if half.asked[-1][2] == 1 and len(half.asked) > 1:
            raise Unavailable("later")

    half.before = fail
    assert run(half, DAYS[:1]) == {DAYS[0]: (25, False)}
    files = list(Manifest(run.lake))
    api = ScriptedApi(ROWS, lie=lambda n: 0.5 if n == 4 else 1)
    clock, finality = StandingClock(NOW), FINALITY
    assert refresh(api, run.lake, SMS, files, clock=clock, finality=finality, contradicted=True).stale == {DAYS[0]}


@pytest.mark.parametrize("seed", [9090, 9152, 9180, 9185, 9186, 9370])
def test_where_every_third_reply_lies(run, seed):
    """Days of 0 to 50 rows, windows of any length, one or two runs: what is verified is whole, however much is not.

    With one count over all days, and four of an API in doubt, these lives once verified days that lacked rows.
    """
    rng = random.Random(seed)
    part, parts = rng.choice([0.2, 0.3]), rng.choice([(0,), (0.5,), (0, 0.5)])
    held = {day: rng.choice([0, 0, 1, 3, 50]) for day in DAYS}
    rows = [row for n, (day, count) in enumerate(held.items()) for row in messages(day, count, first=100 * (n + 1))]
    longest = rng.choice([None, None, DAY, DAY + SECOND, 2 * DAY, 5 * DAY])
    output = rng.choice(["json", "csv"])
    liar = random.Random(rng.random())
    for night in range(rng.choice([1, 2])):
        if night:
            late = rng.choice(DAYS)
            held[late] += 3
            rows += messages(late, 3, first=5000)
        api = ScriptedApi(rows, output=output, longest=longest)
        api.lie = lambda _: liar.choice(parts) if liar.random() < part else 1
        verified = {day: count for day, (count, is_verified) in run(api).items() if is_verified}
        assert verified == {day: held[day] for day in verified}
