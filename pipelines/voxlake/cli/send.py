"""`voxlake sms send` and `a2p-send`: check, ask, send, and tell who got it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from voxlake.cli.account import client_of
from voxlake.cli.examples import examples
from voxlake.cli.options import API, LOG, account_option, lock_option, the_clock
from voxlake.cli.output import PRINTED, give, say, screen
from voxlake.cli.progress import progress
from voxlake.cli.settings import settings_options
from voxlake.cli.signals import Stopped, stoppable
from voxlake.errors import OutcomeUnknown, SettingsError, StorageFull
from voxlake.messaging import (
    A2P_SEND,
    FAILED,
    SEND,
    SENT,
    SKIPPED,
    UNKNOWN,
    UNSENT,
    checked_number,
    checked_order,
    open_journal,
    send,
)
from voxlake.reporting import render_rows
from voxlake.segments import segments as count
from voxlake.text import counted, is_loopback, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlake.cli.progress import Progress
    from voxlake.cli.settings import Settings
    from voxlake.messaging import BatchResult, Order

F = TypeVar("F", bound="Callable[..., Any]")


_OUTBOX = "Where outbox.jsonl, the journal of what was sent, lives."


def account_options(command: F) -> F:
    """Add the settings of a command that asks the API for one account."""
    return settings_options(*API, LOG)(account_option(command))


def journal_options(command: F) -> F:
    """Add the settings of a command that asks the API for one account and keeps the journal."""
    return settings_options("data_dir", *API, LOG, data_dir=_OUTBOX)(account_option(command))


def _send_options(command: F) -> F:
    """Add what both ways of sending share."""
    for option in (
        click.option("--format", "form", type=click.Choice(PRINTED), default="table"),
        click.option("--yes", is_flag=True, help="Don't ask before sending from a real account."),
        click.option("--keep-text", is_flag=True, help="Keep the text in the journal, too."),
        click.option("--again", is_flag=True, help="Send to those, too, who got this text before."),
        click.option(
            "--resend-unknown", is_flag=True, help="Send to those who may have got it: some may get it twice."
        ),
        click.option("--dry-run", is_flag=True, help="Check, count the segments, and send nothing."),
        click.option("--store-body", is_flag=True, help="Let the vendor keep the text, for the history."),
        click.option("--text", required=True, help="The text; - reads it from stdin."),
    ):
        command = option(command)
    return journal_options(lock_option(command))


@click.command(
    "send",
    epilog=examples(
        "voxlake sms send --from 12025550123 --to 447700900123 --text 'Good morning'",
        "voxlake sms send --from 12025550123 --to 447700900123 --text - --dry-run < text.txt",
    ),
)
@click.option("--from", "source", required=True, metavar="NUMBER", help="A rented number.")
@click.option("--to", "destination", required=True, metavar="NUMBER", help="The recipient, digits only.")
@_send_options
def send_one(settings: Settings, source: str, destination: str, **chosen: Any) -> None:
    """Send one message (SendSmsMessage).

    A new command is a new message, except where it is not known whether the last one went out: see --resend-unknown.
    """
    _send(settings, SEND, source, [destination], **chosen)


@click.command(
    "a2p-send",
    epilog=examples(
        "voxlake sms a2p-send --from MYSHOP --to 447700900123 --to 447700900124 --text 'Good morning'",
        "voxlake sms a2p-send --from MYSHOP --to-file numbers.txt --text 'Good morning' --dry-run",
    ),
)
@click.option("--from", "source", required=True, metavar="SENDER_ID", help="A SenderID that the vendor has installed.")
@click.option("--to", "numbers", multiple=True, metavar="NUMBER...", help="Recipients, digits only.")
@click.option("--to-file", metavar="FILE", help="A file with one recipient a line; - reads it from stdin.")
@click.argument("more", nargs=-1, metavar="")
@_send_options
def send_many(
    settings: Settings, source: str, numbers: Sequence[str], to_file: str | None, more: Sequence[str], **chosen: Any
) -> None:
    """Send one text to many (A2PSendSms), a hundred at a time.

    Run again after an interruption, it goes on with those who have not had this text from this sender.
    """
    if to_file == chosen["text"] == "-":
        raise SettingsError("Text and recipients cannot both come from stdin: use a file or a flag for one of them.")
    _send(settings, A2P_SEND, source, [*numbers, *more, *_listed(to_file)], **chosen)


def _send(
    settings: Settings, method: str, source: str, numbers: Sequence[str], *, text: str, store_body: bool, dry_run: bool,
    resend_unknown: bool, again: bool, keep_text: bool, yes: bool, form: str,
) -> None:  # fmt: skip
    """Check, ask, send, and tell."""
    order = checked_order(method, source, numbers, typed_text(text), store_body=store_body)
    if dry_run:
        _tell_segments(order, form)
        return
    shown: list[Progress] = []
    try:
        # Nothing is shown before the question is answered.
        client = client_of(settings, lambda event: shown[0](event) if shown else None)
    except SettingsError as error:
        raise SettingsError(f"Nothing was sent: {error}") from error
    with open_journal(settings.data_dir, settings.find_policy()) as journal:
        _confirm(settings, order, yes=yes)
        interruption = (
            f"Interrupted: {_same(again)} goes on; whether the request under way went out is for 'voxlake sms check'"
            " to find."
        )
        with (
            progress("send") as its,
            stoppable(interruption, interrupted=OutcomeUnknown.exit_code),
        ):
            shown.append(its)
            result = send(
                client,
                journal,
                order,
                now=the_clock().now,
                keep_text=keep_text,
                # One message is sent as often as it is asked for; a list goes on where it was interrupted.
                again=again or method == SEND,
                resend_unknown=resend_unknown,
                progress=_counting(its, len(order.numbers)),
            )
    # What was sent is sent: neither sentence nor exit code may say to try it again.
    with stoppable("Stopped by {signal} while the outcomes were printed: they are in the journal."):
        _tell(result, form, again=again)
    sys.exit(result.exit_code)


def _counting(shown: Progress, numbers: int) -> Callable[[int], None]:
    """Return who counts the numbers that are settled, of so many."""
    done = 0

    def count_on(more: int) -> None:
        nonlocal done
        done += more
        shown.step(done=done, of=numbers, unit="message")

    return count_on


def _tell_segments(order: Order, form: str) -> None:
    found = dataclasses.asdict(count(order.text))
    found |= {"numbers": len(order.numbers), "billed_segments": found["segments"] * len(order.numbers)}
    give(render_rows(list(found), [list(found.values())], form, screen=screen()), nl=False, form=form)


def _tell(result: BatchResult, form: str, *, again: bool) -> None:
    """Print a line for each number on stdout, and the totals on stderr."""
    names = ["number", "state", "message_id", "code", "reason"]
    rows = [[getattr(number, name) for name in names] for number in result.results]
    try:
        give(render_rows(names, rows, form, screen=screen()), nl=False, form=form)
    except StorageFull as error:
        # What was sent is sent, and in the journal: the exit code must not say to try it again.
        say(f"voxlake: {error}")
    counts = [(state, result.count(state)) for state in (SENT, SKIPPED, FAILED, UNKNOWN, UNSENT)]
    say(", ".join(f"{count:,} {state}" for state, count in counts if count))
    if result.error is not None:
        say(f"voxlake: {result.error}")
    same = _same(again)
    if result.count(UNKNOWN):
        rest = ", and goes on with the unsent" if result.count(UNSENT) else ""
        say(
            "Whether the unknown went out is for the history to tell: 'voxlake sms check' looks for each by its"
            f" recipient and time. After that, {same} leaves them out{rest}.",
        )
    elif result.count(UNSENT):
        say(f"Once that is mended, {same} goes on with the unsent.")
    if result.count(SKIPPED):
        say("The skipped got this text from this sender before: --again sends it once more.")


def _same(again: bool) -> str:
    return "the same command without --again" if again else "the same command"


def _confirm(settings: Settings, order: Order, *, yes: bool) -> None:
    """Ask before money is spent: a real account is one that does not lie on this machine."""
    if yes or is_loopback(settings.api_url):
        return
    number = count(order.text).segments * len(order.numbers)
    billed = counted(number, "segment")
    if not sys.stdin.isatty():
        raise SettingsError(
            f"Nothing was sent: {billed} {'is' if number == 1 else 'are'} billed to a real account, and there is no"
            " terminal to ask on. Add --yes to send without being asked."
        )
    question = f"Send to {counted(len(order.numbers), 'number')} from {order.source}, {billed}, by {settings.api_url}?"
    try:
        with stoppable("Stopped by {signal}: nothing was sent."):
            wished = click.confirm(visible(question), err=True)
    except Stopped:
        say("")
        raise
    except click.Abort:
        # End of input does not mean yes either.
        say("")
        wished = False
    if not wished:
        raise SettingsError("Nothing was sent, as you wished.")


def typed_text(text: str) -> str:
    """Return the text, or for `-` all of stdin without the newline at its end."""
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SettingsError("The text on stdin is not UTF-8: save it as UTF-8.") from None


def _listed(path: str | None) -> list[str]:
    """Read one number per line; empty lines and lines that start with # are ignored, and a malformed line is named."""
    if path is None:
        return []
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}): give a file with a number on each line."
        ) from error
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8: save it as UTF-8, a number on each line.") from None
    numbers = {at: line for at, line in enumerate(lines, start=1) if line and not line.startswith("#")}
    for at, number in numbers.items():
        try:
            checked_number(number)
        except SettingsError as error:
            raise SettingsError(f"Line {at} of {'stdin' if path == '-' else path}: {error}") from None
    return list(numbers.values())
