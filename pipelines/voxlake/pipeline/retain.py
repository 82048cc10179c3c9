"""Take away what is older than it is kept: days as a whole, and the texts of days.

First it is written down from which day on days and texts are kept, so that nothing asks for older ones again; then the
lake is cleared, then what lies beside it, then the database is built from scratch. Whoever is killed on the way leaves
whole files, and the next run goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from voxlake.errors import DataError, SettingsError
from voxlake.events import SILENT
from voxlake.lake import (
    AccountRegistry,
    StandingEraser,
    allow_erased,
    erase_replies,
    erased_in,
    remove_folder_of,
    without_text,
)
from voxlake.pipeline import announce
from voxlake.pipeline.certificate import ErasureLog
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.delta import erase_in_delta
from voxlake.pipeline.erase_days import erase_days
from voxlake.transform import STREAMS, Treated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    import pyarrow as pa

    from voxlake.events import Emitter
    from voxlake.lake import Lake, Manifest
    from voxlake.model import DayFile, DayKey, FinalityPolicy
    from voxlake.warehouse import Warehouse

_LEFT: Final = 4
At = tuple[int, str]
"""An account and a stream."""


@dataclass(frozen=True, slots=True)
class RetainResult:
    """What was taken away, or would be: `days` with `rows`, and `texts` of other days; `left` says what could not."""

    kept_since: date | None
    texts_since: date | None
    days: tuple[DayKey, ...] = ()
    rows: int = 0
    texts: int = 0
    left: tuple[str, ...] = ()
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        """Return 4 where something is left, else 0."""
        return _LEFT if self.left else 0

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {
            "exit_code": self.exit_code,
            "dry_run": self.dry_run,
            "kept_since": self.kept_since and str(self.kept_since),
            "texts_since": self.texts_since and str(self.texts_since),
            "days": [key.to_json() for key in self.days],
            "rows": self.rows,
            "texts": self.texts,
            "left": list(self.left),
        }


def retain(
    lake: Lake,
    warehouse: Warehouse,
    *,
    older_than: timedelta | None,
    texts_older_than: timedelta | None,
    now: datetime,
    finality: FinalityPolicy,
    dry_run: bool = False,
    events: Emitter = SILENT,
) -> RetainResult:
    """Take away days that ended longer ago than `older_than`, and texts of days longer ago than `texts_older_than`.

    The caller holds the lock of the data directory; with `dry_run` nothing is changed.

    Raises:
        SettingsError: numbers were forgotten here, and their key is missing.
        DataError: a file is damaged, so that the database cannot be built again.
        StorageFull: the disk is full; to do it again goes on from there.

    """
    with announce.run(events, "retention") as ending:
        erased_in(lake)
        work = _Retention(lake, warehouse, now, finality, older_than, texts_older_than, dry_run=dry_run)
        done = work.run()
        ending.exit_code = done.exit_code
    return done


class _Retention:
    """One pass over a data directory."""

    def __init__(
        self,
        lake: Lake,
        warehouse: Warehouse,
        now: datetime,
        finality: FinalityPolicy,
        older_than: timedelta | None,
        texts_older_than: timedelta | None,
        *,
        dry_run: bool,
    ) -> None:
        self._lake, self._warehouse, self._now, self._finality = lake, warehouse, now, finality
        self._kept = None if older_than is None else now.date() - older_than
        self._texts = None if texts_older_than is None else now.date() - texts_older_than
        self._dry_run = dry_run
        self._log = ErasureLog(lake, "retention", dry_run=True)
        self._left: list[str] = []
        self._gone: list[DayKey] = []
        self._rows = 0

    def run(self) -> RetainResult:
        """Take away what is too old, in the order in which nothing comes back."""
        lake, manifest = self._lake, open_manifest(self._lake, self._warehouse, now=self._now)
        streams = {(its.key.account_id, its.key.stream) for its in manifest}
        if not self._dry_run and streams:
            self._state(manifest, streams)
        texts = self._texts_of(manifest)
        self._days(manifest)
        if not self._dry_run:
            manifest.save()
            self._beside()
            if self._gone or texts or self._database_is_behind(streams):
                if any(True for _ in lake.day_keys()):
                    self._warehouse.publish(manifest.changes, lake, finality=self._finality, rebuild=True)
                self._left += (f"{path} cannot be removed: remove it." for path in self._warehouse.remove_earlier())
            self._left += erase_in_delta(lake, manifest, now=self._now, finality=self._finality)
        days = tuple(sorted(self._gone))
        left = tuple(dict.fromkeys(self._left))
        return RetainResult(self._kept, self._texts, days, self._rows, texts, left, self._dry_run)

    def _state(self, manifest: Manifest, streams: set[At]) -> None:
        """Write down from which day on days and texts are kept."""
        allow_erased(self._lake)
        registry = AccountRegistry(self._lake)
        for account, stream in streams:
            facts = registry.get(account)
            kept = _later(facts.kept_since, stream, self._kept)
            texts = _later(facts.texts_since, stream, self._texts)
            since = facts.exported_since
            if stream in since and stream in kept:
                since = {**since, stream: max(since[stream], kept[stream])}
            oldest, retained = manifest.oldest(account, stream), facts.retained_from
            if oldest is not None and stream in kept and oldest < kept[stream]:
                retained = {**retained, stream: min(oldest, retained.get(stream, oldest))}
            registry.put(
                replace(facts, kept_since=kept, texts_since=texts, exported_since=since, retained_from=retained)
            )
        registry.save()
        self._lake.known_erased = None

    def _texts_of(self, manifest: Manifest) -> int:
        """Take the texts out of days that are too old for them; returns how many these were."""
        if self._texts is None:
            return 0
        first = self._kept or date.min
        days = [its for its in manifest if first <= its.key.date < self._texts and not its.textless]

        def treat(_day_file: DayFile, table: pa.Table) -> Treated:
            number = table.num_rows - table["text"].null_count
            return Treated(without_text(table), redacted=number)

        self._left += erase_days(
            self._lake,
            manifest,
            days,
            treat,
            self._log,
            restate=lambda its: replace(its, textless=True),
            dry_run=self._dry_run,
        )
        return sum(its["redacted"] for its in self._log.days())

    def _days(self, manifest: Manifest) -> None:
        """Take days away that are too old: files as a whole, and of a month that is partly so, the rows of its days."""
        kept = self._kept
        if kept is None:
            return
        old = [its for its in manifest if its.key.date < kept]
        partly = []
        for day_file in old:
            key = day_file.key
            path = self._lake.place(key)
            is_alone = path == self._lake.layout.day_file(key)
            if not is_alone and (path.parent.name.removeprefix("date=") >= str(kept)):
                partly.append(day_file)
                continue
            self._gone.append(key)
            self._rows += day_file.row_count
            if not self._dry_run:
                self._lake.store.remove(path)
                remove_folder_of(path, self._lake.layout.lake)
        its = [day_file for day_file in partly if day_file.row_count]
        self._gone += (day_file.key for day_file in its)
        self._rows += sum(day_file.row_count for day_file in its)
        self._left += erase_days(
            self._lake,
            manifest,
            its,
            lambda _day_file, table: Treated(table.slice(0, 0), forgotten=table.num_rows),
            ErasureLog(self._lake, "retention", dry_run=True),
            dry_run=self._dry_run,
        )
        if not self._dry_run:
            manifest.retain_away(key for key in self._gone if self._lake.place(key) == self._lake.layout.day_file(key))

    def _beside(self) -> None:
        """Take what is too old out of rejects and of archived replies."""
        oldest = max(filter(None, (self._kept, self._texts)), default=None)
        for path in self._lake.store.files(self._lake.root / "rejects"):
            day = _day_in(path.parts)
            if oldest is not None and day is not None and day < oldest:
                self._lake.store.remove(path)
                remove_folder_of(path, self._lake.root / "rejects")
        _, problems = erase_replies(self._lake, StandingEraser(erased_in(self._lake)), lambda *_, **__: None)
        self._left += problems

    def _database_is_behind(self, streams: set[At]) -> bool:
        """Return whether the published database has what is too old, as after a kill."""
        erased = erased_in(self._lake)
        try:
            with self._warehouse.reader() as connection:
                for account, stream in streams:
                    table, at = STREAMS[stream].table, (account, stream)
                    for column, first in (("message_id", erased.retained.get(at)), ("text", erased.with_text.get(at))):
                        query = f"SELECT count({column}) FROM {table} WHERE account_id = $1 AND date < $2"  # noqa: S608
                        if first and connection.execute(query, [account, first]).fetchall() != [(0,)]:
                            return True
        except (SettingsError, DataError):
            return True
        return False


def _later(days: Mapping[str, date], stream: str, day: date | None) -> dict[str, date]:
    """Return days by stream, that of one moved forward."""
    return dict(days) if day is None else {**days, stream: max(day, days.get(stream, day))}


def _day_in(parts: tuple[str, ...]) -> date | None:
    """Return the day that a path names; None where it names none."""
    for part in reversed(parts):
        if part.startswith("date="):
            try:
                return date.fromisoformat(part[5:15])
            except ValueError:
                return None
    return None
