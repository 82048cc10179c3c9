"""What a page of open days and known days before them proves: a table of replies, and nobody is asked."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from support.rows import message

from voxlake.extract import NOTHING_LEARNED, ApiQuirks, look_back
from voxlake.extract.look_back import Judgement, is_look_back, judge
from voxlake.model import DAY, READINGS, UNCONFIRMED, DayFile, DayKey, Page, Reject, Window, midnight
from voxlake.transform import SMS

TODAY = date(2026, 3, 30)
OPEN = [TODAY - DAY * n for n in (4, 3, 2, 1, 0)]
WINDOW = Window.of_days(OPEN[0], OPEN[-1])
NOW = midnight(TODAY) + timedelta(hours=13)
SETTLES = timedelta(hours=72)


def known(rows_a_day=2, *, every=1, days=24):
    """Return the files of the days before today, of which every so many have rows; yesterday's was read at noon."""
    files = {}
    for n in range(1, days + 1):
        day = TODAY - DAY * n
        at = midnight(day) + (timedelta(hours=13) if n == 1 else timedelta(days=1, hours=13))
        count = rows_a_day if n % every == 0 else 0
        files[day] = DayFile(DayKey(1, "sms", day), count, count, verified=True, moving=0, exported_at=at, checksum="")
    return files


def looked(files=None, quirks=NOTHING_LEARNED, window=WINDOW, **named):
    """Return the look back of a lake."""
    files = known() if files is None else files
    its = {"latest": max(files, default=None), "oldest": None, "now": NOW, "settles": SETTLES} | named
    return look_back(window, files, quirks, **its)


def reply(rows, total=None):
    """Return a page."""
    return Page(pa.Table.from_pylist(rows, schema=SMS.wire), len(rows) if total is None else total)


def rows_of(files, first):
    """Return the messages that are known of the days since one, two hours apart from 08:00, in the order of time."""
    return [
        message(day.toordinal() * 100 + n, midnight(day) + timedelta(hours=8 + 2 * n))
        for day, file in sorted(files.items())
        if day >= first
        for n in range(file.row_count)
    ]


FILES = known()
BACK = looked(FILES)
ROWS = rows_of(FILES, BACK.first)
NEW = message(7, NOW - timedelta(minutes=5))


def test_how_far_back():
    """As many known days as have twenty messages with the open ones, and ten before the last day that has some."""
    assert (BACK.first, BACK.before, BACK.apart) == (OPEN[0] - DAY * 6, 12, 10)
    assert len(ROWS) == 20
    assert BACK.asked == Window(midnight(BACK.first) - timedelta(seconds=1), WINDOW.end)
    sparse = looked(known(1, every=3, days=90))
    assert (sparse.before, sparse.apart) == (19, 18)


def test_what_became_final_last_is_seen_again():
    """Three known days before the open ones, even where these have enough messages themselves."""
    back = looked(known(9), ApiQuirks(page_size=500))
    assert back.first == OPEN[0] - DAY * 3


@pytest.mark.parametrize(
    ("files", "quirks", "named"),
    [
        (known(0), NOTHING_LEARNED, {}),
        (known(days=9), NOTHING_LEARNED, {}),
        (known(80), NOTHING_LEARNED, {}),
        (known(30), ApiQuirks(page_size=300), {}),
        (known(), ApiQuirks(contradicts=True), {}),
        (known(), ApiQuirks(no_look_back=True), {}),
        (known(), ApiQuirks(count_step=10), {}),
        (known(), ApiQuirks(longest_window=8 * 86_400), {}),
        (known(), NOTHING_LEARNED, {"oldest": OPEN[0] - DAY * 2}),
        (known(), NOTHING_LEARNED, {"settles": timedelta()}),
        (known(), NOTHING_LEARNED, {"latest": TODAY}),
        (known(), NOTHING_LEARNED, {"window": Window.of_days(TODAY, TODAY)}),
    ],
    ids=[
        "no message", "too few", "too many", "a small page", "contradictions", "lacked some", "rounded counts",
        "short windows", "nothing older", "final at once", "lost", "one day",
    ],
)  # fmt: skip
def test_where_nothing_is_looked_back_to(files, quirks, named):
    """A reply would prove too little, or could not be asked for."""
    assert looked(files, quirks, **named) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"verified": False, "problem": UNCONFIRMED},
        {"surplus": 1},
        {"rejects": 1},
        {"proof": READINGS},
    ],
    ids=str,
)
@pytest.mark.parametrize("day", [OPEN[1], OPEN[0] - DAY])
def test_only_days_that_are_known_by_counts(day, fields):
    """A day that is not verified, or not by counts that are its messages, is neither read so nor looked back to."""
    files = known()
    files[day] = replace(files[day], **fields)
    assert looked(files) is None


