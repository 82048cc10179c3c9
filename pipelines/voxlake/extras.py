"""Packages that an export does not need: an extra of voxlake installs them, and they are imported where they are used.

pyproject.toml declares the same packages; a test compares the two.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from types import ModuleType

EXTRAS: Final = {
    "azure": ("obstore",),
    # altair imports jinja2: this order names the one that is missing.
    "dashboard": ("jinja2", "altair", "phonenumbers", "vl_convert"),
    "dask": ("distributed",),
    "delta": ("deltalake",),
    "excel": ("xlsxwriter",),
    "gcs": ("obstore",),
    "postgres": ("adbc_driver_manager", "adbc_driver_postgresql"),
    "s3": ("obstore",),
}
"""The packages that each extra installs, by the names under which they are imported."""


def load(module: str, *, extra: str | None = None) -> ModuleType:
    """Return a module of an optional package, imported now; `extra` is named where several have it.

    Raises:
        SettingsError: it is not installed, or cannot be imported; the message says how to install its extra.

    """
    package = module.partition(".")[0]
    extra = extra or next(name for name, packages in EXTRAS.items() if package in packages)
    try:
        return import_module(module)
    except ImportError as error:
        raise SettingsError(
            f"The package {package} is needed here and cannot be imported ({error}): install it with"
            f" pip install 'voxlake[{extra}]'."
        ) from error


def require(extra: str) -> None:
    """Import the packages of an extra before any work is done.

    Raises:
        SettingsError: one of them is not installed, or cannot be imported.

    """
    for package in EXTRAS[extra]:
        load(package, extra=extra)
