"""Where the data are to lie: may files be made there, what can the file system do, and is there room."""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from voxlake.errors import AlreadyRunning, SettingsError, VoxlakeError
from voxlake.files import can_exchange
from voxlake.lake import Lake
from voxlake.library.doctor.check import SET_UP, Check
from voxlake.locks import BY_FILE, is_locked_by_file
from voxlake.places import NO_LOCKS, UNSUPPORTED, usable
from voxlake.warehouse import shares_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOUNTS: Final = Path("/proc/self/mountinfo")
_OURS: Final = ("lake", "tmp", "warehouse", "rejects", "raw", "locks", "ledger.sqlite", ".lock", "voxlake.duckdb")
_LEAST: Final = 64 * 2**20
"""Bytes that a night may need beside a copy of the database."""
_TRIAL: Final = 2**20
_PASSING: Final = {"tmpfs": "which is empty after a restart", "ramfs": "which is empty after a restart"}
_REMOTE: Final = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "afs")
_MEBIBYTE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Ability:
    """What can be tried in a folder, and what follows where it cannot be done."""

    name: str
    try_in: Callable[[Path], bool]
    without: str


def check_place(root: Path) -> Iterator[Check]:
    """Yield what is to be known of the place of a data directory, which may not exist yet; nothing stays there."""
    try:
        root = usable(root)
    except SettingsError as error:
        yield Check.failed("data directory", error, code=SET_UP)
        return
    there = next(path for path in (root.absolute(), *root.absolute().parents) if path.exists())
    if there == root.absolute():
        yield Check.ok("data directory", f"{root} exists")
    else:
        yield Check.note("data directory", f"{root} does not exist yet, and the first export makes it in {there}")
    yield _permissions(there, is_data=there == root.absolute())
    try:
        with tempfile.TemporaryDirectory(prefix=".voxlake-doctor-", dir=there) as folder:
            yield from _tried(Path(folder), root)
    except OSError as error:
        yield _refused(error, there)
    yield _disk(there, root)
    if there == root.absolute():
        yield _lock(root)


def _permissions(folder: Path, *, is_data: bool) -> Check:
    name, user = "permissions", _user(os.geteuid())
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        mend = "mount it for writing, or use another --data-dir"
        return Check.failed(name, f"The file system of {folder} is read-only", mend, code=SET_UP)
    if not _may(folder, os.R_OK | os.W_OK | os.X_OK):
        mend = f"run as {_user(folder.stat().st_uid)}, change its permissions, or use another --data-dir"
        return Check.failed(name, f"{user} cannot write to {folder}", mend, code=SET_UP)
    paths = [folder / each for each in _OURS if (folder / each).exists()] if is_data else []
    foreign = [path for path in paths if path.name != "voxlake.duckdb" and not _may(path, os.W_OK)]
    if foreign:
        owner = _user(foreign[0].stat().st_uid)
        mend = f"run as {owner}, or chown -R {user} {folder}"
        return Check.failed(name, f"{user} cannot write to {foreign[0]}, which is {owner}'s", mend, code=SET_UP)
    owner = _user(folder.stat().st_uid)
    if os.geteuid() == 0 and owner != user:
        mend = f"run exports as {owner}"
        return Check.note(
            name, f"root may write to {folder}, which is {owner}'s, who could not replace its files", mend
        )
    return Check.ok(name, f"{user} may write to {folder}")


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _tried(folder: Path, root: Path) -> Iterator[Check]:
    """Yield what comes of writing, locking and renaming in a folder of our own."""
    with (folder / "trial").open("wb") as file:
        file.write(b"\0" * _TRIAL)
        file.flush()
        os.fsync(file.fileno())
        yield Check.ok("write", "files can be written and synced")
        yield _locks(file, root)
    (folder / "trial").replace(folder / "renamed")
    can = [ability for ability in ABILITIES if ability.try_in(folder)]
    lacking = [ability for ability in ABILITIES if ability not in can]
    kind = _kind(folder)
    text = f"{kind}: renames" + "".join(f", {ability.name}" for ability in can)
    for ability in lacking:
        text += f"; no {ability.name} ({ability.without})"
    if kind in _PASSING:
        yield Check.note("file system", f"{text}; {_PASSING[kind]}")
    elif kind.startswith(_REMOTE):
        yield Check.note("file system", f"{text}; on a network: docs/places.md says what to know")
    else:
        yield Check.ok("file system", text)


def _locks(file: IO[bytes], root: Path) -> Check:
    if is_locked_by_file(root):
        return Check.note("locks", f"{root / BY_FILE} makes lock files the locks: one run at a time has the directory")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        mend = f"use another --data-dir, or make the file {root / BY_FILE}"
        return Check.failed("locks", f"The file system has no locks ({error.strerror})", mend, code=SET_UP)
    return Check.ok("locks", "flock works")


def _refused(error: OSError, folder: Path) -> Check:
    is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    mend = "make room" if is_full else "see permissions, or use another --data-dir"
    reason = error.strerror or str(error)
    return Check.failed("write", f"Nothing can be written to {folder} ({reason})", mend, code=SET_UP)


def _attempt(make: Callable[[], object]) -> bool:
    try:
        make()
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        return False
    return True


ABILITIES: Final = (
    Ability(
        "symbolic links",
        lambda folder: _attempt(lambda: (folder / "link").symlink_to("renamed")),
        "the database itself lies at voxlake.duckdb",
    ),
    Ability(
        "hard links",
        lambda folder: _attempt(lambda: (folder / "hard").hardlink_to(folder / "renamed")),
        "months stay one file a day",
    ),
    Ability("exchange of folders", can_exchange, "months stay one file a day"),
    Ability("shared blocks (reflink)", shares_blocks, "each publish copies the database"),
)
"""What voxlake does without where a file system cannot, see docs/places.md."""


def _kind(folder: Path) -> str:
    """Return the type of the file system of a folder, by the mount with the longest matching path."""
    path = str(folder.resolve())
    best, kind = "", "unknown"
    try:
        lines = _MOUNTS.read_text().splitlines()
    except OSError:
        return kind
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = before.split()[4].replace("\\040", " ")
        if (path + "/").startswith(mount.rstrip("/") + "/") and len(mount) >= len(best):
            best, kind = mount, after.split()[0]
    return kind


def _disk(folder: Path, root: Path) -> Check:
    free = shutil.disk_usage(folder).free
    database = root / "voxlake.duckdb"
    size = database.stat().st_size if database.exists() else 0
    needed = size + _LEAST
    text = f"{_written(free)} free, of which a publish may need {_written(needed)}"
    inodes = os.statvfs(folder)
    if inodes.f_files and inodes.f_favail < len(_OURS) * 100:
        return Check.failed("disk", f"{inodes.f_favail:,} more files can be made", "make room for files", code=SET_UP)
    if free < needed:
        return Check.failed("disk", text, "make room, or use another --data-dir", code=SET_UP)
    return Check.ok("disk", text) if free > 4 * needed else Check.note("disk", text, "make room soon")


def _written(size: int) -> str:
    mebibytes = size / _MEBIBYTE
    return f"{mebibytes / 1024:,.1f} GiB" if mebibytes >= 1024 else f"{mebibytes:,.0f} MiB"  # noqa: PLR2004


def _lock(root: Path) -> Check:
    try:
        Lake(root).require_idle()
    except AlreadyRunning as error:
        return Check.note("lock", *str(error).rstrip(".").rsplit(": ", 1))
    except (VoxlakeError, OSError) as error:
        return Check.failed("lock", error, code=SET_UP)
    return Check.ok("lock", "no run is at work")
