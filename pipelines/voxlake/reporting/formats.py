"""Output formats: a table for people, csv and JSON for programs; amounts stay exact in all of them."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import simplejson

from voxlake import extras
from voxlake.errors import SettingsError
from voxlake.reporting.table import render_table
from voxlake.text import counted, listed_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_ENDINGS = {".txt": "table", ".csv": "csv", ".json": "json", ".parquet": "parquet", ".xlsx": "xlsx"}
# A carriage return alone counts, too: unquoted it would begin a new line, and a formula could follow it.
_QUOTED = set(',"\r\n')
_FILES = ("parquet", "xlsx")
# The last four are full-width forms, which some spreadsheets treat as the first four.
_BEGINS_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# A spreadsheet of many countries splits at semicolons, and then a quote within a cell holds nothing together.
_RISKY = re.compile(f'^(?=[{_BEGINS_FORMULA}\t\r\n])|(?<=[;\t|\r\n])(?=[" ]*[{_BEGINS_FORMULA}])')
"""Where a cell would begin that a spreadsheet takes for a formula, whatever it splits lines at."""


def render_rows(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    form: str,
    *,
    screen: int | None = None,
    room: int | None = None,
) -> str:
    """Return rows as `table`, `csv` or `json`, with a newline at the end; a table fits as `render_table` says."""
    if form == "json":
        return to_json([dict(zip(names, row, strict=True)) for row in rows]) + "\n"
    if form == "csv":
        return _csv((names, *rows))
    return render_table(names, [[_plain(value) for value in row] for row in rows], screen=screen, room=room)


def render_pieces(names: Sequence[str], chunks: Iterable[Sequence[Sequence[Any]]], form: str) -> Iterator[str]:
    """Yield the text of rows that come by some at a time, as `csv` or `json`: together what `render_rows` returns."""
    if form == "csv":
        yield _csv((names,))
        for rows in chunks:
            yield _csv(rows)
        return
    before = "[\n"
    for rows in chunks:
        # Without the brackets around them.
        yield before + render_rows(names, rows, form)[2:-3]
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def choose_format(form: str | None, out: Path | None) -> str:
    """Return the format of an answer: the one chosen, else the one that the file's ending means, else `table`.

    Raises:
        SettingsError: the ending means no format or another one, a format for files was chosen without a file, or the
            extra that the format needs is not installed.

    """
    meant = None if out is None else _ENDINGS.get(out.suffix.lower())
    if form is None and out is not None:
        if meant is None:
            raise SettingsError(f"--out {out} has no ending that means a format: use {', '.join(_ENDINGS)}.")
        form = meant
    # Any text may be in a .txt.
    if meant not in (None, form) and (meant != "table" or form in _FILES):
        raise SettingsError(f"--format {form} and the ending of --out {out} disagree: leave one of them out.")
    if out is None and form in _FILES:
        raise SettingsError(f"{form} is a format for files: name one with --out.")
    if form == "xlsx":
        extras.require("excel")
    return form or "table"


def to_json(value: Any) -> str:
    """Return JSON with exact decimals, dates as text, and null for infinity and NaN, which JSON cannot express."""
    return simplejson.dumps(_keyed(value), use_decimal=True, ensure_ascii=False, ignore_nan=True, indent=2, default=str)


def render_status(
    found: dict[str, Any],
    folder: Path | str,
    calendars: Mapping[tuple[int, str], Sequence[str]],
    *,
    shown: Callable[[str], str] = str,
) -> str:
    """Return what `status` found as lines for people, with the drawn calendar of each account and stream.

    `shown` makes a line fit for its reader; the calendars, which may be painted, are left as they are.
    """
    lines: list[str] = []
    accounts = {its["account_id"]: its for its in found["accounts"]}
    labels = {number: _label(its, alone=len(accounts) == 1) for number, its in accounts.items()}
    for s in found["streams"]:
        rows = counted(s["rows"], "row")
        lines += [
            f"{s['stream']} ({labels[s['account_id']]}): {rows}, {s['first_day']} to {s['last_day']}",
            f"  newest message: {newest} UTC" if (newest := s["newest_message"]) else "  newest message: none",
            f"  days: {s['final']} final, {s['open']} open, {s['missing']} missing, {s['unverified']} unverified",
        ]
        lines += calendars.get((s["account_id"], s["stream"]), ())
        if s["exported_since"]:
            lines.append(f"  exports look after the days since {s['exported_since']}")
        lines += [f"  {s['older']}"] if s["older"] else []
        lines += [f"  missing: {span}" for span in listed_days(map(date.fromisoformat, s["missing_days"]))]
        lines += [f"  unverified: {span}: {problem}" for span, problem in _alike(s["unverified_days"])]
        if s["rejects"]:
            lines.append(f"  {counted(s['rejects'], 'row')} could not be read: see {folder}/rejects")
    if not lines:
        lines.append(f"{folder} holds nothing yet: run 'voxlake export'.")
    lines += [
        f"odd: {counted(w['messages'], w['stream'] + ' message')}, {w['first_day']} to {w['last_day']}, against the"
        f" rule: {w['promise']} ({w['warning']})"
        for w in found["warnings"]
    ]
    last = found["last_run"]
    if last:
        lines.append(
            f"last run: ended {last.get('ended_at', 'some time')} with exit code {last.get('exit_code', 'unknown')},"
            f" {counted(last.get('requests', 0), 'request')}"
        )
        lines += [f"  {error}" for error in last.get("errors", ())]
    lines += _recorded(found.get("runs", ()))
    lines += _aged(accounts.values(), labels)
    failed = (
        {number: its["last_run"] for number, its in accounts.items() if its["last_run"]} if len(accounts) > 1 else {}
    )
    lines += [
        f"{labels[number]}: its last run ended {run.get('ended_at', 'some time')} with exit code {run['exit_code']}"
        + "".join(f"\n  {error}" for error in run.get("errors", ()))
        for number, run in failed.items()
        if run.get("exit_code")
    ]
    drawn = {line for its in calendars.values() for line in its}
    return "\n".join(line if line in drawn else shown(line) for line in lines)


def _aged(accounts: Iterable[Mapping[str, Any]], labels: Mapping[int, str]) -> list[str]:
    """Return how long ago the newest export ended well, and of which accounts that is too long ago."""
    known = sorted((its for its in accounts if its.get("last_good_run")), key=lambda its: str(its["last_good_run"]))
    if not known:
        return []
    whose = ""
    lines = []
    if len(known) > 1:
        whose = f" of {labels[known[-1]['account_id']]}"
        lines = [f"stale: {labels[its['account_id']]}: {_since(its)}" for its in known[:-1] if its["stale"]]
    state = "stale: " if known[-1]["stale"] else ""
    return [*lines, f"{state}newest export that ended well{whose}: {_since(known[-1])}"]


def _since(account: Mapping[str, Any]) -> str:
    return f"{account['last_good_run'][:16]} UTC, {account['age']} ago"


def _recorded(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for the newest run, and one for the newest export where that is another."""
    newest_export = next((run for run in runs if run["command"] == "export"), None)
    return [_of_run(run) for n, run in enumerate(runs) if n == 0 or run is newest_export]


