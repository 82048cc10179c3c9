"""Where the Delta tables of a lake are: remembered, so that an erasure reaches all of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from voxlake.files import storage
from voxlake.remote import remote_of

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.lake.directory import Lake

FOLDER: Final = "delta"
"""The folder in a data directory where Delta tables are by default."""


def default_place(lake: Lake) -> str:
    """Return the address of the Delta tables of a lake where nobody names another: a folder of its data directory."""
    remote = remote_of(lake.root)
    return str((lake.root / FOLDER).absolute()) if remote is None else f"{remote.url}/{FOLDER}"


class DeltaPlaces:
    """The addresses of Delta tables, a line each in `delta.txt`, which people may edit."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.path: Path = lake.root / "delta.txt"

    def known(self) -> list[str]:
        """Return the addresses of all Delta tables that were ever written, that of the default folder first."""
        return list(dict.fromkeys([*self._default(), *self._read()]))

    def add(self, uri: str) -> None:
        """Remember an address; the caller is the only one who does. Raises StorageFull where it cannot be written."""
        known = self._read()
        if uri not in known:
            text = "".join(f"{line}\n" for line in [*known, uri])
            self._lake.store.write_text(self.path, text, aside=self._lake.tmp / self.path.name)

    def _default(self) -> list[str]:
        return [default_place(self._lake)] if (self._lake.root / FOLDER).is_dir() else []

    def _read(self) -> list[str]:
        with suppress(FileNotFoundError), storage(self._lake.root, writing=False):
            return [line.strip() for line in self.path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return []
