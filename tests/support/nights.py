"""Nights of the command line in this process, by a clock that moves when somebody waits."""

import sys
from dataclasses import dataclass
from datetime import date

import click

from support.contexts import StandingClock, noon
from voxlake.cli import commands
from voxlake.sandbox import Behaviour, Faults, Sandbox, World

UNTIL = date(2026, 3, 10)
PLAN = "reset=0.06,http-429=0.1,html=0.05,half=0.12,seed=12"
SWITCHES = ("max_count=500", "max_offset=800")


@dataclass
class Night:
    """A sandbox of two days with faults, and a folder in which commands run against it."""

    server: Sandbox
    folder: object
    clock: StandingClock
    jobs: int = 1

    def run(self, *arguments):
        """Run a command with a data directory of this folder; returns its exit code."""
        flags = ["--data-dir", str(self.folder / "data")]
        jobs = [] if "sms" in arguments[:1] else ["--jobs", str(self.jobs)]
        if not {"publish", "replay"} & {*arguments}:
            flags += ["--credentials", str(self.server.credentials), "--api-url", self.server.url, *jobs]
        try:
            return commands.main([*arguments, *flags], prog_name="voxlake", obj=self.clock, standalone_mode=False)
        except SystemExit as ended:
            return ended.code
        except click.ClickException as error:
            error.show(sys.stderr)
            return error.exit_code


def with_faults(folder, *, faults=PLAN, switches=SWITCHES):
    """Return a night whose server is to be started, at noon of the last day."""
    clock = StandingClock(noon(2026, 3, 10))
    world = World(rows=3_000, days=2, seed=1, until=UNTIL)
    return Night(
        Sandbox(
            world,
            behaviour=Behaviour.parse(switches),
            faults=Faults.parse(faults),
            directory=folder,
            now=clock.time,
            world_now=clock.time,
        ),
        folder,
        clock,
    )