def test_erased_messages_are_known():
    """The API has them still."""
    files = {day: replace(file, row_count=file.row_count - 1, forgotten=1) for day, file in known().items()}
    assert looked(files) == BACK


def test_the_same_again():
    """All that is known and nothing else: the open days as they are, and what came before them."""
    shown = judge(reply(ROWS), BACK).shown
    assert (shown.is_news, shown.before, shown.reading.ids, shown.reading.agrees) == (False, 12, 8, True)
    assert shown.reading.asked == BACK.asked


LATE = message(8, midnight(OPEN[2]) + timedelta(hours=3))
LATER = message(9, midnight(BACK.first) + timedelta(hours=3))


@pytest.mark.parametrize(
    "more", [[NEW], [LATE], [NEW, LATE], [message(6, midnight(OPEN[3]) + timedelta(hours=20))]], ids=range(4)
)
def test_news(more):
    """Messages of open days that are not known: believed once a count agrees."""
    shown = judge(reply([*ROWS, *more]), BACK).shown
    assert (shown.is_news, shown.reading.ids) == (True, 8 + len(more))
    assert judge(reply([*ROWS, *more]), replace(BACK, apart=9)) == Judgement()


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        ([], 20),
        (ROWS[:10], 20),
        (ROWS[:-1], 20),
        (ROWS, 21),
        ([*ROWS, ROWS[-1]], 21),
        ([*ROWS, *[message(100 + n, NOW - timedelta(minutes=n)) for n in range(40)]], 60),
        ([*ROWS[1:], message(5, datetime(2090, 1, 1, tzinfo=UTC))], 20),
    ],
    ids=["none of them", "half of them", "one short", "one more counted", "one twice", "a round number", "far off"],
)
def test_replies_that_prove_nothing(rows, total):
    """Their number is not what was counted, may be a limit, or has messages from nowhere."""
    assert judge(reply(rows, total), BACK) == Judgement()


LAST = [row for row in ROWS if row["processed_at"].date() == OPEN[3]]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ROWS[:10],
        ROWS[10:],
        [ROWS[-1]],
        ROWS[1:],
        [*ROWS[1:], NEW],
        [row for row in ROWS if row["processed_at"].date() != OPEN[0] - DAY],
    ],
    ids=["nothing", "the older half", "the newer half", "one", "all but the oldest", "with news", "a day less"],
)
def test_replies_that_lack_known_messages(rows):
    """Whatever else they have and count: they are not believed, and those that lack old ones not for a while."""
    judgement = judge(reply(rows), BACK)
    assert judgement == Judgement(lacks=True)


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[:-1],
        [row for row in ROWS if row not in LAST],
        [*(row for row in ROWS if row not in LAST[:1]), message(6, midnight(OPEN[3]) + timedelta(hours=20))],
    ],
    ids=["without the newest", "without a day", "one of yesterday for another"],
)
def test_replies_that_lack_messages_of_open_days(rows):
    """They may have moved: read as always, and looked back to again tomorrow."""
    assert judge(reply(rows), BACK) == Judgement()


def test_half_of_all_is_never_the_same():
    """The older half of a reply shows all that is known only where as many messages are new: then it is news."""
    news = [message(100 + n, NOW - timedelta(minutes=90 - n)) for n in range(31)]
    for count in range(len(news)):
        rows = sorted([*ROWS, *news[:count]], key=lambda row: row["processed_at"])
        half = rows[: len(rows) // 2]
        shown = judge(reply(half), BACK).shown
        assert (shown is None) == (count < len(ROWS)), count
        if shown is not None and count > len(ROWS) + 1:
            assert shown.is_news


def test_a_message_on_a_day_before_the_open_ones():
    """It is named, and the page is not the reading: its date may be wrong."""
    assert judge(reply([*ROWS, LATER, NEW]), BACK) == Judgement(late=frozenset({BACK.first}))


def test_rejects_prove_nothing():
    """A row that cannot be read may be any message."""
    page = reply(ROWS[1:], 20)
    assert judge(replace(page, rejects=(Reject({}, "odd"),)), BACK) == Judgement()


def test_what_comes_from_beside_the_days():
    """An API that looks at whole days gives those beside them: they are nobody's news."""
    beside = [message(1, midnight(BACK.first) - timedelta(hours=5)), message(2, WINDOW.end + timedelta(hours=5))]
    shown = judge(reply([beside[0], *ROWS, beside[1]]), BACK).shown
    assert (shown.is_news, shown.before, shown.reading.ids) == (False, 13, 9)


def test_a_look_back_is_told_from_a_reading():
    """By the number of rows that it asks for."""
    assert [count for count in (1, 49, 50, 99, 300, 499, 999, 1000) if is_look_back(count)] == [49, 99, 499, 999]
