"""Costs are never added up across currencies: every view and report says whose a row is, and in which unit.

Three accounts hold the same two days, whose sums for one of them were worked out by hand in `test_reports.py`. The
second pays ten times as much, the third a hundred times, and in another currency.
"""

import json
import re
import tarfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from support.lakes import FIRST, Hand, row
from support.worlds import DAY, FRIDAY, THURSDAY, put_world, world

from voxlake.errors import SettingsError
from voxlake.library import open_database, publish
from voxlake.reporting import bind_parameters, load_saved_queries
from voxlake.sql import statements
from voxlake.warehouse import Warehouse

pytestmark = pytest.mark.dateless

NORTH, SOUTH, WEST = 11, 12, 13
TIMES = {NORTH: 1, SOUTH: 10, WEST: 100}
FACTS = {NORTH: ("North", "EUR"), SOUTH: ("South", "EUR"), WEST: ("13", "USD")}
"""What the rows of each account say of it: its name or number, and its currency."""

COSTS = {
    "messages": "0.21", "totals": "0.21", "daily": "0.21", "hourly": "0.21", "costs": "0.21", "by_country": "0.21",
    "by_sender": "0.21", "by_number": "0.42", "errors": "0.06", "stuck": None, "sender_days": "0.21",
    "country_days": "0.21", "error_days": "0.06", "number_days": "0.42", "numbers": "0.42", "duplicates": "0.10",
}  # fmt: skip
"""What the rows of each view with a cost add up to for the first account: 0.13 of sms and 0.08 of a2p, or part of it.

`by_number`, `number_days` and `numbers` count each message for its sender and its recipient; the one message of `stuck`
has no cost yet. Of `duplicates`, there is one of sms for 0.06, and one of a2p for 0.04.
"""

REPORTED = {
    "daily": {"cost": "0.21"},
    "messages": {"cost": "0.21"},
    "monthly-cost": {"cost": "0.21"},
    "country-months": {"cost": "0.21"},
    "top-errors": {"cost": "0.06"},
    "top-destinations": {"cost": "0.21"},
    "top-recipients": {"cost": "0.21"},
    "sender-performance": {"cost": "0.21"},
    "failed-but-billed": {"cost": "0.06"},
    "stuck-messages": {"cost": None},
    "inbound-vs-outbound": {"received_cost": "0.00", "sent_cost": "0.21"},
    "segment-audit": {"cost": "0.06", "overpaid": "0.02"},
    "multi-segment-cost": {"cost": "0.11", "beyond_first": "0.065", "saved": "0.065"},
    "duplicates": {"cost": "0.10"},
}
"""The same of every report with a cost, but for those that two days say nothing to."""

