"""Erase a person: every message from or to a number, and every mention of it, wherever a data directory has any.

First a tombstone is written, so that no run brings anything back; then the lake is written again, then what lies beside
it, then the database from scratch. Each file changes in one step. Whoever is killed on the way does the same again,
which goes on from there; at the end every file is searched, and a certificate says what was done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from voxlake.errors import DataError, SettingsError
from voxlake.events import SILENT
from voxlake.lake import (
    DeltaPlaces,
    Searched,
    Tombstone,
    Tombstones,
    all_files,
    allow_erased,
    empty,
    erase_in_index,
    erase_in_parquet,
    erase_in_text,
    erase_replies,
    holds_number,
    search,
)
from voxlake.phones import normal_number
from voxlake.pipeline import announce
from voxlake.pipeline.certificate import ErasureLog
from voxlake.pipeline.context import open_manifest
from voxlake.pipeline.delta import erase_in_delta
from voxlake.pipeline.erase_days import erase_days
from voxlake.pipeline.forget_result import ForgetResult
from voxlake.transform import ANONYMISE, ERASE, LEAST, MOST, Forgotten
from voxlake.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from voxlake.events import Emitter
    from voxlake.lake import Lake, Manifest
    from voxlake.model import FinalityPolicy
    from voxlake.privacy import PrivacyKey
    from voxlake.warehouse import Warehouse

Journal = Callable[[Forgotten, Callable[[Path, Path], None] | None], int]
"""What takes a number out of the journal of what was sent, or looks for it, and returns how many lines have it."""


def wanted(number: str) -> str:
    """Return a number in its normal form. Raises SettingsError for another text, which is not quoted."""
    normal = normal_number(number)
    if not (normal.isascii() and normal.isdigit() and LEAST <= len(normal) <= MOST):
        raise SettingsError(
            f"--number is not a phone number, which has {LEAST} to {MOST} digits, as in +44 7911 123456."
        )
    return normal


def forget(
    lake: Lake,
    warehouse: Warehouse,
    number: str,
    key: PrivacyKey,
    *,
    now: datetime,
    finality: FinalityPolicy,
    journal: Journal,
    anonymise: bool = False,
    dry_run: bool = False,
    events: Emitter = SILENT,
) -> ForgetResult:
    """Erase a number from a data directory, whose lock the caller holds; with `dry_run`, only look.

    `journal` takes it out of what was sent, and calls what it is given before a file is replaced; without, it looks.

    Raises:
        SettingsError: it is not a number, or others were forgotten under another key.
        DataError: the database cannot be built again, or the journal cannot be read.
        StorageFull: the disk is full; to do it again goes on from there.

    """
    normal = wanted(number)
    with announce.run(events, "erasure") as ending:
        work = _Erasure(lake, warehouse, normal, key, now, finality, anonymise=anonymise, dry_run=dry_run)
        done = work.look(journal) if dry_run else work.erase(journal)
        ending.exit_code = done.exit_code
    return done


class _Erasure:
    """One number that is being erased."""

    def __init__(
        self,
        lake: Lake,
        warehouse: Warehouse,
        normal: str,
        key: PrivacyKey,
        now: datetime,
        finality: FinalityPolicy,
        *,
        anonymise: bool,
        dry_run: bool,
    ) -> None:
        self._lake, self._warehouse, self._now, self._finality = lake, warehouse, now, finality
        self._key, self._digest = key, key.digest(normal)
        self._stones = Tombstones(lake)
        self._stones.require(key)
        before = self._stones.get(self._digest)
        self._stone = before or Tombstone(self._digest, ANONYMISE if anonymise else ERASE, now)
        self._is_new = before is None or not before.done
        self._forgotten = Forgotten({self._digest: self._stone.kind}, key, {normal: self._stone.kind})
        self._log = ErasureLog(lake, self._digest[:16], dry_run=dry_run)
        self._left: list[str] = []

    def look(self, journal: Journal) -> ForgetResult:
        """Return what an erasure would do."""
        manifest = open_manifest(self._lake, self._warehouse, now=self._now)
        self._days(manifest, dry_run=True)
        held = {str(its["path"]) for its in self._log.files()}
        names = [path for path in all_files(self._lake) if holds_number(path, self._forgotten)]
        journal(self._forgotten, None)
        files = sorted({str(path.relative_to(self._lake.root)) for path in names} | held)
        return self._result(files=files, dry_run=True, nothing=not (files or self._log.is_changed))

    def erase(self, journal: Journal) -> ForgetResult:
        """Erase it everywhere, in the order in which nothing comes back."""
        lake = self._lake
        if self._is_new:
            allow_erased(lake)
            self._stones.put(self._stone, self._key)
        manifest = open_manifest(lake, self._warehouse, now=self._now)
        self._days(manifest, dry_run=False)
        manifest.save()
        removed = self._replies()
        journal(self._forgotten, self._log.note)
        self._others()
        erase_in_index(lake, self._forgotten)
        if self._is_new or self._log.is_changed or self._database_holds():
            if any(True for _ in lake.day_keys()):
                self._warehouse.publish(manifest.changes, lake, finality=self._finality, rebuild=True)
            self._left += (f"{path} cannot be removed: remove it." for path in self._warehouse.remove_earlier())
        self._left += erase_in_delta(lake, manifest, now=self._now, finality=self._finality)
        empty(lake.tmp)
        searched = search(lake, self._forgotten)
        self._left += (f"{path} still holds the number: remove it." for path in searched.found)
        self._left += (f"{path} cannot be looked into: remove it, or mend it." for path in searched.unread)
        self._left = list(dict.fromkeys(self._left))
        if not self._is_new and not self._log.is_changed:
            return self._result(nothing=not self._left, searched=searched)
        result = self._certified(removed, searched)
        if not self._left:
            # Last, so that whoever is killed before it has a certificate in the end.
            self._stones.put(replace(self._stone, done=True), self._key)
        return result

    def _days(self, manifest: Manifest, *, dry_run: bool) -> None:
        redact = self._forgotten.redact
        self._left += erase_days(
            self._lake,
            manifest,
            list(manifest),
            lambda _day_file, table: self._forgotten.treat(table),
            self._log,
            restate=lambda its: its if its.problem is None else replace(its, problem=redact(its.problem)),
            dry_run=dry_run,
        )
        self._left += (str(error) for error in manifest.damaged.values())

    def _replies(self) -> int:
        """Take the number out of the archives of replies; returns how many replies could not be kept."""
        removed, problems = erase_replies(self._lake, self._forgotten, self._log.note)
        self._left += problems
        return removed + self._log.total("replies_removed")

    def _others(self) -> None:
        """Take the number out of rejects, of files kept aside, and of whatever else lies in the data directory."""
        layout, root = self._lake.layout, self._lake.root
        days = {self._lake.place(key) for key in self._lake.day_keys()}
        # Files of Delta tables are replaced by commits, and never written again.
        delta = (Path(uri) for uri in DeltaPlaces(self._lake).known())
        apart = (*delta, layout.replies, root / "warehouse", layout.tmp, layout.locks, layout.certificates)
        named = {layout.index, layout.forgotten, layout.lock, root / "outbox.jsonl", *days}
        for path in list(all_files(self._lake)):
            if path in named or any(folder in path.parents for folder in apart):
                continue
            if holds_number(path, self._forgotten):
                erase = erase_in_parquet if path.suffix == ".parquet" else erase_in_text
                if not erase(self._lake, path, self._forgotten, self._log.note):
                    self._left.append(f"{path} holds the number and is not a file of voxlake's: remove it.")

    def _database_holds(self) -> bool:
        """Return whether the published database has a row of the number, or mentions it."""
        try:
            with self._warehouse.reader() as connection:
                tables = ("sms_history", "a2p_sms_history")
                return any(
                    self._forgotten.finds(table)
                    for name in tables
                    for table in _batches(connection.sql(f"FROM {name}"))
                )
        except (SettingsError, DataError):
            return True

    def _certified(self, removed: int, searched: Searched) -> ForgetResult:
        """Write the certificate, and return the result with it."""
        at = f"{self._now:%Y%m%dT%H%M%SZ}"
        days = tuple(self._log.days())
        said = {
            "certificate": 1,
            "request": self._digest,
            "key": self._key.id,
            "kind": self._stone.kind,
            "asked_at": self._stone.at.isoformat(),
            "ended_at": self._now.isoformat(),
            "voxlake": __version__,
            "rows": sum(its["forgotten"] + its["anonymised"] for its in days),
            "mentions": sum(its["redacted"] for its in days),
            "days": sum(len(its["dates"]) for its in days),
            "streams": list(days),
            "replies_removed": removed,
            "files": self._log.files(),
            "searched": {"files": searched.files, "bytes": searched.bytes, "found": len(searched.found)},
            "left": [line.replace(f"{self._lake.root}/", "") for line in self._left],
        }
        path = self._log.finish(said, f"{at}-{self._digest[:16]}", is_whole=not self._left)
        return self._result(
            files=[its["path"] for its in said["files"]],
            removed=removed,
            searched=searched,
            certificate=str(path),
            text=said,
        )

    def _result(
        self,
        *,
        files: list[str] | tuple[()] = (),
        removed: int = 0,
        searched: Searched | None = None,
        certificate: str | None = None,
        text: dict[str, Any] | None = None,
        nothing: bool = False,
        dry_run: bool = False,
    ) -> ForgetResult:
        return ForgetResult(
            self._digest,
            self._stone.kind,
            tuple(self._log.days()),
            tuple(files),
            removed,
            searched,
            tuple(dict.fromkeys(self._left)),
            certificate,
            text or {},
            nothing,
            dry_run,
        )


def _batches(found: Any) -> Iterator[pa.Table]:
    return (pa.Table.from_batches([batch]) for batch in found.to_arrow_reader(1 << 16))
