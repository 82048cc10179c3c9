"""`voxlake publish`: rebuild the database from the lake, without network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voxlake.cli.options import data_options, holder, say, stoppable

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings
    from voxlake.lake import Manifest


@click.command()
@data_options
def publish(settings: Settings) -> None:
    """Rebuild the database from the lake, without network."""
    from voxlake.lake import Lake, Manifest  # noqa: PLC0415
    from voxlake.text import counted  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    lake = Lake(settings.data_dir)
    lake.require()
    with lake.locked(holder=holder()), stoppable():
        manifest, warehouse = Manifest(lake), Warehouse(lake.root)
        done = warehouse.publish(manifest.sound(), lake.path, finality=settings.finality, rebuild=True)
        told = _forgotten(manifest) if manifest.missing else ""
        manifest.save()
    if told:
        say(told)
    if done.moved_aside:
        say(done.moved_aside)
    say(f"published {counted(sum(day_file.row_count for day_file in manifest), 'row')}: {warehouse.path}")


def _forgotten(manifest: Manifest) -> str:
    """Forget the days whose files are gone, and say so; those between others stay missing, as any hole."""
    from voxlake.pipeline.result import describe_missing  # noqa: PLC0415

    told, gone = describe_missing(manifest.missing), set(manifest.missing)
    manifest.missing.clear()
    first = {day_key: manifest.oldest(day_key.account_id, day_key.stream) for day_key in gone}
    if any(oldest is not None and oldest < day_key.date for day_key, oldest in first.items()):
        return (
            f"{told}: the database is without them; 'voxlake export' reads those again that follow on older days,"
            " 'voxlake backfill' all."
        )
    return f"{told}: they are forgotten, and the database is without them; 'voxlake backfill' reads them again."
