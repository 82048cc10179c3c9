"""Compute the tables of docs/scale.md: laws of what was measured, and from them what nobody has measured yet.

    python benchmarks/scale.py            prints the tables
    python benchmarks/scale.py --write    puts them into docs/scale.md

A law is the line through the smallest and the largest lake of `layouts.json`: so much whatever there is, and so much
more for each million rows. Wall times depend on what else the machine does, so the laws are of processor time.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "scale.md"
LAYOUTS = ("portable", "linked")
DAY_ROWS = 27_400
"""Rows of a day in the lakes of `layouts.json`."""

# What other measurements say; docs/scale.md names them.
CPU_PER_1000_ROWS = 8.2e-3
"""Seconds of an export, by RESULTS.md at 4,000,000 rows."""
CPU_PER_ACCOUNT = 57e-3
"""Seconds of a quiet account's night with a year of history, by RESULTS.md at 1,000 accounts."""
CPU_PER_DAY = 19e-6
"""Seconds to know a day file and its entry in the index, by `migrate.py`."""
INDEX_PER_DAY, BRING_OVER_PER_DAY, FOOTER_PER_DAY = 174, 0.00013, 0.00035
"""Bytes of the index, and seconds to bring over `ledger.json`, and to read a footer instead, by `migrate.py`."""
DAY_FILE, MONTH_FILE = 4_700, 27_000
"""Bytes of a file with 30 messages, and with a month of them, by decision 24."""
LAKE_PER_ROW = (14, 19)
"""Bytes of a row in large files: short texts as in `layouts.json`, and texts as people write them."""
COVERAGE_PER_DAY, TOTALS_PER_ROW = 250, 18
"""Bytes of the database for each day, and for each row of its totals."""
DISK = 400e6
"""Bytes a second that a plain disk writes."""

REQUESTS_PER_ACCOUNT, LATENCY = 4, 0.1
"""Requests of a quiet account's night, by RESULTS.md at 1,000 accounts, and seconds of a reply there."""
PUTS_PER_RUN = 16
"""Objects that a night puts beside its days, by docs/stores.md."""
DIRECTORY = 1000
"""Accounts of a data directory of which RESULTS.md has a night."""


class Law(NamedTuple):
    """So much whatever there is, and so much for each million rows."""

    fixed: float
    per_million: float

    def at(self, rows: float) -> float:
        """Return what it says of so many rows."""
        return self.fixed + self.per_million * rows / 1e6


@cache
def measured() -> dict[int, dict[str, dict[str, dict[str, float]]]]:
    """Return what `layouts.py` measured, by rows, layout, step and unit."""
    found = json.loads((HERE / "layouts.json").read_text(encoding="utf-8"))
    return {int(rows): its for rows, its in found.items()}


def law(layout: str, step: str, unit: str = "cpu s") -> Law:
    """Return the line through the smallest and the largest lake of which a step was measured; of one, that to zero."""
    sizes = sorted(rows for rows, its in measured().items() if step in its[layout])
    less, more = sizes[0] if len(sizes) > 1 else 0, sizes[-1]
    b = measured()[more][layout][step][unit]
    a = measured()[less][layout][step][unit] if less else 0.0
    slope = max(0.0, (b - a) / (more - less) * 1e6)
    return Law(max(0.0, b - slope * more / 1e6), slope)


STEPS = (
    ("build", "build", "cpu s"),
    ("one day more", "one day more, 3", "cpu s"),
    ("one day more, written", "one day more, 3", "written MB"),
    ("nothing new", "nothing new", "cpu s"),
    ("audit of a week", "audit of a week", "cpu s"),
    ("`report daily`", "report daily", "cpu s"),
    ("`report monthly-cost`", "report monthly-cost", "cpu s"),
    ("`report top-destinations`", "report top-destinations", "cpu s"),
    ("`report top-recipients`", "report top-recipients", "cpu s"),
    ("`report top-recipients`, spilled", "report top-recipients", "written MB"),
    ("checks over everything", "checks over everything", "cpu s"),
    ("size of a generation", "size MB", "size"),
)


