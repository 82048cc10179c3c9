"""The next database of a run: days are loaded while others are still read, because publishing time counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.lake import Manifest
    from voxlake.model import DayFile, DayKey
    from voxlake.pipeline.context import Context
    from voxlake.transform import Stream
    from voxlake.warehouse import DatabaseBuild, DatabaseUpdate

LOAD = 100_000
"""Rows of a stream that are worth a statement of their own: they fill whole row groups of DuckDB's two threads."""


class EarlyBuild:
    """A database build that days are added to as they come; nobody sees it before `publish`.

    With `rebuild` nothing is loaded early, and the database is built from scratch. `close` it in any case.
    """

    def __init__(self, context: Context, *, rebuild: bool = False) -> None:
        self._context, self._rebuild = context, rebuild
        self._build: DatabaseBuild | None = None
        self._loads_early = not rebuild
        self._ready: dict[Stream, dict[DayKey, DayFile]] = {}
        self._rows_loaded = 0

    def prepare(self) -> None:
        """Begin the build, once, at a time when there is nothing to do but wait for the API."""
        if self._loads_early and self._build is None:
            self._build = self._context.warehouse.begin(self._context.lake)
            self._build.prepare()

    def add(self, stream: Stream, day_files: Iterable[DayFile], *, last: bool) -> None:
        """Add days that are in place; they are loaded when they are many, or the `last` of their stream.

        The more rows are loaded already, the more are loaded at a time.
        """
        ready = self._ready.setdefault(stream, {})
        ready.update((day_file.key, day_file) for day_file in day_files)
        rows = sum(day_file.row_count for day_file in ready.values())
        if self._build is not None and (last or rows >= max(LOAD, self._rows_loaded // 4)):
            self._build.load(list(ready.values()))
            self._rows_loaded += rows
            ready.clear()

    def publish(self, manifest: Manifest) -> DatabaseUpdate:
        """Publish the days of the manifest; after a first call that failed, nothing loaded early is used.

        Raises:
            DuplicateMessage: a message lies in two days.
            DataError: a day file is damaged, or another check failed; the last good database stays.
            StorageFull: the disk is full; the same.

        """
        context, build = self._context, self._build
        self._build, self._loads_early = None, False
        if build is None:
            return context.warehouse.publish(
                manifest.sound(), context.lake, finality=context.finality, rebuild=self._rebuild
            )
        try:
            return context.warehouse.complete(build, manifest.sound(), finality=context.finality)
        finally:
            build.close()

    def close(self) -> None:
        """Close an unfinished build."""
        if self._build is not None:
            self._build.close()
