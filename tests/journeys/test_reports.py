"""Every report answers its question from rows whose answer is known, within the days and the number asked for."""

import csv
import json
import re
import shlex
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from support.clock import CLOCK
from support.lakes import ACCOUNT, FIRST, Hand, row
from support.terminal import run, shown_by
from support.worlds import BERLIN, DAY, FRIDAY, LONDON, SHOP, THURSDAY, put_world, world

from voxlake.cli import commands
from voxlake.phones import normal_number
from voxlake.reporting import Board, Span, number_note, read_scope
from voxlake.reporting.gaps import Gaps
from voxlake.reporting.saved_queries import bind_parameters, load_saved_queries
from voxlake.reporting.widths import width

pytestmark = pytest.mark.dateless


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    """Return the two days."""
    return world(tmp_path_factory.mktemp("reports") / "data")


def asked(hand, name, *, first=None, end=None, number=None, known=None):
    """Return the rows of a report, with names; amounts as text."""
    question = (known or load_saved_queries(None))[name]
    with hand.warehouse.reader() as connection:
        result = connection.execute(question.sql, bind_parameters(question, first=first, end=end, number=number))
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, values, strict=True)) for values in result.fetchall()]
    return [{k: str(v) if isinstance(v, Decimal) else v for k, v in row.items()} for row in rows]


def some(rows, *names):
    """Give some columns of rows."""
    return [tuple(row[name] for name in names) for row in rows]


KNOWN = {
    "daily": (
        ("date", "stream", "messages", "segments", "cost", "success_pct", "delivered_pct", "moving_pct"),
        [
            (FRIDAY, "a2p", 3, 3, "0.080000", 66.67, 50.0, 33.33),
            (THURSDAY, "sms", 5, 7, "0.130000", 60.0, None, 0.0),
        ],
    ),
    "monthly-cost": (
        ("month", "stream", "messages", "cost", "cost_per_message"),
        [("2026-01", "a2p", 3, "0.080000", 0.026667), ("2026-01", "sms", 5, "0.130000", 0.026)],
    ),
    "delivery-rate": (
        ("date", "messages", "delivered", "failed", "moving", "delivered_pct", "moving_pct"),
        [(FRIDAY, 3, 1, 1, 1, 50.0, 33.33)],
    ),
    "top-errors": (
        ("error", "stream", "messages", "cost", "first_day", "last_day"),
        [
            ("Error send sms to # from # Code = 1", "sms", 2, "0.020000", THURSDAY, THURSDAY),
            ("Error send sms to # from # Code = 1", "a2p", 1, "0.040000", FRIDAY, FRIDAY),
        ],
    ),
    "top-destinations": (
        ("country", "messages", "share_pct", "recipients", "cost", "arrived_pct", "moving_pct", "cost_per_arrived"),
        [
            ("DE", 3, 42.86, 1, "0.110000", 100.0, 33.33, 0.055),
            ("GB", 3, 42.86, 1, "0.100000", 33.33, 0.0, 0.1),
            ("unknown", 1, 14.29, 1, "0.000000", 0.0, 0.0, None),
        ],
    ),
    "top-recipients": (
        ("number", "country", "messages", "cost", "days"),
        [(LONDON, "GB", 3, "0.100000", 2), (BERLIN, "DE", 3, "0.110000", 2), ("12345", None, 1, "0.000000", 1)],
    ),
    "sender-performance": (
        ("sender", "stream", "messages", "cost", "success_pct", "delivered_pct", "moving_pct", "cost_per_arrived"),
        [
            (BERLIN, "sms", 4, "0.130000", 50.0, None, 0.0, 0.065),
            (SHOP, "a2p", 3, "0.080000", 66.67, 50.0, 33.33, 0.08),
        ],
    ),
    "failed-but-billed": (
        ("message_id", "stream", "status", "delivery_status", "cost"),
        [(7, "a2p", "error", "FAILED", "0.040000"), (4, "sms", "error", None, "0.020000")],
    ),
    "stuck-messages": (("message_id", "stream", "delivery_status", "hours"), [(8, "a2p", "DISPATCHED", 48.0)]),
    "inbound-vs-outbound": (
        ("date", "received", "sent", "received_pct", "received_cost", "sent_cost"),
        [(FRIDAY, 0, 3, 0.0, "0.000000", "0.080000"), (THURSDAY, 1, 4, 20.0, "0.000000", "0.130000")],
    ),
    "segment-audit": (
        ("message_id", "characters", "segments", "segments_expected", "cost", "overpaid"),
        [(2, 161, 3, 2, "0.060000", "0.020000")],
    ),
}


