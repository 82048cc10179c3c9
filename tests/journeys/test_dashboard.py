"""The page, looked at with a real browser, and its figures held against the truth."""

import functools
import os
import re
import shlex
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import altair as alt
import duckdb
import pytest
from altair.utils import schemapi
from support.browser import PROGRAM, Browser
from support.clock import CLOCK
from support.dates import days_ago
from support.keys import with_key
from support.lakes import Hand, row
from support.page import Tables, covered, daily_row, figures_of
from support.paths import DOCS, ROOT
from support.runner import Command
from support.worlds import DAY, FRIDAY, THURSDAY, put_world

from voxlake.library import backfill, connect, export
from voxlake.phones import normal_number
from voxlake.reporting import Board, Gaps, dashboard, read_scope
from voxlake.reporting.dashboard.completeness import calendar
from voxlake.reporting.dashboard.draw import specification
from voxlake.reporting.dashboard.figures import INCOMPLETE, NOTHING_BEFORE, gather
from voxlake.reporting.dashboard.panels import panels
from voxlake.reporting.dashboard.spans import Span, month_steps, small_steps
from voxlake.reporting.dashboard.style import as_picture, on_page, on_phone
from voxlake.reporting.dashboard.words import NOTHING
from voxlake.sandbox import Behaviour, Sandbox, World
from voxlake.warehouse import Warehouse

CHARTS = ("messages", "cost", "delivery-rate", "hours", "completeness")
RANKS = ("country-cost", "countries", "errors")
CARDS = ["messages", "cost", "country-cost", "countries", "delivery-rate", "errors", "hours", "senders", "completeness"]
CARDS += ["runs"]
AXE = ROOT / "tests" / "sdk" / "node_modules" / "axe-core" / "axe.min.js"
NO_GAPS = Gaps(CLOCK.now(), of_one_account=False)
HOSTILE = "<script>alert(1)</script>"
BREAKING = '</title></svg></style><img src="http://192.0.2.1/x" onerror="alert(1)"> opacity="1" \x0b\x00 \u202e & it\'s'


@pytest.fixture(scope="module")
def browser():
    """Start one browser for all."""
    if PROGRAM is None:
        pytest.skip("There is no Chromium on this machine: install the package chromium.")
    with Browser() as started:
        yield started


@dataclass(frozen=True)
class Lake:
    """An exported lake that no test changes, the sandbox behind it, and its page."""

    server: Sandbox
    folder: Path

    def run(self, *arguments):
        """Run a command in the folder above the data."""
        done = Command(arguments, self.environ, self.folder, self.folder / "command").wait(120)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    @property
    def environ(self):
        """Say where the sandbox is, and nothing else."""
        plain = {n: v for n, v in os.environ.items() if not n.lower().endswith("_proxy") and not n.startswith("VOX")}
        return plain | {
            "VOXIMPLANT_API_URL": self.server.url,
            "VOXIMPLANT_CREDENTIALS": str(self.server.credentials),
        }

    @property
    def page(self):
        """The page of all its days."""
        return self.folder / "data" / "dashboard.html"


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    """Export and draw a lake for each day on which there are tests; a run may last past midnight."""
    with ExitStack() as stack:
        yield functools.cache(lambda _today: stack.enter_context(drawn_lake(tmp_path_factory.mktemp("lake"))))


@pytest.fixture
def lake(lakes):
    """Return the lake of today."""
    return lakes(days_ago(0))


@contextmanager
def drawn_lake(folder):
    """Export twenty days, with a hostile sender and a hostile error in them, and draw them all."""
    world = World(rows=2000, days=20, seed=1, until=days_ago(0))
    row = next(row for row in world.truth("a2p") if row["processed_at"].date() == days_ago(2))
    for n in range(300):
        hostile = {"message_id": 10**15 + n, "source_number": HOSTILE, "status_id": 2, "delivery_status": "FAILED"}
        world.insert("a2p", row | hostile | {"error_message": BREAKING})
    with Sandbox(world, behaviour=Behaviour.parse([]), directory=with_key(folder), now=CLOCK.time) as server:
        lake = Lake(server, folder)
        lake.run("export", "--since", days_ago(20))
        assert lake.run("dashboard") == [str(Path("data", "dashboard.html"))]
        yield lake


