"""Who may read what a run writes: its owner alone, or a group that is named, and nobody else."""

from __future__ import annotations

import grp
import os
import re
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN: Final = frozenset({"outbox.jsonl"})
"""Files that stay their owner's whatever the group: who was written to is of no use to those who read."""
_OURS: Final = re.compile(
    r"lake|tmp|warehouse|raw|rejects|locks|certificates|\.lock.*|\.?outbox\.jsonl.*|runs(\.1)?\.jsonl|ledger\..*"
    r"|delta(\.txt)?|learned\.json|voxlake\.duckdb.*"
)
"""The names of what voxlake makes in a data directory, which may be somebody's folder of other things, too."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads beside the owner: the members of a group, by its name and number, or nobody."""

    name: str | None = None
    gid: int | None = None


def find_readers(group: str | None) -> Readers:
    """Return who reads, by the name of a group or None.

    Raises:
        SettingsError: there is no such group, or this process is not in it, so that it cannot give it anything.

    """
    if group is None:
        return Readers()
    try:
        gid = grp.getgrnam(group).gr_gid
    except KeyError:
        raise SettingsError(f"There is no group {group!r} on this machine: correct group in [files].") from None
    if os.geteuid() and gid not in {os.getegid(), *os.getgroups()}:
        raise SettingsError(
            f"You are not in the group {group!r}, so that nothing can be given to it: let an administrator add you, or"
            " correct group in [files]."
        )
    return Readers(group, gid)


@contextmanager
def private(*, group: bool) -> Iterator[None]:
    """Restrict files and folders that are made in the block to their owner alone, or to their group as well, to read.

    It sets the mask of the whole process, so it belongs to a program, and not to a library.
    """
    before = os.umask(0o027 if group else 0o077)
    try:
        yield
    finally:
        os.umask(before)


def tighten(root: Path, readers: Readers) -> int:
    """Restrict what voxlake has in a data directory to these readers; return how many files and folders others had.

    What else lies there, and what belongs to somebody else, stays as it is, and so does the directory itself where it
    holds anything else. A folder that is as it should be is not looked into, and each comes after all in it, so that
    what is interrupted is done again. Folders of a group hand it on to what is made in them. Links are not followed.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(root))
    except OSError:
        return 0
    ours = [name for name in names if _OURS.fullmatch(name)]
    found = sum(_tighten_all(root / name, readers) for name in ours)
    return found + (_tighten_all(root.resolve(), readers, within=False) if len(ours) == len(names) else 0)


def _tighten_all(path: Path, readers: Readers, *, within: bool = True) -> int:
    """Restrict a file, or a folder and all `within`; return how many could be read by others."""
    with suppress(OSError):
        found = path.lstat()
        is_folder = stat.S_ISDIR(found.st_mode)
        is_right = _wanted(found, readers, is_folder=is_folder) == (stat.S_IMODE(found.st_mode), found.st_gid)
        if (is_folder and is_right) or os.geteuid() not in {0, found.st_uid}:
            return 0
        inside: Iterator[Path] = iter(())
        if is_folder and within:
            inside = (Path(folder, name) for folder, *names in os.walk(path, topdown=False) for name in chain(*names))
        return sum(_tighten(its, readers) for its in chain(inside, [path]))
    return 0


def _wanted(found: os.stat_result, readers: Readers, *, is_folder: bool, own: bool = False) -> tuple[int, int]:
    """Return the mode and the group that a file or folder should have: never more than its owner has."""
    mode = stat.S_IMODE(found.st_mode) & 0o700
    if readers.gid is None or own:
        return mode, found.st_gid
    mode |= (mode & 0o500) >> 3
    return (mode | stat.S_ISGID if is_folder else mode), readers.gid


def _tighten(path: Path, readers: Readers) -> int:
    """Return 1 where somebody could read a file or folder more than they should, else 0."""
    with suppress(OSError):
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return 0
        is_folder = stat.S_ISDIR(found.st_mode)
        mode, gid = _wanted(found, readers, is_folder=is_folder, own=path.name in _OWN)
        if gid != found.st_gid:
            os.chown(path, -1, gid)
        if mode != stat.S_IMODE(path.lstat().st_mode):
            path.chmod(mode)
        return int(bool(stat.S_IMODE(found.st_mode) & ~mode & 0o077))
    return 0