SHOWN = {
    "changes", "why", "country-months", "sender-weeks", "multi-segment-cost", "similar-senders", "unknown-fields",
    "status-shares", "duplicates", "replies", "incomplete-days", "messages",
}  # fmt: skip
"""Reports that `test_report_tables.py` and `tests/docs/test_questions.py` have."""


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_answer(hand, name):
    """A report gives what was worked out by hand."""
    names, rows = KNOWN[name]
    assert some(asked(hand, name), *names) == rows


def test_every_delivery_has_a_place(tmp_path):
    """What arrived, failed, moves and is unknown is all there is, also where the API gives no status or a new one."""
    hand = Hand(tmp_path / "data")
    statuses = [
        "DELIVERED", "ABORTED", "REJECTED", "FAILED", "EXPIRED", "QUEUED", "DISPATCHED", "UNKNOWN", "NEW", None,
    ]  # fmt: skip
    hand.put(FIRST, [row(n, delivery_status=status) for n, status in enumerate(statuses)], stream="a2p")
    hand.publish()
    names = ("messages", "delivered", "failed", "moving", "unknown")
    assert some(asked(hand, "delivery-rate"), *names) == [(10, 1, 4, 2, 3)]


@pytest.fixture(scope="module")
def settling(tmp_path_factory):
    """Return a day of ten messages of a2p and four of sms, half of which are still on their way, and dear."""
    hand = Hand(tmp_path_factory.mktemp("settling") / "data")
    waiting = {"status": "waiting", "status_id": 3, "cost": Decimal("0.05")}
    deliveries = ["DELIVERED"] * 4 + ["FAILED"] + ["QUEUED", "DISPATCHED", "DISPATCHED", None, "DISPATCHED"]
    a2p = [row(n, delivery_status=status) | (waiting if n > 4 else {}) for n, status in enumerate(deliveries)]
    failed = {"status": "error", "status_id": 2}
    hand.put(FIRST, a2p, stream="a2p")
    hand.put(FIRST, [row(1), row(2, **failed), row(3, **waiting), row(4, **waiting)])
    hand.publish()
    return hand


@pytest.mark.parametrize("view", ["daily", "hourly", "by_sender", "by_country"])
def test_a_view_of_a_settling_day_shows_no_drop(settling, view):
    """Rates are of what has settled, and beside them stands the share that is still on its way."""
    rates = "stream, messages, success_pct, delivered_pct, moving_pct"
    assert settling.ask(f"SELECT {rates} FROM {view} ORDER BY stream") == [
        ("a2p", 10, 100.0, 80.0, 50.0),
        ("sms", 4, 50.0, None, 50.0),
    ]


def test_a_report_of_a_settling_day_shows_no_drop(settling):
    """So they are in reports, and what an arrived message cost is not what the others on their way cost."""
    rates = ("stream", "success_pct", "delivered_pct", "moving_pct")
    assert some(asked(settling, "daily"), *rates) == [("a2p", 100.0, 80.0, 50.0), ("sms", 50.0, None, 50.0)]
    assert some(asked(settling, "sender-performance"), *rates, "cost_per_arrived") == [
        ("a2p", 100.0, 80.0, 50.0, 0.0125),
        ("sms", 50.0, None, 50.0, 0.02),
    ]
    assert some(asked(settling, "top-destinations"), "arrived_pct", "moving_pct", "cost_per_arrived") == [
        (71.43, 50.0, 0.014)
    ]
    assert some(asked(settling, "delivery-rate"), "delivered", "failed", "moving", "unknown", *rates[2:]) == [
        (4, 1, 5, 0, 80.0, 50.0)
    ]
    assert settling.ask("SELECT stream, succeeded, delivered, cost_per_arrived FROM costs ORDER BY stream") == [
        ("a2p", 5, 4, 0.0125),
        ("sms", 1, None, 0.02),
    ]
    assert settling.ask("SELECT DISTINCT moving_pct FROM delivery") == [(50.0,)]


