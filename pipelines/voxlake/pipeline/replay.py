"""Rebuild the lake from archived replies, without the API.

The pages of one window prove that window as they did when they were new: the distinct messages are as many as every
total that came with them. A day is verified again where the proved windows of one export cover it. Replies that came
later, by page or by id, contribute their rows in their latest state.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from voxlake.errors import SettingsError
from voxlake.events import SILENT
from voxlake.lake import erased_in, replies
from voxlake.model import Window
from voxlake.pipeline import announce
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.place import part_days, place
from voxlake.pipeline.rebuild import RebuiltDays, table_name
from voxlake.pipeline.replay_proof import History
from voxlake.pipeline.result import ReplayResult
from voxlake.pipeline.treatment import require_one_key
from voxlake.spill import READER_MEMORY, bound
from voxlake.sql import interruptible
from voxlake.transform import STREAMS, BrokenReplyError, decode_csv, decode_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from voxlake.events import Emitter
    from voxlake.lake import Lake, Reply
    from voxlake.model import DayFile, DayKey, FinalityPolicy
    from voxlake.warehouse import Warehouse


_SOME = 100
"""Replies after which is said how many were read."""


def replay(
    lake: Lake,
    warehouse: Warehouse,
    folder: Path,
    *,
    now: datetime,
    finality: FinalityPolicy,
    accounts: Collection[int] | None = None,
    force: bool = False,
    events: Emitter = SILENT,
) -> ReplayResult:
    """Rebuild every day that the replies in `folder` cover, and publish the database; the caller holds the lock.

    With `accounts`, only their replies are used. A file that was exported after the replies that prove its day, or that
    covers or holds more of it, or is verified where they prove nothing, is left alone unless `force` is set.

    Raises:
        SettingsError: there are no replies, or none of these accounts.
        DataError: they are damaged, or a check of the database failed.
        StorageFull: the disk is full.

    """
    with announce.run(events, "replay") as ending:
        result = _replay(lake, warehouse, folder, now, finality, events, accounts=accounts, force=force)
        ending.exit_code = result.exit_code
    return result


def _replay(
    lake: Lake,
    warehouse: Warehouse,
    folder: Path,
    now: datetime,
    finality: FinalityPolicy,
    events: Emitter,
    *,
    accounts: Collection[int] | None,
    force: bool,
) -> ReplayResult:
    erased_in(lake)
    manifest = open_manifest(lake, warehouse, now=now)
    require_one_key(manifest, lake.policy)
    part_days(lake, manifest, suspects_only=True)
    torn: list[Path] = []
    day_files: list[DayFile] = []
    kept: list[DayKey] = []
    number = 0
    with _scratch(lake.tmp / "replay.duckdb") as connection:
        histories: dict[tuple[int, str], History] = defaultdict(History)
        for reply in replies(folder, torn.append):
            if accounts is None or reply.account_id in accounts:
                number += 1
                if not number % _SOME:
                    announce.replies_read(events, number)
                _read(connection, number, reply, histories)
        announce.replies_read(events, number)
        if not number:
            raise SettingsError(
                f"No reply in {folder} is of these accounts: leave --account out, or name another --raw."
            )
        for (account_id, name), history in histories.items():
            rebuilt = RebuiltDays(connection, lake, STREAMS[name], account_id, history)
            keys = rebuilt.days()
            behind = {key for key in keys if rebuilt.is_behind(manifest.get(key))}
            kept += sorted(set() if force else behind)
            written = [key for key in keys if force or key not in behind]
            for key in written:
                place(lake, manifest, rebuilt.seal(key, manifest, rebuilt_too=written))
            day_files += (manifest[key] for key in written)
    for day_file in day_files:
        announce.day_written(events, day_file)
    began = events.seconds()
    published = warehouse.publish(manifest.changes, lake, finality=finality)
    announce.published(events, days=published.changed, rows=published.rows, began=began)
    missing = tuple(sorted(manifest.missing))
    return ReplayResult(
        number, tuple(day_files), tuple(kept), tuple(torn), missing, published.moved_aside, str(warehouse.path)
    )


@contextmanager
def _scratch(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database for the length of the block, which keeps replies of any size out of memory."""
    try:
        with interruptible(duckdb.connect(str(path))) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            bound(connection, READER_MEMORY, path.parent)
            yield connection
    finally:
        for left in (path, path.with_name(f"{path.name}.wal")):
            left.unlink(missing_ok=True)


def _read(
    connection: duckdb.DuckDBPyConnection, n: int, reply: Reply, histories: dict[tuple[int, str], History]
) -> None:
    """Store the rows of reply number `n`, and record which paging run it belongs to; errors of the API have neither."""
    stream = next((stream for stream in STREAMS.values() if stream.method == reply.method), None)
    if stream is None:
        return
    csv = reply.parameters["output"] == "csv" and not reply.body.lstrip().startswith(b"{")
    before = histories.get((reply.account_id, stream.name))
    try:
        page = (decode_csv if csv else decode_json)(reply.body, stream, mark=before.mark if before else None)
    except BrokenReplyError:
        return
    history = histories[reply.account_id, stream.name]
    history.mark = page.decimal_mark or history.mark
    rows = page.table.append_column("n", pa.array([n] * page.table.num_rows, pa.int64()))
    connection.register("page", rows)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table_name(reply.account_id, stream)} AS FROM page LIMIT 0")
    connection.execute(f"INSERT INTO {table_name(reply.account_id, stream)} FROM page")
    history.rejects += [(n, reject) for reject in page.rejects]
    # A reply to a filtered request has only some rows, one without dates nobody knows which: they prove nothing.
    if reply.parameters.keys() == {"from_date", "to_date", "count", "offset", "output"}:
        window = Window(_instant(reply.parameters["from_date"]), _instant(reply.parameters["to_date"]))
        history.add(n, reply, window, page.total)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
