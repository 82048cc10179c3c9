"""`voxlake accounts`: which accounts there are, and which children the API lists."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from voxlake.cli.account import parent_of
from voxlake.cli.examples import examples
from voxlake.cli.group import Group
from voxlake.cli.options import API, DATA, LOG, account_option, finality_of, the_clock
from voxlake.cli.output import PRINTED, give, say, screen
from voxlake.cli.settings import settings_options
from voxlake.cli.signals import EARLY, stoppable
from voxlake.errors import SettingsError
from voxlake.lake import AccountRegistry, Lake
from voxlake.library import (
    AccountLine,
    Discovered,
    account_ids,
    account_lines,
    append_sections,
    discover,
    sections_text,
)
from voxlake.reporting import render_rows
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlake.cli.settings import Settings


class _ListByDefault(Group):
    """A group that lists where no command is named, so that its flags are those of the list."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; `--help` alone is about the group."""
        if not args or (args[0].startswith("-") and args[0] not in {"--help", "-h"}):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_ListByDefault,
    epilog=examples(
        "voxlake accounts",
        "voxlake accounts --account 'shop*' --format csv",
        "voxlake accounts discover --parent main --write",
    ),
)
def accounts() -> None:
    """List the accounts with what was exported of each, or find the children of a reseller."""


@accounts.command(
    "list",
    epilog=examples(
        "voxlake accounts list --format json",
    ),
)
@click.option("--format", "form", type=click.Choice(PRINTED), default="table")
@settings_options(*DATA)
@account_option
def list_accounts(settings: Settings, form: str) -> None:
    """List the accounts that were exported or are named in voxlake.toml, without network."""
    lake = Lake(settings.data_dir)
    with stoppable(EARLY):
        lines = account_lines(lake, settings.sections, now=the_clock().now(), **finality_of(settings))
    chosen = account_ids(lake, settings.wanted, settings.sections)
    rows = [line for line in lines if chosen is None or line.account_id in chosen]
    if not rows and form == "table":
        where = settings.address or settings.data_dir
        raise SettingsError(
            f"There is no account in {where}, and {settings.file} names none: run 'voxlake export' first."
        )
    _put(AccountLine, rows, form)


@accounts.command(
    "discover",
    epilog=examples(
        "voxlake accounts discover --parent main",
        "voxlake accounts discover --parent main --write",
    ),
)
@click.option("--parent", metavar="NAME", help="The account whose children are asked for. [the only one with a key]")
@click.option("--write", is_flag=True, help="Add a section for each child that has none to the file of settings.")
@click.option("--format", "form", type=click.Choice(PRINTED), default="table")
@settings_options("data_dir", *API, LOG)
def discover_children(settings: Settings, parent: str | None, form: str, *, write: bool) -> None:
    """Ask the API for the children of an account, and show them; write nothing without --write."""
    account = parent_of(settings, parent)
    if write and account.name is None:
        raise SettingsError(
            f"{settings.file} has no section for the parent: write [accounts.main] with its credentials ="
            ' "credentials.json" into it, and name it with --parent main.'
        )
    with stoppable(EARLY):
        found = discover(account, settings.sections, AccountRegistry(Lake(settings.data_dir)))
    _put(Discovered, found.children, form)
    for note in found.notes:
        say(f"voxlake: {note}")
    news = found.unnamed
    if not news:
        say("There is nothing to add." if found.children else "This account has no children.")
    elif write:
        text = sections_text(str(account.name), news, settings.sections)
        append_sections(settings.file, text)
        say(f"{counted(len(news), 'section')} added to {settings.file}: 'voxlake export' exports them from now on.")
    else:
        say(
            f"{counted(len(news), 'account')} of these {'has' if len(news) == 1 else 'have'} no section: --write adds"
            f' them to {settings.file}, or one section with children = "all" takes them all.'
        )


def _put(kind: type, rows: Sequence[Any], form: str) -> None:
    """Print dataclasses of one kind, a row each; an empty table is left out."""
    names = [each.name for each in dataclasses.fields(kind)]
    if rows or form != "table":
        values = [[getattr(row, name) for name in names] for row in rows]
        give(render_rows(names, values, form, screen=screen()), nl=False, form=form)