def test_the_page_of_a_settling_day_shows_no_drop(settling):
    """So they are on the dashboard: in its headlines, its tables, and where one points at."""
    with settling.warehouse.reader() as connection:
        page = Board(
            connection, Span(FIRST, FIRST + DAY), read_scope(connection), Gaps(CLOCK.now(), of_one_account=False)
        ).html()
    text = page.replace("\N{NARROW NO-BREAK SPACE}", "")
    assert text.count('<span class="value">80.0%</span><span class="way">50.0% still on its way') == 1
    assert "<td>80.0%<td>5<td>50.0%" in text
    assert "2026-01-01 · A2P: 80.0%, 50.0% still on its way" in text
    assert "<td>71.4%<td>50.0%" in text
    in_two_headlines_and_of_two_senders = 4
    assert text.count('<span class="way">50.0% still on its way</span>') == in_two_headlines_and_of_two_senders


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Return two days of two accounts with values as wide as real ones: ids, numbers, names, amounts, errors."""
    hand = Hand(tmp_path_factory.mktemp("wide") / "data")
    hand.know(4711, name="Berlin shop", currency="EUR", time_zone="Europe/Berlin")
    hand.know(1234567, name="support", currency="USD", time_zone="America/New_York")
    for account, factor in ((4711, 1), (1234567, 12345)):
        put_world(hand, account, times=factor, first_id=1234567890123456000)
    hand.publish()
    return hand


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", sorted(load_saved_queries(None)))
def test_a_table_has_80_columns(wide, name, monkeypatch, capsys):
    """Every report fits as a table, a line a row in a pipe, and says what it leaves out; csv has every column."""
    monkeypatch.setenv("VOXLAKE_DATA_DIR", str(wide.root))
    assert run("report", name) == 0
    shown = capsys.readouterr()
    assert max(map(width, shown.out.splitlines())) <= 80
    left_out = re.findall(r"The table is too narrow for (.*): --format csv has every column", shown.err)
    code, text = shown_by("report", name)
    assert (code, text.replace("\r", "").startswith(shown.out)) == (0, True)
    assert run("report", name, "--format", "csv") == 0
    columns = next(csv.reader(capsys.readouterr().out.splitlines()))
    assert set(", ".join(left_out).split(", ")) - {""} < set(columns)
    assert set(load_saved_queries(None)[name].spare) <= set(columns)
    assert run("report", name, "-q") == 0
    assert not re.findall("too narrow", capsys.readouterr().err)


@pytest.mark.parametrize("name", sorted(load_saved_queries(None)))
def test_help(name, capsys):
    """The help of a report says what it answers and looks at, and has an example that asks this report."""
    query = load_saved_queries(None)[name]
    assert run("report", name, "--help") == 0
    text = capsys.readouterr().out
    assert " ".join(query.promise.split()) in " ".join(text.split())
    assert query.example.startswith(f"voxlake report {name} ")
    assert text.endswith(f"Example:\n  {query.example}\n")
    words = shlex.split(query.example)[1:]
    ctx = commands.make_context("voxlake", words, obj=CLOCK)
    _, report, rest = commands.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
    given = {
        flag
        for option in report.make_context("report", rest, parent=ctx, obj=CLOCK).command.params
        for flag in option.opts
        if flag in words
    }
    assert given - {"--limit", "--out", "--format"} <= set(re.findall(r"--\w+", text))


def test_a_day(hand, monkeypatch, capsys):
    """A day stands for its bounds, and a report that is asked as a command is one."""
    monkeypatch.setenv("VOXLAKE_DATA_DIR", str(hand.root))
    assert run("report", "daily", THURSDAY, "--format", "csv") == 0
    alone = capsys.readouterr().out
    assert run("report", "daily", "--from", THURSDAY, "--to", FRIDAY, "--format", "csv") == 0
    assert capsys.readouterr().out == alone
    assert run("report", "daily", THURSDAY, "--to", FRIDAY) == 2
    assert "two spans" in capsys.readouterr().err
    assert run("daily", THURSDAY) == 2
    assert "'voxlake report daily 2026-01-01'" in capsys.readouterr().err


def test_why_without_a_day(hand, monkeypatch, capsys):
    """The proof of every day says how to ask for one, unless days or a limit were chosen."""
    monkeypatch.setenv("VOXLAKE_DATA_DIR", str(hand.root))
    hint = "No day was named, so this is every day: "
    for chosen, is_said in {(): True, (THURSDAY,): False, ("--from", THURSDAY): False, ("-q",): False}.items():
        assert run("report", "why", *chosen) == 0
        assert (hint in capsys.readouterr().err) == is_said


def test_an_empty_report_says_what_that_means(hand, monkeypatch, capsys):
    """A table without rows is explained on stderr, unless a number was asked for, which has a sentence of its own."""
    monkeypatch.setenv("VOXLAKE_DATA_DIR", str(hand.root))
    known = load_saved_queries(None)
    for name, beginning in {"changes": "Nothing is on record", "stuck-messages": "Nothing of these days"}.items():
        said = known[name].if_empty
        assert said.startswith(beginning)
        for options, is_said in {(): True, ("-q",): False, ("--format", "csv"): False}.items():
            assert run("report", name, "2031-01-01", *options) == 0
            assert (said in capsys.readouterr().err) == is_said
    assert run("report", "daily") == 0
    assert known["daily"].if_empty not in capsys.readouterr().err
    assert run("report", "stuck-messages", "--number", "1") == 0
    assert known["stuck-messages"].if_empty not in capsys.readouterr().err


def test_the_list_fits_a_terminal(capsys):
    """The reports are listed on a line each in a pipe, and folded below themselves on a terminal, word by word."""
    assert run("report") == 0
    listed = capsys.readouterr().out
    assert len(listed.splitlines()) == len(load_saved_queries(None))
    code, text = shown_by("report")
    assert (code, text.split()) == (0, listed.split())
    assert max(map(width, text.replace("\r", "").splitlines())) <= 80


def test_all_are_tried():
    """No report is without an answer worked out by hand."""
    assert set(load_saved_queries(None)) == {*KNOWN, "cost-anomalies", *SHOWN}


def test_cost_anomalies(tmp_path):
    """A day is compared with the same weekdays of four weeks, days that are not whole with none, quiet days count."""
    hand = Hand(tmp_path / "data")
    costs = {0: 1, 7: 1, 14: 2, 21: None, 28: 3, 1: 1, 8: 1, 15: 1, 22: 1, 29: 1, 35: 1}
    for after, cost in costs.items():
        day = FIRST + DAY * after
        hand.put(day, [] if cost is None else [row(after, day, cost=Decimal(cost))])
    hand.put(FIRST + DAY * 36, [], exported_at=datetime(2026, 2, 6, 12, tzinfo=UTC))
    hand.publish()
    rows = asked(hand, "cost-anomalies")
    names = ("date", "weekday", "cost", "usual_cost", "times_usual", "weeks")
    assert some(rows, *names) == [
        (FIRST + DAY * 28, "Thursday", "3.000000", 1.0, 3.0, 4),
        (FIRST + DAY * 21, "Thursday", "0.000000", 1.333333, 0.0, 3),
        (FIRST + DAY * 14, "Thursday", "2.000000", 1.0, 2.0, 2),
    ]
    within = asked(hand, "cost-anomalies", first=FIRST + DAY * 28, end=FIRST + DAY * 29)
    assert some(within, *names) == some(rows[:1], *names)


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", [*sorted(KNOWN), "cost-anomalies"])
def test_bounds(hand, name):
    """Days before --from, from --to on, and messages of other numbers play no part."""
    question = load_saved_queries(None)[name]
    assert set(re.findall(r"\$(\w+)", question.sql)) == {"from", "to", "number", "accounts", "tz"}
    whole = asked(hand, name)
    assert asked(hand, name, first=THURSDAY, end=FRIDAY + DAY) == whole
    assert asked(hand, name, first=FRIDAY + DAY) == asked(hand, name, end=THURSDAY) == []
    one_day = asked(hand, name, first=FRIDAY)
    assert {r["date"] for r in one_day if "date" in r} <= {FRIDAY}
    assert asked(hand, name, number="no such number") == []
    if name == "daily":
        assert some(asked(hand, name, number=SHOP), "date", "messages") == [(FRIDAY, 3)]
        assert some(asked(hand, name, number=LONDON), "date", "messages") == [(FRIDAY, 2), (THURSDAY, 2)]


def test_top_recipients_are_all(tmp_path):
    """No recipient is left out unasked."""
    hand = Hand(tmp_path)
    hand.put(FIRST, [row(n, destination_number=str(447900000000 + n)) for n in range(101)])
    hand.publish()
    assert len(asked(hand, "top-recipients")) == 101


@pytest.mark.parametrize("number", ["' OR 1=1 --", "$from", "4930111222'; DROP TABLE x"])
def test_number_is_bound(hand, number):
    """What is asked for is a value and never part of the query."""
    assert asked(hand, "daily", number=number) == []


def test_own_reports(hand, tmp_path):
    """A folder of one's own stands beside ours."""
    (tmp_path / "big-spenders.sql").write_text(
        "-- Numbers that cost more than a cent.\nSELECT destination_number AS number, sum(cost) AS cost FROM messages\n"
        "WHERE date >= $from GROUP BY ALL HAVING sum(cost) > 0.1 ORDER BY number;\n"
    )
    known = load_saved_queries(tmp_path)
    assert known["big-spenders"].promise == "Numbers that cost more than a cent."
    assert list(known)[-1] == "big-spenders"
    assert some(asked(hand, "big-spenders", known=known), "number", "cost") == [(BERLIN, "0.110000")]
    assert asked(hand, "big-spenders", first=FRIDAY, known=known) == []


