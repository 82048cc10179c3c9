"""Every block of docs/questions.md gives what stands there, on a fortnight of which the answers are known."""

import re
import shlex
from datetime import timedelta

import pytest
from support.lakes import FIRST, Hand, row
from support.paths import DOCS
from support.questions import FORTNIGHT, NOW, SHOP, put_questions

from voxlake.cli import commands
from voxlake.reporting import bind_parameters, flags_of, load_saved_queries, query_table, read_scope
from voxlake.warehouse import set_today

pytestmark = pytest.mark.dateless

PAGE = DOCS / "questions.md"
BLOCKS = re.findall(r"^```console\n\$ (.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    """Return the fortnight."""
    return put_questions(tmp_path_factory.mktemp("questions") / "data")


def parted(block):
    """Return the words of the command of a block, and what it prints."""
    lines = block.splitlines(keepends=True)
    count = next(n for n in range(1, len(lines) + 1) if "".join(lines[:n]).count('"') % 2 == 0)
    return shlex.split("".join(lines[:count])), "".join(lines[count:])


def asked(hand, words, monkeypatch, capsys):
    """Run a command on the fortnight, at its noon, and return what it prints."""
    monkeypatch.setenv("VOXLAKE_DATA_DIR", str(hand.root))
    capsys.readouterr()
    assert words[0] == "voxlake"
    commands.main(words[1:], standalone_mode=False, prog_name="voxlake", obj=hand.clock)
    return capsys.readouterr().out


def test_twelve_questions():
    """All are on the page, and all but the one that has no answer have a command."""
    assert re.findall(r"^\*\*(\d+)\. ", PAGE.read_text(), re.MULTILINE) == [str(n) for n in range(1, 13)]
    assert len(BLOCKS) == 11


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: parted(block)[0][2])
def test_page(hand, block, monkeypatch, capsys):
    """What the page shows is what is printed, in 80 columns."""
    words, shown = parted(block)
    assert asked(hand, words, monkeypatch, capsys) == shown
    assert max(map(len, shown.splitlines())) <= 80


ANSWERS = {
    # The shop to Germany: 20 x 0.07 by a2p, and by sms 0.03 + 2 x 0.06 + 0.09 + 0.06 + 4 x 0.03; 100 x 0.02; 4 x 0.05.
    "country-months": [
        ("shop", "EUR", "2025-11", "DE", "2", "2", "0.140000", "100.0"),
        ("support", "USD", "2025-11", "US", "1", "1", "0.750000", "100.0"),
        ("shop", "EUR", "2025-10", "FR", "100", "100", "2.000000", "49.75"),
        ("shop", "EUR", "2025-10", "DE", "29", "34", "1.820000", "45.27"),
        ("shop", "EUR", "2025-10", "GB", "4", "4", "0.200000", "4.98"),
        ("support", "USD", "2025-10", "US", "1", "1", "0.500000", "100.0"),
    ],
    # 9 of 10, then 8 of 10 and all of Anna's 4, and one on its way; 50 of 50, then 49: two points, and not more.
    "sender-weeks": [
        ("shop", "2025-10-27", "MyShop", "15", "14", "12", "85.71", "90.0", "-4.29"),
        ("shop", "2025-10-27", "News", "50", "50", "49", "98.0", "100.0", "-2.0"),
        ("shop", "2025-10-27", "MyShpo", "1", "1", "1", "100.0", "", ""),
        ("shop", "2025-10-20", "News", "50", "50", "50", "100.0", "", ""),
        ("shop", "2025-10-20", "MyShop", "10", "10", "9", "90.0", "", ""),
    ],
    # Two texts of two segments: 2 x 0.03; one of three: 2 x 0.03; one that is not stored: 0.03.
    "multi-segment-cost": [
        ("shop", "EUR", "1", "2", "2", "0.120000", "0.060000", "0.060000", "40.0", "Dear customer, Dear cust..."),
        ("shop", "EUR", "2", "3", "1", "0.090000", "0.060000", "0.120000", "80.0", "Our new opening hours: O..."),
        ("shop", "EUR", "", "2", "1", "0.060000", "0.030000", "", "", "(not stored)"),
    ],
    "similar-senders": [
        ("shop", "EUR", "MyShpo", "1", "0.070000", "2025-11-01", "2025-11-01", "MyShop", "25"),
    ],
    "unknown-fields": [
        ("shop", "a2p", "mcc", "2025-10-31", "2025-10-31", "1", "1", "262 (1)"),
        ("shop", "a2p", "route", "2025-10-31", "2025-10-31", "2", "2", '"direct" (1), "transit" (1)'),
    ],
    # 122 and 4 of 126, 121 and 4 of the 125 that have settled.
    "status-shares": [
        ("shop", "a2p", "status", "success", "122", "96.83", "121", "96.80"),
        ("shop", "a2p", "status", "error", "4", "3.17", "4", "3.20"),
        ("shop", "a2p", "delivery", "DELIVERED", "121", "96.03", "121", "96.80"),
        ("shop", "a2p", "delivery", "FAILED", "4", "3.18", "4", "3.20"),
        ("shop", "a2p", "delivery", "QUEUED", "1", "0.79", "0", "0.00"),
        ("shop", "sms", "status", "success", "11", "100.00", "11", "100.00"),
        ("support", "sms", "status", "success", "1", "50.00", "1", "100.00"),
        ("support", "sms", "status", "waiting", "1", "50.00", "0", "0.00"),
    ],
    "duplicates": [
        (
            "2025-10-31",
            "09:00:59",
            "a2p",
            "MyShop",
            "447400123456",
            "sender",
            "59",
            "success",
            "0.050000",
            "9006",
            "9005",
        ),
        (
            "2025-10-30",
            "09:00:20",
            "a2p",
            "MyShop",
            "447400123456",
            "text",
            "20",
            "success",
            "0.050000",
            "9004",
            "9003",
        ),
    ],
    # From 9:00:59, when the shop wrote last, to 11:30; from 8:00 to 8:10.
    "replies": [
        ("2025-10-31", "11:30:00", "447400123456", "MyShop", "149.0", "4930999", "a2p", "9006", "1"),
        ("2025-10-22", "08:10:00", "4915112345678", "4930999", "10.0", "4930999", "sms", "2", "3"),
    ],
    "incomplete-days": [
        ("shop", "2025-10-23", "sms", "missing", "0", "", ""),
        ("shop", "2025-10-25", "a2p", "unverified", "0", "1", "not verified"),
    ],
}
"""What was worked out by hand, without the columns that say whose a message is, and without the texts themselves."""


@pytest.fixture(scope="module")
def answer(hand):
    """Return a way to ask a report, which gives its rows by name."""
    with hand.warehouse.reader() as connection:
        set_today(connection, hand.clock.now().date())
        scope = read_scope(connection)

        def ask(name, *, accounts=None, tz="UTC", **bounds):
            query = load_saved_queries(None)[name]
            bound = bind_parameters(query, **{"first": None, "end": None, "number": None} | bounds)
            given = scope.bind(bound) | ({"accounts": accounts} if accounts else {})
            given = {key: tz if key == "tz" else value for key, value in given.items()}
            return query_table(connection, query.sql, given, form="DataFrame").to_pylist()

        yield ask


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(answer, name):
    """A report gives what was worked out by hand."""
    rows = answer(name)
    left_out = {"account_id", "text", *(("account", "currency") if "number" in rows[0] else ())}
    texts = [tuple("" if v is None else str(v) for n, v in row.items() if n not in left_out) for row in rows]
    assert texts == ANSWERS[name]


@pytest.mark.parametrize("name", ANSWERS)
def test_bounds(answer, name):
    """Accounts, days and numbers that are not asked for play no part, and days can be those of a zone."""
    flags, whole = flags_of(load_saved_queries(None)[name]), answer(name)
    assert answer(name, accounts=[SHOP]) == [row for row in whole if row["account_id"] == SHOP]
    assert answer(name, end=FORTNIGHT[0]) == answer(name, first=NOW.date()) == []
    assert answer(name, first=FORTNIGHT[0], end=NOW.date()) == whole
    assert "--number" not in flags or answer(name, number="none") == []
    assert "--tz" not in flags or len(answer(name, tz="America/New_York")) >= len(whole)


def test_shares_add_up(tmp_path):
    """However many messages each status has, the shares of a kind are 100 together, of all and of what has settled."""
    hand = Hand(tmp_path / "data")
    statuses = ["DELIVERED", "FAILED", "EXPIRED", "ABORTED", "REJECTED", "UNKNOWN", None]
    for n in range(9):
        day = FIRST + timedelta(days=n)
        counts = [(n + 3) * (k + 1) % 13 for k in range(len(statuses))]
        rows = [status for status, count in zip(statuses, counts, strict=True) for _ in range(count)]
        hand.put(day, [row(100 * n + k, day, delivery_status=its) for k, its in enumerate(rows)], stream="a2p")
    hand.publish()
    query = load_saved_queries(None)["status-shares"]
    with hand.warehouse.reader() as connection:
        for n in range(9):
            first = FIRST + timedelta(days=n)
            bound = bind_parameters(query, first=first, end=first + timedelta(days=1), number=None)
            found = query_table(connection, query.sql, bound, form="DataFrame").to_pylist()
            for kind in ("status", "delivery"):
                for column in ("all_pct", "settled_pct"):
                    assert sum(its[column] for its in found if its["kind"] == kind) == 100