SILENT = {"changes", "cost-anomalies", "replies", "similar-senders", "unknown-fields"}
"""Reports that have nothing to say of those days; they have tests of their own, here or of the page of questions."""


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    """Publish the days of three accounts, of which one has a zone, and one no name."""
    hand = Hand(tmp_path_factory.mktemp("money") / "data")
    for account, times in TIMES.items():
        put_world(hand, account, times=times)
    hand.know(NORTH, name="North", currency="EUR", time_zone="Europe/Berlin")
    hand.know(SOUTH, name="South", currency="EUR", parent_id=NORTH, exported_since={"sms": FIRST, "a2p": FRIDAY})
    hand.know(WEST, currency="USD", time_zone="America/New_York")
    hand.publish()
    return hand


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Publish the days of one account of which nothing is known."""
    return world(tmp_path_factory.mktemp("alone") / "data")


def asked(hand, sql, bound=None):
    """Return the rows of a query, with names."""
    with hand.warehouse.reader() as connection:
        result = connection.execute(sql, bound or {})
        names = [column[0] for column in result.description]
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]


def reported(hand, name, **given):
    """Return the rows of a report."""
    query = load_saved_queries(None)[name]
    return asked(hand, query.sql, bind_parameters(query, **{"first": None, "end": None, "number": None} | given))


def exact(amount, times=1):
    """Return an amount so many times."""
    return None if amount is None else Decimal(amount) * times


def test_the_table_of_accounts(hand):
    """Every account with a day is there once, with what is known of it, and null for what is not."""
    columns = "account_id, name, parent_id, currency, time_zone, first_day, exported_since, refreshed_at"
    assert hand.ask(f"SELECT {columns} FROM accounts ORDER BY account_id") == [
        (NORTH, "North", None, "EUR", "Europe/Berlin", THURSDAY, None, None),
        (SOUTH, "South", NORTH, "EUR", None, THURSDAY, THURSDAY, None),
        (WEST, None, None, "USD", "America/New_York", THURSDAY, None, None),
    ]


def test_all_are_tried():
    """No view and no report with a cost is without a sum that was worked out by hand."""
    with_cost = {
        kind: {name for name, text in statements(kind).items() if re.search(r"\bcost\b", text.partition("\n")[2])}
        for kind in ("views", "reports")
    }
    assert with_cost == {"views": {*COSTS}, "reports": {*REPORTED, "cost-anomalies", "similar-senders"}}


@pytest.mark.parametrize("view", sorted(COSTS))
def test_views(hand, view):
    """The sum of each account is its own, and those of a currency are its accounts'."""
    query = f"SELECT account_id, account, currency, sum(cost) AS cost FROM {view} GROUP BY ALL ORDER BY account_id"
    assert [tuple(row.values()) for row in asked(hand, query)] == [
        (account, *FACTS[account], exact(COSTS[view], times)) for account, times in TIMES.items()
    ]
    query = f"SELECT currency, sum(cost) FROM {view} GROUP BY currency ORDER BY currency"
    assert hand.ask(query) == [("EUR", exact(COSTS[view], 11)), ("USD", exact(COSTS[view], 100))]


def test_views_that_count(hand):
    """A view without a cost says whose a row is, too, and its shares are within the account."""
    query = "SELECT account_id, account, currency, delivery_status, share_pct FROM delivery ORDER BY ALL"
    assert hand.ask(query) == [
        (account, *facts, status, 33.33)
        for account, facts in FACTS.items()
        for status in ("DELIVERED", "DISPATCHED", "FAILED")
    ]


@pytest.mark.parametrize("name", sorted(REPORTED))
def test_reports(hand, name):
    """The amounts of each account in a report add up to what was worked out by hand."""
    rows = reported(hand, name)
    for account, times in TIMES.items():
        own = [its for its in rows if its["account_id"] == account]
        assert {(its["account"], its["currency"]) for its in own} == {FACTS[account]}
        for column, amount in REPORTED[name].items():
            known = [its[column] for its in own if its[column] is not None]
            assert (sum(known, Decimal(0)) if known else None) == exact(amount, times)


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", sorted(set(load_saved_queries(None)) - SILENT))
def test_an_account_among_others(hand, alone, name):
    """An account's rows among others are those that it has alone, in all but the amounts, shares and order."""

    def plain(rows):
        return sorted(
            str({key: value for key, value in its.items() if key not in ("account_id", "account", "currency")})
            for its in rows
        )

    expected = plain(reported(alone, name))
    assert expected
    assert plain(its for its in reported(hand, name) if its["account_id"] == NORTH) == expected
    assert plain(reported(hand, name, accounts=[NORTH])) == expected
    assert len(reported(hand, name, accounts=[SOUTH, WEST])) == 2 * len(expected)
    assert reported(hand, name, accounts=[99]) == []


@pytest.mark.parametrize(("name", "amount"), [("failed-but-billed", "cost"), ("segment-audit", "overpaid")])
def test_amounts_of_two_currencies_are_not_compared(hand, name, amount):
    """What is dearest comes first within its currency: a hundred dollars are not more than ten euros."""
    found = [(its["currency"], its[amount]) for its in reported(hand, name)]
    assert found == sorted(found, key=lambda its: (its[0], -its[1]))
    assert len({currency for currency, _ in found}) == 2


