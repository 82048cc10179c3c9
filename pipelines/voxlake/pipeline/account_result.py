"""What a run did for each account, and in all; the gravest of it decides the exit code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from voxlake.errors import DataError, gravest
from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxlake.errors import VoxlakeError
    from voxlake.model import DayKey
    from voxlake.pipeline.result import StreamResult


_MOST_NOTES = 10
"""So many notes of several accounts are printed."""


@dataclass(frozen=True, slots=True)
class AccountResult:
    """What a run did for one account.

    `errors` are those that are not of one stream; `missing` the days that had a file and have none any more, and that
    the run did not read; `notes` are sentences about what is odd and was dealt with.
    """

    account_id: int
    streams: tuple[StreamResult, ...]
    requests: int = 0
    errors: tuple[VoxlakeError, ...] = ()
    missing: tuple[DayKey, ...] = ()
    notes: tuple[str, ...] = ()
    name: str | None = None

    @property
    def label(self) -> str:
        """What people call the account, with its number."""
        return str(self.account_id) if self.name is None else f"{self.name} ({self.account_id})"

    @property
    def exit_code(self) -> int:
        """The exit code of the gravest trouble; 0 where everything was read and verified."""
        return gravest(_codes(self.errors, self.streams))

    @property
    def all_errors(self) -> list[VoxlakeError]:
        """The errors of the account and of its streams, each sentence once."""
        return _once([*self.errors, *(error for stream in self.streams for error in stream.errors)])

    def summary(self) -> dict[str, Any]:
        """Return what `status` shows of the last run."""
        return _summary(self)

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        missing = [key.to_json() for key in self.missing]
        return {"account_id": self.account_id, "name": self.name, **self.summary(), "missing": missing}

    def trouble(self) -> str:
        """Return in one line what is wrong with the account; nothing where nothing is."""
        said = [str(error).rstrip(".") for error in self.all_errors]
        for stream in self.streams:
            if (unverified := stream.unverified) and not stream.errors:
                day, problem = next(iter(unverified.items()))
                said.append(f"{stream.stream}: {counted(len(unverified))} not verified, first {day}: {problem}")
            if stream.rejects:
                said.append(f"{stream.stream}: {counted(stream.rejects, 'row')} could not be read, see rejects/")
        return f"{self.label}: {'; '.join(said)}" if said else ""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export or a backfill did, over all of its accounts, which are in order.

    `database` is the path of the published database, empty where there is none; `moved_aside` a sentence where a
    foreign file had its place; `errors` are those that are not of one stream, or where there are several accounts, not
    of one of these.
    """

    accounts: tuple[AccountResult, ...]
    database: str = ""
    moved_aside: str = ""
    errors: tuple[VoxlakeError, ...] = ()

    @property
    def streams(self) -> tuple[StreamResult, ...]:
        """The streams of all accounts."""
        return tuple(stream for account in self.accounts for stream in account.streams)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return sum(account.requests for account in self.accounts)

    @property
    def missing(self) -> tuple[DayKey, ...]:
        """The days that had a file and have none any more, and that the run did not read."""
        return tuple(key for account in self.accounts for key in account.missing)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is odd and was dealt with, each once."""
        return tuple(dict.fromkeys(note for account in self.accounts for note in account.notes))

    @property
    def exit_code(self) -> int:
        """The exit code of the gravest trouble; 0 where everything was read, verified and published."""
        return gravest({error.exit_code for error in self.errors} | {account.exit_code for account in self.accounts})

    @property
    def all_errors(self) -> list[VoxlakeError]:
        """The errors of the run, of its accounts and of their streams, each sentence once."""
        return _once([*self.errors, *(error for account in self.accounts for error in account.all_errors)])

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`; with several accounts, `accounts` has each."""
        whole = {"database": self.database, "moved_aside": self.moved_aside}
        if len(self.accounts) == 1:
            return {**self.summary(), **whole, "missing": [key.to_json() for key in self.missing]}
        return {
            "exit_code": self.exit_code,
            "requests": self.requests,
            "errors": [str(error) for error in self.errors],
            "accounts": [account.to_json() for account in self.accounts],
            **whole,
        }

    def summary(self) -> dict[str, Any]:
        """Return what `status` shows of the last run of one account."""
        return _summary(self)

    def __str__(self) -> str:
        if len(self.accounts) == 1:
            lines = [line for stream in self.streams for line in stream.lines()]
            errors = self.all_errors
        else:
            lines, errors = _over_all(self.accounts), _once(self.errors)
        lines += [self.moved_aside] if self.moved_aside else []
        lines += self.notes if len(self.accounts) == 1 else _notes(self.accounts)
        lines += [f"error: {error}" for error in errors]
        database = f"database {self.database}" if self.database else "there is no database yet"
        since = min((stream.since for stream in self.streams if stream.since is not None), default=None)
        looked = f"; days since {since} are looked after" if since is not None and len(self.accounts) == 1 else ""
        lines.append(f"{counted(self.requests, 'request')}{looked}; {database}")
        return "\n".join(lines)