def drawn(lake, *arguments):
    """Return a page of some of its days."""
    (path,) = lake.run("dashboard", *arguments, "--out", "other.html")
    return (lake.folder / path).read_text()


def made(voxlake, *arguments):
    """Make the page and give where it is."""
    done = voxlake("dashboard", *arguments)
    return voxlake.folder / done.stdout.splitlines()[0]


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize("width", [1280, 390])
def test_page_in_a_browser(lake, browser, width):
    """Every chart is drawn, in the colours that the reader likes, without a complaint, a request or a side scroll."""
    page = lake.page
    for dark, blue in ((False, "rgb(0, 114, 178)"), (True, "rgb(86, 180, 233)")):
        browser.open(page, width=width, dark=dark)
        for name in CHARTS:
            seen = browser.value(_SEEN % name)
            assert len(seen) == (2 if (name, width) == ("completeness", 1280) else 1), name
            assert seen[0]["role"] == "img", name
            assert len(seen[0]["label"]) > 20, name
            assert seen[0]["shapes"] > 1, name
            assert seen[0]["right"] <= width, name
        assert browser.value(_FILLS % "messages").count(blue) > 0
        for name in RANKS:
            assert browser.value(_BARS % name).count(blue) > 1, name
        assert browser.value("document.querySelectorAll('#senders .spark').length") == len(senders(lake.server))
        browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.value("document.documentElement.scrollWidth") == width
        assert browser.value("document.scripts.length + document.images.length") == 0
        assert browser.asked == [page.as_uri()]
        assert browser.complaints == []


_SEEN = """Array.from(document.querySelectorAll('#%s :is(.chart, .calendars) > svg'), svg => ({
  role: svg.getAttribute('role'), label: svg.getAttribute('aria-label'), box: svg.getBoundingClientRect(),
  right: svg.getBoundingClientRect().right,
  shapes: Array.from(svg.querySelectorAll('path')).filter(p => {
    const box = p.getBBox(), style = getComputedStyle(p);
    return box.width + box.height > 1 && (style.fill !== 'none' || style.stroke !== 'none');
  }).length,
})).filter(svg => svg.box.width > 250 && svg.box.height > 40)"""
_BARS = "Array.from(document.querySelectorAll('#%s .meter i'), i => getComputedStyle(i).backgroundColor)"
_FILLS = "Array.from(document.querySelectorAll('#%s svg path'), p => getComputedStyle(p).fill)"


@pytest.mark.dateless
def test_page_on_paper(lake, browser):
    """On paper the page is light, whatever the screen, and shows the wide charts alone."""
    browser.open(lake.page, width=718, dark=True)
    browser.media(dark=True, kind="print")
    assert browser.value("getComputedStyle(document.documentElement).getPropertyValue('--ink')") == "#17212b"
    shown = "Array.from(document.querySelectorAll('svg.%s')).filter(s => s.getBoundingClientRect().width > 0).length"
    assert (browser.value(shown % "wide"), browser.value(shown % "narrow")) == (len(CHARTS) + 1, 0)
    height = "document.querySelector('#%s').getBoundingClientRect().height"
    assert browser.value(height % "countries .rank") > 10
    assert browser.value(height % "countries > details > summary") == 0
    assert browser.value(height % "senders .more summary") == 0


