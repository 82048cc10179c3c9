"""How the API behaves where its documentation is silent; docs/sandbox.md has the same list of switches."""

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
class Behaviour:
    """One field for each unknown; defaults follow the vendor's documentation and examples where they are explicit."""

    order: str = _choice("asc", "desc", "random-per-request", "id", says="order of the rows")
    from_bound: str = _choice("inclusive", "exclusive", says="whether a row at `from_date` counts")
    to_bound: str = _choice("inclusive", "exclusive", says="whether a row at `to_date` counts")
    dates: str = _choice("select", "hide", says="whether dates select rows, or a request with dates gets none at all")
    date_precision: str = _choice("second", "minute", "day", says="how precisely the bounds' time of day is read")
    default_window: str = _choice("all", "month", says="which rows are meant when neither date is sent")
    bounds_zone: str = _choice(
        "utc", "+03:00", "-05:00", "+05:45", says="zone in which `from_date` and `to_date` are taken"
    )
    rows_zone: str = _choice("utc", "+03:00", "-05:00", "+05:45", says="zone in which rows show their dates")
    max_window_days: int | None = _number(None, says="longest window in days; a longer one is error 569")
    retention_days: int | None = _number(None, says="days back from now before which `from_date` is error 123")
    max_offset: int | None = _number(None, says="largest offset")
    offset_mode: str = _choice("error", "empty", "clamp", says="reply to a larger offset")
    max_count: int | None = _number(1000, says="largest page")
    count_mode: str = _choice(
        "error", "clamp", "ignore", says="reply to a larger count; or pages have one size, whatever the count"
    )
    number_type: str = _choice("string", "number", says="JSON type of telephone numbers")
    id_type: str = _choice("number", "string", says="JSON type of ids and fragments")
    cost_type: str = _choice("number", "string", says="JSON type of the cost")
    status_type: str = _choice("string", "number", says="JSON type of `status_id`")
    direction_case: str = _choice("upper", "lower", says="spelling of IN and OUT")
    delivery_type: str = _choice("name", "number", says="form of `delivery_status` in a row")
    nulls: str = _choice("omit", "null", says="form of an absent field in JSON")
    id_field: str = _choice("message_id", "sms_id", "id", says="name of the message's id")
    date_field: str = _choice("documented", "processed_date", "processing_date", says="name of the row's date")
    total_count: str = _choice("number", "string", says="JSON type of `total_count`")
    max_total: int | None = _number(None, says="largest `total_count` that is reported")
    counts: str = _choice(
        "exact",
        "tens",
        "hundreds",
        "page",
        says="`total_count`: exact, rounded to tens or hundreds, or the rows of the page",
    )
    doubles: int | None = _number(None, says="every how-manieth row is given, and counted, twice")
    total_of: str = _choice("given", "hidden", says="whether `total_count` also counts rows that no page contains")
    envelope: str = _choice("plain", "extra", says="whether the reply has more than the two documented fields")
    extra_field: str = _choice(
        "off", "on", "mixed", says="whether rows have an undocumented field, `route`, and whether its JSON type varies"
    )
    message_id_filter: str = _choice(
        "on", "off", "refused", says="whether `message_id` selects rows, is ignored, or is an error"
    )
    misdated: int | None = _number(None, says="one message in so many is shown with a date a month too early")
    late_price: int | None = _number(None, says="hours after its date until a message has its cost; null before")
    error_shape: str = _choice("error", "errors", says="one error, or a list of errors")
    csv_delimiter: str = _choice(";", ",", "|", says="csv field separator")
    csv_encoding: str = _choice("utf-8", "windows-1251", says="csv encoding")
    csv_first_line: str = _choice("none", "sep", says="whether csv begins with a line that names the separator")
    csv_quotes: str = _choice("doubled", "backslash", says="quotes inside csv fields")
    csv_null: str = _choice("empty", "NULL", says="absent values in csv")
    csv_totals: str = _choice("off", "on", says="whether csv ends with a row of totals")
    csv_bom: str = _choice("off", "on", says="whether csv begins with a byte order mark")
    csv_newline: str = _choice("lf", "crlf", says="csv line ending")
    csv_header: str = _choice(
        "names", "title", "none", says="csv header: the JSON names, words in title case, or no header"
    )
    csv_decimal: str = _choice(".", ",", says="decimal mark of csv costs")
    csv_empty: str = _choice("header", "nothing", says="csv reply without rows")
    csv_content_type: str = _choice("octet-stream", "csv", says="content type of csv")
    all_failed: str = _choice("list", "error", says="A2PSendSms when every number failed: a list, or the first error")
    unroutable: str = _choice(
        "fails", "refused", says="whether a number without a route fails alone, or the whole request is error 506"
    )
    sent_fields: str = _choice(
        "documented", "2021", says="ids in the reply to a send: as documented today, or as in 2021"
    )
    too_long: str = _choice("477", "499", says="error code for a SendSmsMessage text that is too long")
    plus: str = _choice("refused", "accepted", says="whether numbers may begin with `+`")
    resend_seconds: int | None = _number(60, says="seconds during which the same text to the same number is error 484")
    callback_shape: str = _choice("nested", "array", "single", "flat", says="nesting of the message in a callback")
    date_header: str = _choice("on", "off", says="whether replies tell the server's time in a Date header")
    clock_ahead: int | None = _number(None, says="seconds by which that time is ahead of the sandbox's clock")
    clock_behind: int | None = _number(None, says="seconds by which it is behind")
    account_info: str = _choice("every", "owner", says="role that may call GetAccountInfo")
    children_filter: str = _choice(
        "required", "optional", says="whether GetChildrenAccounts without id, name or email is an error"
    )
    children_all: str = _choice("refused", "accepted", says="whether `child_account_id` may be `all`")
    children_match: str = _choice("exact", "part", says="whether a name or an email must be given in full")
    children_envelope: str = _choice("totals", "bare", says="whether the list comes with `count` and `total_count`")
    frozen_account: str = _choice("131", "100", "answered", says="error of a frozen account's calls, or none")
    limit_reply: str = _choice("340", "314", "429", "429-after", says="code or HTTP status of a request over a limit")
    gzip: str = _choice("off", "on", says="whether replies are compressed for clients that accept it")

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Behaviour:
        """Parse `name=value` pairs.

        Raises:
            ValueError: a name or value is unknown; the message lists the known ones.

        """
        known = {f.name: f for f in dataclasses.fields(cls)}
        chosen: dict[str, Any] = {}
        for setting in settings:
            name, _, value = setting.partition("=")
            if name not in known:
                raise ValueError(f"Unknown switch {name!r}: use {', '.join(sorted(known))}.")
            values = known[name].metadata["values"]
            if values is None:
                if value == "none":
                    chosen[name] = None
                    continue
                if not value.isdecimal() or not int(value):
                    raise ValueError(f"The switch {name!r} cannot be {value!r}: use a whole number above 0, or none.")
                chosen[name] = int(value)
            elif value in values:
                chosen[name] = value
            else:
                raise ValueError(f"The switch {name!r} cannot be {value!r}: use {' or '.join(values)}.")
        return cls(**chosen)
