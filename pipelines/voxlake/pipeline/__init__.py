"""The runs over API, lake and database: export, audit, publish, replay, compact and status."""

from voxlake.pipeline.account_result import AccountResult, ExportResult
from voxlake.pipeline.accounts import Identity
from voxlake.pipeline.apply_policy import ApplyResult, apply_policy
from voxlake.pipeline.audit import audit, audit_accounts
from voxlake.pipeline.audit_result import AuditResult
from voxlake.pipeline.audit_stream import StreamAudit
from voxlake.pipeline.compact import CompactResult, compact
from voxlake.pipeline.context import Context, open_manifest, windows_at_once
from voxlake.pipeline.delta import publish_delta
from voxlake.pipeline.export import export, export_accounts
from voxlake.pipeline.forget import forget
from voxlake.pipeline.forget_result import ForgetResult
from voxlake.pipeline.health import Health, Problem, health
from voxlake.pipeline.metrics import Metrics, metrics
from voxlake.pipeline.plan import DayRange, Plan, plan_export
from voxlake.pipeline.publish import PublishResult, publish
from voxlake.pipeline.rationed import Rationed
from voxlake.pipeline.replay import replay
from voxlake.pipeline.result import ReplayResult, StreamResult, describe_missing
from voxlake.pipeline.retain import RetainResult, retain
from voxlake.pipeline.run import Assignment, Run
from voxlake.pipeline.shared import Shared
from voxlake.pipeline.status import Calendars, Status, StreamStatus, calendars, status, stream_states
from voxlake.pipeline.window import WindowResult, WindowTask, read_window

__all__ = [
    "AccountResult",
    "ApplyResult",
    "Assignment",
    "AuditResult",
    "Calendars",
    "CompactResult",
    "Context",
    "DayRange",
    "ExportResult",
    "ForgetResult",
    "Health",
    "Identity",
    "Metrics",
    "Plan",
    "Problem",
    "PublishResult",
    "Rationed",
    "ReplayResult",
    "RetainResult",
    "Run",
    "Shared",
    "Status",
    "StreamAudit",
    "StreamResult",
    "StreamStatus",
    "WindowResult",
    "WindowTask",
    "apply_policy",
    "audit",
    "audit_accounts",
    "calendars",
    "compact",
    "describe_missing",
    "export",
    "export_accounts",
    "forget",
    "health",
    "metrics",
    "open_manifest",
    "plan_export",
    "publish",
    "publish_delta",
    "read_window",
    "replay",
    "retain",
    "status",
    "stream_states",
    "windows_at_once",
]