def taken(folder):
    """Return a file the name of one of our reports."""
    (folder / "daily.sql").write_text("SELECT 1")


def no_text(folder):
    """Write what is no text."""
    (folder / "odd.sql").write_bytes(b"\xff\xfe")


def no_file(folder):
    """Make a folder that has the name of a report."""
    (folder / "odd.sql").mkdir()


@pytest.mark.parametrize(("harm", "name"), [(taken, "daily.sql"), (no_text, "odd"), (no_file, "odd")])
def test_a_bad_file_stops_only_itself(hand, voxlake, tmp_path, harm, name):
    """A file that is unusable is listed as such and refused by name; ours and the others answer."""
    harm(tmp_path)
    (tmp_path / "zzz.sql").write_text("SELECT 1 AS one")
    env = {"VOXLAKE_DATA_DIR": str(hand.root), "VOXLAKE_REPORTS_DIR": str(tmp_path)}
    listed = dict(
        line.split(maxsplit=1) for line in voxlake("report", env=env).stdout.splitlines() if "zzz" not in line
    )
    assert listed.keys() == {*load_saved_queries(None), name}
    assert listed[name].startswith("unusable: ")
    (line,) = voxlake("report", name, env=env, code=2).stderr.splitlines()
    assert line == f"voxlake: {listed[name].removeprefix('unusable: ')}"
    assert name not in voxlake("report", "no-such-report", env=env, code=2).stderr.replace("daily,", "")
    assert "2026-01-01" in voxlake("report", "daily", env=env).stdout
    assert voxlake("report", "zzz", "--format", "csv", env=env).stdout == "one\n1\n"


