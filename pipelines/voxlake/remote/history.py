"""The history of runs in a store: every machine adds its lines, whether it holds the data directory or not."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from voxlake.errors import VoxlakeError
from voxlake.remote.refusals import Conflict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxlake.remote.directory import Remote

KEY: Final = "runs.jsonl"
_TRIES: Final = 5
_MOST_LINES: Final = 8000
"""Lines beyond which those of the oldest runs are left out: about those of two thousand runs."""


def bring_runs(remote: Remote, paths: Sequence[Path]) -> None:
    """Add to the last one of some files the lines of other machines; nothing where the store cannot say."""
    if remote.is_out_of_reach:
        return
    with suppress(VoxlakeError, OSError):
        known = remote.state().get("runs")
        found = remote.objects.get(KEY, unless=known)
        if found is not None:
            _take_in(paths, found.data)
            remote.note(runs=found.etag)


def share_runs(remote: Remote, paths: Sequence[Path]) -> None:
    """Do what `bring_runs` does, and put the lines of this machine; no run fails for its history.

    Nothing is put where no run has ever held the data directory: the store may be one that is refused.
    """
    if remote.is_out_of_reach or "id" not in remote.state():
        return
    with suppress(VoxlakeError, OSError):
        for _ in range(_TRIES):
            try:
                found = remote.objects.get(KEY)
            except FileNotFoundError:
                found = None
            stored = b"" if found is None else found.data
            ours = _take_in(paths, stored)
            merged = _trimmed([*_lines(stored), *ours])
            if not ours or merged == stored:
                return
            try:
                etag = remote.objects.put(KEY, merged, over=None if found is None else found.etag)
            except Conflict:
                continue
            remote.note(runs=etag)
            return


def _take_in(paths: Sequence[Path], stored: bytes) -> list[bytes]:
    """Add to the last file the lines that none of them has, and return those that the store does not have."""
    here = [line for path in paths if path.exists() for line in _lines(path.read_bytes())]
    theirs = _lines(stored)
    if news := [line for line in theirs if line not in set(here)]:
        with paths[-1].open("ab") as file:
            file.write(b"\n" + b"\n".join(news) + b"\n")
    known = set(theirs)
    return [line for line in here if line not in known]


def _lines(data: bytes) -> list[bytes]:
    return [line for line in data.splitlines() if line]


def _trimmed(lines: list[bytes]) -> bytes:
    if len(lines) > _MOST_LINES:
        begun: dict[str, str] = {}
        said: list[tuple[dict[str, Any], bytes]] = []
        for line in lines:
            with suppress(ValueError, TypeError, LookupError):
                its = json.loads(line)
                said.append((its, line))
                begun.setdefault(str(its["run"]), str(its.get("started_at", "")))
        newest = set(sorted(begun, key=lambda run: begun[run])[-_MOST_LINES // 8 :])
        lines = [line for its, line in said if str(its["run"]) in newest]
    return b"\n".join(lines) + b"\n"
