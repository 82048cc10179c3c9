"""What nobody knows about the live API, each as a switch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Switches:
    """How the unknown is; the defaults follow the documentation."""

    order: str = "asc"
    number_type: str = "string"
    id_type: str = "number"

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Switches:
        """Read NAME=VALUE."""
        known = {field.name for field in dataclasses.fields(cls)}
        chosen = dict(setting.partition("=")[::2] for setting in settings)
        for name in chosen:
            if name not in known:
                raise ValueError(f"There is no switch {name!r}: use {', '.join(sorted(known))}.")
        return cls(**chosen)
