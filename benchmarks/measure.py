"""Run one program and say what it took; start the server that all of them ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import resource
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took: seconds by the clock and of the processors, MiB at its peak, requests and the wire.

    `least` is how many requests the windows would have taken that were read to their end, if each page had been full.
    """

    wall: float
    cpu: float
    peak: float
    requests: int
    idle: float
    least: int


@contextmanager
def server(*arguments: object) -> Iterator[str]:
    """Serve both histories in a process of its own, and give the address."""
    with subprocess.Popen(
        [sys.executable, HERE / "server.py", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


@contextmanager
def folder() -> Iterator[str]:
    """Give an empty folder, and take it away again."""
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        yield made


def timed(name: str, command: Sequence[str], **options: Any) -> tuple[resource.struct_rusage, float]:
    """Run a program to its end, and return what it used and the seconds that passed; `options` are those of Popen."""
    with tempfile.TemporaryFile() as talk:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=talk, stderr=talk, **options)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            talk.seek(0)
            raise SystemExit(f"{name} failed:\n{talk.read().decode(errors='replace')[-2000:]}")
    return usage, wall


def run(name: str, url: str, where: str, *arguments: object, program: Path | None = None) -> Taken:
    """Run a contestant to its end; `program` is the folder of programs that it finds first, in place of ours."""
    wire(url)
    environ = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false"}
    environ["PATH"] = f"{program or Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    own = Path(sys.prefix, "airbyte", "bin", "python")
    python = own if name == "pyairbyte" else Path(sys.executable)
    command = [str(python), str(HERE / "contestants" / f"{name}.py"), url, where, *map(str, arguments)]
    usage, wall = timed(name, command, env=environ)
    told = wire(url)
    idle = 1 - told["busy"] / told["span"] if told["span"] else 0.0
    return Taken(
        wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, int(told["requests"]), idle, int(told["least"])
    )


def wire(url: str) -> dict[str, float]:
    """Ask the server what it saw since it was asked last."""
    with urllib.request.urlopen(f"{url}/stats") as reply:
        return dict(json.load(reply))


def rows(where: str) -> int:
    """Count what a contestant left in its database."""
    import duckdb

    total = 0
    for path in Path(where).glob("*.duckdb"):
        with duckdb.connect(str(path), read_only=True) as database:
            tables = database.execute(
                "SELECT table_schema, table_name FROM information_schema.tables"
                " WHERE table_type = 'BASE TABLE' AND (table_name ILIKE '%history' AND table_schema <> 'meta')"
            ).fetchall()
            for schema, table in tables:
                total += database.execute(f'SELECT count(*) FROM "{schema}"."{table}"').fetchone()[0]
    return total
