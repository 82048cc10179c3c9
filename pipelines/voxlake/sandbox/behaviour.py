"""What nobody outside knows about the live API, each as a switch; docs/sandbox.md has the same list."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def _choice(default: str, *others: str, says: str) -> Any:
    return field(default=default, metadata={"values": (default, *others), "says": says})


def _number(default: int | None, *, says: str) -> Any:
    return field(default=default, metadata={"values": None, "says": says})


@dataclass(frozen=True, slots=True)
class Switches:
    """How the unknown is; the defaults follow the documentation and its examples where they say anything."""

    order: str = _choice("asc", "desc", "random-per-request", "id", says="order of the rows")
    from_bound: str = _choice("inclusive", "exclusive", says="whether a row at `from_date` counts")
    to_bound: str = _choice("inclusive", "exclusive", says="whether a row at `to_date` counts")
    date_precision: str = _choice("second", "minute", "day", says="how much of the bounds' time of day is looked at")
    default_window: str = _choice("all", "month", says="what is meant where neither date is given")
    max_window_days: int | None = _number(None, says="longest window; more is error 569")
    max_offset: int | None = _number(None, says="largest offset")
    offset_mode: str = _choice("error", "empty", "clamp", says="what a larger offset gives")
    max_count: int | None = _number(1000, says="most rows in a page")
    count_mode: str = _choice("error", "clamp", says="what a larger count gives")
    number_type: str = _choice("string", "number", says="JSON type of telephone numbers")
    id_type: str = _choice("number", "string", says="JSON type of ids and fragments")
    cost_type: str = _choice("number", "string", says="JSON type of the cost")
    status_type: str = _choice("string", "number", says="JSON type of `status_id`")
    direction_case: str = _choice("upper", "lower", says="spelling of IN and OUT")
    delivery_type: str = _choice("name", "number", says="what `delivery_status` is in a row")
    nulls: str = _choice("omit", "null", says="how an absent field looks in JSON")
    id_field: str = _choice("message_id", "sms_id", "id", says="name of the message's id")
    date_field: str = _choice("documented", "processed_date", "processing_date", says="name of the row's date")
    total_count: str = _choice("number", "string", says="JSON type of `total_count`")
    max_total: int | None = _number(None, says="largest `total_count` that is told")
    total_of: str = _choice("given", "hidden", says="whether rows that no page gives are counted as well")
    envelope: str = _choice("plain", "extra", says="whether the reply has fields beside the documented two")
    extra_field: str = _choice("off", "on", says="whether rows have a field that nobody has documented")
    message_id_filter: str = _choice(
        "on", "off", "refused", says="whether `message_id` selects, is ignored or an error"
    )
    error_shape: str = _choice("error", "errors", says="one error, or a list of them")
    csv_delimiter: str = _choice(";", ",", says="what stands between csv fields")
    csv_bom: str = _choice("off", "on", says="whether csv begins with a byte order mark")
    csv_newline: str = _choice("lf", "crlf", says="how csv lines end")
    csv_header: str = _choice("names", "title", says="csv header: the JSON names, or words")
    csv_decimal: str = _choice(".", ",", says="decimal mark of csv costs")
    csv_empty: str = _choice("header", "nothing", says="what csv without rows is")
    csv_content_type: str = _choice("octet-stream", "csv", says="content type of csv")
    all_failed: str = _choice(
        "list", "error", says="A2PSendSms where every number failed: a list, or the first's error"
    )
    unroutable: str = _choice(
        "fails", "refused", says="a number without a route fails alone, or is error 506 of the whole"
    )
    sent_fields: str = _choice("documented", "2021", says="what an answer to a send has: ids of today, or of 2021")
    too_long: str = _choice("477", "499", says="code of a text for SendSmsMessage that is too long")
    plus: str = _choice("refused", "accepted", says="whether numbers may begin with `+`")
    resend_seconds: int | None = _number(60, says="how long the same text to the same number is error 484")
    callback_shape: str = _choice("nested", "array", "single", "flat", says="how a callback holds its message")
    gzip: str = _choice("off", "on", says="whether replies are compressed for those who accept it")

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Switches:
        """Read `name=value` pairs; a ValueError says in a sentence what is known."""
        known = {f.name: f for f in dataclasses.fields(cls)}
        chosen: dict[str, Any] = {}
        for setting in settings:
            name, _, value = setting.partition("=")
            if name not in known:
                raise ValueError(f"There is no switch {name!r}: use {', '.join(sorted(known))}.")
            values = known[name].metadata["values"]
            if values is None:
                if value == "none":
                    chosen[name] = None
                    continue
                if not value.isdecimal() or not int(value):
                    raise ValueError(f"The switch {name!r} is {value!r}: give a whole number above 0, or none.")
                chosen[name] = int(value)
            elif value in values:
                chosen[name] = value
            else:
                raise ValueError(f"The switch {name!r} is {value!r}: use {' or '.join(values)}.")
        return cls(**chosen)
