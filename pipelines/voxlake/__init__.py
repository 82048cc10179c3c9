"""Export the SMS history of a Voximplant account, completely and provably.

What programs need is here, and described in docs/python.md. A name is imported on first use, so that importing voxlake
itself costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from voxlake.version import __version__

if TYPE_CHECKING:
    from voxlake.errors import (
        ApiRejected,
        DataError,
        OutcomeUnknown,
        Refused,
        SettingsError,
        TryAgain,
        VoxlakeError,
    )
    from voxlake.events import Event
    from voxlake.lake import RecordedRun
    from voxlake.library import (
        Account,
        Database,
        Report,
        audit,
        backfill,
        compact,
        connect,
        connect_all,
        export,
        publish,
        publish_delta,
        replay,
        report,
        runs,
        status,
    )
    from voxlake.library import open_database as open  # noqa: A004 - as gzip.open: to be called as voxlake.open
    from voxlake.messaging import Client
    from voxlake.pipeline import AuditResult, CompactResult, ExportResult, PublishResult, ReplayResult, Status
    from voxlake.warehouse import DeltaCopy

__all__ = [
    "Account",
    "ApiRejected",
    "AuditResult",
    "Client",
    "CompactResult",
    "DataError",
    "Database",
    "DeltaCopy",
    "Event",
    "ExportResult",
    "OutcomeUnknown",
    "PublishResult",
    "RecordedRun",
    "Refused",
    "ReplayResult",
    "Report",
    "SettingsError",
    "Status",
    "TryAgain",
    "VoxlakeError",
    "__version__",
    "audit",
    "backfill",
    "compact",
    "connect",
    "connect_all",
    "export",
    "open",
    "publish",
    "publish_delta",
    "replay",
    "report",
    "runs",
    "status",
]

_MODULES = {
    "errors": (
        "ApiRejected",
        "DataError",
        "OutcomeUnknown",
        "Refused",
        "SettingsError",
        "TryAgain",
        "VoxlakeError",
    ),
    "events": ("Event",),
    "lake": ("RecordedRun",),
    "library": (
        "Account",
        "Database",
        "Report",
        "audit",
        "backfill",
        "compact",
        "connect",
        "connect_all",
        "export",
        "publish",
        "publish_delta",
        "replay",
        "report",
        "runs",
        "status",
    ),
    "messaging": ("Client",),
    "pipeline": ("AuditResult", "CompactResult", "ExportResult", "PublishResult", "ReplayResult", "Status"),
    "warehouse": ("DeltaCopy",),
}


def __getattr__(name: str) -> Any:
    if name == "open":
        return import_module(f"{__name__}.library").open_database
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