@pytest.mark.dateless
def test_page_for_everyone(lake, browser):
    """An accessibility checker finds nothing in the page, light or dark, with all of it unfolded."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run 'make test', or 'npm ci' in tests/sdk.")
    browser.open(lake.page, width=1280)
    browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.value(AXE.read_text())
    for dark in (False, True):
        browser.media(dark=dark)
        assert browser.value(_FAULTS) == []
        assert browser.value("getComputedStyle(document.body).color") == ("rgb(232, 237, 242)" if dark else INK)


INK = "rgb(23, 33, 43)"
_FAULTS = """axe.run({resultTypes: ['violations']}).then(found => found.violations.map(
  its => its.id + ': ' + its.nodes.length + ', such as ' + its.nodes[0].html.slice(0, 200)))"""


def senders(server):
    """Count the messages of each sender and stream."""
    return Counter(
        (normal_number(row["source_number"]), stream.upper())
        for stream in ("sms", "a2p")
        for row in server.world.truth(stream)
        if row.get("direction") != "IN"
    )


def test_figures_are_the_truth(lake):
    """The tables hold the API's own messages and exact amounts."""
    page = lake.page.read_text()
    assert page.count("there is nothing before") == 1
    tables = Tables(page).rows
    truth = [row for stream in ("sms", "a2p") for row in lake.server.world.truth(stream)]
    assert sum(int(row[4].replace(",", "")) for row in tables["messages"][1:]) == len(truth)
    received = sum(row.get("direction") == "IN" for row in truth)
    assert sum(int(row[3].replace(",", "")) for row in tables["messages"][1:]) == received
    assert f"{len(truth) - received:,} sent, {received:,} received" in page
    costs = [Decimal(row[3].replace(",", "")) for row in tables["cost"][1:]]
    assert sum(costs) == sum(row["cost"] for row in truth)
    assert [row[0] for row in tables["cost"][1:]] == [str(days_ago(n)) for n in range(20, 0, -1)]
    (worst,) = [row for row in tables["errors"][1:] if "onerror" in row[0]]
    assert worst[1] == "300"
    ranked = {re.sub(r"(SMS|A2P)$", r" \1", row[0]): int(row[1].replace(",", "")) for row in tables["senders"][1:]}
    assert ranked == {f"{name} {stream}": number for (name, stream), number in senders(lake.server).items()}
    assert {row[3] for row in tables["completeness"][1:]} == {"verified and final", "verified, may still change"}
    assert len(tables["completeness"]) == 1 + 2 * 20


def test_what_unfolds(lake):
    """Each country has its months, each sender its weeks or days, each error its days, which add up to its row."""
    parsed = Tables(lake.page.read_text())
    for name, column in (("countries", 1), ("country-cost", 3), ("senders", 1), ("errors", 1)):
        rows, folds = parsed.rows[name][1:], parsed.folds[name]
        assert 0 < len(rows) == len(folds), name
        for shown, (head, *parts) in zip(rows, folds, strict=True):
            assert head[:2] == [{"senders": "day", "errors": "day"}.get(name, "month"), "messages"]
            assert sum(number(part[1]) for part in parts) == number(shown[column]), shown
            assert [part[0] for part in parts] == sorted((part[0] for part in parts), reverse=True)
    rows, folds = parsed.rows["country-cost"][1:], parsed.folds["country-cost"]
    assert [sum(number(part[-1]) for part in parts) for _, *parts in folds] == [number(row[1]) for row in rows]
    truth = [row for stream in ("sms", "a2p") for row in lake.server.world.truth(stream)]
    sent = [row for row in truth if row.get("direction") != "IN"]
    assert sum(number(row[1]) for row in rows) == sum(row["cost"] for row in sent)
    shares = [f"{number(its[1]) / sum(row['cost'] for row in sent):.1%}" for its in rows]
    assert [its[2].replace("\N{NARROW NO-BREAK SPACE}", "") for its in rows] == shares


def number(text):
    """Return what a cell says."""
    return Decimal(text.replace(",", ""))


def test_amounts_have_the_same_decimals(lake):
    """All amounts on the page have as many decimals as the most exact of them."""
    parsed = Tables(lake.page.read_text())
    found = [its[1:4] for its in parsed.rows["cost"][1:]] + [its[1:2] for its in parsed.rows["country-cost"][1:]]
    for name in ("countries", "country-cost", "senders"):
        found += [its[-1:] for fold in parsed.folds[name] for its in fold[1:]]
    found += [its[3:4] for name in ("countries", "errors", "senders") for its in parsed.rows[name][1:]]
    truth = {row["cost"] for stream in ("sms", "a2p") for row in lake.server.world.truth(stream)}
    most = max(-cost.normalize().as_tuple().exponent for cost in truth)
    assert {len(amount.partition(".")[2]) for amounts in found for amount in amounts if amount != NOTHING} == {most}