def test_views(hand):
    """Every view has what was worked out by hand."""
    assert hand.ask(
        "SELECT date, stream, direction, messages, cost, success_pct, delivered FROM daily ORDER BY ALL"
    ) == [
        (THURSDAY, "sms", "IN", 1, 0, 100.0, None),
        (THURSDAY, "sms", "OUT", 4, Decimal("0.13"), 50.0, None),
        (FRIDAY, "a2p", "OUT", 3, Decimal("0.08"), 66.67, 1),
    ]
    assert hand.ask("SELECT hour, messages FROM hourly WHERE stream = 'sms' AND direction = 'OUT' ORDER BY ALL") == [
        (datetime(2026, 1, 1, 12), 3),  # noqa: DTZ001 - the database's times are plain UTC
        (datetime(2026, 1, 1, 13), 1),  # noqa: DTZ001
    ]
    assert hand.ask(
        f"SELECT number, stream, sent, received, cost FROM by_number WHERE number = '{LONDON}' ORDER BY ALL"
    ) == [
        (LONDON, "a2p", 0, 2, Decimal("0.08")),
        (LONDON, "sms", 1, 1, Decimal("0.02")),
    ]
    assert hand.ask("SELECT account_id, sender, messages, delivered_pct, moving_pct FROM by_sender ORDER BY ALL") == [
        (ACCOUNT, BERLIN, 4, None, 0.0),
        (ACCOUNT, SHOP, 3, 50.0, 33.33),
    ]
    assert hand.ask("SELECT country, stream, messages, segments FROM by_country ORDER BY ALL") == [
        ("DE", "a2p", 1, 1),
        ("DE", "sms", 2, 5),
        ("GB", "a2p", 2, 2),
        ("GB", "sms", 1, 0),
        (None, "sms", 1, 1),
    ]
    assert hand.ask("SELECT stream, error, messages FROM errors ORDER BY ALL") == [
        ("a2p", "Error send sms to # from # Code = 1", 1),
        ("sms", "Error send sms to # from # Code = 1", 2),
    ]
    assert hand.ask("SELECT date, delivery_status, messages, share_pct, moving_pct FROM delivery ORDER BY ALL") == [
        (FRIDAY, "DELIVERED", 1, 33.33, 33.33),
        (FRIDAY, "DISPATCHED", 1, 33.33, 33.33),
        (FRIDAY, "FAILED", 1, 33.33, 33.33),
    ]
    assert hand.ask("SELECT stream, message_id, hours FROM stuck") == [("a2p", 8, 48.0)]
    assert hand.ask(
        "SELECT country, cost, delivered, cost_per_arrived FROM costs WHERE stream = 'a2p' ORDER BY ALL"
    ) == [
        ("DE", None, 0, None),
        ("GB", Decimal("0.08"), 1, 0.08),
    ]


