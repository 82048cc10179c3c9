"""Which versions of what are at work, and which extras are installed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from voxlake.extras import EXTRAS
from voxlake.library.doctor.check import Check
from voxlake.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGES: Final = ("duckdb", "pyarrow", "pandas", "requests", "cryptography")


def check_versions() -> Iterator[Check]:
    """Yield the versions that a report of a fault needs, and a line for each extra."""
    found = [f"python {platform.python_version()}", f"voxlake {__version__}"]
    found += [f"{name} {_version(name)}" for name in _PACKAGES]
    yield Check.ok("versions", ", ".join(found))
    for extra, packages in EXTRAS.items():
        missing = [package for package in packages if find_spec(package) is None]
        if missing:
            mend = f"if it is needed, pip install 'voxlake[{extra}]'"
            yield Check.note(f"extra {extra}", f"{' and '.join(missing)} not installed", mend)
        else:
            yield Check.ok(f"extra {extra}", "installed")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "of unknown version"
