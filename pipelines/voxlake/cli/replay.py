"""`voxlake replay`: rebuild the lake from the replies that were kept, without network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from voxlake.cli.options import data_options, holder, say, stoppable

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings


@click.command()
@click.option(
    "--raw", type=click.Path(path_type=Path), metavar="DIR", help="Where the replies are. [raw/ in the data directory]"
)
@click.option("--force", is_flag=True, help="Rebuild days whose files are newer or prove more, too.")
@data_options
def replay(settings: Settings, raw: Path | None, *, force: bool) -> None:
    """Rebuild the lake from the replies that `--keep-raw` kept, without network, and publish the database."""
    from voxlake.lake import Lake, Manifest, archives  # noqa: PLC0415
    from voxlake.pipeline.replay import replay as rebuild  # noqa: PLC0415
    from voxlake.pipeline.result import describe_missing  # noqa: PLC0415
    from voxlake.text import counted  # noqa: PLC0415
    from voxlake.warehouse import Warehouse  # noqa: PLC0415

    lake, folder = Lake(settings.data_dir), raw or settings.data_dir / "raw"
    archives(folder)
    with lake.locked(holder=holder()), stoppable():
        manifest, warehouse = Manifest(lake), Warehouse(lake.root)
        done = rebuild(folder, lake, manifest, force=force)
        published = warehouse.publish(manifest.sound(), lake.path, finality=settings.finality)
        manifest.save()
    if published.moved_aside:
        say(published.moved_aside)
    proved, rows = (
        sum(day_file.verified for day_file in done.day_files),
        sum(day_file.row_count for day_file in done.day_files),
    )
    say(
        f"{done.replies:,} replies: {counted(rows, 'row')} in {counted(len(done.day_files))},"
        f" {proved:,} of them verified; database {warehouse.path}"
    )
    for path in done.torn:
        say(f"{path}: its last reply is torn, as after a kill, and was passed over.")
    for day_key in done.kept:
        say(f"{day_key.stream}: {day_key.date} stays: its file is newer or proves more; --force rebuilds it.")
    if manifest.missing:
        say(f"{describe_missing(manifest.missing)}: 'voxlake export' reads them again, 'voxlake publish' forgets them.")
    sys.exit(0 if proved == len(done.day_files) else 4)
