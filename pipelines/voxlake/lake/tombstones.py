"""Which numbers were forgotten: their keyed digests, in `lake/forgotten.json`, so that no run brings their rows back.

The file holds no number. It lies in the lake, so that whoever copies or restores `lake/` has it as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from voxlake.errors import DataError, SettingsError
from voxlake.lake.evolve import newer_than_ours
from voxlake.privacy import VARIABLE
from voxlake.transform import ANONYMISE, ERASE, Forgotten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlake.lake.directory import Lake
    from voxlake.privacy import PrivacyKey

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A number that was forgotten at a time (UTC), by its digest; `kind` is what becomes of its rows.

    Until it is `done`, something of the number may be left.
    """

    digest: str
    kind: str
    at: datetime
    done: bool = False


class Tombstones:
    """The tombstones of a lake, by digest; `key_id` is that of the key under which the digests were made, if any.

    Raises:
        SettingsError: a newer version of voxlake wrote the file, or it may not be read.
        DataError: it is damaged: without it, what was forgotten would come back.

    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.key_id: str | None = None
        self._stones: dict[str, Tombstone] = {}
        path = lake.layout.forgotten
        try:
            content = json.loads(path.read_bytes())
            version = int(content["version"])
            if version <= _VERSION:
                self.key_id = str(content["key"])
                self._stones = {its["digest"]: _tombstone(its) for its in content["numbers"]}
        except FileNotFoundError:
            return
        except PermissionError as error:
            raise SettingsError(f"{path} may not be read: correct that first.") from error
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise DataError(
                f"{path} is damaged, and what was forgotten would come back without it: take it from a backup."
            ) from error
        if version > _VERSION:
            raise newer_than_ours(path.name, f"has version {version}", None)

    def get(self, digest: str) -> Tombstone | None:
        """Return the tombstone of a number by its digest; None without one."""
        return self._stones.get(digest)

    def all(self) -> Sequence[Tombstone]:
        """Return all of them, in the order of their time."""
        return sorted(self._stones.values(), key=lambda its: (its.at, its.digest))

    def require(self, key: PrivacyKey | None) -> Forgotten:
        """Return the numbers that are to be forgotten, as they are found with a key.

        Raises:
            SettingsError: there are any, and the key is missing or another one.

        """
        if not self._stones:
            return Forgotten()
        if key is None or key.id != self.key_id:
            given = "without it" if key is None else f"with {key.id}"
            raise SettingsError(
                f"{self._lake.root} holds numbers that were forgotten under the privacy key {self.key_id}, and"
                f" {given} their messages would come back: name its file as key_file in [privacy], or pass it in"
                f" {VARIABLE}."
            )
        return Forgotten({its.digest: its.kind for its in self._stones.values()}, key)

    def put(self, stone: Tombstone, key: PrivacyKey) -> None:
        """Write a tombstone, over an earlier one of its number.

        Raises:
            StorageFull: it cannot be written.

        """
        self._stones[stone.digest], self.key_id = stone, key.id
        numbers = [{**_json(its)} for its in self.all()]
        text = json.dumps({"version": _VERSION, "key": key.id, "numbers": numbers})
        text = text.replace('[{"digest"', '[\n{"digest"').replace('}, {"digest"', '},\n{"digest"')
        path = self._lake.layout.forgotten
        self._lake.store.write_text(path, f"{text}\n", aside=self._lake.tmp / path.name)


def _tombstone(its: Mapping[str, Any]) -> Tombstone:
    if its["kind"] not in {ERASE, ANONYMISE}:
        raise ValueError(its["kind"])
    return Tombstone(str(its["digest"]), its["kind"], datetime.fromisoformat(its["at"]), bool(its["done"]))


def _json(stone: Tombstone) -> dict[str, Any]:
    return {"digest": stone.digest, "kind": stone.kind, "at": stone.at.isoformat(), "done": stone.done}