@pytest.mark.dateless
def test_nothing_of_the_data_is_markup(lake):
    """Whatever senders and errors hold, the page shows it and stays the page."""
    page = lake.page.read_text()
    assert "<script" not in page
    assert "<img" not in page
    parsed = Tables(page)
    assert not parsed.tags & {"script", "img", "image", "link", "iframe", "a", "use", "foreignobject"}
    assert any(HOSTILE in text for text in parsed.text)
    assert any("onerror" in text for text in parsed.text)
    assert list(parsed.rows) == CARDS
    templates = files(dashboard) / "templates"
    written = [line for path in templates.iterdir() for line in path.read_text().splitlines()]
    assert [line.strip() for line in written if re.search(r"\|\s*safe|autoescape|Markup", line)] == [
        '<div class="chart">{{ charts[panel.name] | join | safe }}</div>'
    ]


@pytest.mark.slow
def test_change_against_the_days_before(lake):
    """A headline says how it moved against as many days before, where all of them are there, else why not."""
    page = drawn(lake, "--from", days_ago(10), "--to", days_ago(5))
    truth = [row["processed_at"].date() for stream in ("sms", "a2p") for row in lake.server.world.truth(stream)]
    new, old = (sum(days_ago(first) <= day < days_ago(end) for day in truth) for first, end in ((10, 5), (15, 10)))
    moved = (new - old) / old
    assert f"{'▲' if moved > 0 else '▼'}\N{NO-BREAK SPACE}{abs(moved) * 100:,.1f}" in page
    assert "Changes are against the 5 days before." in page
    assert "last 7 days" not in page
    page = drawn(lake, "--from", days_ago(15))
    assert page.count("the 15 days are not compared: days are missing") == 1
    assert page.count("last 7 days <b>") == 6


def test_refunds_hang_below_the_line():
    """Costs above and below nothing are stacked apart, so that neither hides the other."""
    day = days_ago(1)
    daily = [daily_row(day, stream, cost=cost) for stream, cost in (("sms", "2.50"), ("a2p", "-1.25"))]
    span = Span(day, days_ago(0))
    (_, cost, *_) = panels(figures_of(span, daily=daily, coverage=covered(span)))
    (values,) = specification(cost.draw, on_page(half=False))["datasets"].values()
    assert [(bar["c"], bar["y"], bar["y2"]) for bar in values] == [("SMS", 0.0, 2.5), ("A2P", 0.0, -1.25)]


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize("days", [30, 3652])
def test_every_chart_is_valid(days):
    """The library checks no chart of the page as it is drawn, so all kinds of them are checked here, in every style."""
    span = Span(date(2016, 11, 1), date(2016, 11, 1) + DAY * days)
    sums = {"messages": 2, "settled": 1, "arrived": 1, "moving": 1, "sent": 2, "cost": Decimal(1), "squares": 4.0}
    step = {**sums, "step": small_steps(span).steps[0].begin, "currency": "EUR"}
    shown = {"senders": 1, "accounts": 2, "messages": 2, "total": 2, "stream": "sms", "currency": "EUR"}
    shown |= {"costs": {"EUR": Decimal(1)}, "steps": [step], "last_day": span.first, "days": [{span.first: 2}]}
    shown |= {"error": "none", "sender": "INFO", "account": "shop"}
    news = dict.fromkeys(("rows_new", "rows_changed", "rows_gone", "all_new", "all_changed", "all_gone"), 1)
    news |= {"published_at": span.first, "date": span.first, "days": 1}
    run = dict.fromkeys(("days", "rows_new", "rows_changed", "rows_gone", "accounts", "exit_code"), 1)
    run |= {"started_at": span.first, "finished_at": None, "command": "export", "account": None, "problem": None}
    figures = figures_of(
        span,
        daily=[daily_row(day, stream) for day in span for stream in ("sms", "a2p")],
        coverage=covered(span, **{str(span.first): "missing", str(span.end - DAY): "open"}),
        hours=[{"weekday": 1 + span.first.weekday(), "hour": 12, "messages": 1}],
        accounts=[shown] * 2,
        countries=[{**sums, "step": month_steps(span).steps[0].begin, "currency": "EUR", "country": "DE"}],
        changes=[news],
        runs=[run],
        **{name: [shown] for name in ("errors", "senders")},
    )
    drawn = panels(figures)
    assert {panel.name for panel in drawn} == {*CARDS, "accounts", "changes"}
    assert [panel.name for panel in drawn if panel.draw is None] == ["changes", "runs"]
    before = schemapi.DEBUG_MODE
    for panel in drawn:
        assert panel.rows
        if panel.draw is None:
            continue
        for style in (on_page(half=panel.half), on_phone(), as_picture(half=panel.half)):
            specification(panel.draw, style, checked=True)
    with pytest.raises(schemapi.SchemaValidationError):
        specification(lambda _: alt.Chart(alt.NamedData("none")).mark_bar(size="a lot"), on_phone(), checked=True)
    assert specification(lambda _: alt.Chart(alt.NamedData("none")).mark_bar(size="a lot"), on_phone())
    assert before is schemapi.DEBUG_MODE is True


