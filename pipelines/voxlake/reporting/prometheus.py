"""Metrics as Prometheus reads them: the text format 0.0.4, for the textfile collector of node_exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX: Final = "voxlake_"

METRICS: Final[Mapping[str, str]] = {
    "info": "The version of voxlake that wrote this, as a label.",
    "written_timestamp_seconds": "When this was written.",
    "check_exit_code": "What 'voxlake status --check' ends with: 0 healthy, 4 days missing or unverified, 5 too old.",
    "days": "UTC days of a stream by state: final, open (verified, may still change), unverified, missing.",
    "rows": "Messages of a stream in the lake.",
    "newest_verified_day_timestamp_seconds": "The begin of the newest UTC day of a stream that is verified.",
    "account_info": "The name of an account, as a label.",
    "last_good_export_timestamp_seconds": "When the newest export of an account that ended well did so.",
    "last_good_export_age_seconds": "How long ago that was when this was written.",
    "last_export_exit_code": "The exit code of the last export or backfill of an account.",
    "last_export_requests": "The requests of the last export or backfill of an account.",
    "run_started_timestamp_seconds": "When the last run of a command began.",
    "run_unfinished": "1 where the last run of a command was killed or is still running, else 0.",
    "run_exit_code": "The exit code of the last run of a command.",
    "run_duration_seconds": "How long the last run of a command took.",
    "run_requests": "The requests of the last run of a command.",
    "run_least_requests": "The fewest requests that would have sufficed for it.",
    "run_retries": "How many of its requests were repeated after a fault.",
    "run_rows_new": "Messages that were new in the last run of a command.",
    "database_timestamp_seconds": "When the published database was written, which no night without news does.",
    "database_age_seconds": "How long ago that was when this was written.",
}
"""What each metric stands for, in the order in which they are written; all of them are gauges."""


def render_metrics(samples: Mapping[str, Iterable[tuple[Mapping[str, str], float]]]) -> str:
    """Return metrics as text: of each name of `METRICS` its samples, labels and a value, which may be none."""
    lines = []
    for name, meaning in METRICS.items():
        if its := list(samples.get(name, ())):
            lines += [f"# HELP {PREFIX}{name} {meaning}", f"# TYPE {PREFIX}{name} gauge"]
            lines += [f"{PREFIX}{name}{_labels(labels)} {_number(value)}" for labels, value in its]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
