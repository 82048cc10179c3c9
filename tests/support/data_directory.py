"""Make a small data directory of this version, for `tests/guarantees/test_earlier_versions.py` of later ones.

`PYTHONPATH=tests python -m support.data_directory tests/support/data/data-VERSION.tar.xz`: an export on 2026-03-10 at
noon, with an undocumented field in every row, with its replies and without the database.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

from support.clock import OFFSET
from support.program import PROGRAM
from voxlake.sandbox import Behaviour, Sandbox, World

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
FIRST = date(2026, 3, 7)
KEPT = ("lake", "ledger.json", "ledger.sqlite", "raw")


def world():
    """Return what its API holds."""
    return World(rows=70, days=3, seed=7, until=AT.date())


def server(folder, at):
    """Return its API at a time, as a context manager."""
    options = {"now": at.timestamp, "world_now": at.timestamp}
    return Sandbox(world(), behaviour=Behaviour.parse(["extra_field=on"]), directory=folder, **options)


def _make(archive):
    with tempfile.TemporaryDirectory() as folder, server(Path(folder), AT) as api:
        environ = os.environ | {"VOXIMPLANT_API_URL": api.url, "VOXIMPLANT_CREDENTIALS": str(api.credentials)}
        environ |= {OFFSET: str(AT.timestamp() - time.time())}
        command = [*PROGRAM, "export", "--since", str(FIRST), "--keep-raw"]
        subprocess.run(command, cwd=folder, env=environ, check=True)
        with tarfile.open(archive, "w:xz", preset=9) as packed:
            for name in KEPT:
                packed.add(Path(folder) / "data" / name, f"data/{name}", filter=_nobodys)


def _nobodys(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    _make(sys.argv[1])
