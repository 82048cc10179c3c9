"""`voxlake sms`: send, control, and look after what was sent."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from voxlake.cli.options import Group, api_of, say, stoppable, the_clock
from voxlake.cli.output import PRINTED, give
from voxlake.cli.send import account_options, journal_options, send_many, send_one, typed_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.cli.settings import Settings
    from voxlake.messaging.responses import HistoryRow


@click.group(cls=Group)
def sms() -> None:
    """Send messages, switch numbers, and look after what was sent."""


@sms.command()
@click.argument("number")
@click.argument("command", type=click.Choice(["enable", "disable"]))
@account_options
def control(settings: Settings, number: str, command: str) -> None:
    """Enable or disable SMS for a rented number (ControlSms)."""
    told = "Stopped by {signal}: the switch may or may not have been made, which 'voxlake sms numbers' shows."
    with stoppable(told=told):
        from voxlake.messaging.client import Client  # noqa: PLC0415

        Client(api_of(settings)).control_sms(number, enable=command == "enable")
        say(f"{number}: SMS is {command}d")


@sms.command()
@click.option("--format", "form", type=click.Choice(PRINTED), default="table")
@account_options
def numbers(settings: Settings, form: str) -> None:
    """List the rented numbers, and whether they can and may send and receive SMS (GetPhoneNumbers)."""
    from voxlake.messaging.client import Client  # noqa: PLC0415
    from voxlake.reporting import render_rows  # noqa: PLC0415

    rows = [[p.number, p.sms_supported, p.sms_enabled] for p in Client(api_of(settings)).phone_numbers()]
    give(render_rows(["number", "sms_supported", "sms_enabled"], rows, form), nl=False)


@sms.command()
@click.option("--text", required=True, help="The text; - reads it from stdin.")
@click.option("--format", "form", type=click.Choice(PRINTED), default="table")
def segments(text: str, form: str) -> None:
    """Count the parts that a text is billed for, without network."""
    from voxlake.reporting import render_rows  # noqa: PLC0415
    from voxlake.segments import foreign  # noqa: PLC0415
    from voxlake.segments import segments as count  # noqa: PLC0415

    text = typed_text(text)
    found = dataclasses.asdict(count(text))
    give(render_rows(list(found), [list(found.values())], form), nl=False)
    if odd := foreign(text):
        named = " ".join(f"{c} (U+{ord(c):04X})" for c in odd[:8]) + (" ..." if odd[8:] else "")
        say(f"Not in GSM-7, so that a part holds 70 characters in place of 160: {named}")


@sms.command()
@click.option("--format", "form", type=click.Choice(PRINTED), default="table")
@journal_options
def check(settings: Settings, form: str) -> None:
    """Look in the history for every message that may or may not have gone out; end with 75 while some are unknown."""
    from voxlake.messaging.batch import look  # noqa: PLC0415
    from voxlake.messaging.client import Client  # noqa: PLC0415
    from voxlake.messaging.journal import opened  # noqa: PLC0415
    from voxlake.reporting import render_rows  # noqa: PLC0415

    client = Client(api_of(settings))
    with opened(settings.data_dir) as outbox:
        found = look(client, outbox, now=the_clock().now)
    names = ["number", "source", "asked_at", "state", "message_id", "status"]
    table = [
        [e.number, e.batch.source, e.at.replace(tzinfo=None), _found(rows)]
        + ([rows[0].message_id, rows[0].delivery_status or rows[0].status] if len(rows) == 1 else [None, None])
        for e, rows in found
    ]
    give(render_rows(names, table, form), nl=False)
    left = sum(len(rows) != 1 for _, rows in found)
    if left:
        say(
            f"{left:,} {'is' if left == 1 else 'are'} still unknown. Messages can appear in the history late: check"
            " again before you send them again with --resend-unknown.",
        )
    sys.exit(75 if left else 0)


def _found(rows: Sequence[HistoryRow]) -> str:
    if len(rows) != 1:
        return f"one of {len(rows)}, or none" if rows else "not in the history"
    return "failed" if rows[0].status == "error" else "sent"


sms.add_command(send_one)
sms.add_command(send_many)
