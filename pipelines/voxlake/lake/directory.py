"""The lake: the day files below a data directory, read, compared, written whole, and taken out without loss."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import simplejson

from voxlake.errors import AlreadyRunning, DataError, SettingsError
from voxlake.files import storage
from voxlake.lake.accounts import AccountRegistry
from voxlake.lake.claims import empty, working
from voxlake.lake.compare import Difference, compare, find_duplicates
from voxlake.lake.day_file import find_damage, find_misfit, footer_of, is_current, is_of_its_day, read_footer, read_rows
from voxlake.lake.layout import Layout
from voxlake.lake.scan import scan
from voxlake.lake.store import Store
from voxlake.lake.writer import DayFileWriter
from voxlake.locks import locked, require_unlocked
from voxlake.model import DayFile, DayKey
from voxlake.places import usable
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from pathlib import Path

    from voxlake.model import Reject

_NAMED = 3
_REWRITTEN = ".again.parquet"
"""How drafts of a day end that are not those of a reading, which may be under way at the same time."""


class Lake:
    """The day files of a data directory: one Parquet file for each account, stream and UTC day, whole or absent.

    Files are written in `tmp/`, on the same file system, and put in place by one rename, so that a glob over `lake/`
    never meets half a file, or a row twice. Holds no open file: it can be pickled and shared between threads.
    """

    def __init__(self, root: Path, *, run: str = "") -> None:
        self.root = root = usable(root)
        self.layout = Layout(root, run)
        self.store = Store(root)

    @property
    def tmp(self) -> Path:
        """The folder of files in the making."""
        return self.layout.tmp

    @property
    def database(self) -> Path:
        """Where the published database lies."""
        return self.layout.database

    def account_facts(self) -> Sequence[Mapping[str, Any]]:
        """Return what is known of each account, with the earliest day since which it is exported."""
        return [
            {**facts.to_dict(), "exported_since": min(facts.exported_since.values(), default=None)}
            for facts in AccountRegistry(self).all()
        ]

    def require(self) -> None:
        """Make sure that there is anything to look at.

        Raises:
            SettingsError: nothing was exported to this folder yet.
            AlreadyRunning: nothing either, but a first run is working.

        """
        if next(self.day_keys(), None) is None:
            self.require_idle()
            raise SettingsError(f"There is nothing in the data directory {self.root}: run 'voxlake export' first.")

    def require_idle(self) -> None:
        """Return where no run is working. Raises AlreadyRunning where one is."""
        require_unlocked(self.layout.lock)
        if (sentence := working(self.layout)) is not None:
            raise AlreadyRunning(sentence)

    @contextmanager
    def locked(self, *, holder: str) -> Iterator[None]:
        """Hold the whole data directory, and remove what a run that died left in `tmp/`.

        Raises:
            AlreadyRunning: another run works in it; the message names its `holder`.
            StorageFull: the folder cannot be written.

        """
        with locked(self.layout.lock, holder=holder, sharers=lambda: working(self.layout)):
            with storage(self.root):
                empty(self.tmp)
            yield

    def path(self, key: DayKey) -> Path:
        """Return the path of a day's file, which may not exist."""
        return self.layout.day_file(key)

    def day_keys(self) -> Iterator[DayKey]:
        """Yield the day of every file that lies where a day's file belongs, by stream, account and date."""
        for account_id, stream, stamps in scan(self.layout):
            for day in stamps:
                yield DayKey(account_id, stream, day)

    def strays(self) -> list[Path]:
        """List Parquet files in the lake that are not ours: a glob over the lake would read their rows, too."""
        ours = {self.path(key) for key in self.day_keys()}
        found = self.store.find(self.layout.lake, "**/*.parquet")
        return [path for path in found if path not in ours and path.is_file()]

    def move_out(self, path: Path) -> Path:
        """Move what is not ours to `rejects/stray/`, overwriting nothing, and return its new path."""
        return self.store.move(path, self.layout.stray(path))

    def read_footer(self, key: DayKey) -> DayFile:
        """Return what a day's file says of itself.

        Raises:
            DataError: it cannot be read.
            SettingsError: a newer version of voxlake wrote it.

        """
        return read_footer(self.path(key), key)

    def is_current(self, key: DayKey) -> bool:
        """Return whether a day's file holds what `read_rows` yields. Raises DataError where it is damaged."""
        return is_current(self.path(key), key)

    def read_rows(self, key: DayKey, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield a day's rows in the order of time, in the schema of today, a row group at a time.

        Raises:
            DataError: the file is damaged, or holds a value that does not fit its type of today.

        """
        return read_rows(self.path(key), key, columns)

    def misfit(self, key: DayKey) -> DataError | None:
        """Return why a day's values do not fit their types of today; None where they do, or the file is damaged."""
        return find_misfit(self.path(key), key)

    def damage(self, day_file: DayFile) -> str | None:
        """Return a clause that says what is wrong with a day's file, with its path; None where it is sound."""
        path = self.path(day_file.key)
        problem = find_damage(path, day_file)
        return None if problem is None else f"{path.relative_to(self.root)} {problem}"

    def compare(self, key: DayKey, draft: Path) -> Difference:
        """Compare a day's file with one that is to replace it; where it cannot be read, every row is new."""
        try:
            with self._in_schema_of_today(key) as path:
                return compare(path, draft)
        except DataError:
            return Difference(new=pq.read_metadata(draft).num_rows)

    @contextmanager
    def _in_schema_of_today(self, key: DayKey) -> Iterator[Path]:
        """Yield the path of a day's rows in the schema of today: its file, or for the block a copy of it."""
        if self.is_current(key):
            yield self.path(key)
            return
        writer = DayFileWriter(self.store, self.layout.draft(key, ".copy.parquet"), STREAMS[key.stream])
        try:
            for table in self.read_rows(key):
                writer.add(table)
            writer.finish()
            writer.seal({})
            yield writer.path
        finally:
            writer.discard()

    def duplicates(self, day_files: Iterable[DayFile]) -> dict[DayKey, set[int]]:
        """Find messages that lie in several of these files; each is named under all of its days but one.

        That is the latest export, unless its rows are not of its day, as in a file that was copied over another.

        Returns:
            The ids of such messages by day.

        """

        def rank(day_file: DayFile) -> tuple[bool, datetime, DayKey]:
            if day_file.key not in own:
                own[day_file.key] = is_of_its_day(self.path(day_file.key), day_file.key)
            return own[day_file.key], day_file.exported_at, day_file.key

        own: dict[DayKey, bool] = {}
        by_path = {str(self.path(day_file.key)): day_file for day_file in day_files}
        found: dict[DayKey, set[int]] = {}
        keys = [day_file.key for day_file in by_path.values()]
        older = {key for key in keys if not self.is_current(key)}
        ids = {self.path(key): self._ids(key) for key in older}
        for message_id, paths in find_duplicates((self.path(key) for key in keys if key not in older), ids):
            for day_file in sorted((by_path[path] for path in paths), key=rank)[:-1]:
                found.setdefault(day_file.key, set()).add(message_id)
        return found

    def _ids(self, key: DayKey) -> pa.Table:
        none = STREAMS[key.stream].schema.empty_table().select(["message_id"])
        return pa.concat_tables([none, *self.read_rows(key, ["message_id"])])

    def writer(self, key: DayKey, suffix: str = ".parquet") -> DayFileWriter:
        """Begin the file of a day, aside."""
        return DayFileWriter(self.store, self.layout.draft(key, suffix), STREAMS[key.stream])

    def seal(self, writer: DayFileWriter, day_file: DayFile) -> DayFile:
        """Finish a file aside, with `day_file` in its footer, and return that with its checksum and number of rows."""
        day_file = dataclasses.replace(day_file, row_count=writer.rows, checksum=writer.finish())
        writer.seal(footer_of(day_file))
        return day_file

    def put(self, key: DayKey, draft: Path) -> None:
        """Put a sealed file in place, over the one before."""
        self.store.put(draft, self.path(key))

    def commit(self, writer: DayFileWriter, day_file: DayFile) -> DayFile:
        """Seal a file and put it in place; returns what `seal` returns."""
        day_file = self.seal(writer, day_file)
        self.put(day_file.key, writer.path)
        return day_file

    def put_placeholder(self, key: DayKey, problem: str, *, now: datetime) -> DayFile:
        """Put an empty, unverified file in place for a day that could not be read, so that it is named everywhere."""
        day_file = DayFile(
            key=key, row_count=0, total_count=None, verified=False, moving=0, exported_at=now, checksum="",
            problem=problem,
        )  # fmt: skip
        return self.commit(self.writer(key, _REWRITTEN), day_file)

    def update_rows(self, day_file: DayFile, rows: pa.Table) -> DayFile:
        """Write a day's file again with some rows in their latest state, and `day_file` in its footer.

        `rows` lie at the times that they had. Returns what `seal` returns; raises DataError where the file is damaged.
        """
        writer = self.writer(day_file.key)
        for table in self.read_rows(day_file.key):
            at = pc.index_in(table["message_id"], rows["message_id"])
            kept, latest = table.filter(pc.is_null(at)), rows.take(pc.drop_null(at))
            writer.add(
                pa.concat_tables([kept, latest]).sort_by([("processed_at", "ascending"), ("message_id", "ascending")])
            )
        return self.commit(writer, day_file)

    def remove_rows(self, day_file: DayFile, ids: AbstractSet[int], *, problem: str = "") -> DayFile:
        """Write a day's file again without messages that moved to another day; it is unverified from then on.

        Returns what `seal` returns; raises DataError where the file is damaged.
        """
        sealed = self._without(self.path(day_file.key), day_file, ids, problem)
        self.put(sealed.key, self.layout.draft(sealed.key, _REWRITTEN))
        return sealed

    def leave_out(self, day_file: DayFile, ids: AbstractSet[int]) -> DayFile:
        """Write a day's draft again without messages that moved to another day, as `remove_rows` does with its file."""
        draft = self.layout.draft(day_file.key)
        sealed = self._without(draft, day_file, ids, "")
        self.layout.draft(sealed.key, _REWRITTEN).replace(draft)
        return sealed

    def _without(self, path: Path, day_file: DayFile, ids: AbstractSet[int], problem: str) -> DayFile:
        """Write a file without some messages aside."""
        key, moved = day_file.key, pa.array(sorted(ids), pa.int64())
        writer = self.writer(key, _REWRITTEN)
        for table in read_rows(path, key):
            writer.add(table.filter(pc.invert(pc.is_in(table["message_id"], moved))))
        problem = problem or f"{_named(ids)} moved to another day, and this one was not read again"
        return self.seal(writer, dataclasses.replace(day_file, verified=False, problem=problem))

    def keep_replaced(self, key: DayKey) -> None:
        """Keep a day's file in `rejects/gone/` before another replaces it that gives up some of its rows."""
        self.store.keep(self.path(key), self.layout.replaced(key))

    def write_rejects(self, key: DayKey, rejects: Sequence[Reject]) -> None:
        """Write the rows of a day that could not be decoded as JSON lines, numbers as they came; none: no file."""
        path = self.layout.rejects(key)
        if not rejects:
            self.store.remove(path)
            return
        lines = (
            simplejson.dumps({"reason": reject.reason, "raw": reject.raw}, use_decimal=True, ensure_ascii=False)
            for reject in rejects
        )
        text = "".join(f"{line}\n" for line in lines)
        self.store.write_text(path, text, aside=self.layout.draft(key, ".jsonl"))


def _named(ids: AbstractSet[int]) -> str:
    """Return which messages these are, or how many, where those are many."""
    return f"message {', '.join(map(str, sorted(ids)))}" if len(ids) <= _NAMED else f"{len(ids):,} messages"
