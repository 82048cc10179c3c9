"""Rewrite the archives of replies without what was erased: rows lose all but their message id and their time.

So the replies prove the days that they proved: what is left of such a row is counted, and known as erased by its mark.
A reply that cannot be rewritten is taken out, and the days that it proved cannot be rebuilt from the archive any more.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import simplejson

from voxlake.errors import DataError
from voxlake.files import storage
from voxlake.lake.reply_archive import members
from voxlake.model import DayKey
from voxlake.transform import ERASE, MARK, STREAMS, BrokenReplyError, Forgotten, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from voxlake.lake.directory import Lake
    from voxlake.lake.erased import Erased
    from voxlake.transform import Stream

_LEFT = ("message_id", "processed_at")
"""The fields that are left of a row: what its count and its day are known by."""
_NUMBERS = ("source_number", "destination_number")
_WORDS = ("text", "error_message")


class Eraser(Protocol):
    """What is to be erased from replies."""

    def concerns(self, stream: Stream, account_id: int, body: bytes) -> bool:
        """Return whether a reply may hold anything of it; one that does not stays byte by byte."""

    def row(self, row: dict[str, Any], stream: Stream, account_id: int) -> dict[str, Any]:
        """Return a row as it is to be from now on; the same object where it stays as it is."""


@dataclass(frozen=True, slots=True)
class ErasedReplies:
    """What became of an archive: rows erased or changed, and replies that were taken out as a whole."""

    rows: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class NumberEraser:
    """Erase a number that is known in clear from replies."""

    forgotten: Forgotten

    def concerns(self, _stream: Stream, _account_id: int, body: bytes) -> bool:
        """Return whether the digits of the number, or of its digest, are in a reply."""
        return (
            self.forgotten.bytes_pattern.search(body) is not None
            or not body.isascii()
            or any(its in body for its in (b"(0)", b"\\u"))
        )

    def row(self, row: dict[str, Any], stream: Stream, _account_id: int) -> dict[str, Any]:
        """Return a row without the number."""
        kinds = {kind for name in names_of(stream, *_NUMBERS) if (kind := self._kind(row.get(name))) is not None}
        if ERASE in kinds:
            left = blank(row, stream)
            return row if left == row else left
        if kinds:
            dropped = {*names_of(stream, *_WORDS), *(name for name in row if name not in stream.by_sent_name)}
            row = {
                name: None if name in names_of(stream, *_NUMBERS) and self._kind(value) else value
                for name, value in row.items()
                if name not in dropped
            }
        redacted = self.forgotten.redact_value(row)
        return row if redacted == row else redacted

    def _kind(self, value: Any) -> str | None:
        return None if value is None else self.forgotten.kind_of(str(value))


@dataclass(frozen=True, slots=True)
class StandingEraser:
    """Erase from replies what was erased in the lake."""

    erased: Erased

    def concerns(self, _stream: Stream, _account_id: int, _body: bytes) -> bool:
        """Return whether there is anything that was erased: by digests, nobody sees it in bytes."""
        return bool(self.erased)

    def row(self, row: dict[str, Any], stream: Stream, account_id: int) -> dict[str, Any]:
        """Return a row without what was erased."""
        key = _day_of(row, stream, account_id)
        if key is not None and self.erased.is_retained(key):
            left = blank(row, stream)
            return row if left == row else left
        row = NumberEraser(self.erased.forgotten).row(row, stream, account_id)
        if key is not None and self.erased.is_textless(key):
            texts = names_of(stream, "text")
            row = {name: value for name, value in row.items() if name not in texts} if texts & row.keys() else row
        return row

    def __call__(self, account_id: int, method: str, parameters: Mapping[str, str], body: bytes) -> bytes | None:
        """Return a reply as it may be kept; None where it may not be."""
        stream = next((its for its in STREAMS.values() if its.method == method), None)
        if not self.erased or stream is None:
            return body
        try:
            found = _erase(body, {"parameters": parameters}, self, stream, account_id)
        except (BrokenReplyError, ValueError, csv.Error, TypeError):
            return None
        return body if found is None else found[0]


def _day_of(row: dict[str, Any], stream: Stream, account_id: int) -> DayKey | None:
    """Return the day of a row as it was sent; None where that cannot be read."""
    values = [row[name] for name in names_of(stream, "processed_at") if name in row]
    try:
        return DayKey(account_id, stream.name, date.fromisoformat(str(values[0])[:10]))
    except (IndexError, ValueError):
        return None


def blank(row: dict[str, Any], stream: Stream) -> dict[str, Any]:
    """Return what is left of a row that was erased."""
    left = {name: value for name, value in row.items() if name in names_of(stream, *_LEFT)}
    numbers = [name for name in row if name in names_of(stream, *_NUMBERS)]
    return left | {numbers[0] if numbers else _NUMBERS[0]: MARK}


def names_of(stream: Stream, *fields: str) -> set[str]:
    """Return the names under which replies send some fields."""
    return {name for name, field in stream.by_sent_name.items() if field.name in fields}


def erase_replies(lake: Lake, eraser: Forgotten | Eraser, on_file: Callable[..., None]) -> tuple[int, list[str]]:
    """Write the archives of a lake again; returns how many replies were taken out, and sentences about damaged ones.

    `on_file` is called before an archive is replaced, with its path and that of what takes its place.

    Raises:
        StorageFull: the disk is full.

    """
    removed, problems = 0, []
    its = NumberEraser(eraser) if isinstance(eraser, Forgotten) else eraser
    archives = [path for path in lake.store.files(lake.layout.replies) if path.suffix == ".gz"]
    lake.store.fetch_many(archives)
    for path in map(lake.store.fetch, archives):
        aside = lake.tmp / f"erased-{path.name}"
        try:
            done = rewrite_archive(path, aside, its)
        except DataError as error:
            problems.append(str(error))
            continue
        if done is not None:
            with storage(lake.root):
                aside.chmod(path.stat().st_mode & 0o777)
            on_file(path, aside, replies_removed=done.removed)
            lake.store.put(aside, path)
    return removed, problems


def rewrite_archive(path: Path, aside: Path, eraser: Eraser) -> ErasedReplies | None:
    """Write an archive again without what is to be erased; None where that changes nothing, and nothing is written.

    A last reply that was torn by a kill is left out: nobody knows what it holds.

    Raises:
        DataError: the archive is damaged.
        StorageFull: the disk is full.

    """
    rows = removed = 0
    changed, torn = False, list[Any]()
    with storage(aside.parent), aside.open("wb") as file:
        try:
            for member in members(path, torn.append):
                written, its = _member(member, eraser)
                changed |= written is not member
                rows += its
                removed += written is None
                if written is not None:
                    file.write(gzip.compress(written, 6, mtime=0))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
            file.close()
            aside.unlink(missing_ok=True)
            raise DataError(
                f"{path} is damaged ({' '.join(str(error).split())}), and nobody knows what it holds: remove it."
            ) from error
    if not (changed or torn):
        aside.unlink(missing_ok=True)
        return None
    return ErasedReplies(rows, removed)


def _member(member: bytes, eraser: Eraser) -> tuple[bytes | None, int]:
    """Return a reply as it is to be kept, and how many rows changed; None where it cannot be kept."""
    line, _, rest = member.partition(b"\n")
    asked: dict[str, Any] = json.loads(line)
    body = rest[: asked["bytes"]]
    stream = next((its for its in STREAMS.values() if its.method == asked["method"]), None)
    if stream is None:
        stream = next(iter(STREAMS.values()))
    account_id = int(asked["account_id"])
    if not eraser.concerns(stream, account_id, member):
        return member, 0
    try:
        found = _erase(body, asked, eraser, stream, account_id)
    except (BrokenReplyError, ValueError, csv.Error, TypeError):
        return None, 0
    if found is None:
        return (None, 0) if _still(eraser, member) else (member, 0)
    written, rows = found
    result = json.dumps(asked | {"bytes": len(written)}).encode() + b"\n" + written + b"\n"
    return (None, 0) if _still(eraser, result) else (result, rows)


def _still(eraser: Eraser, member: bytes) -> bool:
    """Return whether a reply holds a number after all: in its request, or where nobody looks for one."""
    return isinstance(eraser, NumberEraser) and eraser.forgotten.bytes_pattern.search(member) is not None


def _erase(
    body: bytes, asked: dict[str, Any], eraser: Eraser, stream: Stream, account_id: int
) -> tuple[bytes, int] | None:
    """Return a body without what is to be erased, and how many rows changed; None where none did."""
    if asked["parameters"].get("output") == "csv" and not body.lstrip().startswith(b"{"):
        return _erase_csv(body, lambda row: eraser.row(row, stream, account_id))
    reply = parse_json(body)
    before = reply.get("result")
    if not isinstance(before, list):
        return None
    after = [eraser.row(row, stream, account_id) if isinstance(row, dict) else row for row in before]
    changed = sum(one is not other for one, other in zip(before, after, strict=True))
    if not changed:
        return None
    text = simplejson.dumps(reply | {"result": after}, use_decimal=True, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass"), changed


def _erase_csv(body: bytes, erased: Callable[[dict[str, Any]], dict[str, Any]]) -> tuple[bytes, int] | None:
    text = body.decode("utf-8-sig")
    header = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=header.count)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    names = [re.sub(r"[^0-9a-z]+", "_", name.strip().casefold()).strip("_") for name in lines[0]]
    written, changed = io.StringIO(newline=""), 0
    out = csv.writer(written, delimiter=delimiter, lineterminator="\r\n" if "\r\n" in text else "\n")
    with suppress(StopIteration):
        out.writerow(lines[0])
    for line in lines[1:]:
        row = dict(zip(names, line, strict=False))
        after = erased(row)
        if after is row:
            out.writerow(line)
            continue
        changed += 1
        values = [after.get(name) for name in names]
        out.writerow(["" if value is None else value for value in values])
    return (written.getvalue().encode(), changed) if changed else None
