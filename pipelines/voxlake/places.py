"""What a place to store files refuses, as one sentence each, and which places cannot be used at all."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import Final

from voxlake.errors import SettingsError, StorageFull, VoxlakeError

_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_BUGS = frozenset({errno.EBADF, errno.EFAULT, errno.EINVAL, errno.EPIPE, errno.ENOTTY, errno.ECHILD, errno.ESRCH})
"""What a correct program does not cause, whatever the machine."""
_READING: Final[tuple[type[VoxlakeError], str]] = (
    SettingsError,
    "{path} cannot be read ({reason}): change its permissions, or run as its owner.",
)
_RULES: Final[tuple[tuple[frozenset[int], type[VoxlakeError], str], ...]] = (
    (
        frozenset({errno.EEXIST, errno.ENOTDIR}),
        SettingsError,
        "{file} is a file, not a folder: move it away, or use another --data-dir.",
    ),
    (
        frozenset({errno.EISDIR}),
        SettingsError,
        "{path} is a folder, not a file: move it away, or use another --data-dir.",
    ),
    (
        frozenset({errno.ENAMETOOLONG}),
        SettingsError,
        "{short} is too long a name for the file system: use a shorter --data-dir.",
    ),
    (
        frozenset({errno.ELOOP}),
        SettingsError,
        "{path} is a link that leads back to itself: correct it, or use another --data-dir.",
    ),
    (
        frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG}),
        StorageFull,
        "Nothing more can be written to {root} ({reason}): make room, then run the same command again.",
    ),
    (
        _DENIED,
        StorageFull,
        "{path} cannot be written ({reason}): run as its owner or change its permissions, then run the command again.",
    ),
    (
        frozenset({errno.EMFILE, errno.ENFILE}),
        StorageFull,
        "{path} cannot be opened ({reason}): allow more with 'ulimit -n', or use fewer --jobs.",
    ),
)
_OTHERWISE: Final[tuple[type[VoxlakeError], str]] = (
    StorageFull,
    "{path} cannot be used ({reason}): look after its disk, then run the same command again.",
)
_LONG = 80
UNSUPPORTED: Final = frozenset(
    {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EACCES, errno.ENOTTY, errno.EMLINK}
)
"""What file systems answer that cannot sync a folder, make a link or set a mode."""
NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
"""What file systems answer that have no locks."""
_PATTERN = "?*[\\"


def explain(error: OSError, root: Path, *, writing: bool = True) -> VoxlakeError | None:
    """Return what a place refused as an error of ours, with what to do about it; None where it may be a bug.

    `root` is the folder that is named where the error names no file.
    """
    code = error.errno
    if code is None or code in _BUGS or code == errno.ENOENT:
        return None
    rules = ((kind, sentence) for codes, kind, sentence in _RULES if code in codes)
    kind, sentence = _READING if code in _DENIED and not writing else next(rules, _OTHERWISE)
    path = _named(error, root)
    # Named is what could not be made; what is in the way may lie above it.
    file = next((one for one in (path, *path.parents) if _is_file(one)), path)
    reason = error.strerror or str(error)
    return kind(sentence.format(path=path, file=file, short=_short(path), root=root, reason=reason))


def usable(root: Path) -> Path:
    """Return a data directory, absolute where DuckDB would read more into its name; it may not exist.

    Raises:
        SettingsError: it is a file, cannot be entered, or has a name that DuckDB takes for a pattern.

    """
    try:
        if not _is_folder(root):
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", str(root))
        real = root.resolve()
    except FileNotFoundError:
        real = root.absolute()
    except RuntimeError:
        raise SettingsError(f"{root} is a link that leads back to itself: correct it.") from None
    except OSError as error:
        if isinstance(error, NotADirectoryError) and _is_file(root):
            raise SettingsError(f"{root} is a file, not a folder: choose another --data-dir.") from None
        raise explain(error, root, writing=False) or error from error
    for name in (root, real):
        if odd := sorted(set(_PATTERN) & set(str(name))):
            raise SettingsError(
                f"The path of the data directory, {str(name)!r}, has {' and '.join(odd)} in it, which DuckDB reads as"
                " a pattern: use another --data-dir."
            )
    # A scheme or a home directory, where it begins a path.
    return root.absolute() if ":" in str(root) or str(root).startswith("~") else root


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(path.stat().st_mode)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _named(error: OSError, root: Path) -> Path:
    name = error.filename2 or error.filename
    return Path(name) if isinstance(name, str) and name else root


def _short(path: Path) -> str:
    text = str(path)
    return text if len(text) <= _LONG else f"{text[:40]}...{text[-20:]}"
