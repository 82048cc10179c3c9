"""Fourteen nights of a reseller's exports, by one clock, with what goes wrong in a year: `python -m support.fortnight`.

Each night cron runs `voxlake export`; what that prints is what cron mails. A real HTTP server takes the notices, the
metrics are written to a file, and in the morning somebody asks `status --check`. The page `docs/fortnight.md` is what
this prints.
"""

import io
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support.contexts import StandingClock
from support.keys import with_key
from support.paths import DOCS
from voxlake.cli import commands
from voxlake.sandbox import Behaviour, Condition, Reseller, Sandbox

FIRST = datetime(2026, 3, 2, 2, 15, tzinfo=UTC)
"""The first night."""
PAGE = DOCS / "fortnight.md"
METRICS = ("voxlake_check_exit_code", "voxlake_last_export_exit_code")
NOBODY = "http://127.0.0.1:9/platform_api"
"""An address at which nobody listens."""
_TOML = """\
data_dir = "data"
patience = 60

[accounts.main]
credentials = "{credentials}"

[accounts.shops]
parent = "main"
children = "all"

[notify]
url = "{url}"
"""


_BEGIN = """\
# Fourteen nights

`python -m support.fortnight` (in `tests/`) plays fourteen nights of a reseller's exports against the sandbox, by one
clock and on a small disk of its own, and prints this page: what cron would mail, what was posted to the address of
`[notify]`, what `voxlake status --check` says at nine in the morning, the newest of `voxlake runs`, and two metrics of
`voxlake status --format prometheus`. [operations.md](operations.md) says what to do about each.
"""