@pytest.mark.dateless
def test_a_long_span_is_drawn_in_few_steps():
    """Ten years are quarters, which the title says; what is cut off at either end is drawn lighter, and named."""
    span = Span(date(2016, 11, 1), date(2026, 11, 1))
    daily = [daily_row(day, stream) for day in span for stream in ("sms", "a2p")]
    figures = figures_of(span, daily=daily, coverage=covered(span))
    messages, cost, _, _, delivery, *_ = panels(figures)
    assert [panel.title for panel in (messages, cost, delivery)] == [
        "Messages by quarter", "Cost by quarter, EUR", "Delivery rate by quarter",
    ]  # fmt: skip
    assert messages.head[0] == "days of the quarter, UTC"
    assert "Lighter bars are parts of a quarter: 2016-11-01 to 2016-12-31 (61 days) and 2026-10-01 to" in messages.note
    assert messages.rows[1] == ("2017-01-01 to 2017-03-31", 90, 90, 0, 180)
    assert sum(row[-1] for row in messages.rows) == 2 * len(span)
    assert sum(row[-1] for row in cost.rows) == Decimal("0.2") * len(span)
    (bars,) = specification(messages.draw, on_page(half=False))["datasets"].values()
    assert len(bars) == 2 * len(messages.rows) == 2 * 41
    assert [bar["o"] < 1 for bar in bars] == [True] * 2 + [False] * 78 + [True] * 2
    assert bars[2]["tooltip"] == "2017-01-01 to 2017-03-31 · SMS sent: 90"


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize(
    "style", [on_page(half=False), on_phone(), as_picture(half=False)], ids=["page", "phone", "png"]
)
def test_calendar_of_ten_years(style):
    """Each day has its state in a line of its year, a day that is missing is seen, and quiet years are one piece."""
    span = Span(date(2016, 11, 1), date(2026, 11, 1))
    odd = {"2018-03-16": "unverified", "2020-02-29": "missing", "2021-01-01": "missing", "2026-10-31": "open"}
    figures = figures_of(span, coverage=covered(span, **odd))
    drawn = specification(lambda its: calendar(figures, its, title="Days"), style)
    rows = [row for values in drawn["datasets"].values() for row in values]
    cells = [row for row in rows if "state" in row][4:]
    assert len(cells) == 2 * (11 + 2 + 2 + 1 + 1)
    assert Counter(cell["state"] for cell in cells) == {"final": 26, "missing": 4, "unverified": 2, "open": 2}
    assert all(cell["x2"] - cell["x"] >= 2 for cell in cells)
    assert max(cell["x2"] for cell in cells) <= style.width
    assert {cell["glyph"] for cell in cells if cell["state"] == "missing"} == {"\N{MULTIPLICATION SIGN}"}
    by_line = [sorted((c["x"], c["x2"]) for c in cells if c["y"] == y) for y in {c["y"] for c in cells}]
    assert all(one[1] <= other[0] + 0.2 for line in by_line for one, other in pairwise(line))
    head, *_ = panels(figures)[-1].rows
    assert head == ("2016-11-01 to 2018-03-15", "SMS", "account-1", "verified and final", 500, 500, 500)
    assert len(panels(figures)[-1].rows) == 2 * 8


