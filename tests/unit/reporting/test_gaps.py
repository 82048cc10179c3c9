"""What an answer lacks: days that are missing, not verified, stale or settling, of its span and its accounts alone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from support.contexts import StandingClock
from support.lakes import FIRST, Hand, row

from voxlake.errors import SettingsError
from voxlake.lake import Lake
from voxlake.library import open_database
from voxlake.reporting import Span, read_gaps, read_scope
from voxlake.reporting.dashboard.figures import gather
from voxlake.reporting.dashboard.page import page as draw

DAY = timedelta(days=1)
NORTH, SOUTH = 11, 12
NOW = datetime(2026, 1, 10, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    """Publish nine days of two accounts: one lacks three and was read last night, one was last read four days ago."""
    hand = Hand(tmp_path_factory.mktemp("gaps") / "data")
    for n in range(9):
        day = FIRST + n * DAY
        read_at = datetime(2026, 1, 10, 1, tzinfo=UTC)
        for stream in ("sms", "a2p"):
            if n not in (1, 2, 4):
                hand.put(day, [row(n, day)], stream=stream, exported_at=read_at, account=NORTH)
        if n < 5:
            read_at = datetime(2026, 1, 6, 1, tzinfo=UTC)
            hand.put(day, [row(n, day)], verified=n > 0, exported_at=read_at, account=SOUTH)
    hand.know(NORTH, name="North", last_good_run=NOW - timedelta(hours=2), exported_since={"sms": FIRST, "a2p": FIRST})
    hand.know(SOUTH, last_good_run=datetime(2026, 1, 6, 1, tzinfo=UTC))
    hand.publish()
    return hand


def told(hand, *accounts, now=NOW, tz=None, **asked):
    """Return the sentences about the answer of some accounts, or of all."""
    with hand.warehouse.reader() as connection:
        scope = read_scope(connection, tz)
        scope = scope.narrowed(accounts) if accounts else scope
        return read_gaps(connection, Lake(hand.root), scope, now=now, **asked).sentences()


STALE = (
    "Stale: the newest export of 12 that ended well was 4 days 2 hours ago (2026-01-06 01:00 UTC); run 'voxlake"
    " export'."
)
UNVERIFIED = "Not verified: 2026-01-01 of sms of 12, so messages may be missing; 'voxlake status' says why."


def test_all_that_is_lacking(hand):
    """Each kind is a line; streams that lack the same days are named together."""
    assert told(hand) == [
        STALE,
        (
            "Missing: 2026-01-02 to 2026-01-03 (2 days), 2026-01-05 of a2p and sms of North (11), 2026-01-06 to"
            " 2026-01-09 (4 days) of sms of 12; run 'voxlake export'."
        ),
        UNVERIFIED,
        (
            "Settling: 2026-01-03 to 2026-01-05 (3 days) of sms of 12, 2026-01-07 to 2026-01-09 (3 days) of a2p and sms"
            " of North (11); their figures may still change."
        ),
    ]


@pytest.mark.parametrize(
    ("accounts", "first", "end", "kinds"),
    [
        ([], 3, 4, ["Stale", "Settling"]),
        ([], 0, 1, ["Not verified"]),
        ([NORTH], 0, 1, []),
        ([NORTH], 3, 4, []),
        ([NORTH], 4, 5, ["Missing"]),
        ([SOUTH], 1, 2, []),
        ([SOUTH], 5, None, ["Stale", "Missing"]),
        ([NORTH], 9, None, []),
    ],
)
def test_only_what_is_asked(hand, accounts, first, end, kinds):
    """Days beside the span and other accounts are not spoken of; what is final is none the worse for its age."""
    found = told(hand, *accounts, first=FIRST + first * DAY, end=end and FIRST + end * DAY)
    assert [line.partition(":")[0] for line in found] == kinds


def test_days_of_another_zone(hand):
    """A local day lies in two UTC days: both count."""
    asked = {"first": FIRST + 3 * DAY, "end": FIRST + 4 * DAY}
    assert told(hand, NORTH, **asked) == []
    (line,) = told(hand, NORTH, tz="Asia/Tokyo", **asked)
    assert line.startswith("Missing: 2026-01-03, 2026-01-05 of a2p and sms")


def test_days_before_the_first(hand):
    """Whoever asks for days before the first of a stream is told that they were never exported, and how they come."""
    (line,) = told(hand, NORTH, first=date(2025, 12, 30), end=FIRST + DAY)
    assert line == (
        "Missing: 2025-12-30 to 2025-12-31 (2 days) of a2p and sms, before what exports look after; run 'voxlake"
        " backfill --from 2025-12-30 --to 2026-01-01'."
    )
    assert told(hand, NORTH, first=date(2025, 12, 30), end=FIRST + DAY, asked=False) == []


def test_accounts_that_are_paused_may_be_old(hand):
    """What the settings switch off is not stale."""
    assert told(hand, paused=[SOUTH])[0].startswith("Missing: ")


def test_many(tmp_path):
    """Of many streams with different gaps, and many gaps, the first are named."""
    hand = Hand(tmp_path / "data")
    for account in range(1, 7):
        for n in (0, *range(account, 9, 2)):
            hand.put(FIRST + n * DAY, [], account=account)
    hand.publish()
    stale, line = told(hand, now=datetime(2026, 2, 10, tzinfo=UTC))
    assert "of 1, 2, 3 and 3 more that ended well was up to 3 days ago (2026-02-07 00:00 UTC);" in stale
    assert line == (
        "Missing: 2026-01-02, 2026-01-04, 2026-01-06 and 2 more of sms of 2, 2026-01-02 to 2026-01-03 (2 days),"
        " 2026-01-05, 2026-01-07 and 1 more of sms of 3, 2026-01-02 to 2026-01-04 (3 days), 2026-01-06, 2026-01-08 and"
        " 1 more of sms of 4, and others (see the view days); run 'voxlake export'."
    )


def test_programs_are_told(hand, caplog):
    """A frame carries what it lacks, and `gaps` has it all by kind; trouble is logged once, however often."""
    for _ in range(2):
        with open_database(hand.root, clock=StandingClock(NOW)) as database:
            frame = database.report("daily", since=FIRST, until=FIRST + DAY)
            assert frame.attrs == {"gaps": [UNVERIFIED], "last_good_run": "2026-01-10 01:00:00"}
            assert database.messages(accounts=SOUTH).attrs["gaps"][0] == STALE
            assert database.report("delivery-rate", until=FIRST + DAY, accounts=NORTH).attrs["gaps"] == []
            database.report("daily", since=FIRST - DAY, until=FIRST + DAY)
    kinds = [record.message.partition(":")[0] for record in caplog.records]
    assert kinds == ["Stale", "Missing", "Not verified", "Missing"]
    assert "before what exports look after" in caplog.records[-1].message
    with open_database(hand.root, clock=StandingClock(NOW + 3 * DAY)) as database:
        assert [record.message.partition(":")[0] for record in caplog.records[4:]] == ["Stale", "Missing"]
        found = database.gaps(FIRST, FIRST + 2 * DAY, accounts="North").to_json()
    span = {"account_id": NORTH, "account": "North", "first": "2026-01-02", "last": "2026-01-02"}
    assert found["missing"] == [span | {"stream": "a2p"}, span | {"stream": "sms"}]
    assert (found["stale"], found["last_good_run"]) == ([], "2026-01-10 01:00:00")


def test_a_database_of_an_earlier_version(tmp_path):
    """One that does not know its days answers, and says what it cannot say."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)])
    hand.publish()
    hand.edit("DROP VIEW days")
    with pytest.raises(SettingsError, match="does not know the days"):
        told(hand)
    with open_database(hand.root) as database:
        (line,) = database.messages().attrs["gaps"]
    assert "run 'voxlake publish'" in line


def test_the_page(hand):
    """The page has a banner about what is stale, missing and not verified, and a calm line about what still settles."""
    span = Span(FIRST, FIRST + 5 * DAY)

    def page(*accounts, **asked):
        with hand.warehouse.reader() as connection:
            scope = read_scope(connection).narrowed(accounts)
            gaps = read_gaps(connection, Lake(hand.root), scope, now=NOW, first=span.first, asked=False, **asked)
            return draw(gather(connection, span, scope), [], gaps)

    told = page(SOUTH)
    assert (
        "<p>The newest export that ended well was 4 days 2 hours ago (2026-01-06 01:00 UTC); 4 days are missing:"
        in told
    )
    assert "2026-01-06 to 2026-01-09; 1 day is not verified: 2026-01-01.</p>" in told
    assert "Run &#39;voxlake export&#39;, then make this page again." in told
    assert "<p>3 days are still settling: 2026-01-03 to 2026-01-05. Their figures may still change.</p>" in told
    told = page(NORTH, end=span.end)
    assert "<p>3 days are missing: 2026-01-02 to 2026-01-03, 2026-01-05.</p>" in told
    assert "newest export" not in told
    assert "settling" not in told