def test_anomalies(tmp_path):
    """A day is compared with the same account's; the widest of a currency comes first."""
    hand = Hand(tmp_path / "data")
    for account, times in TIMES.items():
        for week, cost in enumerate((1, 1, 3)):
            day = FIRST + DAY * 7 * week
            hand.put(day, [row(week, day, cost=Decimal(cost * times))], account=account)
        hand.know(account, currency=FACTS[account][1])
    hand.publish()
    names = ("account_id", "currency", "date", "cost", "usual_cost", "times_usual")
    assert [tuple(its[name] for name in names) for its in reported(hand, "cost-anomalies")] == [
        (SOUTH, "EUR", FIRST + DAY * 14, Decimal(30), 10.0, 3.0),
        (NORTH, "EUR", FIRST + DAY * 14, Decimal(3), 1.0, 3.0),
        (WEST, "USD", FIRST + DAY * 14, Decimal(300), 100.0, 3.0),
    ]


def sums(statement):
    """Return each clause by which a statement groups after it has added up costs."""
    for found in re.finditer(r"\b(?:sum|avg)\((?:coalesce\()?(?:\w+\.)?cost\b", statement):
        rest = statement[found.end() :]
        window = re.match(r"[^,]*? OVER (\w+)", rest)
        clause = rf"{window[1]} AS \(\s*PARTITION BY ([^\n]*)" if window else r"GROUP BY ([^\n]*)"
        yield re.search(clause, rest)[1]


@pytest.mark.parametrize(
    ("kind", "name", "statement"),
    [(kind, *each) for kind in ("views", "reports", "dashboard") for each in statements(kind).items()],
)
def test_no_statement_adds_up_across_currencies(kind, name, statement):
    """Whoever adds up costs groups them by account or currency."""
    for clause in sums(statement):
        grouped = statement if clause.startswith("ALL") else clause
        assert re.search(r"\b(account_id|currency)\b", grouped), (kind, name, clause)


def test_that_grep_finds_sums():
    """The test before this one would see a sum across currencies."""
    assert list(sums("SELECT date, sum(cost) AS cost\nFROM messages\nGROUP BY date")) == ["date"]
    assert len([each for text in statements("reports").values() for each in sums(text)]) > 8


def test_report_command(hand, alone, voxlake, tmp_path):
    """Columns say whose a row is where there are several accounts, in every format, and only there."""
    unit = ["account_id", "account", "currency"]
    for where, extra in ((hand, unit), (alone, [])):
        given = ("report", "daily", "--data-dir", where.root)
        assert list(json.loads(voxlake(*given, "--format", "json").stdout)[0])[:4] == [*extra, "date"][:4] or not extra
        for ending in ("csv", "txt"):
            voxlake(*given, "--out", tmp_path / f"daily.{ending}")
            head = (tmp_path / f"daily.{ending}").read_text().split("\n")[0]
            assert re.split(r"[, ]+", head)[: len(extra) + 1] == [*extra, "date"]
        voxlake(*given, "--out", tmp_path / "daily.parquet")
        assert pq.read_schema(tmp_path / "daily.parquet").names[: len(extra) + 1] == [*extra, "date"]
    # A message is known by its account, too: its number stays.
    rows = json.loads(voxlake("report", "failed-but-billed", "--data-dir", alone.root, "--format", "json").stdout)
    assert list(rows[0])[:4] == ["date", "stream", "account_id", "message_id"]


def test_accounts_on_the_command_line(hand, voxlake):
    """Accounts are chosen by number, name and pattern, and queries get their numbers, or those of all."""

    def ids(*arguments):
        done = voxlake(*arguments, "--data-dir", hand.root, "--format", "json")
        return sorted({its["account_id"] for its in json.loads(done.stdout)}), done.stderr

    assert ids("report", "daily", "--account", "north", "--account", WEST)[0] == [NORTH, WEST]
    assert ids("report", "daily", "--account", "*o*th")[0] == [NORTH, SOUTH]
    sql = "SELECT DISTINCT account_id FROM daily WHERE account_id IN $accounts"
    assert ids("query", sql)[0] == [NORTH, SOUTH, WEST]
    assert ids("query", sql, "--account", "South")[0] == [SOUTH]
    assert ids("query", "SELECT DISTINCT account_id FROM messages_of(account_ids := $accounts, tz := $tz)")[0] == [
        NORTH, SOUTH, WEST,
    ]  # fmt: skip
    for arguments, told in (
        (["report", "daily", "--account", "Nort"], "'North'"),
        (["report", "daily", "--tz", "Europe/Berln"], "'Europe/Berlin'"),
        (["query", "SELECT 1", "--account", "North"], "use $accounts in it"),
        (["query", "SELECT 1", "--tz", "account"], "use $tz in it"),
        (["report", "--account", "North"], "--account"),
    ):
        assert told in voxlake(*arguments, "--data-dir", hand.root, code=2).stderr


