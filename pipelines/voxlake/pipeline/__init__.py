"""The runs over API, lake and database: export, audit, publish, replay and status."""

from voxlake.pipeline.accounts import Identity
from voxlake.pipeline.audit import AuditResult, audit
from voxlake.pipeline.audit_stream import StreamAudit
from voxlake.pipeline.context import Context, open_manifest, windows_at_once
from voxlake.pipeline.export import export, reread
from voxlake.pipeline.plan import DayRange, Plan, plan_export
from voxlake.pipeline.publish import PublishResult, publish
from voxlake.pipeline.replay import replay
from voxlake.pipeline.result import ExportResult, ReplayResult, StreamResult, describe_missing
from voxlake.pipeline.status import Calendars, Status, StreamStatus, calendars, status
from voxlake.pipeline.window import WindowResult, WindowTask, read_window

__all__ = [
    "AuditResult",
    "Calendars",
    "Context",
    "DayRange",
    "ExportResult",
    "Identity",
    "Plan",
    "PublishResult",
    "ReplayResult",
    "Status",
    "StreamAudit",
    "StreamResult",
    "StreamStatus",
    "WindowResult",
    "WindowTask",
    "audit",
    "calendars",
    "describe_missing",
    "export",
    "open_manifest",
    "plan_export",
    "publish",
    "read_window",
    "replay",
    "reread",
    "status",
    "windows_at_once",
]