SPELLINGS = [
    LONDON, f"+{LONDON}", f"00{LONDON}", "+44 7400 123456", "+44-7400-123456", "(44) 7400 123456",
    f"\u202a+{LONDON}\u202c",
]  # fmt: skip


@pytest.mark.sample(1)
@pytest.mark.parametrize("layout", ["portable", "linked"])
def test_one_phone_is_one_phone(tmp_path, layout):
    """However the API writes a number and whoever asks, it is one number, of one country; a treated one stays."""
    hand = Hand(tmp_path / "data", layout)
    treated = ["GB***56", "GB#" + "0a" * 16, "#" + "1b" * 16, "***", "", None]
    hand.put(
        FIRST,
        [row(n, destination_number=spelled) for n, spelled in enumerate(SPELLINGS)]
        + [row(50 + n, source_number=spelled) for n, spelled in enumerate(SPELLINGS)]
        + [row(100 + n, source_number=its, destination_number=its) for n, its in enumerate(treated)],
    )
    hand.put(FIRST, [row(n, source_number=its) for n, its in enumerate(SPELLINGS)], stream="a2p")
    hand.publish()
    times, number = len(SPELLINGS), f"number = '{LONDON}'"
    assert hand.ask(f"SELECT stream, sent, received FROM by_number WHERE {number} ORDER BY ALL") == [
        ("a2p", times, 0),
        ("sms", times, times),
    ]
    assert hand.ask(f"SELECT stream, messages FROM by_sender WHERE sender = '{LONDON}' ORDER BY ALL") == [
        ("a2p", times),
        ("sms", times),
    ]
    assert (LONDON, "GB", times) in some(asked(hand, "top-recipients"), "number", "country", "messages")
    assert (LONDON, times) in some(asked(hand, "sender-performance"), "sender", "messages")
    for spelled in SPELLINGS:
        assert some(asked(hand, "daily", number=spelled), "stream", "messages") == [("a2p", times), ("sms", 2 * times)]
        assert hand.ask(f"SELECT count(*) FROM messages_of(number := '{spelled}')") == [(3 * times,)]
    assert hand.ask(
        "SELECT source IS NOT DISTINCT FROM source_number AND destination IS NOT DISTINCT FROM destination_number"
        " FROM messages WHERE message_id >= 100"
    ) == [(True,)] * len(treated)
    differs = "SELECT count(*) FROM messages WHERE settled IS DISTINCT FROM settled(stream, status, delivery_status)"
    assert hand.ask(differs) == [(0,)]


