"""`voxlake schema`: describe every table, view, column and report."""

from __future__ import annotations

import click

from voxlake.cli.output import give


@click.command()
def schema() -> None:
    """Describe every table, view, column and report, as Markdown."""
    from voxlake.warehouse import markdown  # noqa: PLC0415

    give(markdown(), nl=False)
