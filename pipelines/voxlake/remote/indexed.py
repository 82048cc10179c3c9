"""The index of a data directory in a store: brought here as it was committed, and committed as it is here.

It consists of the files of SQLite that a data directory has anyway, and the catalogue of objects. A copy of them as
they were committed last lies beside them, so that what has changed since is known, and what a run that died has left
half done is put back.
"""

from __future__ import annotations

import json
import secrets
import shutil
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from voxlake.errors import DataError
from voxlake.files import storage
from voxlake.remote.pages import apply, checksum, copy_of, differences
from voxlake.remote.root import IndexState, Part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxlake.remote.objects import Objects

LEDGER, CATALOGUE = "ledger.sqlite", "catalogue.sqlite"
FOLDER: Final = "index"
"""The folder of the store in which the parts of the index are."""
_STATE: Final = "state.json"
_MOST_PARTS: Final = 100
"""Parts after which all is written anew, so that a machine that comes new has few to ask for."""


class IndexCopy:
    """The committed index in a folder `base`, and the files in use, by their names."""

    def __init__(self, base: Path, files: dict[str, Path]) -> None:
        self._base, self._files = base, files

    def bring(self, objects: Objects, index: IndexState) -> bool:
        """Make the committed copy that of an index, with the parts that are not known; returns whether it was not.

        Raises:
            FileNotFoundError: a part is gone: the root object names others by now.
            DataError: what comes of the parts is not what was committed.

        """
        known, wanted = self._parts(), [part.key for part in index.parts]
        if known == wanted and self._is_base_of(index):
            return False
        if known and known == wanted[: len(known)]:
            try:
                self._apply(objects, index, wanted[len(known) :], fresh=False)
            except DataError:
                known = []
            else:
                return True
        self._apply(objects, index, wanted, fresh=True)
        return True

    def _apply(self, objects: Objects, index: IndexState, keys: Sequence[str], *, fresh: bool) -> None:
        aside = self._aside(copy=not fresh)
        try:
            for key in keys:
                found = objects.get(key)
                if found is not None:
                    apply(found.data, aside)
        except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise DataError(f"{key} is damaged: the next run makes the index anew.") from error
        if {name: checksum(aside / name) for name in index.checksums} != index.checksums:
            raise DataError("The index in the store is not what was committed: the next run makes it anew.")
        self._install(aside, [part.key for part in index.parts])

    def reset(self) -> None:
        """Put the files in use back to what was committed."""
        for name, path in self._files.items():
            with storage(path.parent):
                # What was under way belongs to the file that goes.
                path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
                if (self._base / name).exists():
                    aside = path.with_name(f".{path.name}.new")
                    shutil.copyfile(self._base / name, aside)
                    aside.replace(path)
                else:
                    path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Throw the committed copy away."""
        shutil.rmtree(self._base, ignore_errors=True)

    def commit(self, objects: Objects, before: IndexState | None) -> tuple[IndexState, Path] | None:
        """Put what has changed since the last commit, and return the index that is to be; None where nothing has.

        The second is a folder for `install`, once the root object names the index.
        """
        with storage(self._base.parent):
            aside = self._base.with_name(f"base-{secrets.token_hex(4)}")
            aside.mkdir(parents=True)
            for name, path in self._files.items():
                copy_of(path, aside / name)
        known = self._parts()
        base = before is not None and known == [part.key for part in before.parts] and self._base
        parts = [*differences(base, self._named(aside))] if base else []
        if base and not parts:
            shutil.rmtree(aside)
            return None
        version = 1 if before is None else before.version + 1
        old = () if before is None else before.parts
        changed = sum(part.bytes for part in old[before.whole :]) if before is not None else 0
        all_of_it = sum(part.bytes for part in old[: before.whole]) if before is not None else 0
        whole = not base or len(old) + len(parts) > _MOST_PARTS or changed + sum(map(len, parts)) > all_of_it
        if whole:
            parts, old = [*differences(aside / "nothing", self._named(aside))], ()
        put = tuple(self._put(objects, version, number, data) for number, data in enumerate(parts))
        checksums = {name: checksum(path) for name, path in self._named(aside).items()}
        kept = len(put) if whole or before is None else before.whole
        return IndexState(version, (*old, *put), kept, checksums), aside

    def install(self, aside: Path, index: IndexState) -> None:
        """Take a folder that `commit` returned for what is committed."""
        self._install(aside, [part.key for part in index.parts])

    @staticmethod
    def _put(objects: Objects, version: int, number: int, data: bytes) -> Part:
        key = f"{FOLDER}/{version:08d}-{number:03d}-{secrets.token_hex(4)}.zst"
        objects.put(key, data, over=None)
        return Part(key, len(data))

    @staticmethod
    def _named(folder: Path) -> dict[str, Path]:
        return {name: folder / name for name in (LEDGER, CATALOGUE) if (folder / name).exists()}

    def _aside(self, *, copy: bool) -> Path:
        with storage(self._base.parent):
            aside = self._base.with_name(f"base-{secrets.token_hex(4)}")
            if copy:
                shutil.copytree(self._base, aside)
            else:
                aside.mkdir(parents=True)
        return aside

    def _install(self, aside: Path, keys: Sequence[str]) -> None:
        with storage(self._base.parent):
            (aside / _STATE).write_text(json.dumps({"parts": list(keys)}))
            shutil.rmtree(self._base, ignore_errors=True)
            aside.rename(self._base)
            for left in self._base.parent.glob("base-*"):
                shutil.rmtree(left, ignore_errors=True)

    def _parts(self) -> list[str]:
        """Return of which parts the committed copy was made; none where there is no copy."""
        try:
            return [str(key) for key in json.loads((self._base / _STATE).read_bytes())["parts"]]
        except (OSError, ValueError, TypeError, LookupError):
            return []

    def _is_base_of(self, index: IndexState) -> bool:
        return all((self._base / name).exists() for name in index.checksums)