@pytest.mark.dateless
def test_table_of_days_that_are_all_different():
    """Where states change all the time, the table lists the newest days in doubt, and says so."""
    span = Span(date(2016, 11, 1), date(2026, 11, 1))
    odd = {str(day): "missing" for day in list(span)[::2]}
    panel = panels(figures_of(span, coverage=covered(span, **odd)))[-1]
    assert len(panel.rows) == 1000
    assert {row[3] for row in panel.rows} == {"missing"}
    assert panel.rows[-1][0] == "2026-10-30"
    assert "Of 7,304 spans of days, the table has the newest 1,000" in panel.note


def test_gaps_are_told(sandbox, voxlake):
    """Days that are missing or unverified are named at the top, with the command that reads them."""
    server = sandbox(rows=400, days=12)
    row = next(row for row in server.world.truth("sms") if row["processed_at"].date() == days_ago(10))
    server.world.change("sms", row["message_id"], cost="free")
    voxlake("backfill", "--from", days_ago(12), "--to", days_ago(8), server=server, code=4)
    voxlake("backfill", "--from", days_ago(5), "--to", days_ago(0), server=server)
    page = made(voxlake).read_text()
    told = f"3 days are missing: {days_ago(8)} to {days_ago(6)}; 1 day is not verified: {days_ago(10)}."
    assert told in page
    assert f"--from {days_ago(10)} --to {days_ago(5)}" in page
    states = Counter(row[3] for row in Tables(page).rows["completeness"][1:])
    assert (states["missing"], states["not verified"]) == (6, 1)
    assert "Shaded days are missing or not verified." in page


def test_days_that_exports_do_not_look_after_are_not_missing(sandbox, tmp_path):
    """Between a backfill and the first day of exports none is missing, unless nothing but these is asked for."""
    server, folder = sandbox(rows=400, days=14), tmp_path / "data"
    account = connect(server.credentials, api_url=server.url, clock=CLOCK)
    export(account, folder, since=days_ago(4))
    backfill(account, folder, since=days_ago(12), until=days_ago(10))
    with Warehouse(folder).reader() as connection:
        found = {
            (first, end): gather(connection, Span(days_ago(first), days_ago(end)), read_scope(connection))
            for first, end in ((12, 0), (8, 6), (14, 0), (4, 0), (3, 0))
        }
    exported = [days_ago(n) for n in (12, 11, 4, 3, 2, 1)]
    assert (found[12, 0].in_state("final", "open"), found[12, 0].in_state("missing")) == (exported, [])
    assert found[12, 0].in_state("skipped") == [days_ago(n) for n in (10, 9, 8, 7, 6, 5)]
    assert found[12, 0].whole.gap == NOTHING_BEFORE
    assert (found[4, 0].in_state("skipped"), found[4, 0].whole.gap) == ([], NOTHING_BEFORE)
    assert (found[3, 0].in_state("skipped"), found[3, 0].whole.gap) == ([], INCOMPLETE)
    shown = {row[0] for its in panels(found[12, 0]) for row in its.rows if its.name == "completeness"}
    assert sorted(shown) == exported
    assert found[8, 6].in_state("missing") == [days_ago(8), days_ago(7)]
    assert found[14, 0].in_state("missing") == [days_ago(14), days_ago(13)]


@pytest.mark.parametrize(
    "style", [on_page(half=False), on_phone(), as_picture(half=False)], ids=["page", "phone", "png"]
)
@pytest.mark.parametrize("days", [2, 30, 200])
@pytest.mark.dateless
def test_calendars_of_several_accounts(days, style):
    """Calendars stand beside each other where there is room, and no name is written over another."""
    span = Span(date(2026, 10, 29), date(2026, 10, 29) + DAY * days)
    coverage = covered(span, state="open", accounts=range(3))
    figures = figures_of(span, coverage=coverage)
    drawn = calendar(figures, style, title="Days").to_dict()
    rows = [row for values in drawn["datasets"].values() for row in values]
    texts = [(row["x"], row["y"]) for row in rows if "t" in row]
    cells = [row for row in rows if "state" in row]
    assert len(set(texts)) == len(texts)
    assert len({(row["x"], row["y"]) for row in cells}) == len(cells) == 4 + len(coverage)
    assert max(row["x2"] for row in cells) <= style.width
    assert max(row["y2"] for row in cells) <= drawn["height"]
    across = len({row["x"] for row in rows if row.get("t", "").startswith(("SMS", "A2P"))})
    assert across == (2 if style.narrow else {2: 6, 30: 6, 200: 1}[days])


