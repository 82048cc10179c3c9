"""Options and values that several commands share: settings as flags, the form of an answer, days, the clock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from voxlake.cli.settings import settings_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.clock import Clock


F = TypeVar("F", bound="Callable[..., Any]")
DATA = ("data_dir", "settle_hours", "give_up_days")
API = ("api_url", "credentials", "patience", "timeout")
FORMATS = ("table", "csv", "json", "parquet", "xlsx")


def the_clock() -> Clock:
    """Return the clock that the running command was started with; to be called where the command runs, in no thread."""
    clock: Clock = click.get_current_context().obj
    return clock


data_options = settings_options(*DATA)
"""Settings for a command that looks at the data."""
api_options = settings_options(*DATA, *API, "output", "jobs", "keep_raw")
"""Settings for a command that exports from the API."""


def answer_options(command: F) -> F:
    """Add what decides how an answer looks and where it goes."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N rows only."),
        click.option(
            "--out",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Write to a file; its ending chooses the format: .txt, .csv, .json, .parquet or .xlsx.",
        ),
        click.option("--format", "form", type=click.Choice(FORMATS), help="[table, or by the ending of --out]"),
    ):
        command = option(command)
    return command


def holder() -> str:
    """Return the name under which this process holds the lock."""
    return f"process {os.getpid()} on {os.uname().nodename}, since {the_clock().now():%Y-%m-%d %H:%M:%S} UTC"
