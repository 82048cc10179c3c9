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

from voxlake.errors import AlreadyRunning, DataError, SettingsError
from voxlake.files import make, put, storage
from voxlake.lake.writer import DayFileWriter, rows_checksum
from voxlake.model import DAY, DayFile, DayKey, Window
from voxlake.transform import STREAMS

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
        if next(self.day_keys(), None) is None:
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
                raise AlreadyRunning(f"Another run works in {self.root} ({told}): wait until it ends.") from None

    def path(self, day_key: DayKey) -> Path:
        """Give the path of a cell's file."""
        return (
            self._folder(day_key.stream) / f"account_id={day_key.account_id}" / f"date={day_key.date}" / "part.parquet"
        )

    def day_keys(self) -> Iterator[tuple[DayKey, Path]]:
        """Walk what is there."""
        for stream in STREAMS:
            for path in sorted(self._folder(stream).glob("account_id=*/date=*/part.parquet")):
                day_key = self.key_of(stream, path)
                if day_key is not None:
                    yield day_key, path

    def key_of(self, stream: str, path: Path) -> DayKey | None:
        """Give the cell whose file this is; None where it is nobody's."""
        account, day = path.parts[-3].partition("=")[2], path.parts[-2].partition("=")[2]
        with suppress(ValueError):
            day_key = DayKey(int(account), stream, date.fromisoformat(day))
            return day_key if path == self.path(day_key) else None
        return None

    def strays(self) -> list[Path]:
        """List the Parquet files that are none of ours, yet would be in the answer to a plain glob."""
        ours = {path for _, path in self.day_keys()}
        return sorted(path for path in (self.root / "lake").rglob("*.parquet") if path not in ours and path.is_file())

    def move_out(self, path: Path) -> Path:
        """Move what somebody put into our place to `rejects/stray/`, and give its new path; nothing is overwritten."""
        kept = self.root / "rejects" / "stray" / path.relative_to(self.root)
        with storage(self.root):
            kept.parent.mkdir(parents=True, exist_ok=True)
            while os.path.lexists(kept):
                kept = kept.with_name(f"{kept.name}.again")
            return path.rename(kept)

    def batches(self, day_key: DayKey, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Read the rows of a cell in the order of time, one row group at a time; a DataError where that fails."""
        with self._readable(day_key):
            file = pq.ParquetFile(self.path(day_key), page_checksum_verification=True)
            groups = range(file.num_row_groups)
        for group in groups:
            with self._readable(day_key):
                table = file.read_row_group(group, columns=columns).replace_schema_metadata(None)
            yield table

    def rewrite(self, old: DayFile, day_file: DayFile, rows: pa.Table) -> DayFile:
        """Put a cell's file in place again with some rows in their latest state, and say what it proves now.

        `rows` have the times that they had; `old` is what the file said of itself.
        """
        draft = self.draft(day_file.key)
        for batch in self.batches(old.key):
            at = pc.index_in(batch["message_id"], rows["message_id"])
            kept, latest = batch.filter(pc.is_null(at)), rows.take(pc.drop_null(at))
            draft.add(
                pa.concat_tables([kept, latest]).sort_by([("processed_at", "ascending"), ("message_id", "ascending")])
            )
        return self.commit(draft, day_file)

    def commit(self, draft: DayFileWriter, day_file: DayFile) -> DayFile:
        """Finish a file and put it in place; the part gets its checksum and number of rows."""
        day_file = dataclasses.replace(day_file, row_count=draft.rows, checksum=draft.finish())
        draft.seal(self.proof_of(day_file))
        self.put(draft, day_file)
        return day_file

    def unread(self, day_key: DayKey, problem: str, *, now: datetime) -> DayFile:
        """Put an empty file in place for a day that could not be read, so that everything names it as not verified."""
        day_file = DayFile(
            key=day_key, row_count=0, total_count=None, verified=False, moving=0, exported_at=now, checksum="",
            problem=problem,
        )  # fmt: skip
        return self.commit(self.draft(day_key), day_file)

    def proof(self, day_key: DayKey, path: Path) -> DayFile:
        """Read what a file proves of itself from its footer."""
        with self._readable(day_key):
            metadata = pq.read_metadata(path)
            fields = json.loads((metadata.metadata or {})[PROOF])
            return DayFile(key=day_key, row_count=metadata.num_rows, **_revived(fields))

    @contextmanager
    def _readable(self, day_key: DayKey) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
            raise DataError(
                f"{self.path(day_key).relative_to(self.root)} is damaged: run 'voxlake backfill {day_key.stream}"
                f" --from {day_key.date} --to {day_key.date + DAY} --force'."
            ) from error

    def damage(self, day_file: DayFile) -> str | None:
        """Read a whole file against its own checksum, schema and day; None where all is well."""
        path = self.path(day_file.key)
        try:
            if rows_checksum(path) != day_file.checksum:
                return f"{path.relative_to(self.root)} is not what was written: its checksum differs"
            if not pq.read_schema(path).equals(STREAMS[day_file.key.stream].schema):
                return f"{path.relative_to(self.root)} has another schema"
            day = Window.of_days(day_file.key.date, day_file.key.date)
            rows = 0
            for batch in self.batches(day_file.key):
                rows += batch.num_rows
                first, last = pc.min_max(batch["processed_at"]).as_py().values()
                if batch.num_rows and not (first in day and last in day):
                    return f"{path.relative_to(self.root)} holds rows of another day"
        except (OSError, pa.ArrowException, ValueError, DataError) as error:
            return f"{path.relative_to(self.root)} cannot be read ({' '.join(str(error).split())})"
        return None if rows == day_file.row_count else f"{path.relative_to(self.root)} has {rows:,} rows"

    def draft(self, day_key: DayKey) -> DayFileWriter:
        """Begin the file of a cell, aside."""
        with storage(self.root):
            return DayFileWriter(
                self.root,
                self.tmp / f"{day_key.stream}-{day_key.account_id}-{day_key.date}",
                STREAMS[day_key.stream].schema,
            )

    def proof_of(self, day_file: DayFile) -> dict[bytes, str]:
        """Give the footer's entry that `proof` reads."""
        proof = dataclasses.asdict(day_file) | {"exported_at": day_file.exported_at.isoformat()}
        return {PROOF: json.dumps({name: proof[name] for name in proof if name not in ("key", "row_count")})}

    def put(self, draft: DayFileWriter, day_file: DayFile) -> None:
        """Put a sealed file in place, whole, over the one before."""
        path = self.path(day_file.key)
        with storage(self.root):
            make(path.parent)
            put(draft.path, path)

    def set_aside(self, day_key: DayKey) -> None:
        """Keep the file of a cell beside what is to replace it, in `rejects/gone/`: it has rows that are lost else."""
        path = self.path(day_key)
        kept = self.root / "rejects" / "gone" / path.relative_to(self.root / "lake")
        with storage(self.root):
            make(kept.parent)
            while os.path.lexists(kept):
                kept = kept.with_name(f"again.{kept.name}")
            os.link(path, kept)

    def doubled(self, day_files: Iterable[DayFile], account_id: int, stream: str) -> dict[DayKey, set[int]]:
        """Find messages that lie in two days of a stream, by the day that was exported earlier."""
        import duckdb  # noqa: PLC0415 - most exports need it later, while they wait for replies

        by_path = {
            str(self.path(p.key)): p for p in day_files if (p.key.account_id, p.key.stream) == (account_id, stream)
        }
        with duckdb.connect() as connection:
            rows = connection.execute(
                "SELECT message_id, list(filename) FROM read_parquet($1, filename = true, hive_partitioning = false)"
                " GROUP BY message_id HAVING count(*) > 1",
                [list(by_path)],
            ).fetchall()
        doubled: dict[DayKey, set[int]] = {}
        for message_id, paths in rows:
            for day_file in sorted((by_path[path] for path in paths), key=lambda day_file: day_file.exported_at)[:-1]:
                doubled.setdefault(day_file.key, set()).add(message_id)
        return doubled

    def without(self, day_file: DayFile, ids: set[int]) -> DayFile:
        """Take messages that moved to another day out of a file, which is not verified any more."""
        draft = self.draft(day_file.key)
        gone = pa.array(sorted(ids), pa.int64())
        for batch in self.batches(day_file.key):
            draft.add(batch.filter(pc.invert(pc.is_in(batch["message_id"], gone))))
        problem = f"{len(ids)} messages moved to another day, and this one could not be read again"
        return self.commit(draft, dataclasses.replace(day_file, verified=False, problem=problem))

    def write_rejects(self, day_key: DayKey, rejects: Sequence[Reject]) -> None:
        """Keep the rows of a cell that could not be read, as JSON lines; none removes an older file."""
        path = (
            self.root
            / "rejects"
            / STREAMS[day_key.stream].table
            / f"account_id={day_key.account_id}"
            / f"date={day_key.date}.jsonl"
        )
        with storage(self.root):
            if not rejects:
                path.unlink(missing_ok=True)
                return
            make(path.parent)
            aside = self.tmp / f"{day_key.stream}-{day_key.account_id}-{day_key.date}.jsonl"
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