def _summary(result: AccountResult | ExportResult) -> dict[str, Any]:
    return {
        "exit_code": result.exit_code,
        "requests": result.requests,
        "errors": [str(error) for error in result.all_errors],
        "notes": list(result.notes),
        "streams": {stream.stream: stream.to_json() for stream in result.streams},
    }


def join(first: AccountResult, again: AccountResult) -> AccountResult:
    """Return what was done for an account in two parts of a run."""
    streams = tuple(_join(one, other) for one, other in zip(first.streams, again.streams, strict=True))
    return replace(
        again,
        streams=streams,
        requests=first.requests + again.requests,
        errors=tuple(_once([*first.errors, *again.errors])),
        notes=tuple(dict.fromkeys([*first.notes, *again.notes])),
    )


def _join(first: StreamResult, again: StreamResult) -> StreamResult:
    files = {day_file.key: day_file for day_file in (*first.day_files, *again.day_files)}
    return replace(
        first,
        day_files=tuple(files[key] for key in sorted(files)),
        new=first.new + again.new,
        changed=first.changed + again.changed,
        gone=first.gone + again.gone,
        errors=(*first.errors, *again.errors),
    )


def _over_all(accounts: Sequence[AccountResult]) -> list[str]:
    """Return a line for each account with trouble, and one for all others together."""
    lines = [account.trouble() for account in accounts if account.exit_code]
    well = [account for account in accounts if not account.exit_code]
    if not well:
        return lines
    streams = [stream for account in well for stream in account.streams]
    new, changed, gone = (sum(getattr(stream, name) for stream in streams) for name in ("new", "changed", "gone"))
    news = f"{new:,} new, {changed:,} changed" if new or changed or gone else "nothing new"
    news += f", {gone:,} gone (kept in rejects/gone/)" if gone else ""
    days, rows = sum(stream.days for stream in streams), sum(stream.rows for stream in streams)
    others = "other account" if lines else "account"
    lines.append(f"{counted(len(well), others)}: {counted(rows, 'row')} in {counted(days)}, {news}; all verified")
    return lines


def _notes(accounts: Iterable[AccountResult]) -> list[str]:
    """Return each note once, with the account that it is of, or how many have it; of many, the first."""
    found: dict[str, list[AccountResult]] = {}
    for account in accounts:
        for note in account.notes:
            found.setdefault(note, []).append(account)
    lines = [
        f"{its[0].label if len(its) == 1 else counted(len(its), 'account')}: {note}" for note, its in found.items()
    ]
    if len(lines) <= _MOST_NOTES:
        return lines
    left = len(lines) - _MOST_NOTES
    return [*lines[:_MOST_NOTES], f"{counted(left, 'note')} more: '--format json' has all of them, by account"]


def _codes(errors: Iterable[VoxlakeError], streams: Iterable[StreamResult]) -> set[int]:
    codes = {error.exit_code for error in errors}
    for stream in streams:
        codes |= {error.exit_code for error in stream.errors}
        if stream.unverified or stream.rejects:
            codes.add(DataError.exit_code)
    return codes


def _once(errors: Iterable[VoxlakeError]) -> list[VoxlakeError]:
    return list({str(error): error for error in errors}.values())
