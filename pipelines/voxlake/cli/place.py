"""Where the data of a command are: in a folder of this machine, or in a bucket, for which a folder stands here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxlake.remote import find_root, parse, remote_of
from voxlake.remote import refresh as bring

if TYPE_CHECKING:
    from voxlake.cli.settings_file import Use


def find_place(data_dir: Path, work_dir: Path | None, *, use: Use) -> dict[str, Any]:
    """Return the settings that say where the data are, the working directory and the URL of a bucket in place of it.

    Where the file of settings is to "read", what is newer there is brought.

    Raises:
        SettingsError: it is a URL that cannot be used, or the store refuses.
        StoreUnavailable: the store could not be reached in time.

    """
    place = parse(data_dir)
    if isinstance(place, Path):
        return {"data_dir": place}
    if use == "write":
        return {"address": place}
    root = find_root(place, work_dir)
    if use == "read" and (remote := remote_of(root)) is not None:
        bring(remote)
    return {"data_dir": root, "address": place}
