"""Who answered whom and what was sent twice, of messages whose order and spelling were made by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from support.lakes import ACCOUNT, FIRST, LAYOUTS, Hand, row

pytestmark = pytest.mark.dateless

SOUTH = 12
OURS, PHONE, OTHER, SHOP = "4930111222", "447400123456", "4915112345678", "My Shop"
CENT = Decimal("0.01")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(message_id, seconds, /, **fields):
    """Return a message that was processed so many seconds after noon of the first day."""
    return row(message_id, processed_at=NOON + timedelta(seconds=seconds), cost=CENT * message_id) | fields


def out(message_id, seconds, /, destination=PHONE, source=OURS, text="Hello", **fields):
    """Return a message that went out."""
    return at(message_id, seconds, source_number=source, destination_number=destination, text=text, **fields)


def came(message_id, seconds, /, source=PHONE, destination=OURS):
    """Return a message that came in."""
    return at(message_id, seconds, source_number=source, destination_number=destination, direction="IN")


def by_day(hand, rows, **where):
    """Put rows into the days to which they belong."""
    for day in sorted({its["processed_at"].date() for its in rows}):
        hand.put(day, [its for its in rows if its["processed_at"].date() == day], **where)


@pytest.fixture(scope="module", params=LAYOUTS)
def answers(request, tmp_path_factory):
    """Publish questions of both streams and their answers."""
    hand = Hand(tmp_path_factory.mktemp("answers") / "data", request.param)
    hand.know(ACCOUNT, name="North")
    sms = [
        out(1, 0, f"+{PHONE}"),
        out(2, 60, PHONE, "+49 30 111222"),
        came(3, 90, "+44 7400 123456"),  # After 30 seconds.
        came(4, 95, f"00{PHONE}", "12345"),  # After 35 seconds, to another number of ours.
        came(5, 40, OTHER),  # Nobody had written to it.
        out(6, 300, OTHER),
        came(7, 300, OTHER),  # In the same moment, which is before it.
        came(8, 86_700, OTHER),  # After a day, to the second.
        came(9, 90_000 + 3600),  # A day and an hour after the last one to it, of a2p.
        out(10, 200, "GB***56"),
        came(11, 210, "GB***56"),  # Whoever that is.
    ]
    by_day(hand, sms)
    hand.put(FIRST, [out(1, 3600, PHONE, SHOP), out(2, 3600, PHONE, SHOP)], stream="a2p")
    # Of another account, whose answers are no answers here.
    hand.put(FIRST, [out(1, 88, PHONE, "49111000111")], account=SOUTH)
    hand.publish()
    return hand


def test_conversations(answers):
    """An answer belongs to the last message to its sender before it, however both are written, within a day."""
    columns = "account, sender, number, answered_to, asked_message_id, answer_message_id, after, asked_stream, stream"
    second = timedelta(seconds=1)
    assert answers.ask(f"SELECT {columns} FROM conversations ORDER BY answered_at") == [
        ("North", OURS, PHONE, OURS, 2, 3, 30 * second, "sms", "sms"),
        ("North", OURS, PHONE, "12345", 2, 4, 35 * second, "sms", "sms"),
        ("North", OURS, OTHER, OURS, 6, 8, 86_400 * second, "sms", "sms"),
    ]
    ((asked, answered, day),) = answers.ask(
        "SELECT asked_at, answered_at, date FROM conversations WHERE answer_message_id = 3"
    )
    noon = NOON.replace(tzinfo=None)
    assert (asked, answered, day) == (noon + 60 * second, noon + 90 * second, FIRST)


def test_conversations_within(answers):
    """How long an answer may take is said by whoever asks; of two messages in one moment the greater id is the last."""
    query = "SELECT answer_message_id, asked_stream, asked_message_id FROM conversations({}) ORDER BY answered_at"
    assert answers.ask(query.format("within := INTERVAL 30 SECONDS")) == [(3, "sms", 2)]
    assert answers.ask(query.format("INTERVAL 2 DAYS"))[-1] == (9, "a2p", 2)
    # Days are those of the answer, and the question may be of the day before.
    second, third = (date(2026, 1, n) for n in (2, 3))
    assert answers.ask(query.format(f"since := DATE '{second}', until := '{third}'")) == [(8, "sms", 6)]
    assert answers.ask(query.format(f"until := DATE '{FIRST}'")) == []


@pytest.fixture(scope="module", params=LAYOUTS)
def repeats(request, tmp_path_factory):
    """Publish messages of which some repeat others."""
    hand = Hand(tmp_path_factory.mktemp("repeats") / "data", request.param)
    hand.know(ACCOUNT, name="North", currency="EUR")
    error = {"status": "error", "status_id": 2}
    sms = [
        out(1, 0, **error),
        out(2, 60, f"+{PHONE}", "+49 30 111222"),  # Repeats 1, a minute later.
        out(3, 121),  # A minute and a second after 2.
        out(4, 130, text="Bye"),  # Another text.
        out(5, 140, OTHER),  # To another one.
        came(6, 141, PHONE, PHONE),
        out(7, 200, OTHER, text=None),
        out(8, 210, OTHER, source=SHOP, text=None),  # Nobody knows what was written, but another one wrote.
        out(9, 220, OTHER, text="xxx"),  # Repeats 7, from the same sender, and nobody knows with which text.
        out(10, 43_200 - 10, "4915100000001"),
        out(11, 43_200 + 10, "4915100000001"),  # Repeats 10, of the day before.
        out(12, 300, "DE***01"),
        out(13, 300, "DE***01"),
        out(14, 310, "4915100000002", "***", text=None),
        out(15, 310, "4915100000002", "***", text=None),
    ]
    by_day(hand, sms)
    hand.put(FIRST, [out(1, 150, source=SHOP, text="Bye")], stream="a2p")  # Repeats 4, by the other stream.
    hand.put(FIRST, [out(1, 1)], account=SOUTH)
    hand.publish()
    return hand


KNOWN = [
    (FIRST, "sms", 2, "sms", 1, "text", 60, "error"),
    (FIRST, "a2p", 1, "sms", 4, "text", 20, "success"),
    (FIRST, "sms", 9, "sms", 7, "sender", 20, "success"),
    (date(2026, 1, 2), "sms", 11, "sms", 10, "text", 20, "success"),
]
"""Each repeat: its day, stream and id, the stream and id of what it repeats, why, seconds, and how that one went."""
COLUMNS = "date, stream, message_id, earlier_stream, earlier_message_id, same, epoch(after)::INTEGER, earlier_status"


def test_duplicates(repeats):
    """A repeat has the recipient and the text of an earlier message, or where texts are not known, its sender."""
    assert repeats.ask(f"SELECT {COLUMNS} FROM duplicates ORDER BY processed_at") == KNOWN
    assert repeats.ask("SELECT account, currency, sum(cost), sum(segments)::INTEGER FROM duplicates GROUP BY ALL") == [
        ("North", "EUR", CENT * (2 + 1 + 9 + 11), 4)
    ]


def test_duplicates_within(repeats):
    """How soon after it a repeat comes is said by whoever asks, and so are the days, of which the first looks back."""
    query = f"SELECT {COLUMNS} FROM duplicates({{}}) ORDER BY processed_at"
    assert repeats.ask(query.format("within := INTERVAL 59 SECONDS")) == KNOWN[1:]
    assert len(repeats.ask(query.format("INTERVAL 61 SECONDS"))) == len(KNOWN) + 1
    assert repeats.ask(query.format("since := '2026-01-02'")) == KNOWN[3:]
    assert repeats.ask(query.format("until := DATE '2026-01-02'")) == KNOWN[:3]


def test_readers_of_a_copy(repeats, tmp_path):
    """The views answer in a copy that is attached under another name, though they are made of macros."""
    copy = tmp_path / "copy.duckdb"
    repeats.warehouse.write_copy(copy)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{copy}' AS published (READ_ONLY)")
        query = f"SELECT {COLUMNS} FROM published.duplicates ORDER BY processed_at"
        assert connection.execute(query).fetchall() == KNOWN
        query = "SELECT sender, answer_message_id FROM published.conversations"
        assert connection.execute(query).fetchall() == [(OURS, 6)]