def test_own_reports_without_accounts(hand, voxlake, tmp_path):
    """A report of the user's that knows nothing of accounts answers as before, and refuses what it does not look at."""
    (tmp_path / "mine.sql").write_text("SELECT account_id, count(*) AS n FROM messages GROUP BY ALL ORDER BY ALL;\n")
    where = ("report", "mine", "--data-dir", hand.root, "--reports-dir", tmp_path)
    assert voxlake(*where, "--format", "csv").stdout == "account_id,n\n11,8\n12,8\n13,8\n"
    assert "does not look at --account" in voxlake(*where, "--account", NORTH, code=2).stderr
    assert "does not look at --tz" in voxlake(*where, "--tz", "Europe/Berlin", code=2).stderr


def test_what_is_not_known_is_said(tmp_path, voxlake):
    """Costs without a unit, and days of an account without a zone, come with a sentence that says what to do."""
    hand = Hand(tmp_path / "data")
    for account in (NORTH, SOUTH):
        put_world(hand, account)
    hand.know(NORTH, name="North", currency="EUR", time_zone="Europe/Berlin")
    hand.publish()
    where = ("--data-dir", hand.root)

    def said(*arguments):
        told = voxlake("report", *arguments, *where).stderr.splitlines()
        return [
            line
            for line in told
            if not line.startswith(("Stale: ", "Missing: ", "Settling: ", "The table is too narrow "))
        ]

    (line,) = said("daily")
    assert line.startswith("The currency of account 12 is not known")
    assert 'currency = "EUR"' in line
    assert said("daily", "--account", "North", "--tz", "account") == []
    assert said("delivery-rate") == []
    assert said("delivery-rate", "--tz", "account")[0].startswith("The time zone of account 12 is not known")
    rows = json.loads(voxlake("report", "monthly-cost", *where, "--format", "json").stdout)
    assert {(its["account"], its["currency"]) for its in rows} == {("North", "EUR"), ("12", None)}