class Notices:
    """A real HTTP server that takes the notices; `taken` has them, newest last."""

    def __init__(self):
        self.taken = taken = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/notices"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Fortnight:
    """The nights in a folder, and what came of them: `codes` of each command, by night, and `text`, the transcript."""

    folder: Path
    server: Sandbox
    notices: Notices
    clock: StandingClock
    number: str
    night: int = 0
    lines: list[str] = field(default_factory=list)
    codes: dict[int, dict[str, int]] = field(default_factory=dict)

    @property
    def text(self):
        """The transcript, without what differs from one machine to another."""
        text = "\n".join(self.lines)
        for found, shown in (
            (str(self.folder), "/srv/sms"), (self.server.url, "https://api.voximplant.com/platform_api"),
            (os.uname().nodename, "host"),
        ):  # fmt: skip
            text = text.replace(found, shown)
        text = re.sub(r"\b\d+\.\d+ s\b", "1 s", text)
        return f"{_BEGIN}{text}\n"

    def run(self, *arguments, shown=True, url=None):
        """Run a command, write what it prints into the transcript, and return its exit code."""
        out, err = io.StringIO(), io.StringIO()
        os.environ["VOXIMPLANT_API_URL"] = url or self.server.url
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = commands.main([*arguments], prog_name="voxlake", obj=self.clock, standalone_mode=False) or 0
            except SystemExit as ended:
                code = ended.code or 0
        self.codes.setdefault(self.night, {})[arguments[0]] = code
        if shown:
            printed = (out.getvalue() + err.getvalue()).rstrip()
            self.lines += [f"$ voxlake {' '.join(arguments)}", *([printed] if printed else []), f"(exit code {code})"]
        return code

    def begin(self, what):
        """Begin the next night, at the usual time."""
        self.night += 1
        self.clock.at = FIRST + timedelta(days=self.night - 1)
        self.lines += ["", f"## Night {self.night}, {self.clock.at:%d %B}: {what}", ""]

    def export(self, *, url=None):
        """Run the nightly export as cron does: what it prints is mailed, what it posts and measures is shown."""
        before = len(self.notices.taken)
        self.lines.append("```console")
        self.run("export", *(["--since", "2026-02-24"] if self.night == 1 else []), url=url)
        self.lines.append("```")
        posted = [f"{its['event']}: {its['text']}" for its in self.notices.taken[before:]]
        self.lines += ["", "Pinged:", "", "```text", *posted, "```"]

    def morning(self):
        """Ask in the morning how it is."""
        self.clock.at = self.clock.at.replace(hour=9, minute=0, second=0, microsecond=0)
        self.run("status", "--format", "prometheus", "--out", "metrics.prom", shown=False)
        found = (self.folder / "metrics.prom").read_text().splitlines()
        measured = [line for line in found if line.startswith(METRICS)]
        self.lines += ["", "In the morning:", "", "```console"]
        self.run("status", "--check")
        self.lines += ["```", "", "The newest of `runs`, and metrics:", "", "```text", self.newest(), *measured, "```"]

    def newest(self):
        """Return what is known of the newest run, in a line."""
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(io.StringIO()), suppress(SystemExit):
            arguments = ["runs", "--limit", "1", "--format", "json"]
            commands.main(arguments, prog_name="voxlake", obj=self.clock, standalone_mode=False)
        (last,) = json.loads(out.getvalue())
        kept = (
            "started_at",
            "command",
            "accounts",
            "days",
            "rows_new",
            "rows_changed",
            "requests",
            "retries",
            "exit_code",
        )
        return ", ".join(f"{name} {last[name]}" for name in kept)

    def play(self):
        """Play all nights."""
        self.begin("the first export")
        self.export()
        self.morning()
        self.begin("a night as any other")
        self.export()
        self.morning()
        for _ in range(2):
            self.begin("the service account has lost the role for A2P")
            self.server.accounts[self.server.account_id].condition = Condition(roles=frozenset({"Supervisor"}))
            self.export()
            self.morning()
        self.begin("the role is back")
        self.server.accounts[self.server.account_id].condition = Condition()
        self.export()
        self.morning()
        self.begin("the disk is full")
        with self.full():
            self.export()
        self.morning()
        self.begin("there is room again")
        self.export()
        self.morning()
        self.begin("the network is cut")
        self.export(url=NOBODY)
        self.morning()
        self.begin("cron did not run")
        self.lines.append("Nothing was mailed, and nobody was pinged.")
        self.morning()
        self.begin("cron runs again")
        self.export()
        self.morning()
        self.begin("the reseller has a new child account")
        self.server.children[2].condition = Condition()
        self.export()
        self.morning()
        self.begin("somebody asks to be forgotten")
        self.lines.append("```console")
        self.run("privacy", "init")
        self.run("forget", "--number", self.number)
        self.lines += ["```", ""]
        self.export()
        self.morning()
        for _ in range(2):
            self.begin("a night as any other")
            self.export()
            self.morning()

    @contextmanager
    def full(self):
        """Take all of the disk but a little."""
        filler = self.folder / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        yield
        filler.unlink()


@contextmanager
def fortnight():
    """Yield the nights, ready to be played, on a small disk of their own (which needs root); all is gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voxlake-fortnight-")))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], check=True)
        stack.callback(subprocess.run, ["umount", "--lazy", folder], check=True)
        clock = StandingClock(FIRST)
        shape = {"rows": 600, "days": 30, "seed": 5, "until": date(2026, 3, 20)}
        (folder / "keys").mkdir()
        server = stack.enter_context(
            Sandbox(
                Reseller(children=0, **shape).world(1, clock.time),
                behaviour=Behaviour.parse(["children_filter=optional"]),
                reseller=Reseller(children=2, **shape),
                directory=with_key(folder / "keys"),
                now=clock.time,
                world_now=clock.time,
            )
        )
        server.children[2].condition = Condition(listed=False)
        notices = stack.enter_context(Notices())
        (folder / "voxlake.toml").write_text(_TOML.format(credentials=server.credentials, url=notices.url))
        (folder / "voxlake.toml").chmod(0o600)
        *_, newest = server.world.truth("a2p")
        number = newest["destination_number"]
        before, environ = Path.cwd(), dict(os.environ)
        os.chdir(folder)
        try:
            yield Fortnight(folder, server, notices, clock, number)
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environ)


if __name__ == "__main__":
    with fortnight() as nights:
        nights.play()
        print(nights.text, file=sys.stdout)  # noqa: T201 - it is what this is for