def laws() -> str:
    """Return the laws as a table."""
    lines = ["| | portable | linked |", "|---|---|---|"]
    for label, step, unit in STEPS:
        what = "MB" if unit in ("written MB", "size") else "s"
        found = [law(layout, step, unit) for layout in LAYOUTS]
        shown = [f"{its.fixed:,.2f} + {its.per_million:,.3f} × M" for its in found]
        lines.append(f"| {label}, {what} | {' | '.join(shown)} |")
    return "\n".join(lines)


def billion(rows: float = 1e9, years: int = 10) -> str:
    """Return what a database of so many rows of one account costs, by the laws, as a table."""
    per_day = rows / (years * 365)
    lines = [f"| {rows:,.0f} rows, {years} years, {per_day:,.0f} rows a day | portable | linked |", "|---|---|---|"]

    def line(label: str, *values: str) -> None:
        lines.append(f"| {label} | {' | '.join(values if len(values) == len(LAYOUTS) else values * 2)} |")

    def each(step: str, unit: str = "cpu s") -> list[float]:
        return [law(layout, step, unit).at(rows) for layout in LAYOUTS]

    least, most = (rows * its / 1e9 for its in LAKE_PER_ROW)
    line("lake", f"{least:,.0f} to {most:,.0f} GB")
    sizes = each("size MB", "size")
    line("database, one generation", *(f"{size / 1e3:,.0f} GB" for size in sizes))
    # Of a portable database there are three while one is published.
    peak = [most + size / 1e3 * times for size, times in zip(sizes, (3, 1.1), strict=True)]
    line("disk at the peak of a publish", *(f"{its:,.0f} GB" for its in peak))
    pages = per_day / 1000
    line("a night: pages; processor time to read them", f"{pages:,.0f}; {per_day / 1000 * CPU_PER_1000_ROWS:,.1f} s")
    # The lakes of the laws have as many days as rows / DAY_ROWS: this one has fewer, and larger ones.
    more = [law(layout, "build").per_million * (per_day - DAY_ROWS) / 1e6 for layout in LAYOUTS]
    found = [a + b for a, b in zip(each("one day more, 3"), more, strict=True)]
    line("publish of a day, processor time", *(f"{its:,.1f} s" for its in found))
    line("publish of a day, written", *(f"{its / 1e3:,.1f} GB" for its in each("one day more, 3", "written MB")))
    line("nothing new", *(f"{its:,.1f} s" for its in each("nothing new")))
    line("rebuild", *(f"{its / 60:,.0f} min" for its in each("build")))
    line("audit of a week, processor time", *(f"{its:,.0f} s" for its in each("audit of a week")))
    line("`report daily`", *(f"{its:,.1f} s" for its in each("report daily")))
    line("`report monthly-cost`", *(f"{its:,.1f} s" for its in each("report monthly-cost")))
    line("`report top-destinations`", *(f"{its / 60:,.0f} min" for its in each("report top-destinations")))
    line("`report top-recipients`", *(f"{its / 60:,.0f} min" for its in each("report top-recipients")))
    line("its temporary files", *(f"{its / 1e3:,.0f} GB" for its in each("report top-recipients", "written MB")))
    line("checks over everything", *(f"{its / 60:,.0f} min" for its in each("checks over everything")))
    return "\n".join(lines)