def noted(hand, number, **asked):
    """Return what is said of a number that a report was asked for."""
    with hand.warehouse.reader() as connection:
        question = load_saved_queries(None)["daily"]
        bound = bind_parameters(question, first=asked.get("first"), end=asked.get("end"), number=number)
        return number_note(connection, read_scope(connection).bind(bound), has_key=asked.get("key", False))


@pytest.mark.parametrize(
    ("number", "near"),
    [
        ("447400123457", LONDON), ("44740012345", LONDON), ("07400 123456", LONDON), ("+1 7400 123456", LONDON),
        ("my shp", SHOP), ("4930111333", None), ("INFO", None), ("33612345678", None),
    ],
)  # fmt: skip
def test_a_number_without_messages(hand, number, near):
    """It is said in one sentence, with the numbers that are near it, if there are any."""
    said = f"No message is from or to {normal_number(number)}"
    assert noted(hand, number) == (f"{said}; near it is {near}." if near else f"{said}.")


def test_a_number_of_other_days(hand):
    """It is said when it has messages."""
    assert noted(hand, f"+{LONDON}") is None
    assert noted(hand, SHOP, first=FRIDAY) is None
    assert noted(hand, SHOP, end=FRIDAY) == (
        f"No message of these days is from or to {SHOP}: it has 3 messages, of {FRIDAY} to {FRIDAY}."
    )
    assert noted(hand, "447400123457", end=FRIDAY).startswith("No message of these days is from or to 447400123457; ne")


