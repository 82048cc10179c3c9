"""How much memory DuckDB takes, and where it puts what does not fit, so that this goes again, also after a kill.

A connection has a folder of its own, which DuckDB makes when it needs one and removes when the connection is closed. It
lies in `tmp/` of the data directory, because the system's folder of temporary files is memory on many machines; there
it lies where `tmp/` cannot be written. Its name says on which machine which process uses it: whoever looks next removes
the folders of processes that are gone.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from voxlake.clock import SYSTEM
from voxlake.errors import StorageFull

if TYPE_CHECKING:
    import duckdb

READER_MEMORY: Final = "640MB"
"""The most that DuckDB takes to answer questions, to compare files, and to replay replies."""
WRITER_MEMORY: Final = "256MB"
"""The most that it takes to build a database: ten million rows in 0.5 GB of the process, 1.1 GB without, no faster."""
_PREFIX: Final = "spill-"
_FOLDER: Final = re.compile(_PREFIX + r"([0-9a-f]{8})-([0-9]+)-[0-9a-f]{8}")
_FORGOTTEN: Final = 3 * 86_400
"""Seconds after which a folder of another machine, about whose processes nobody here knows, is nobody's."""
_NO_ROOM: Final = ("Out of Memory Error", "No space left", "out of disk space", "max_temp_directory_size")


def bound(connection: duckdb.DuckDBPyConnection, memory: str, tmp: Path | None) -> None:
    """Bound the memory of a connection; what does not fit goes to a folder of its own in `tmp`.

    Connections of one process to one file share an instance of DuckDB: where that is restricted, it is bound already.
    """
    if connection.execute("SELECT current_setting('lock_configuration')").fetchall() == [(False,)]:
        folder = spill_folder(tmp)
        connection.execute(f"SET memory_limit = '{memory}'")
        quoted = "" if folder is None else str(folder).replace("'", "''")
        connection.execute(f"SET temp_directory = '{quoted}'")


def spill_folder(tmp: Path | None) -> Path | None:
    """Return a path for the folder of a connection, in `tmp` if it can be there; None where there is no place at all.

    What killed processes have left in `tmp` is removed.
    """
    name = f"{_PREFIX}{_machine()}-{os.getpid()}-{secrets.token_hex(4)}"
    if tmp is not None and tmp.is_dir() and os.access(tmp, os.W_OK | os.X_OK):
        remove_left(tmp)
        return tmp / name
    try:
        return Path(tempfile.gettempdir(), f"voxlake-{name}")
    except FileNotFoundError:
        return None


def remove_left(tmp: Path) -> None:
    """Remove the folders in `tmp` that nobody uses any more."""
    with suppress(OSError):
        for path in tmp.iterdir():
            if _FOLDER.fullmatch(path.name) and not is_in_use(path):
                shutil.rmtree(path, ignore_errors=True)


def is_in_use(path: Path) -> bool:
    """Return whether a path is that of a folder that a living process uses, as far as this machine can know."""
    found = _FOLDER.fullmatch(path.name)
    if found is None:
        return False
    if found[1] != _machine():
        with suppress(OSError):
            # The times of files are those of the machine.
            return SYSTEM.time() - path.stat().st_mtime < _FORGOTTEN
        return False
    try:
        os.kill(int(found[2]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def lacks_room(error: Exception) -> bool:
    """Return whether an error of DuckDB's says that memory and disk did not suffice."""
    return any(its in " ".join(str(error).split()) for its in _NO_ROOM)


def require_room(error: Exception, where: Path) -> None:
    """Raise StorageFull, with its sentence, where an error of DuckDB's is one about room in the folder `where`."""
    if lacks_room(error):
        reason = " ".join(str(error).split()).partition(" Possible solutions")[0]
        raise StorageFull(
            f"There is no room for what does not fit into memory ({reason}): make some in {where}, or ask for less."
        ) from error


@cache
def _machine() -> str:
    """Return what tells machines apart, and containers on one machine, because they count their processes anew."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.sha256(f"{os.uname().nodename} {space}".encode()).hexdigest()[:8]