@pytest.mark.dateless
@pytest.mark.slow
def test_pictures_and_the_document(lake):
    """Every command in docs/dashboard.md works as it stands, and every chart is a picture that it names."""
    text = (DOCS / "dashboard.md").read_text()
    made = [lake.run(*shlex.split(command)) for command in re.findall(r"^\$ voxlake (.*)$", text, re.MULTILINE)]
    assert made[0] == [str(Path("data", "dashboard.html"))]
    assert made[1] == ["first-quarter.html"]
    files = [lake.folder / line for line in made[2]]
    assert files[0] == lake.page
    assert {path.stem for path in files[1:]} == {*CHARTS, *RANKS, "senders"}
    assert {path.name for path in files[1:]} == {
        name
        for name in re.findall(r"`([a-z-]+\.png)`", text)
        if name not in ("accounts.png", "cost-eur.png", "country-cost-eur.png")
    }
    assert sorted((lake.folder / "pictures").iterdir()) == sorted(files[1:])
    for path in files[1:]:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert int.from_bytes(content[16:20]) >= 1280


@pytest.mark.dateless
@pytest.mark.slow
def test_a_year_is_small(sandbox, voxlake):
    """A year of days stays below 1.5 MB; more messages make no bigger page."""
    server = sandbox(rows=2000, days=366)
    voxlake("export", "--since", days_ago(366), server=server)
    page = made(voxlake)
    assert page.stat().st_size < 1_500_000
    assert f"{days_ago(365)} to {days_ago(1)}, 365 days" in page.read_text()


@pytest.mark.parametrize("rows", [0, 1])
def test_little_or_nothing(sandbox, voxlake, browser, rows):
    """A database without messages, and one with next to none, give a page that says so."""
    server = sandbox(rows=rows, days=1)
    voxlake("export", "--since", days_ago(1), server=server)
    page = made(voxlake)
    browser.open(page, width=390)
    assert ("No messages in these days." in page.read_text()) == (rows == 0)
    assert browser.value("document.querySelectorAll('#completeness svg').length") == 3
    assert browser.complaints == []


def test_a_period_without_data(lake):
    """A span that was never exported is all missing."""
    page = drawn(lake, "--from", "2020-01-01", "--to", "2020-01-03")
    assert "2 days are missing: 2020-01-01 to 2020-01-02." in page


def test_bad_input(sandbox, voxlake):
    """What cannot be used is answered with one sentence, and leaves nothing behind."""
    server = sandbox(rows=10, days=1)
    voxlake("export", "--since", days_ago(1), server=server)
    (voxlake.folder / "voxlake.txt").touch()
    for *arguments, told in (
        ("--from", "2026-02-02", "--to", "2026-02-02", "--from before --to"),
        ("--from", "3026-02-02", "--from before --to"),
        ("--from", "1926-02-02", "at most 3,660"),
        ("--from", "soon", "--from"),
        ("--out", "data", "--out"),
        ("--png", "voxlake.txt", "--png"),
    ):
        (line,) = voxlake("dashboard", *arguments, code=2).stderr.splitlines()
        assert told in line
    assert not list(voxlake.folder.rglob("*.new"))


def test_no_database(voxlake):
    """Without a database there is nothing to draw, and the sentence says what makes one."""
    assert "voxlake export" in voxlake("dashboard", code=2).stderr


def test_database_of_another_version(voxlake):
    """A database that lacks what the page asks for is published anew, not crashed over."""
    (voxlake.folder / "data").mkdir()
    duckdb.connect(str(voxlake.folder / "data" / "voxlake.duckdb")).close()
    assert "voxlake publish" in voxlake("dashboard", code=4).stderr


