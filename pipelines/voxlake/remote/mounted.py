"""The working directories of this process, each with what stands behind it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from voxlake.remote.address import parse, read_marker, working_directory
from voxlake.remote.directory import Remote

if TYPE_CHECKING:
    from pathlib import Path

_MOUNTED: dict[tuple[int, str], Remote | None] = {}
"""By process, because a connection does not survive a fork, and by path: one for all who work in a directory."""


def remote_of(root: Path) -> Remote | None:
    """Return what stands behind a working directory; None for a data directory of this machine."""
    at = os.getpid(), str(root)
    try:
        return _MOUNTED[at]
    except KeyError:
        address = read_marker(root)
        _MOUNTED[at] = found = None if address is None else Remote(root, address)
        return found


def name_of(root: Path) -> str:
    """Return what people call a data directory: its URL where it is in a store, else its path."""
    remote = remote_of(root)
    return str(root) if remote is None else remote.url


def find_root(data_dir: str | os.PathLike[str], work_dir: Path | None = None) -> Path:
    """Return the path of a data directory; of one in a store, that of its working directory, made where it is missing.

    Raises:
        SettingsError: it is a URL that cannot be used, or the working directory is something else.
        StorageFull: the working directory cannot be made.

    """
    place = parse(data_dir)
    if not isinstance(place, str):
        return place
    root = working_directory(place, work_dir)
    if _MOUNTED.get((os.getpid(), str(root))) is None:
        _MOUNTED.pop((os.getpid(), str(root)), None)
    return root