def _of_run(run: Mapping[str, Any]) -> str:
    """Return what became of a run, and its requests beside the fewest that would have sufficed."""
    name = f"last {run['command']}"
    if run["exit_code"] is None:
        return f"{name}: it began at {run['started_at'][:16].replace('T', ' ')} UTC, and {run['problem']}"
    needed = ""
    if run["requests"]:
        needed = f", at least {run['least_requests']:,} {'was' if run['least_requests'] == 1 else 'were'} needed"
    retried = f", {counted(run['retries'], 'repeated request')}" if run["retries"] else ""
    why = f" ({run['problem']})" if run["problem"] else ""
    return (
        f"{name}: {counted(run['requests'] or 0, 'request')}{needed}{retried}, {run['seconds']:,.1f} s, exit code"
        f" {run['exit_code']}{why}"
    )


def _label(account: Mapping[str, Any], *, alone: bool) -> str:
    """Return what to call an account, by its name too where there are several."""
    number = f"account {account['account_id']}"
    return number if alone or account["name"] is None else f"{account['name']}, {number}"


def _alike(problems: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return spans of days that share a problem, as (span, problem), oldest first."""
    days: dict[str, list[date]] = {}
    for day, problem in problems.items():
        days.setdefault(problem, []).append(date.fromisoformat(day))
    return sorted((span, problem) for problem, its in days.items() for span in listed_days(its))


def render_plan(stream: str, read: Sequence[date], probe: Sequence[date], final: Sequence[date]) -> str:
    """Return a line that says what a run would do with each UTC day of a stream."""
    actions = [f"{verb} {', '.join(listed_days(days))}" for verb, days in (("read", read), ("probe", probe)) if days]
    if final:
        actions.append(f"{counted(len(final))} {'is' if len(final) == 1 else 'are'} final")
    return f"{stream}: {'; '.join(actions) or 'nothing to ask'}"


def _keyed(value: Any) -> Any:
    """Turn the keys of maps, which can have any type in the database, into text."""
    if isinstance(value, dict):
        return {str(_plain(key)): _keyed(its) for key, its in value.items()}
    return [_keyed(its) for its in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value) if isinstance(value, date) else value


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    # An empty line would not be read as a row.
    return "".join((",".join(map(_cell, row)) or '""') + "\n" for row in rows)


def _cell(value: Any) -> str:
    """Return a value as a cell of csv, quoted where needed."""
    text = "" if value is None else str(_defused(_plain(value)))
    return '"' + text.replace('"', '""') + '"' if _QUOTED & set(text) else text


def _defused(value: Any) -> Any:
    """Put an apostrophe wherever a spreadsheet would begin a formula in a text; numbers stay as they are."""
    return _RISKY.sub("'", value) if isinstance(value, str) else value
