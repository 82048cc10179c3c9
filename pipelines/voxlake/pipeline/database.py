"""The next database of a run: days are loaded while others are still read, because publishing time counts."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from voxlake.errors import DataError, DuplicateMessage
from voxlake.lake import indexing, others_work, publishing
from voxlake.pipeline import announce
from voxlake.pipeline.context import open_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.model import Changes, DayFile, DayKey, Mark
    from voxlake.pipeline.run import Run
    from voxlake.transform import Stream
    from voxlake.warehouse import DatabaseBuild, DatabaseUpdate

LOAD = 100_000
"""Rows of a stream that are worth a statement of their own: they fill whole row groups of DuckDB's two threads."""

_TRIES = 3
"""How often a database is built while other runs change files."""


class EarlyBuild:
    """A database build that days are added to as they come; nobody sees it before `publish`.

    With `rebuild` nothing is loaded early, and the database is built from scratch. `close` it in any case. The threads
    of several accounts may add days: one of them loads, and the others go on.
    """

    def __init__(self, run: Run, *, rebuild: bool = False) -> None:
        self._run, self._rebuild = run, rebuild
        self._build: DatabaseBuild | None = None
        self._loads_early = not rebuild
        self._ready: dict[Stream, dict[DayKey, DayFile]] = {}
        self._rows_loaded = 0
        self._adding, self._loading = threading.Lock(), threading.Lock()

    def prepare(self) -> None:
        """Begin the build, once, at a time when there is nothing to do but wait for the API."""
        if self._loads_early and self._build is None and self._loading.acquire(blocking=False):
            try:
                if self._build is None:
                    build = self._run.warehouse.begin(self._run.lake)
                    build.prepare()
                    self._build = build
            finally:
                self._loading.release()

    def add(self, stream: Stream, day_files: Iterable[DayFile], *, last: bool) -> None:
        """Add days that are in place; they are loaded when they are many, or the `last` of their stream.

        The more rows are loaded already, the more are loaded at a time.
        """
        with self._adding:
            self._ready.setdefault(stream, {}).update((day_file.key, day_file) for day_file in day_files)
        # The last days of one account are those of nobody else.
        last = last and not self._run.shared.several
        if not self._loading.acquire(blocking=False):
            return
        try:
            with self._adding:
                ready = list(self._ready[stream].values())
                rows = sum(day_file.row_count for day_file in ready)
                if self._build is None or not (last or rows >= max(LOAD, self._rows_loaded // 4)):
                    return
                self._ready[stream].clear()
                self._rows_loaded += rows
            self._build.load(ready)
        finally:
            self._loading.release()

    def publish(self) -> DatabaseUpdate:
        """Publish what is in the index and not in the database yet, after another run that publishes.

        After a first call that failed, nothing loaded early is used.

        Raises:
            DuplicateMessage: a message lies in two days.
            DataError: a day file is damaged, or another check failed; the last good database stays.
            StorageFull: the disk is full; the same.

        """
        run = self._run
        with publishing(run.lake, lambda: announce.waiting(run.events)):
            began = run.events.seconds()
            for left in reversed(range(_TRIES)):
                try:
                    done = self._publish()
                    break
                except DuplicateMessage:
                    raise
                except DataError:
                    # A file that another run has replaced meanwhile is not what was known of it.
                    if not left or not others_work(run.lake.layout):
                        raise
        announce.published(run.events, days=done.changed, rows=done.rows, began=began)
        return done

    def _publish(self) -> DatabaseUpdate:
        run = self._run
        build, self._build, self._loads_early = self._build, None, False
        if build is not None and not build.is_of_published():
            # Another run has published since it was begun: what it holds is done again on the newer one.
            build.close()
            build = None
        try:
            if build is not None:
                changes = self._changes(build.includes(run.finality))
                return run.warehouse.complete(build, changes, finality=run.finality)
            return run.warehouse.publish(self._changes, run.lake, finality=run.finality, rebuild=self._rebuild)
        finally:
            if build is not None:
                build.close()

    def _changes(self, since: Mark | None) -> Changes:
        """Return what runs of whatever account have indexed since."""
        run = self._run
        with indexing(run.lake):
            return open_manifest(run.lake, run.warehouse, now=run.now(), account_ids=()).changes(since)

    def close(self) -> None:
        """Close an unfinished build."""
        if self._build is not None:
            self._build.close()
