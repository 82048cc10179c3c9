"""Reports as tables: what is printed for rows made by hand, and worked out by hand."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from support.clock import CLOCK, SleepingClock
from support.lakes import FIRST, LAYOUTS, SETTLING, Hand, row

from voxlake.lake import Lake, Manifest
from voxlake.modes import private
from voxlake.reporting import bind_parameters, load_saved_queries, read_scope, report_table
from voxlake.reporting.widths import width
from voxlake.warehouse import set_today

pytestmark = pytest.mark.dateless

DAY = timedelta(days=1)


def printed(hand, name, day=None, *, first=None, end=None, accounts=None, tz=None, number=None):
    """Return the lines of a report's table, as wide as in a pipe."""
    query = load_saved_queries(None)[name]
    first, end = (day, day + DAY) if day else (first, end)
    bound = bind_parameters(query, first=first, end=end, number=number, accounts=accounts, tz=tz)
    with hand.warehouse.reader() as connection:
        set_today(connection, CLOCK.now().date())
        scope = read_scope(connection, tz)
        scope = scope.narrowed(accounts) if accounts else scope
        text, _, _ = report_table(
            connection, query.sql, scope.bind(bound), limit=None, spare=query.spare, report_of=scope
        )
    assert max(map(width, text.splitlines())) <= 80
    return text.splitlines()


def table(text):
    """Return the lines of a table as it stands in a test."""
    return [line.removeprefix("        ") for line in text.strip("\n").rstrip(" ").splitlines()]


def test_why(tmp_path):
    """A day is told of in five lines: one that is final, open, unverified, missing, or nobody's."""
    hand = Hand(tmp_path / "data")
    days = [FIRST + DAY * n for n in range(6)]
    hand.put(days[0], [row(n) for n in range(1200)], stream="a2p")
    hand.put(days[1], [row(2000, days[1], delivery_status="QUEUED")], stream="a2p", exported_at=_at(4, 12, 30))
    hand.put(days[2], [row(3000, days[2])], stream="a2p", exported_at=_at(4, 12, 30))
    hand.put(days[4], [row(5000, days[4])], stream="a2p", total=3, verified=False)
    hand.publish()
    assert printed(hand, "why", days[0]) == table("""
        date        stream  about   answer
        ----------  ------  ------  --------------------------------------------------
        2026-01-01  a2p     state   final: proved whole, and no status can change
        2026-01-01  a2p     counts  1,200 here, 1,200 by the API
        2026-01-01  a2p     proof   every message that the API counts was read
        2026-01-01  a2p     read    2026-01-31 00:00 UTC, or later without news
        2026-01-01  a2p     change  nothing by itself, and 'voxlake audit' compares it
        """)
    assert _answers(printed(hand, "why", days[1])) == [
        "open: proved whole, but it may still change",
        "1 here, 1 by the API",
        "every message that the API counts was read",
        "2026-01-04 12:30 UTC, or later without news",
        "1 can change, until 2026-01-17 00:00 UTC",
    ]
    assert _answers(printed(hand, "why", days[2]))[-1] == "exports look again until 2026-01-07 00:00 UTC"
    assert _answers(printed(hand, "why", days[3])) == [
        "missing: exports look after it, and it is not here",
        "nothing is here",
        "none",
        "never",
        "the next 'voxlake export' reads it",
    ]
    assert _answers(printed(hand, "why", days[4])) == [
        "unverified: messages may be missing",
        "1 here, 3 by the API",
        "not verified",
        "2026-02-04 00:00 UTC, or later without news",
        "the next 'voxlake export' reads it again",
    ]
    assert _answers(printed(hand, "why", FIRST - DAY))[0] == "not exported: before what exports look after"
    assert _answers(printed(hand, "why", date(2036, 1, 1)))[0] == "not over: messages still come"
    # Of many days, those that are known.
    assert len(printed(hand, "why", first=days[0], end=days[5])) == 2 + 5 * 5
    assert printed(hand, "why", end=days[0])[2:] == []


def _at(day, hour, minute):
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def _answers(lines):
    """Return the last column of a table without its head."""
    return [line[28:] for line in lines[2:]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_changes(tmp_path, layout):
    """The last publish with news is told of by day: messages that are new, changed and gone; the one before is kept."""
    at = datetime(2026, 2, 1, 3, 15, tzinfo=UTC)
    clock = SleepingClock()
    clock.at = at.timestamp()
    hand = Hand(tmp_path / "data", layout, clock=clock)
    second, third = FIRST + DAY, FIRST + DAY * 2
    hand.put(FIRST, [row(n) for n in range(5)])
    hand.put(second, [row(10, second), row(11, second), row(12, second)])
    hand.put(third, [row(20, third)])
    hand.publish()
    assert printed(hand, "changes")[2:] == []
    # One day has a message more, and one that has changed; of another, one is gone, too; one is as it was.
    hand.put(FIRST, [row(0), row(1), row(2, status="error"), row(3), row(4), row(5)])
    hand.put(second, [row(11, second), row(12, second, cost=Decimal("0.020000")), row(13, second), row(14, second)])
    hand.put(third, [row(20, third)])
    hand.put(third, [row(30, third)], stream="a2p", exported_at=datetime(2026, 1, 4, tzinfo=UTC))
    hand.publish()
    expected = table("""
        published_at         date        stream  rows_    rows_  rows_  messages  state
                                                   new  changed   gone
        -------------------  ----------  ------  -----  -------  -----  --------  -----
        2026-02-01 03:15:00  2026-01-03  a2p         1        0      0         1  open
        2026-02-01 03:15:00  2026-01-02  sms         2        1      1         4  final
        2026-02-01 03:15:00  2026-01-01  sms         1        1      0         6  final
        """)
    assert printed(hand, "changes") == expected
    assert printed(hand, "changes", second)[3:] == [expected[4]]
    # A night without news leaves it as it is, and so does a rebuild, which has nothing to compare with.
    hand.publish()
    clock.sleep(DAY.total_seconds())
    hand.publish(anew=True)
    assert printed(hand, "changes") == expected
    hand.put(FIRST, [])
    hand.publish()
    assert printed(hand, "changes")[3:] == [
        "2026-02-02 03:15:00  2026-01-01  sms         0        0      6         0  final"
    ]
    assert hand.ask("SELECT published_at, count(*) FROM changes GROUP BY ALL ORDER BY ALL") == [
        (at.replace(tzinfo=None), 3),
        ((at + DAY).replace(tzinfo=None), 1),
    ]
    clock.sleep(DAY.total_seconds() * 31)
    hand.put(FIRST, [row(0)])
    hand.publish()
    assert hand.ask("SELECT rows_new, rows_changed, rows_gone FROM changes ORDER BY published_at") == [
        (0, 0, 6),
        (1, 0, 0),
    ]


def test_a_day_that_is_loaded_twice(tmp_path):
    """What a run loads early and once more is compared with what was published, and not with itself."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1), row(2)])
    hand.publish()
    lake = Lake(hand.root)
    with private(group=False), lake.locked(holder="a test"), closing(hand.warehouse.begin(lake)) as build:
        mark = build.includes(SETTLING)
        for rows in ([row(1), row(3), row(4)], [row(2), row(3)]):
            hand.write(lake, FIRST, rows)
            build.load(Manifest(lake).changes(mark).day_files)
        hand.warehouse.complete(build, Manifest(lake).changes(mark), finality=SETTLING)
    assert hand.ask("SELECT date, rows_new, rows_changed, rows_gone FROM changes") == [(FIRST, 1, 0, 1)]
