"""The Parquet lake: one file per cell at a fixed path, there as a whole or not at all.

Files are written in `tmp/` beside the lake, on the same file system, and put in place by one rename, so a plain glob
over the lake never meets a half-written file or a row twice. The footer carries what the file proves of itself.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import shutil
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import simplejson

from voxlake.files import make, put, storage
from voxlake.lake.writer import Draft, rows_checksum
from voxlake.errors import DataError, Locked, SettingsError
from voxlake.model import DAY, Cell, Part, Window
from voxlake.transform.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from voxlake.model import Reject

PROOF = b"voxlake"


class Lake:
    """The files below a data directory; the only place that builds paths or writes rows."""

    def __init__(self, root: Path) -> None:
        with suppress(OSError):
            if root.exists() and not root.is_dir():
                raise SettingsError(f"{root} is a file, not a folder: give another --data-dir.")
        self.root = root
        self.tmp = root / "tmp"
        self.database = root / "voxlake.duckdb"

    def require(self) -> None:
        """Make sure that something was exported; a SettingsError where nothing was, and no first run is at work."""
        if next(self.cells(), None) is None:
            with suppress(OSError), (self.root / ".lock").open("rb") as lock:
                self._take(lock, fcntl.LOCK_SH)
            raise SettingsError(f"There is nothing in the data directory {self.root}: run 'voxlake export' first.")

    @contextmanager
    def locked(self, *, holder: str) -> Iterator[None]:
        """Hold the data directory for one run; the lock dies with its process, so none is ever stale."""
        with storage(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            # Unbuffered: what does not fit on the disk would be written again, and fail again, when it is closed.
            lock = open(self.root / ".lock", "a+b", buffering=0)  # noqa: SIM115, PTH123 - held over the block
        with lock:
            self._take(lock, fcntl.LOCK_EX)
            with storage(self.root):
                lock.truncate(0)
                lock.write(holder.encode())
                # Whatever lies here was left by a run that died.
                shutil.rmtree(self.tmp, ignore_errors=True)
                self.tmp.mkdir()
            yield

    def _take(self, lock: IO[bytes], how: int) -> None:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(lock, how | fcntl.LOCK_NB)
                return
            try:
                # Whoever only looks shares the lock, and holds it no longer than this.
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                fcntl.flock(lock, fcntl.LOCK_UN)
            except BlockingIOError:
                lock.seek(0)
                told = lock.read().decode(errors="replace").strip() or "unknown"
                raise Locked(f"Another run works in {self.root} ({told}): wait until it ends.") from None

    def path(self, cell: Cell) -> Path:
        """Give the path of a cell's file."""
        return self._folder(cell.stream) / f"account_id={cell.account_id}" / f"date={cell.date}" / "part.parquet"

    def cells(self) -> Iterator[tuple[Cell, Path]]:
        """Walk what is there."""
        for stream in STREAMS:
            for path in sorted(self._folder(stream).glob("account_id=*/date=*/part.parquet")):
                cell = self.cell_of(stream, path)
                if cell is not None:
                    yield cell, path

    def cell_of(self, stream: str, path: Path) -> Cell | None:
        """Give the cell whose file this is; None where it is nobody's."""
        account, day = path.parts[-3].partition("=")[2], path.parts[-2].partition("=")[2]
        with suppress(ValueError):
            cell = Cell(int(account), stream, date.fromisoformat(day))
            return cell if path == self.path(cell) else None
        return None

    def strays(self) -> list[Path]:
        """List the Parquet files that are none of ours, yet would be in the answer to a plain glob."""
        ours = {path for _, path in self.cells()}
        return sorted(path for path in (self.root / "lake").rglob("*.parquet") if path not in ours and path.is_file())

    def move_out(self, path: Path) -> Path:
        """Move what somebody put into our place to `rejects/stray/`, and give its new path; nothing is overwritten."""
        kept = self.root / "rejects" / "stray" / path.relative_to(self.root)
        with storage(self.root):
            kept.parent.mkdir(parents=True, exist_ok=True)
            while os.path.lexists(kept):
                kept = kept.with_name(f"{kept.name}.again")
            return path.rename(kept)

    def batches(self, cell: Cell, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Read the rows of a cell in the order of time, one row group at a time; a DataError where that fails."""
        with self._readable(cell):
            file = pq.ParquetFile(self.path(cell), page_checksum_verification=True)
            groups = range(file.num_row_groups)
        for group in groups:
            with self._readable(cell):
                table = file.read_row_group(group, columns=columns).replace_schema_metadata(None)
            yield table

    def rewrite(self, old: Part, part: Part, rows: pa.Table) -> Part:
        """Put a cell's file in place again with some rows in their latest state, and say what it proves now.

        `rows` have the times that they had; `old` is what the file said of itself.
        """
        draft = self.draft(part.cell)
        for batch in self.batches(old.cell):
            at = pc.index_in(batch["message_id"], rows["message_id"])
            kept, latest = batch.filter(pc.is_null(at)), rows.take(pc.drop_null(at))
            draft.add(
                pa.concat_tables([kept, latest]).sort_by([("processed_at", "ascending"), ("message_id", "ascending")])
            )
        return self.commit(draft, part)

    def commit(self, draft: Draft, part: Part) -> Part:
        """Finish a file and put it in place; the part gets its checksum and number of rows."""
        part = dataclasses.replace(part, row_count=draft.rows, checksum=draft.finish())
        draft.seal(self.proof_of(part))
        self.put(draft, part)
        return part

    def unread(self, cell: Cell, problem: str, *, now: datetime) -> Part:
        """Put an empty file in place for a day that could not be read, so that everything names it as not verified."""
        part = Part(
            cell=cell, row_count=0, total_count=None, verified=False, moving=0, exported_at=now, checksum="",
            problem=problem,
        )  # fmt: skip
        return self.commit(self.draft(cell), part)

    def proof(self, cell: Cell, path: Path) -> Part:
        """Read what a file proves of itself from its footer."""
        with self._readable(cell):
            metadata = pq.read_metadata(path)
            fields = json.loads((metadata.metadata or {})[PROOF])
            return Part(cell=cell, row_count=metadata.num_rows, **_revived(fields))

    @contextmanager
    def _readable(self, cell: Cell) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
            raise DataError(
                f"{self.path(cell).relative_to(self.root)} is damaged: run 'voxlake backfill {cell.stream}"
                f" --from {cell.date} --to {cell.date + DAY} --force'."
            ) from error

    def damage(self, part: Part) -> str | None:
        """Read a whole file against its own checksum, schema and day; None where all is well."""
        path = self.path(part.cell)
        try:
            if rows_checksum(path) != part.checksum:
                return f"{path.relative_to(self.root)} is not what was written: its checksum differs"
            if not pq.read_schema(path).equals(STREAMS[part.cell.stream].schema):
                return f"{path.relative_to(self.root)} has another schema"
            day = Window.of_days(part.cell.date, part.cell.date)
            rows = 0
            for batch in self.batches(part.cell):
                rows += batch.num_rows
                first, last = pc.min_max(batch["processed_at"]).as_py().values()
                if batch.num_rows and not (first in day and last in day):
                    return f"{path.relative_to(self.root)} holds rows of another day"
        except (OSError, pa.ArrowException, ValueError, DataError) as error:
            return f"{path.relative_to(self.root)} cannot be read ({' '.join(str(error).split())})"
        return None if rows == part.row_count else f"{path.relative_to(self.root)} has {rows:,} rows"

    def draft(self, cell: Cell) -> Draft:
        """Begin the file of a cell, aside."""
        with storage(self.root):
            return Draft(
                self.root, self.tmp / f"{cell.stream}-{cell.account_id}-{cell.date}", STREAMS[cell.stream].schema
            )

    def proof_of(self, part: Part) -> dict[bytes, str]:
        """Give the footer's entry that `proof` reads."""
        proof = dataclasses.asdict(part) | {"exported_at": part.exported_at.isoformat()}
        return {PROOF: json.dumps({name: proof[name] for name in proof if name not in ("cell", "row_count")})}

    def put(self, draft: Draft, part: Part) -> None:
        """Put a sealed file in place, whole, over the one before."""
        path = self.path(part.cell)
        with storage(self.root):
            make(path.parent)
            put(draft.path, path)

    def set_aside(self, cell: Cell) -> None:
        """Keep the file of a cell beside what is to replace it, in `rejects/gone/`: it has rows that are lost else."""
        path = self.path(cell)
        kept = self.root / "rejects" / "gone" / path.relative_to(self.root / "lake")
        with storage(self.root):
            make(kept.parent)
            while os.path.lexists(kept):
                kept = kept.with_name(f"again.{kept.name}")
            os.link(path, kept)

    def doubled(self, parts: Iterable[Part], account_id: int, stream: str) -> dict[Cell, set[int]]:
        """Find messages that lie in two days of a stream, by the day that was exported earlier."""
        import duckdb  # noqa: PLC0415 - most exports need it later, while they wait for replies

        by_path = {
            str(self.path(p.cell)): p for p in parts if (p.cell.account_id, p.cell.stream) == (account_id, stream)
        }
        with duckdb.connect() as connection:
            rows = connection.execute(
                "SELECT message_id, list(filename) FROM read_parquet($1, filename = true, hive_partitioning = false)"
                " GROUP BY message_id HAVING count(*) > 1",
                [list(by_path)],
            ).fetchall()
        doubled: dict[Cell, set[int]] = {}
        for message_id, paths in rows:
            for part in sorted((by_path[path] for path in paths), key=lambda part: part.exported_at)[:-1]:
                doubled.setdefault(part.cell, set()).add(message_id)
        return doubled

    def without(self, part: Part, ids: set[int]) -> Part:
        """Take messages that moved to another day out of a file, which is not verified any more."""
        draft = self.draft(part.cell)
        gone = pa.array(sorted(ids), pa.int64())
        for batch in self.batches(part.cell):
            draft.add(batch.filter(pc.invert(pc.is_in(batch["message_id"], gone))))
        problem = f"{len(ids)} messages moved to another day, and this one could not be read again"
        return self.commit(draft, dataclasses.replace(part, verified=False, problem=problem))

    def write_rejects(self, cell: Cell, rejects: Sequence[Reject]) -> None:
        """Keep the rows of a cell that could not be read, as JSON lines; none removes an older file."""
        path = (
            self.root
            / "rejects"
            / STREAMS[cell.stream].table
            / f"account_id={cell.account_id}"
            / f"date={cell.date}.jsonl"
        )
        with storage(self.root):
            if not rejects:
                path.unlink(missing_ok=True)
                return
            make(path.parent)
            aside = self.tmp / f"{cell.stream}-{cell.account_id}-{cell.date}.jsonl"
            # With numbers as they came, whatever their decimals.
            lines = (
                simplejson.dumps({"reason": r.reason, "raw": r.raw}, use_decimal=True, ensure_ascii=False)
                for r in rejects
            )
            aside.write_text("".join(line + "\n" for line in lines), encoding="utf-8", errors="backslashreplace")
            put(aside, path)

    def _folder(self, stream: str) -> Path:
        return self.root / "lake" / STREAMS[stream].table


def _revived(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "exported_at": datetime.fromisoformat(fields["exported_at"])}


def difference(old: Path, new: Path) -> tuple[int, int, set[int]]:
    """Count the messages that an older file lacks or cannot give any more, and those that it has otherwise.

    The third are the ids of those that only the older one has.
    """
    import duckdb  # noqa: PLC0415 - as above

    with duckdb.connect() as connection:
        try:
            gone = connection.execute(
                "SELECT message_id FROM read_parquet($1, hive_partitioning = false) o"
                " ANTI JOIN read_parquet($2, hive_partitioning = false) n USING (message_id)",
                [str(old), str(new)],
            ).fetchall()
            found = connection.execute(
                "SELECT count(*) FILTER (o.message_id IS NULL),"
                " count(*) FILTER (o.message_id IS NOT NULL AND n IS DISTINCT FROM o)"
                " FROM read_parquet($1, hive_partitioning = false) n"
                " LEFT JOIN read_parquet($2, hive_partitioning = false) o USING (message_id)",
                [str(new), str(old)],
            ).fetchone()
        except duckdb.Error:
            return pq.read_metadata(new).num_rows, 0, set()
    assert found is not None  # noqa: S101 - an aggregate has a row
    return (*found, {message_id for (message_id,) in gone})
