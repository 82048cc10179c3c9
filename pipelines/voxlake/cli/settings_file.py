"""The file of settings, and the options whose values may come from it: read, named to be written, or examined."""

from __future__ import annotations

import tomllib
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from voxlake import library
from voxlake.cli.types import FILE, UserPath, origin
from voxlake.errors import SettingsError
from voxlake.text import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Use = Literal["read", "write", "examine"]
"""What a command does with the file."""
DEFAULT_FILE: Final = "voxlake.toml"
PATH: Final = "voxlake.path"
"""The key in a context's `meta` under which the path of the file is kept."""
SECTIONS: Final = "voxlake.sections"
"""The key in a context's `meta` under which they are kept."""
_PROBLEMS: Final = "voxlake.problems"
_ACCOUNTS: Final = "accounts"
"""The table of the file that names accounts."""
_HELP: Final[dict[Use, str]] = {
    "read": f"The file of settings. [{DEFAULT_FILE} in the current directory, where there is one]",
    "examine": f"The file of settings. [{DEFAULT_FILE} in the current directory, where there is one]",
    "write": f"The file to write. [{DEFAULT_FILE} in the current directory]",
}


class _Setting(click.Option):
    """A setting; control characters in one are a mistake, such as the line ends of a file that Windows made."""

    def __init__(self, *arguments: Any, secret: bool = False, key: str | None = None, **rest: Any) -> None:
        super().__init__(*arguments, **rest)
        self.secret, self.key = secret, key or self.name

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value in its type.

        Raises:
            SettingsError: it holds a control character, or cannot be used.

        """
        if isinstance(value, str) and any(unicodedata.category(character) == "Cc" for character in value):
            shown = "" if self.secret else f", {value!r},"
            raise SettingsError(f"{origin(self, ctx)}{shown} has a control character in it: set it again without.")
        return super().type_cast_value(ctx, value)


class _Examined(_Setting):
    """A setting that has its default where its value cannot be used, which `problems` returns."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value in its type, or the default."""
        try:
            return super().type_cast_value(ctx, value)
        except SettingsError as error:
            _note(ctx, error)
            return super().type_cast_value(ctx, self.get_default(click.Context(ctx.command), call=True))


class _NoFlag(click.Option):
    """A setting that a command takes from the environment and the file, but not as a flag."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Leave the command line alone."""


class _SettingWithoutFlag(_NoFlag, _Setting):
    pass


class _ExaminedWithoutFlag(_NoFlag, _Examined):
    pass


def option_class(use: Use, *, flag: bool) -> type[click.Option]:
    """Return the class of the option of a setting."""
    if use == "examine":
        return _Examined if flag else _ExaminedWithoutFlag
    return _Setting if flag else _SettingWithoutFlag


def problems(ctx: click.Context) -> list[SettingsError]:
    """Return what was found wrong with the settings, where they are examined."""
    found: list[SettingsError] = ctx.meta.setdefault(_PROBLEMS, [])
    return found


def _note(ctx: click.Context, error: SettingsError) -> None:
    problems(ctx).append(error)


def config_option(names: Sequence[str], tables: Mapping[str, Mapping[str, str]], *, use: Use) -> Callable[[Any], Any]:
    """Return the option that names the file of settings, which may have these `names` and `tables`.

    A table has its keys, each with the name of the setting that it sets.
    """

    def read(ctx: click.Context, _param: click.Parameter, path: Path | None) -> None:
        ctx.meta[PATH] = named = path or Path(DEFAULT_FILE)
        if use == "write" or ctx.resilient_parsing:
            return
        for error in _read(ctx, named, names, tables, must_exist=path is not None):
            if use == "read":
                raise error
            _note(ctx, error)

    return click.option(
        "--config",
        cls=option_class(use, flag=True),
        type=UserPath(),
        envvar="VOXLAKE_CONFIG",
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=read,
        help=_HELP[use],
    )


def _read(
    ctx: click.Context, path: Path, names: Sequence[str], tables: Mapping[str, Mapping[str, str]], *, must_exist: bool
) -> Iterator[SettingsError]:
    """Make the settings in a file the defaults of a command; yields what is wrong with it, and goes on without that."""
    ctx.meta[FILE] = path.name
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if must_exist:
            yield SettingsError(f"{path} does not exist: name another file with --config.")
        return
    except (OSError, ValueError, RecursionError) as error:
        problem = SettingsError(f"{path} cannot be read ({error}): mend it or move it away.")
        problem.__cause__ = error
        yield problem
        return
    accounts = content.pop(_ACCOUNTS, None)
    of_tables: dict[str, Any] = {}
    for table, keys in tables.items():
        yield from _read_table(content.pop(table, {}), table, keys, path, of_tables)
    for name in sorted(set(content) - set(names)):
        del content[name]
        near = meant(name, (*names, *tables, _ACCOUNTS))
        yield SettingsError(
            f"{path} has no setting {name!r}{near}: use {', '.join(names)},"
            f" {', '.join(f'[{table}]' for table in tables)}, or sections [accounts.NAME]."
        )
    ctx.default_map = content | of_tables
    if accounts is None:
        return
    if "credentials" in content:
        yield SettingsError(
            f"{path} has credentials beside its accounts: move them into a section, such as [accounts.main]."
        )
    try:
        ctx.meta[SECTIONS] = library.read_sections(accounts, path.name)
    except SettingsError as error:
        yield error


def _read_table(
    content: Any, table: str, keys: Mapping[str, str], path: Path, found: dict[str, Any]
) -> Iterator[SettingsError]:
    """Put the settings that a table of the file sets into `found`; yields what is wrong with it."""
    if not isinstance(content, dict):
        yield SettingsError(f"{table} in {path} is not a table: write [{table}], and its settings below.")
        return
    for key, value in content.items():
        if key in keys:
            found[keys[key]] = value
        else:
            yield SettingsError(f"[{table}] in {path} has no setting {key!r}{meant(key, keys)}: use {', '.join(keys)}.")