@pytest.mark.dateless
def test_currencies_are_shown_apart(tmp_path):
    """Of accounts in several currencies, each has tiles, charts and columns of its own; nothing is added up across."""
    hand = Hand(tmp_path / "data")
    for account, times in ((11, 1), (12, 10), (13, 100)):
        put_world(hand, account, times=times)
    hand.know(11, name="North & Co", currency="EUR", time_zone="Europe/Berlin")
    hand.know(12, name="South", currency="EUR")
    hand.know(13, currency="USD", time_zone="America/New_York")
    hand.publish()
    span = Span(THURSDAY, FRIDAY + DAY)
    with hand.warehouse.reader() as connection:
        scope = read_scope(connection)
        html = Board(connection, span, scope, NO_GAPS).html()
        narrow = Board(connection, span, scope.narrowed([13]), NO_GAPS).html()
        local = Board(connection, span, read_scope(connection, "account"), NO_GAPS).html()
    page = Tables(html)
    for name, truth in (("cost-eur", "2.31"), ("cost-usd", "21.00")):
        assert sum(Decimal(row[3].replace(",", "")) for row in page.rows[name][1:]) == Decimal(truth)
    assert {"Cost, EUR", "Cost, USD"} < set(page.text)
    assert "cost" not in page.rows
    assert [(row[0], row[3]) for row in page.rows["accounts"][1:]] == [
        ("13USD", "21.00"), ("North & CoEUR", "0.21"), ("SouthEUR", "2.10"),
    ]  # fmt: skip
    for name in ("senders", "countries", "errors"):
        head, *rows = page.rows[name]
        euros, dollars = head.index("cost, EUR"), head.index("cost, USD")
        assert all(Decimal(row[dollars]) * 11 == Decimal(row[euros]) * 100 for row in rows if row[euros] != "0")
    assert 'data-name="cost, EUR"' in html
    assert 'data-name="cost, USD"' in html
    assert 'class="tiles" style="--columns:3"' in html
    assert "never added up across currencies" in html
    assert {row[2] for row in page.rows["completeness"][1:]} == {"13", "North & Co", "South"}
    alone = Tables(narrow)
    assert "cost-usd" not in alone.rows
    assert "accounts" not in alone.rows
    assert sum(Decimal(row[3]) for row in alone.rows["cost"][1:]) == 21
    assert "each account&#39;s own time" in local
    assert "known of UTC days" in local


@pytest.mark.slow
@pytest.mark.dateless
def test_many_accounts_share_a_calendar(tmp_path):
    """Of more accounts than can be shown apart, each day of a stream is shown once, in the worst state of any."""
    hand = Hand(tmp_path / "data")
    for account in range(1, 9):
        hand.put(THURSDAY, [row(1)], account=account)
        hand.put(FRIDAY, [], account=account, verified=account != 5)
    hand.publish()
    with hand.warehouse.reader() as connection:
        page = Tables(Board(connection, Span(THURSDAY, FRIDAY + DAY), read_scope(connection), NO_GAPS).html())
    assert "changes" not in page.rows
    states = [row[2:5] for row in page.rows["completeness"][1:]]
    assert states == [["all", "verified and final", "8"], ["all", "not verified", "0"]]
    hand.put(FRIDAY, [row(2, FRIDAY)], account=3)
    hand.put(THURSDAY, [row(1, status="waiting"), row(3)], account=4)
    hand.publish()
    with hand.warehouse.reader() as connection:
        scope = read_scope(connection)
        html = Board(connection, Span(THURSDAY, FRIDAY + DAY), scope, NO_GAPS).html()
        alone = Board(connection, Span(THURSDAY, FRIDAY + DAY), scope.narrowed([3]), NO_GAPS).html()
    assert Tables(html).rows["changes"][1:] == [[str(FRIDAY), "1", "0", "0"], [str(THURSDAY), "1", "1", "0"]]
    assert "against the one before: 2 new messages, 1 changed, 0 gone, on 2 days." in html
    assert Tables(alone).rows["changes"][1:] == [[str(FRIDAY), "1", "0", "0"]]
