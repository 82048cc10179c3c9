"""Apply a privacy policy to decoded rows, whole columns at a time, and to rows that could not be decoded."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from voxlake.model import Reject
from voxlake.policy import DROP, KEEP
from voxlake.transform.values import exact_json, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlake.policy import PrivacyPolicy
    from voxlake.transform.streams import Field, Stream

COLUMNS: Final = {
    "source_number": "source",
    "destination_number": "destination",
    "text": "text",
    "error_message": "error_text",
    "extra": "unknown_fields",
}
"""The columns that are treated, each with the part of the policy that says how."""


def treat(table: pa.Table, policy: PrivacyPolicy) -> pa.Table:
    """Return rows as they are written under a policy; rows that were treated before stay as they are.

    Each value of a column is worked out once, whatever the number of its rows.
    """
    if policy.keeps_all or not table.num_rows:
        return table
    table = _without_senders(table, policy)
    for name, part in COLUMNS.items():
        how, at = getattr(policy, part), table.schema.get_field_index(name)
        if how == KEEP or at < 0:
            continue
        column, kind = table.column(at), table.schema.field(at)
        if how == DROP or column.null_count == table.num_rows:
            values: Any = pa.nulls(table.num_rows, kind.type)
        else:
            encoded = column.combine_chunks().dictionary_encode()
            treated = [_treated(policy, part, value) for value in encoded.dictionary.to_pylist()]
            values = pa.array(treated, kind.type).take(encoded.indices)
        table = table.set_column(at, kind, values)
    return table


def _without_senders(table: pa.Table, policy: PrivacyPolicy) -> pa.Table:
    """Return rows whose errors name their own SenderID as it is treated: it does not look like a number."""
    at = table.schema.get_field_index("error_message")
    if at < 0 or KEEP in (policy.source, policy.error_text) or table.column(at).null_count == table.num_rows:
        return table
    found = zip(table.column(at).to_pylist(), table["source_number"].to_pylist(), strict=True)
    errors = [policy.without_sender(error, sender) if error and sender else error for error, sender in found]
    kind = table.schema.field(at)
    return table.set_column(at, kind, pa.array(errors, kind.type))


def _treated(policy: PrivacyPolicy, part: str, value: str) -> str | None:
    if part == "text":
        return policy.words(value)
    if part == "error_text":
        return policy.error(value)
    return policy.number(part, value) if part != "unknown_fields" else _treated_extra(policy, value)


def _treated_extra(policy: PrivacyPolicy, value: str) -> str | None:
    """Return a text of `extra` with its values treated; nothing of what is not JSON."""
    try:
        sent = json.loads(value, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return exact_json(policy.unknown(policy.unknown_fields, sent))


def treat_rejects(rejects: Sequence[Reject], policy: PrivacyPolicy, stream: Stream) -> tuple[Reject, ...]:
    """Return rows that could not be decoded with their values treated; why, and when they were, stays.

    A known field is treated as its column; what cannot be read of others, and whatever is unknown, as unknown fields.
    """
    if policy.keeps_all:
        return tuple(rejects)
    return tuple(Reject(_treated_raw(its.raw, policy, stream), its.reason, its.at) for its in rejects)


def _treated_raw(raw: Any, policy: PrivacyPolicy, stream: Stream) -> Any:
    if not isinstance(raw, dict):
        return policy.unknown(policy.unknown_fields, raw)
    return {name: _treated_field(value, stream.by_sent_name.get(str(name)), policy) for name, value in raw.items()}


def _treated_field(value: Any, field: Field | None, policy: PrivacyPolicy) -> Any:
    part = None if field is None else COLUMNS.get(field.name)
    if field is None or not (part or _is_readable(value, reader_of(field))):
        return policy.unknown(policy.unknown_fields, value)
    if part is None or getattr(policy, part) == KEEP:
        return value
    if isinstance(value, str | int) and not isinstance(value, bool):
        return _treated(policy, part, str(value))
    return policy.unknown(getattr(policy, part), value)


def _is_readable(value: Any, read: Callable[[Any], Any]) -> bool:
    try:
        read(value)
    except (ValueError, TypeError, OverflowError):
        return False
    return True
