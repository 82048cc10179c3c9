"""Export the SMS history of a Voximplant account, completely and provably.

What programs need is here: `Client` sends messages and reads histories, and the errors say what to do next. A name is
imported on first use, so that importing voxlake itself costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from voxlake.version import __version__

if TYPE_CHECKING:
    from voxlake.errors import ApiRejected, OutcomeUnknown, TryAgain, VoxlakeError
    from voxlake.messaging import Client

__all__ = [
    "ApiRejected",
    "Client",
    "OutcomeUnknown",
    "TryAgain",
    "VoxlakeError",
    "__version__",
]

_MODULES = {
    "errors": ("ApiRejected", "OutcomeUnknown", "TryAgain", "VoxlakeError"),
    "messaging": ("Client",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
