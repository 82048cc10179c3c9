"""What an erasure did, in a file that says it without the number: noted as it goes on, so that a kill loses none.

Each file that is about to be replaced gets a line with its checksums before and after; the certificate is what all
lines of an erasure add up to, those of runs that were killed included.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from voxlake.files import storage, sync

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.lake import Lake
    from voxlake.model import DayKey
    from voxlake.transform import Treated


class ErasureLog:
    """The lines of one erasure, by its `name`; without a lake, as for a dry run, nothing is written.

    Raises StorageFull where they cannot be written.
    """

    def __init__(self, lake: Lake, name: str, *, dry_run: bool = False) -> None:
        self._lake, self._dry_run = lake, dry_run
        self._path = lake.layout.certificates / f"{name}.open.jsonl"
        self._lines: list[dict[str, Any]] = [] if dry_run else _read(lake.store.fetch(self._path))
        self._waiting: list[dict[str, Any]] = []
        self.is_changed = False

    def count(self, key: DayKey, treated: Treated) -> None:
        """Note what is taken out of a day, whose file is the next that is noted."""
        counts = {"forgotten": treated.forgotten, "anonymised": treated.anonymised, "redacted": treated.redacted}
        line = {"account_id": key.account_id, "stream": key.stream, "date": str(key.date), **counts}
        if self._dry_run:
            self._lines.append({"days": [line]})
            self.is_changed = True
        else:
            self._waiting.append(line)

    def note(self, path: Path, aside: Path | None, **more: Any) -> None:
        """Write down that a file is about to be replaced by another, or removed."""
        line = {
            "path": str(path.relative_to(self._lake.root)),
            "before": digest(path),
            "after": None if aside is None else digest(aside),
            "days": self._waiting,
            **more,
        }
        self._waiting, self.is_changed = [], True
        self._lines.append(line)
        if not self._dry_run:
            self._write(line)

    def _write(self, line: dict[str, Any]) -> None:
        with storage(self._lake.root):
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            opened = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(opened, "ab") as file:
                file.write(json.dumps(line).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        self._lake.store.share(self._path)

    def files(self) -> list[dict[str, Any]]:
        """Return the files that were changed, each with its checksum before the first change and after the last."""
        found: dict[str, dict[str, Any]] = {}
        for line in self._effective():
            if "path" in line:
                first = found.get(line["path"], line)
                found[line["path"]] = {"path": line["path"], "before": first["before"], "after": line["after"]}
        return [found[path] for path in sorted(found)]

    def days(self) -> list[dict[str, Any]]:
        """Return what was taken out of days, by account and stream."""
        sums: dict[tuple[int, str], dict[str, Any]] = defaultdict(
            lambda: {"forgotten": 0, "anonymised": 0, "redacted": 0, "dates": set()}
        )
        for line in self._effective():
            for day in line.get("days", ()):
                its = sums[day["account_id"], day["stream"]]
                its["dates"].add(day["date"])
                for name in ("forgotten", "anonymised", "redacted"):
                    its[name] += day[name]
        return [
            {"account_id": account, "stream": stream, **its, "dates": sorted(its["dates"])}
            for (account, stream), its in sorted(sums.items())
        ]

    def total(self, name: str) -> int:
        """Return the sum of what lines say under a name."""
        return sum(int(line.get(name, 0)) for line in self._effective())

    def _effective(self) -> list[dict[str, Any]]:
        """Return the lines but for those of changes that a kill prevented: the same file was changed again after."""
        last = {(line["path"], line["before"]): line for line in self._lines if "path" in line}
        return [line for line in self._lines if "path" not in line or last[line["path"], line["before"]] is line]

    def finish(self, certificate: dict[str, Any], name: str, *, is_whole: bool) -> Path:
        """Write the certificate, readable by its owner alone, and return its path; a whole one ends the log."""
        folder = self._lake.layout.certificates
        path = folder / f"{name}.json"
        aside = self._lake.tmp / f"{name}.json"
        with storage(self._lake.root):
            folder.mkdir(mode=0o700, exist_ok=True)
            opened = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(opened, "w") as file:
                file.write(json.dumps(certificate, indent=1) + "\n")
        self._lake.store.put(aside, path)
        with storage(self._lake.root):
            if is_whole:
                self._lake.store.remove(self._path)
            sync(folder)
        return path


def digest(path: Path) -> str | None:
    """Return the SHA-256 of a file in hexadecimal digits; None where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _read(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a run that was killed; a last one that is cut was of a file that was not replaced."""
    found = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found
