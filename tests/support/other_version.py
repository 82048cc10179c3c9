"""A version of voxlake with other declarations: a copy of the program with an edited source, run as its users run it.

As a program, this file runs the commands that it reads from stdin, each in a process that is forked from it, so that
the imports are paid once; see `OtherVersion.run`.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from support.paths import ROOT
from support.runner import Done

_STREAMS = "pipelines/voxlake/transform/streams.py"


class OtherVersion:
    """A copy of the program in a folder of its own, whose files can be edited before it runs."""

    def __init__(self, folder):
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("pipelines", "sql"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored, dirs_exist_ok=True)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def edit(self, file, old, new):
        """Replace a text in a file, which has it once."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new))

    def declare(self, *edits):
        """Edit the declared fields, and generate what follows from them as `make schema` does."""
        for old, new in edits:
            self.edit(_STREAMS, old, new)
        command = [sys.executable, "-m", "voxlake.warehouse.generate"]
        subprocess.run(command, env=self._environ(), check=True)

    def run(self, *commands, at, cwd, env):
        """Run commands one after the other by a clock that begins at `at`; give how each ended."""
        environ = self._environ() | env
        given = json.dumps([at.timestamp(), [[str(word) for word in command] for command in commands]])
        program = [sys.executable, "-m", "support.other_version"]
        done = subprocess.run(program, input=given, env=environ, cwd=cwd, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [Done(*each) for each in json.loads(done.stdout)]

    def _environ(self):
        return os.environ | {"PYTHONPATH": os.pathsep.join([str(self.folder / "pipelines"), str(ROOT / "tests")])}


def _run(arguments, clock):
    """Run one command in a forked process."""
    files = [Path(f".command.{name}") for name in ("out", "err")]
    child = os.fork()
    if child == 0:
        for number, path in enumerate(files, start=1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        from voxlake.cli import main  # noqa: PLC0415 - that of the copy

        main(arguments, prog_name="voxlake", clock=clock)
    _, status = os.waitpid(child, 0)
    found = [path.read_text() for path in files]
    for path in files:
        path.unlink()
    return os.waitstatus_to_exitcode(status), *found


def _main():
    from support.clock import ShiftedClock  # noqa: PLC0415 - needs the copy's voxlake
    from voxlake.transform import load_pandas  # noqa: PLC0415

    load_pandas()
    at, commands = json.load(sys.stdin)
    clock = ShiftedClock(at - time.time())
    json.dump([_run(arguments, clock) for arguments in commands], sys.stdout)


if __name__ == "__main__":
    _main()
