"""What a task takes with it to a process that does not see the data directory, and what it brings back.

There it works in a folder of its own, laid out like a data directory, with the files that its days have. What it has
written comes back with its result, and counts once the run has put it in place: a task that was done twice, or whose
process died, leaves nothing that anybody reads.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from voxlake.files import make, storage
from voxlake.lake import Lake, erased_in
from voxlake.spill import spill_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from voxlake.lake import Erased
    from voxlake.model import DayKey
    from voxlake.policy import PrivacyPolicy
    from voxlake.privacy import PrivacyKey

MOST: Final = 64 << 20
"""Bytes that a task may take along or bring back; a larger one is done in the process of the run."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a task has written: the drafts of days, and of the same days the rejects, and whether to keep the old file.

    Where the process of the run sees the drafts, they lie in its `folder`, and the rest is done already.
    """

    drafts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    rejects: Mapping[DayKey, str | None] = field(default_factory=dict, repr=False)
    replaced: frozenset[DayKey] = frozenset()
    folder: str | None = None

    def take_in(self, lake: Lake) -> None:
        """Lay the drafts where those of the run lie, and do the rest. Raises StorageFull."""
        if self.folder is not None:
            folder = lake.tmp / self.folder
            with storage(lake.root):
                for path in folder.iterdir():
                    path.replace(lake.tmp / path.name)
                folder.rmdir()
            return
        with storage(lake.root):
            for name, content in self.drafts.items():
                (lake.tmp / name).write_bytes(content)
        for key in self.replaced:
            lake.keep_replaced(key)
        for key, text in self.rejects.items():
            path = lake.layout.rejects(key)
            if text is None:
                lake.store.remove(path)
            else:
                lake.store.write_text(path, text, aside=lake.layout.draft(key, ".jsonl"))


@dataclass(frozen=True, slots=True)
class CarriedLake:
    """A lake as a task takes it along: `files` are those of its days, by their paths, `days` these days."""

    key: PrivacyKey | None
    policy: PrivacyPolicy
    erased: Erased
    days: tuple[DayKey, ...]
    files: Mapping[str, bytes] = field(repr=False)

    @contextmanager
    def opened(self) -> Iterator[Lake]:
        """Yield a lake in a folder of this machine, which is gone after the block; that of a killed process later."""
        root = _folder()
        try:
            for name, content in self.files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            lake = Lake(root, key=self.key, policy=self.policy)
            lake.known_erased = self.erased
            make(lake.tmp)
            yield lake
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def brought(self, lake: Lake) -> Brought:
        """Return what was written into the lake of `opened`."""
        drafts = {path.name: path.read_bytes() for path in lake.tmp.iterdir() if path.is_file()}
        days = [key for key in self.days if lake.layout.draft(key).name in drafts]
        rejects = {key: lake.layout.rejects(key) for key in days}
        return Brought(
            drafts,
            {key: path.read_text(encoding="utf-8") if path.is_file() else None for key, path in rejects.items()},
            frozenset(key for key in days if lake.layout.replaced(key).exists()),
        )


def carried(lake: Lake, days: Iterable[DayKey], existing: Iterable[DayKey]) -> CarriedLake | None:
    """Return a lake with the files of `existing` days, for a task that writes `days`; None where they are too large."""
    found: dict[str, bytes] = {}
    left = MOST
    for key in existing:
        path = lake.path(key)
        name = str(path.relative_to(lake.root))
        with suppress(FileNotFoundError):
            left -= 0 if name in found else path.stat().st_size
            if left < 0:
                return None
            found[name] = path.read_bytes()
    return CarriedLake(lake.key, lake.policy, erased_in(lake), tuple(days), found)


@contextmanager
def elsewhere(lake: Lake | CarriedLake) -> Iterator[tuple[Lake, Callable[[], Brought | None]]]:
    """Yield the lake that a task in another process works in, and a function that returns what it has written."""
    if isinstance(lake, CarriedLake):
        with lake.opened() as own:
            yield own, lambda: lake.brought(own)
        return
    # It may be done twice, at the same time: its files in the making have a folder of their own.
    name = f"task-{secrets.token_hex(6)}"
    own = copy(lake)
    own.layout = replace(lake.layout, run=f"{lake.layout.run}/{name}".lstrip("/"))
    try:
        own.tmp.mkdir()
    except OSError:
        # An audit of what cannot be written has nothing in the making.
        yield lake, lambda: None
        return
    try:
        yield own, lambda: Brought(folder=name) if any(own.tmp.iterdir()) else None
    finally:
        # What was finished is fetched by the run.
        with suppress(OSError):
            own.tmp.rmdir()


def _folder() -> Path:
    """Make a folder for a task; those of processes that were killed are removed."""
    shared = Path(tempfile.gettempdir(), f"voxlake-tasks-{os.getuid()}")
    with suppress(FileExistsError):
        shared.mkdir(mode=0o700)
    about = shared.lstat()
    ours = shared.is_dir() and not shared.is_symlink() and about.st_uid == os.getuid() and not about.st_mode & 0o077
    root = spill_folder(shared) if ours else None
    if root is None:
        return Path(tempfile.mkdtemp(prefix="voxlake-"))
    root.mkdir(mode=0o700)
    return root
