"""Phone numbers that are to be forgotten: found in rows and texts, by their digests or in clear, and taken out.

Rows from or to such a number are dropped, or made anonymous. Where other rows mention one, in whatever spelling whose
digits are its own, a mark takes its place.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import simplejson

from voxlake.phones import is_number, normal_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.model import Reject
    from voxlake.privacy import PrivacyKey

MARK: Final = "#forgotten"
"""What stands in the place of a number that was erased."""
ERASE, ANONYMISE = "erase", "anonymise"
"""What becomes of a row from or to a number: it is dropped, or it stays without the number and what was written."""
LEAST, MOST = 7, 15
"""Digits that a number has, at least and at most."""
NUMBERS: Final = ("source_number", "destination_number")
WORDS: Final = ("text", "error_message", "extra")
"""The columns that a row without its number loses as well: they may say whose it is."""
_GAP: Final = "[^0-9A-Za-z]{0,5}"
"""What may stand between two digits of a number."""
_BYTES_GAP: Final = rb"(?:[^0-9A-Za-z\x80-\xff]|[\xc2-\xf4][\x80-\xbf]{1,3}){0,5}"
"""The same in UTF-8."""
_NO_DIGIT: Final = "(0)", "( )"
"""What is not dialled of a number, and what it counts as."""
_LOOSE_GAP: Final = r"(?:\(0\)|[^0-9A-Za-z]){0,5}"
_RUN: Final = re.compile(rf"[0-9](?:{_GAP}[0-9]){{{LEAST - 1},}}")
_ESCAPE: Final = r"\\u[0-9A-Fa-f]"
"""How JSON can spell whatever a number is written with."""
_MAYBE: Final = rf"\p{{Nd}}(?:[^\p{{Nd}}A-Za-z]{{0,5}}\p{{Nd}}){{{LEAST - 1},}}|#|{_ESCAPE}"
"""What every text holds in which there is anything to find; as Arrow writes patterns."""
_HASHED: Final = re.compile(r"(?:[A-Z]{2})?#([0-9a-f]{32})")
"""How a policy writes the digest of a number."""


class Treated(NamedTuple):
    """Rows without what is to be forgotten: how many were dropped or made anonymous, and how many others redacted."""

    table: pa.Table
    forgotten: int = 0
    anonymised: int = 0
    redacted: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether anything was found."""
        return bool(self.forgotten or self.anonymised or self.redacted)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Numbers that are to be forgotten: what becomes of their rows, by their digests under a key.

    Where they are known in clear, `known` has them in their normal form, and no digest is asked for.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    key: PrivacyKey | None = None
    known: Mapping[str, str] | None = None

    def __bool__(self) -> bool:
        """Whether there is any number."""
        return bool(self.kinds)

    def kind_of(self, value: str) -> str | None:
        """Return what becomes of a row from or to such a value; None where it stays as it is."""
        if value == MARK:
            return ERASE
        normal = normal_number(value)
        found = self._kind(normal)
        if found is None and not is_number(normal) and (spans := self._spans(value)):
            return spans[0][2]
        return found

    def redact(self, text: str) -> str:
        """Return a text with a mark in place of each such number, however it is spelled."""
        pieces, at = [], 0
        for start, end, _ in self._spans(text):
            pieces += [text[at:start], MARK]
            at = end
        return "".join([*pieces, text[at:]])

    def redact_json(self, text: str) -> str:
        """Return JSON with a mark in place of each such number in its texts, its numbers and its names."""
        try:
            value = json.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError):
            return self.redact(text)
        redacted = self.redact_value(value)
        return text if redacted == value else simplejson.dumps(redacted, use_decimal=True, ensure_ascii=False)

    def redact_value(self, value: Any) -> Any:
        """Return what JSON holds with a mark in place of each such number."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            return MARK if self._spans(str(value)) else value
        if isinstance(value, list):
            return [self.redact_value(its) for its in value]
        if isinstance(value, dict):
            return {self.redact(name): self.redact_value(its) for name, its in value.items()}
        return value

    def treat_reject(self, reject: Reject) -> Reject:
        """Return a row that could not be read without what it holds, where it mentions such a number."""
        if self.redact_value(reject.raw) == reject.raw and self.redact(reject.reason) == reject.reason:
            return reject
        return replace(reject, raw=MARK, reason=self.redact(reject.reason))

    def treat(self, table: pa.Table) -> Treated:
        """Return rows, of a stream's schema or with its columns, without what is to be forgotten."""
        if not table.num_rows:
            return Treated(table)
        found = {name: self._kinds_of(table[name]) for name in NUMBERS if name in table.column_names}
        dropped = _any(found, ERASE)
        forgotten = 0 if dropped is None else int(pc.sum(dropped).as_py() or 0)
        if forgotten:
            kept = pc.invert(dropped)
            table = table.filter(kept)
            found = {name: None if its is None else its.filter(kept) for name, its in found.items()}
        bare = _any(found, ANONYMISE)
        anonymised = 0 if bare is None else int(pc.sum(bare).as_py() or 0)
        if anonymised:
            for name, its in found.items():
                if its is not None:
                    table = _with(table, name, pc.if_else(pc.equal(its, ANONYMISE), None, table[name]))
            for name in WORDS:
                if name in table.column_names:
                    table = _with(table, name, pc.if_else(bare, None, table[name]))
        table, redacted = self._redacted(table) if self else (table, 0)
        return Treated(table, forgotten, anonymised, redacted)

    def finds(self, table: pa.Table) -> bool:
        """Return whether any text of any column holds such a number."""
        for column, type_ in zip(table.columns, table.schema.types, strict=True):
            if _is_text(type_):
                values = _texts(column)
                maybe = pc.fill_null(pc.match_substring_regex(values, self.pattern), fill_value=False)
                found = values.filter(maybe).unique().to_pylist()
                if any(self._kind(normal_number(its)) or self.redact_json(its) != its for its in found):
                    return True
        return False

    @property
    def pattern(self) -> str:
        """What every text holds in which there is anything to find, as Arrow writes patterns."""
        if self.known is None:
            return _MAYBE
        written = [_LOOSE_GAP.join(f"[{_digits_like(digit)}]" for digit in number) for number in self.known]
        return "|".join([*written, *(f"#{digest[:32]}" for digest in self.kinds), MARK, _ESCAPE])

    @property
    def bytes_pattern(self) -> re.Pattern[bytes]:
        """What the bytes of a file hold in which a known number is written in ASCII digits."""
        written = (_BYTES_GAP.join(digit.encode() for digit in number) for number in self.known or ())
        return re.compile(b"|".join([*written, *(f"#{digest[:32]}".encode() for digest in self.kinds)]))

    def _kinds_of(self, column: pa.ChunkedArray) -> pa.Array | None:
        """Return what becomes of the row of each value, "" where it stays; None where all stay."""
        values = _texts(column)
        if self.known is not None or not self:
            pattern = self.pattern if self else MARK
            if not pc.any(pc.match_substring_regex(values, pattern), min_count=0).as_py():
                return None
        encoded = values.dictionary_encode()
        kinds = [self.kind_of(value) or "" for value in encoded.dictionary.to_pylist()]
        if not any(kinds):
            return None
        return pc.fill_null(pa.array(kinds, pa.string()).take(encoded.indices), "")

    def _redacted(self, table: pa.Table) -> tuple[pa.Table, int]:
        """Return rows with marks in place of mentions, and how many rows had any."""
        changed: set[int] = set()
        pattern = self.pattern
        for name, type_ in zip(table.column_names, table.schema.types, strict=True):
            if name in NUMBERS or not _is_text(type_):
                continue
            values = _texts(table[name])
            maybe = pc.fill_null(pc.match_substring_regex(values, pattern), fill_value=False)
            if not pc.any(maybe, min_count=0).as_py():
                continue
            rows = pc.indices_nonzero(maybe).to_pylist()
            before = values.filter(maybe).to_pylist()
            treat = self.redact_json if name == "extra" else self.redact
            after = [treat(text) for text in before]
            if after != before:
                changed.update(row for row, one, other in zip(rows, before, after, strict=True) if one != other)
                table = _with(table, name, pc.replace_with_mask(values, maybe, pa.array(after, values.type)))
        return table, len(changed)

    def _kind(self, digits: str) -> str | None:
        if self.known is not None:
            return self.known.get(digits)
        return None if self.key is None or not self.kinds else self.kinds.get(self.key.digest(digits))

    def _kind_of_digest(self, value: str) -> str | None:
        found = _HASHED.fullmatch(value)
        return next((kind for digest, kind in self.kinds.items() if found and digest.startswith(found[1])), None)

    def _spans(self, text: str) -> list[tuple[int, int, str]]:
        """Return where a text holds such numbers, from one character to another, and what becomes of their rows."""
        found = [
            (its.start(), its.end(), kind)
            for its in _HASHED.finditer(text)
            if (kind := self._kind_of_digest(its[0])) is not None
        ]
        sizes = set(map(len, self.known or ()))
        plain = text if text.isascii() else text.translate(_ascii_digits())
        plain = plain.replace(*_NO_DIGIT)
        for run in _RUN.finditer(plain):
            places = [at for at in range(run.start(), run.end()) if plain[at].isdigit()]
            digits = "".join(plain[at] for at in places)
            first = 0
            while first + LEAST <= len(digits):
                for size in range(min(MOST, len(digits) - first), LEAST - 1, -1):
                    if sizes and size not in sizes:
                        continue
                    if (kind := self._kind(digits[first : first + size])) is not None:
                        start = places[first]
                        found.append((start - plain.endswith("+", 0, start), places[first + size - 1] + 1, kind))
                        first += size
                        break
                else:
                    first += 1
        return sorted(found)


NOTHING: Final = Forgotten()
"""No number at all."""


def _any(found: Mapping[str, pa.Array | None], kind: str) -> pa.Array | None:
    """Return which rows have a number with which that is to be done; None where none has."""
    masks = [pc.equal(its, kind) for its in found.values() if its is not None]
    if not masks:
        return None
    return masks[0] if len(masks) == 1 else pc.or_(*masks)


def _with(table: pa.Table, name: str, values: Any) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(
        at, table.schema.field(name), pa.chunked_array([values]).cast(table.schema.field(name).type)
    )


def _texts(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array of texts."""
    combined = column.combine_chunks()
    array = pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined
    return array.cast(pa.string()) if pa.types.is_dictionary(array.type) else array


def _is_text(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


@cache
def _ascii_digits() -> dict[int, str]:
    """Return every digit of another script with the one that it means."""
    characters = (chr(code) for code in range(0x80, sys.maxunicode + 1))
    return {ord(its): str(unicodedata.decimal(its)) for its in characters if unicodedata.category(its) == "Nd"}


@cache
def _digits_like(digit: str) -> str:
    """Return a digit and those of other scripts that mean it."""
    return digit + "".join(chr(code) for code, its in _ascii_digits().items() if its == digit)
