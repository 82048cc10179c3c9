"""The Python door: connect to an account, export, audit, publish, replay, compact, and open what was published.

What a program may use of it is in `voxlake.__all__`; the command line is built on the same functions. A name is
imported on first use, so that a command that exports does not wait for what answers queries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxlake.library.account import Account, connect
    from voxlake.library.answer import Report, report
    from voxlake.library.arguments import day_range
    from voxlake.library.configured import connect_all
    from voxlake.library.database import Database, open_database
    from voxlake.library.delta import publish_delta
    from voxlake.library.discovery import Discovered, append_sections, discover, sections_text
    from voxlake.library.doctor import (
        Check,
        Checkup,
        check_account,
        check_data,
        check_network,
        check_place,
        check_store,
        check_versions,
    )
    from voxlake.library.erase import apply_privacy, forget, retain
    from voxlake.library.known import account_ids, known_accounts
    from voxlake.library.offline import compact, health, metrics, publish, replay, runs, status
    from voxlake.library.online import audit, backfill, export, plan
    from voxlake.library.overview import AccountLine, account_lines
    from voxlake.library.pulling import PullResult, pull
    from voxlake.library.record import RunRecord, exit_code_of, recorded
    from voxlake.library.roster import Roster, find_accounts
    from voxlake.library.sections import Section, read_sections
    from voxlake.library.selection import select

_MODULES = {
    "account": ("Account", "connect"),
    "answer": ("Report", "report"),
    "arguments": ("day_range",),
    "configured": ("connect_all",),
    "database": ("Database", "open_database"),
    "delta": ("publish_delta",),
    "discovery": ("Discovered", "append_sections", "discover", "sections_text"),
    "doctor": (
        "Check",
        "Checkup",
        "check_account",
        "check_data",
        "check_network",
        "check_place",
        "check_store",
        "check_versions",
    ),
    "known": ("account_ids", "known_accounts"),
    "offline": ("compact", "health", "metrics", "publish", "replay", "runs", "status"),
    "erase": ("apply_privacy", "forget", "retain"),
    "overview": ("AccountLine", "account_lines"),
    "pulling": ("PullResult", "pull"),
    "record": ("RunRecord", "exit_code_of", "recorded"),
    "roster": ("Roster", "find_accounts"),
    "online": ("audit", "backfill", "export", "plan"),
    "sections": ("Section", "read_sections"),
    "selection": ("select",),
}

__all__ = [
    "Account",
    "AccountLine",
    "Check",
    "Checkup",
    "Database",
    "Discovered",
    "PullResult",
    "Report",
    "Roster",
    "RunRecord",
    "Section",
    "account_ids",
    "account_lines",
    "append_sections",
    "apply_privacy",
    "audit",
    "backfill",
    "check_account",
    "check_data",
    "check_network",
    "check_place",
    "check_store",
    "check_versions",
    "compact",
    "connect",
    "connect_all",
    "day_range",
    "discover",
    "exit_code_of",
    "export",
    "find_accounts",
    "forget",
    "health",
    "known_accounts",
    "metrics",
    "open_database",
    "plan",
    "publish",
    "publish_delta",
    "pull",
    "read_sections",
    "recorded",
    "replay",
    "report",
    "retain",
    "runs",
    "sections_text",
    "select",
    "status",
]


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