def accounts(number: int = 1000, years: int = 10, messages: int = 30) -> str:
    """Return what so many accounts cost, with so many messages a day each in two histories, as a table."""
    days, rows = number * years * 365 * 2, number * years * 365 * messages
    # Of small accounts, nearly every message is a group of its own, in both totals.
    totals = 2 * rows
    small = days * COVERAGE_PER_DAY + totals * TOTALS_PER_ROW
    night = number * CPU_PER_ACCOUNT + (days - number * 365 * 2) * CPU_PER_DAY
    months = days / 730 * 24
    portable = small + rows * law("portable", "size MB", "size").per_million
    head = f"{number:,} accounts, {years} years, {messages} messages a day"
    lines = [f"| {head} | {days / 1e6:.1f} M days, {rows / 1e6:,.0f} M rows |", "|---|---|"]
    found = {
        "lake, a file for each day": f"{days / 1e6:.1f} M files, {days * DAY_FILE / 1e9:,.0f} GB",
        "lake, months in one file": f"{months:,.0f} files, {months * MONTH_FILE / 1e9:,.0f} GB",
        "index": f"{days * INDEX_PER_DAY / 1e9:,.1f} GB",
        "a night, processor time": f"{night:,.0f} s",
        "of which for what is there already": f"{days * CPU_PER_DAY:,.0f} s",
        "coverage and totals in the database, at most": f"{small / 1e9:,.1f} GB",
        "publish: their copy, in either layout": f"{small / DISK:,.0f} s",
        "portable database, with its messages": f"{portable / 1e9:,.1f} GB",
        "`ledger.json` brought over, once": f"{days * BRING_OVER_PER_DAY / 60:,.0f} min",
        "every footer read instead, once": f"{days * FOOTER_PER_DAY / 60:,.0f} min",
    }
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in found.items())])


def internet(number: int = 100_000, years: int = 10, rows: float = 1e11) -> str:
    """Return what so many accounts with so many rows cost in a bucket, in data directories of a few, as a table."""
    days, directories = number * years * 365 * 2, number // DIRECTORY
    new = rows / (years * 365)
    requests = number * REQUESTS_PER_ACCOUNT + new / 1000
    cpu = number * CPU_PER_ACCOUNT + (days - number * 730) * CPU_PER_DAY + new / 1000 * CPU_PER_1000_ROWS
    puts = number * 2 + directories * PUTS_PER_RUN
    least, most = (rows * its / 1e12 for its in LAKE_PER_ROW)
    head = f"{number:,} accounts, {rows:,.0f} rows, {years} years"
    lines = [f"| {head} | all | each of {directories} directories |", "|---|---|---|"]

    def line(label: str, value: float, unit: str = "", digits: int = 0) -> None:
        its = [f"{each:,.{digits}f}{unit}" for each in (value, value / directories)]
        lines.append(f"| {label} | {its[0]} | {its[1]} |")

    line("days", days / 1e6, " M", 1)
    lines.append(f"| lake | {least:,.1f} to {most:,.1f} TB | {least * 1e3 / directories:,.0f} GB and more |")
    line("index", days * INDEX_PER_DAY / 1e9, " GB", 1)
    line("objects, a file for each day", days / 1e6, " M", 1)
    line("objects, months in one file", days / 730 * 24 / 1e6, " M", 2)
    line("linked database, one generation", law("linked", "size MB", "size").at(rows) / 1e3, " GB")
    line("a night: new rows", new / 1e6, " M", 2)
    line("requests to the API", requests)
    line("requests to the store that write", puts)
    line("processor time", cpu / 3600, " h", 2)
    for workers in (1, 10, 100):
        hours = max(cpu / workers, requests * LATENCY / (16 * workers)) / 3600
        lines.append(f"| by the clock, {workers} of the directories at a time, 16 jobs each | {hours:,.1f} h | |")
    at = {rate: requests / rate / 3600 for rate in (10, 100)}
    lines += [f"| by the clock, at {rate} requests a second in all | {hours:,.1f} h | |" for rate, hours in at.items()]
    return "\n".join(lines)


TABLES = {"laws": laws, "billion": billion, "accounts": accounts, "internet": internet}


def page(text: str) -> str:
    """Return the text of docs/scale.md with the tables as they are now."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{table()}\n{end}{after}"
    return text


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print("\n\n".join(table() for table in TABLES.values()))


if __name__ == "__main__":
    main()
