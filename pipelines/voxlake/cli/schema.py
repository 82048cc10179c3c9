"""`voxlake schema`: describe every table, view, column and report."""

from __future__ import annotations

import click

from voxlake.cli.examples import examples
from voxlake.cli.output import give
from voxlake.warehouse import markdown


@click.command(
    epilog=examples(
        "voxlake schema > schema.md",
    )
)
def schema() -> None:
    """Describe every table, view, column and report, as Markdown."""
    give(markdown(), nl=False)