def test_no_number_is_near_a_digest(tmp_path):
    """Where numbers are digests, none is named, and who has no key is told what finds them."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1, destination_number="GB#" + "0a" * 16), row(2, destination_number=LONDON), row(3, text="")])
    hand.publish()
    sentence = "No message is from or to 447400123457: numbers are kept as digests here, "
    assert noted(hand, "447400123457") == f"{sentence}which are found with the privacy key alone."
    assert noted(hand, "447400123457", key=True) == f"{sentence}and none is of this one."


@pytest.mark.sample(1)
@pytest.mark.parametrize("layout", ["portable", "linked"])
def test_former_names(tmp_path, layout):
    """What was renamed answers under its former name, too, in tables, views and macros."""
    hand = world(tmp_path / "data", database=layout)
    former = "Former name of "
    columns = hand.ask(
        "SELECT schema_name || '.' || table_name, column_name, comment FROM duckdb_columns()"
        f" WHERE starts_with(comment, '{former}') AND NOT internal"
    )
    assert len(columns) > 20
    for place, old, comment in columns:
        new = comment.removeprefix(former).partition(",")[0]
        assert hand.ask(f"SELECT count(*) FROM {place} WHERE {old} IS DISTINCT FROM {new}") == [(0,)]
    for macro, number in (("messages_of", "fragments"), ("days_of", "parts"), ("totals_of", "parts")):
        assert hand.ask(
            f"SELECT channel, sum({number}) FROM {macro}(number := '{LONDON}') GROUP BY ALL ORDER BY ALL"
        ) == [
            ("a2p", 2),
            ("sms", 1),
        ]
    assert hand.ask("SELECT channel, sum(parts) FROM hours_of() GROUP BY ALL ORDER BY ALL") == [("a2p", 3), ("sms", 7)]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Number +4930111222 is not reachable", "Number # is not reachable"),
        ("Number 8(800)555-35-35 is busy", "Number # is busy"),
        ("Error 404", "Error 404"),
        ("from My Shop to 1234: Code 8", "from # to 1234: Code 8"),
        ("My Shop", "#"),
        ("id 123e4567-e89b-12d3-a456-426614174000 lost", "id # lost"),
        (None, None),
        ("", ""),
    ],
)
@pytest.mark.parametrize("destination", ["4412345678", "", None])
def test_error_kind(hand, message, kind, destination):
    """What differs from message to message is taken out of an error, what tells the kind stays."""
    assert hand.ask("SELECT error_kind($1, 'My Shop', $2)", message, destination) == [(kind,)]


def test_report_command(hand, voxlake, tmp_path):
    """`report` binds its flags, lists one's own reports, writes files, and says in a sentence what it cannot do."""
    env = {"VOXLAKE_DATA_DIR": str(hand.root), "VOXLAKE_REPORTS_DIR": str(tmp_path / "own")}
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.sql").write_text("SELECT count(*) AS n FROM messages WHERE date < $to;\n")
    listed = [line.split()[0] for line in voxlake("report", env=env).stdout.splitlines()]
    assert listed == [*sorted(load_saved_queries(None)), "mine"]
    as_json = json.loads(voxlake("report", "--format", "json", env=env).stdout)
    assert [(one["name"], one["description"]) for one in as_json] == [
        (one.name, one.promise) for one in load_saved_queries(tmp_path / "own").values()
    ]
    done = voxlake("report", "--out", "list.csv", env=env)
    assert (done.stdout, done.stderr) == ("", f"{len(listed)} rows: list.csv\n")
    with (voxlake.folder / "list.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == as_json
    flags = ["--from", THURSDAY, "--to", FRIDAY, "--number", LONDON, "--format", "json"]
    (found,) = json.loads(voxlake("report", "daily", *flags, env=env).stdout)
    flags[flags.index(LONDON)] = f"+{LONDON}"
    assert json.loads(voxlake("report", "daily", *flags, env=env).stdout) == [found]
    assert (found["date"], found["messages"]) == (str(THURSDAY), 2)
    assert voxlake("report", "mine", "--to", FRIDAY, "--format", "csv", env=env).stdout == "n\n5\n"
    done = voxlake("report", "daily", "--out", "daily.csv", env=env)
    assert (done.stdout, done.stderr.splitlines()[0]) == ("", "2 rows: daily.csv")
    assert (voxlake.folder / "daily.csv").read_text().count("\n") == 3
    for arguments, told in (
        (["mine", "--from", FRIDAY], "--from"),
        (["daily", "--from", FRIDAY, "--to", FRIDAY], "--to"),
        (["daily", "--from", "soon"], "--from"),
        (["daily", "--out", "daily.doc"], ".xlsx"),
        (["daily", "--format", "xlsx"], "--out"),
        (["dayly"], "daily"),
        (["--from", FRIDAY], "name a report"),
        (["--limit", "3", "--number", LONDON, "--format", "json"], "--number, --limit"),
        (["--format", "xlsx"], "--out"),
        (["daily", "--reports-dir", "nowhere"], "nowhere"),
    ):
        assert told in voxlake("report", *arguments, env=env, code=2).stderr
    assert date.fromisoformat(found["date"]) == THURSDAY
