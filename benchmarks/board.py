"""Time `voxlake dashboard` of made-up databases of some years and accounts, and see how large the page is.

    python benchmarks/board.py --years 10 --accounts 100 [--data-dir DIR]

With --data-dir the database stays there, to be drawn again. `make bench` writes the table of benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb
from measure import folder, timed

from voxlake.model import DayKey
from voxlake.transform import STREAMS
from voxlake.warehouse.accounts import load_accounts
from voxlake.warehouse.ddl import create
from voxlake.warehouse.empty import ATTACH_OPTIONS
from voxlake.warehouse.totals import load_totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LAST = date(2026, 10, 31)
"""The last day of every database; a year ends before the day of another version's clock."""

_COVERAGE = """
INSERT INTO coverage BY NAME
SELECT
    account_id, '{stream}' AS stream, $first::DATE + n::INTEGER AS date, $messages AS row_count,
    $messages AS total_count, 0 AS forgotten, n % 997 <> 500 AS verified, n < $days - 10 AS final,
    $last + INTERVAL 40 HOUR AS exported_at
FROM range(1, $accounts + 1) AS a (account_id), range($days) AS d (n)
WHERE n % 1499 <> 700
"""
_ROWS = """
INSERT INTO {table} BY NAME
SELECT
    account_id, date, row_number() OVER () AS message_id, processed_at,
    'SENDER' || (hash(m, 1) % 40) AS source_number, '4479' || (1000000 + hash(m, 2) % 9000000) AS destination_number,
    {own}
    1 AS segments, ((1 + hash(m, 4) % 900) / 10000)::DECIMAL(18, 6) AS cost, status_id,
    if(status_id = 1, 'success', 'error') AS status, if(status_id = 2, 'No route to 4479' || m, NULL) AS error_message,
    ['GB', 'DE', 'FR', 'IT', 'ES', 'PL', 'SE', 'US', 'RU', 'BR', 'IN', 'KE'][1 + (hash(m, 5) % 12)::BIGINT]
        AS destination_country
FROM (
    SELECT
        account_id, date, n, row_number() OVER () AS m, if(hash(n, account_id, k) % 10 = 0, 2, 1) AS status_id,
        date + to_seconds((hash(k, n) % 86400)::BIGINT) AS processed_at
    FROM (
        SELECT account_id, date, date - $first::DATE AS n
        FROM coverage WHERE stream = '{stream}'
    ), range($messages) AS r (k)
)
"""
_OWN = {
    "sms": "if(hash(m, 3) % 4 = 0, 'IN', 'OUT') AS direction,",
    "a2p": "if(n > $days - 4 AND m % 2 = 0, 'DISPATCHED', if(m % 20 < 17, 'DELIVERED', 'FAILED')) AS delivery_status,",
}


class Drawn(NamedTuple):
    """What one page took: seconds by the clock and of the processors, MiB at the peak, and its MB."""

    wall: float
    cpu: float
    peak: float
    size: float


def make(root: Path, *, years: int, accounts: int, messages: int = 4) -> None:
    """Make a published database of so many messages of each day of each history, without a lake."""
    file = root / "voxlake.duckdb"
    root.mkdir(parents=True, exist_ok=True)
    first = date(LAST.year - years, LAST.month, LAST.day) + timedelta(days=1)
    days = (LAST - first).days + 1
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"ATTACH '{file}' AS made ({ATTACH_OPTIONS})")
        connection.execute("USE made")
        create(connection)
        for stream, its in STREAMS.items():
            given = {"first": first, "days": days, "accounts": accounts, "last": LAST, "messages": messages}
            connection.execute(_COVERAGE.format(stream=stream), given)
            rows = _ROWS.format(stream=stream, table=its.table, own=_OWN[stream])
            bound = {"first": first, "messages": messages, "days": days}
            connection.execute(rows, {name: value for name, value in bound.items() if f"${name}" in rows})
            keys = connection.execute("SELECT account_id, date FROM coverage WHERE stream = $1", [stream]).fetchall()
            load_totals(connection, [DayKey(account, stream, day) for account, day in keys])
        connection.execute(f"UPDATE coverage SET row_count = {messages}, total_count = {messages}")
        load_accounts(
            connection,
            [
                {"account_id": n, "name": f"shop-{n}", "currency": "EUR", "time_zone": "Europe/Berlin"}
                for n in range(1, accounts + 1)
            ],
        )
        connection.execute(
            "INSERT INTO meta.built BY NAME SELECT 'made' AS fingerprint, 0 AS settled_after, 0 AS given_up_after"
        )


def draw(root: Path, *arguments: str) -> Drawn:
    """Draw the page of everything once, in a process of its own."""
    page = root / "page.html"
    with duckdb.connect(str(root / "voxlake.duckdb"), read_only=True) as connection:
        ((first, end),) = connection.execute("SELECT min(date), max(date) + INTERVAL 1 DAY FROM coverage").fetchall()
    usage, wall = timed(
        "voxlake dashboard",
        [
            *(str(Path(sys.executable).parent / "voxlake"), "dashboard", "--data-dir", str(root), "--out", str(page)),
            *("--from", str(first), "--to", str(end.date()), *arguments),
        ],
        env={"PATH": "/usr/bin:/bin", "HOME": str(root)},
    )
    cpu = usage.ru_utime + usage.ru_stime
    return Drawn(wall, cpu, usage.ru_maxrss / 1024, page.stat().st_size / 1e6)


def pages(cases: Sequence[tuple[int, int, int]]) -> Iterable[str]:
    """Draw everything of databases of so many years, accounts, and messages of each day of each history."""
    yield "## The dashboard: one page of everything (single runs)"
    yield ""
    yield "| years | accounts | rows | wall s | cpu s | peak MiB | page MB |"
    yield "|---|---|---|---|---|---|---|"
    for years, accounts, messages in cases:
        with folder() as made:
            make(Path(made), years=years, accounts=accounts, messages=messages)
            with duckdb.connect(str(Path(made) / "voxlake.duckdb"), read_only=True) as connection:
                ((rows,),) = connection.execute("SELECT sum(row_count)::BIGINT FROM coverage").fetchall()
            drawn = draw(Path(made))
            yield (
                f"| {years} | {accounts} | {rows:,} | {drawn.wall:.1f} | {drawn.cpu:.1f} | {drawn.peak:.0f} |"
                f" {drawn.size:.2f} |"
            )


def main() -> None:
    """Measure one page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--accounts", type=int, default=1)
    parser.add_argument("--messages", type=int, default=4, help="of each day of each history")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("arguments", nargs="*", help="of the command")
    chosen = parser.parse_args()
    with folder() as made:
        root = chosen.data_dir or Path(made)
        if not (root / "voxlake.duckdb").exists():
            began = datetime.now(UTC)
            make(root, years=chosen.years, accounts=chosen.accounts, messages=chosen.messages)
            print(f"made in {(datetime.now(UTC) - began).total_seconds():.1f} s")
        print(draw(root, *chosen.arguments))


if __name__ == "__main__":
    main()