def test_news_of_an_account_is_published(tmp_path):
    """A name or a currency that becomes known is published; when it was asked for is not news."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)], account=NORTH)
    hand.publish()
    before = hand.warehouse.path.resolve()
    hand.know(NORTH, name="North", currency="EUR", time_zone="Nowhere/Nothing")
    hand.publish()
    after = hand.warehouse.path.resolve()
    assert after != before
    # A zone that DuckDB does not know would stop every report in it.
    assert hand.ask("SELECT name, currency, time_zone FROM accounts") == [("North", "EUR", None)]
    hand.know(NORTH, name="North", currency="EUR", time_zone="Nowhere/Nothing", active=True)
    hand.know(SOUTH, name="South")
    hand.publish()
    assert hand.warehouse.path.resolve() == after
    assert hand.published == [1, 0, 0]


def test_library(hand, alone):
    """Programs choose accounts and zones as the command line does."""
    with open_database(hand.root) as database:
        frame = database.report("daily", accounts=["North", WEST])
        assert set(frame["account_id"]) == {NORTH, WEST}
        assert set(database.report("daily", account="South")["currency"]) == {"EUR"}
        assert set(database.messages(accounts="1[12]")["account"]) == {"North", "South"}
        assert database.messages(accounts=NORTH)["cost"].sum() == Decimal("0.21")
        days = database.report("daily", account=NORTH, tz="Asia/Tokyo", since=FRIDAY, until=FRIDAY + DAY)
        assert list(days["messages"]) == [3]
        for given, told in (({"accounts": "Nort"}, "North"), ({"tz": "Nowhere"}, "no time zone")):
            with pytest.raises(SettingsError, match=told):
                database.report("daily", **given)
    with open_database(alone.root) as database:
        assert list(database.report("daily").columns[:2]) == ["date", "stream"]


def test_anomalies_of_local_days(tmp_path):
    """A local day counts once all UTC days in which it lies are there and were read after its end."""
    hand = Hand(tmp_path / "data")
    days = [FIRST + DAY * n for n in range(16)]
    for n, day in enumerate(days):
        # At noon UTC, which is the evening of the same day in Tokyo.
        cost = {14: 3, 15: 5}.get(n, 1)
        hand.put(day, [row(n, day, cost=Decimal(cost))], account=NORTH)
    hand.publish()

    def found(tz):
        return [(its["date"], its["cost"]) for its in reported(hand, "cost-anomalies", tz=tz)]

    assert found("UTC") == [(days[15], 5), (days[14], 3)]
    # The last local day in Los Angeles ends in a UTC day that is not there, as the first one in Tokyo begins in one.
    assert found("America/Los_Angeles") == [(days[14], 3)]
    # So the first Thursday in Tokyo has one week before it alone.
    assert found("Asia/Tokyo") == [(days[15], 5)]


def test_a_database_of_an_earlier_version(tmp_path, voxlake):
    """Until the next publish, what needs accounts says what to do, and what does not answers."""
    with tarfile.open(Path(__file__).parents[1] / "support" / "data" / "data-0.1.0.tar.xz") as packed:
        packed.extractall(tmp_path, filter="tar")
    where = ("--data-dir", tmp_path / "data")
    for arguments in (["report", "daily"], ["query", "SELECT 1 WHERE 1 IN $accounts"]):
        (line,) = voxlake(*arguments, *where, code=2).stderr.splitlines()
        assert "earlier version" in line
        assert "'voxlake publish'" in line
    assert voxlake("query", "SELECT count(*) > 0 AS some FROM messages", "--format", "csv", *where).stdout
    assert voxlake("status", *where).stdout
    voxlake("publish", *where)
    assert voxlake("report", "daily", *where).stdout


def test_a_database_without_totals(tmp_path):
    """One that knows accounts and no totals says the same."""
    warehouse = world(tmp_path / "data").warehouse
    warehouse.path.resolve().chmod(0o644)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("DROP VIEW totals")
    with open_database(tmp_path / "data") as database, pytest.raises(SettingsError, match="earlier version"):
        database.report("daily")


def test_a_database_with_the_former_names(tmp_path):
    """Its messages are there, and under both names once they are published; reports say that they have to be."""
    with tarfile.open(Path(__file__).parents[1] / "support" / "data" / "data-0.1.0.tar.xz") as packed:
        packed.extractall(tmp_path, filter="tar")
    with open_database(tmp_path / "data") as database:
        before = database.messages()
    publish(tmp_path / "data")
    with open_database(tmp_path / "data") as database:
        after = database.messages()
    assert len(after) == len(before) > 0
    for new, old in (("stream", "channel"), ("segments", "fragments")):
        assert after[new].tolist() == after[old].tolist() == before[old].tolist()
    Warehouse(tmp_path / "data").path.resolve().chmod(0o644)
    with duckdb.connect(str(tmp_path / "data" / "voxlake.duckdb")) as connection:
        connection.execute("CREATE OR REPLACE VIEW totals AS SELECT date, channel, parts FROM meta.daily_totals")
        connection.execute("DROP TABLE meta.odd_totals; CREATE TABLE meta.odd_totals (channel VARCHAR)")
    with (
        open_database(tmp_path / "data") as database,
        pytest.raises(SettingsError, match=r"earlier.*'voxlake publish'"),
    ):
        database.report("daily")
    assert Warehouse(tmp_path / "data").warnings() == []


def test_status_of_an_account(hand, voxlake):
    """Status shows the days of the accounts that are asked for, and what is odd in their messages alone."""
    where = ("--data-dir", hand.root, "--format", "json")

    def accounts(*arguments):
        found = json.loads(voxlake("status", *arguments, *where).stdout)
        return {stream["account_id"] for stream in found["streams"]}, found["warnings"]

    everybody, odd = accounts()
    assert everybody == {NORTH, SOUTH, WEST}
    some, odd_there = accounts("--account", "South", "--account", "1*3")
    assert some == {SOUTH, WEST}
    assert [its["messages"] * 3 for its in odd_there] == [its["messages"] * 2 for its in odd] != []
    assert "'South'" in voxlake("status", "--account", "Suoth", *where, code=2).stderr
