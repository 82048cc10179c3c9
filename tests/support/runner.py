"""Run the command `voxlake` in a process of its own, forked from one that has the imports behind it."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from support.clock import CLOCK
from support.processes import CONTEXT


@dataclass(frozen=True)
class Done:
    """How a process ended: its exit code, or the negative number of the signal that killed it."""

    returncode: int
    stdout: str
    stderr: str


class Command:
    """A running command; its time is that of the tests, or of another clock."""

    def __init__(self, arguments, environ, folder, files, clock=CLOCK):
        self._files = [Path(f"{files}.{name}") for name in ("out", "err")]
        self.process = CONTEXT.Process(
            target=_main,
            args=([str(a) for a in arguments], environ, str(folder), clock, *map(str, self._files)),
            daemon=True,
        )
        self.process.start()

    def wait(self, timeout):
        """Wait for the end and give what was written; a command that takes longer is killed."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        out, err = (path.read_text() if path.exists() else "" for path in self._files)
        for path in self._files:
            path.unlink(missing_ok=True)
        code = self.process.exitcode
        self.process.close()
        return Done(code, out, err)


def _main(arguments, environ, folder, clock, *files):
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    for number, path in enumerate(files, start=1):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    sys.argv[:] = ["voxlake", *arguments]
    from voxlake.cli import main  # noqa: PLC0415 - in the child alone

    main(arguments, prog_name="voxlake", clock=clock)
