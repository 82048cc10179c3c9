"""The command line: parse, build the things, call, echo, exit; by the clock that is handed in.

Exit codes: 0 done; 1 a bug; 2 usage or settings; 3 the API refused; 4 data that could not be read or verified;
75 try again later; 130 Ctrl-C, and 143 SIGTERM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from voxlake import __version__
from voxlake.cli import signals
from voxlake.cli.examples import examples
from voxlake.cli.group import LazyGroup
from voxlake.cli.process import prepare_streams, tune_process
from voxlake.cli.verbosity import log_format_option, quiet_option, verbose_option
from voxlake.clock import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.clock import Clock

__all__ = ["TABLE", "commands", "main"]

TABLE: Final = {
    "accounts": (
        "voxlake.cli.accounts:accounts",
        "List the accounts with what was exported of each, or find the children of a reseller.",
    ),
    "audit": (
        "voxlake.cli.audit:audit",
        "Compare the lake with the API, with the database and with its own checksums; end with 4 if anything differs.",
    ),
    "backfill": ("voxlake.cli.export:backfill", "Export the days of [from, to), and publish the database."),
    "compact": (
        "voxlake.cli.compact:compact",
        "Bring the days of months that are final into one file a month, without network.",
    ),
    "dashboard": (
        "voxlake.cli.dashboard:dashboard",
        "Draw messages, cost, delivery, errors and completeness as one HTML page that needs no network.",
    ),
    "doctor": (
        "voxlake.cli.doctor:doctor",
        "Look for what is wrong with settings, credentials, network, place and data, a line each, with what mends it.",
    ),
    "export": ("voxlake.cli.export:export", "Export everything that is not yet final, and publish the database."),
    "forget": (
        "voxlake.cli.forget:forget",
        "Erase every message from or to a number, and every mention of it, for good; and write a certificate.",
    ),
    "init": (
        "voxlake.cli.init:init",
        "Write voxlake.toml from four answers, try the credentials, and show what comes next.",
    ),
    "install-timer": (
        "voxlake.cli.install_timer:install_timer",
        "Export every night: install a systemd service and its timer, or print them, or the line for cron.",
    ),
    "privacy": (
        "voxlake.cli.privacy:privacy",
        "Make the key under which digests stand for numbers, and treat what is stored as the settings say.",
    ),
    "publish": ("voxlake.cli.publish:publish", "Rebuild the database from the lake, without network."),
    "pull": (
        "voxlake.cli.pull:pull",
        "Bring the newest database of a data directory in a bucket, only if it changed.",
    ),
    "query": ("voxlake.cli.query:query", "Ask the database in SQL, read-only."),
    "replay": (
        "voxlake.cli.replay:replay",
        "Rebuild the lake from the replies that `--keep-raw` kept, without network, and publish the database.",
    ),
    "report": (
        "voxlake.cli.report:report",
        "Run a ready-made report; without a name, list them all.",
    ),
    "retain": (
        "voxlake.cli.retain:retain",
        "Take away days, or texts, that are older than they are to be kept, for good.",
    ),
    "runs": (
        "voxlake.cli.runs:runs",
        "List the last runs, the newest first, with what they did, asked for and how they ended.",
    ),
    "sandbox": ("voxlake.cli.sandbox:sandbox", "Run a local imitation of the Voximplant API."),
    "schema": ("voxlake.cli.schema:schema", "Describe every table, view, column and report, as Markdown."),
    "shell": ("voxlake.cli.shell:shell", "Ask the database interactively, read-only."),
    "sms": ("voxlake.cli.sms:sms", "Send messages, switch numbers, and look after what was sent."),
    "status": ("voxlake.cli.status:status", "Show which days are final, open, missing or unverified."),
}
"""Where each command is, and the first sentence of its help."""


@click.group(
    cls=LazyGroup,
    table=TABLE,
    epilog=examples("voxlake init", "voxlake export", "voxlake report daily", "voxlake status --check"),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@log_format_option
@quiet_option
@verbose_option
def commands() -> None:
    """Export the SMS history of a Voximplant account, completely and provably."""


def main(arguments: Sequence[str] | None = None, *, prog_name: str | None = None, clock: Clock = SYSTEM) -> None:
    """Run the program `voxlake` by this clock, and end the process with its exit code."""
    tune_process()
    prepare_streams()
    with signals.handled():
        commands.main(arguments, prog_name=prog_name, obj=clock)
