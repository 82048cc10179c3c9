"""How a setting is declared: as the metadata of its field in `Settings`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click


@dataclass(frozen=True, slots=True)
class Declaration:
    """How a setting is set: its type, its variable, its default, and what its flag's help says.

    A secret has no flag, and is never quoted; it comes from the environment alone, unless it is in a `table` of the
    file. A setting of such a table has no flag; its name begins with the table's and `_`. A lone flag says `bare`.
    """

    type: click.ParamType[Any]
    variable: str
    help: str
    default: Any = None
    metavar: str | None = None
    shown: str | bool = True
    secret: bool = False
    table: str | None = None
    bare: str | None = None

    def key(self, name: str) -> str:
        """Return the key in the file, with its table, of the setting of this name."""
        return name if self.table is None else f"[{self.table}] {name.removeprefix(f'{self.table}_')}"


def setting(type_: click.ParamType[Any], variable: str, help_: str, **rest: Any) -> dict[str, Declaration]:
    """Return the metadata of the field of a setting: its declaration, as `Declaration` takes it."""
    return {"declaration": Declaration(type_, variable, help_, **rest)}
