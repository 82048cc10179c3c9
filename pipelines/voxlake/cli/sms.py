"""`voxlake sms`: send, control, and look after what was sent."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from voxlake.cli.account import client_of
from voxlake.cli.examples import examples
from voxlake.cli.group import Group
from voxlake.cli.options import lock_option, the_clock
from voxlake.cli.output import PRINTED, give, say, screen
from voxlake.cli.progress import progress
from voxlake.cli.send import account_options, journal_options, send_many, send_one, typed_text
from voxlake.cli.signals import stoppable
from voxlake.messaging import open_journal, resolve_unknown
from voxlake.reporting import render_rows
from voxlake.segments import foreign
from voxlake.segments import segments as count

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings
    from voxlake.messaging import Resolution


@click.group(
    cls=Group,
    epilog=examples(
        "voxlake sms numbers",
        "voxlake sms send --from 12025550123 --to 447700900123 --text 'Good morning' --dry-run",
        "voxlake sms check",
    ),
)
def sms() -> None:
    """Send messages, switch numbers, and look after what was sent."""


@sms.command(
    epilog=examples(
        "voxlake sms control 12025550123 enable",
    )
)
@click.argument("number")
@click.argument("command", type=click.Choice(["enable", "disable"]))
@account_options
def control(settings: Settings, number: str, command: str) -> None:
    """Enable or disable SMS for a rented number (ControlSms)."""
    interruption = "Stopped by {signal}: the switch may or may not have been made, which 'voxlake sms numbers' shows."
    with stoppable(interruption), progress("control") as shown:
        client_of(settings, shown).control_sms(number, enable=command == "enable")
        say(f"{number}: SMS is {command}d")


@sms.command(
    epilog=examples(
        "voxlake sms numbers --format csv",
    )
)
@click.option("--format", "form", type=click.Choice(PRINTED), default="table")
@account_options
def numbers(settings: Settings, form: str) -> None:
    """List the rented numbers, and whether they can and may send and receive SMS (GetPhoneNumbers)."""
    with progress("numbers") as shown:
        rows = [[p.number, p.sms_supported, p.sms_enabled] for p in client_of(settings, shown).phone_numbers()]
    give(render_rows(["number", "sms_supported", "sms_enabled"], rows, form, screen=screen()), nl=False, form=form)


@sms.command(
    epilog=examples(
        "voxlake sms segments --text 'Good morning'",
        "voxlake sms segments --text - < text.txt",
    )
)
@click.option("--text", required=True, help="The text; - reads it from stdin.")
@click.option("--format", "form", type=click.Choice(PRINTED), default="table")
def segments(text: str, form: str) -> None:
    """Count the segments that a text is billed for, without network."""
    text = typed_text(text)
    found = dataclasses.asdict(count(text))
    give(render_rows(list(found), [list(found.values())], form, screen=screen()), nl=False, form=form)
    if odd := foreign(text):
        named = " ".join(f"{c} (U+{ord(c):04X})" for c in odd[:8]) + (" ..." if odd[8:] else "")
        say(f"Not in GSM-7, so that a segment holds 70 characters in place of 160: {named}")


@sms.command(
    epilog=examples(
        "voxlake sms check",
        "voxlake sms check --account shop --format json",
    )
)
@click.option("--format", "form", type=click.Choice(PRINTED), default="table")
@journal_options
@lock_option
def check(settings: Settings, form: str) -> None:
    """Look in the history for every message that may or may not have gone out; end with 75 while some are unknown."""
    with progress("check") as shown:
        client = client_of(settings, shown)
        with open_journal(settings.data_dir, settings.find_policy()) as journal:
            found = resolve_unknown(client, journal, now=the_clock().now)
    names = ["number", "source", "asked_at", "state", "message_id", "status"]
    table = [_line(resolution) for resolution in found]
    give(render_rows(names, table, form, screen=screen()), nl=False, form=form)
    left = sum(resolution.row is None for resolution in found)
    if left:
        say(
            f"{left:,} {'is' if left == 1 else 'are'} still unknown. Messages can appear in the history late: check"
            " again before you send them again with --resend-unknown.",
        )
    sys.exit(75 if left else 0)


def _line(resolution: Resolution) -> list[object]:
    """Return what `check` prints of one message."""
    entry, row, count = resolution.entry, resolution.row, len(resolution.candidates)
    line = [entry.number, entry.message.source, entry.at.replace(tzinfo=None)]
    if row is None:
        return [*line, f"one of {count}, or none" if count else "not in the history", None, None]
    return [*line, "failed" if row.status == "error" else "sent", row.message_id, row.delivery_status or row.status]


sms.add_command(send_one)
sms.add_command(send_many)
