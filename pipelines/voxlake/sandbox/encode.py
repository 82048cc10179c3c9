"""Encode rows as JSON or csv replies, as `Behaviour` says."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from voxlake.sandbox.responses import Reply, json_reply

if TYPE_CHECKING:
    from voxlake.sandbox.behaviour import Behaviour
    from voxlake.sandbox.synthetic_day import Row

DATE_FIELDS = {"sms": "processed_date", "a2p": "processing_date"}
OWN = {"sms": "direction", "a2p": "delivery_status"}
DELIVERY = ("QUEUED", "DISPATCHED", "ABORTED", "REJECTED", "DELIVERED", "FAILED", "EXPIRED", "UNKNOWN")
"""The delivery statuses in the order of their numbers, which start at 1."""

_OPTIONAL = ("error_message", "transaction_id", "text")


class Encoder:
    """The reply format of one history."""

    def __init__(self, stream: str, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._own = OWN[stream]
        self._date = DATE_FIELDS[stream] if behaviour.date_field == "documented" else behaviour.date_field

    def json(self, rows: list[Row], total: int) -> Reply:
        """Return a reply in the documented JSON envelope."""
        reply: dict[str, Any] = {
            "result": [self._row(row) for row in rows],
            "total_count": total if self._behaviour.total_count == "number" else str(total),
        }
        if self._behaviour.envelope == "extra":
            reply |= {"count": len(rows), "timezone": "Etc/GMT"}
        return json_reply(reply)

    def csv(self, rows: list[Row]) -> Reply:
        """Return a csv reply; csv carries no total."""
        s = self._behaviour
        names = [s.id_field, "source_number", "destination_number", self._own, "fragments", "cost", "status_id"]
        names += ["error_message", self._date, "transaction_id", "text", *([] if s.extra_field == "off" else ["route"])]
        out = io.StringIO()
        end = "\n" if s.csv_newline == "lf" else "\r\n"
        escaped = {"doublequote": False, "escapechar": "\\"} if s.csv_quotes == "backslash" else {}
        writer = csv.writer(out, delimiter=s.csv_delimiter, lineterminator=end, **escaped)  # type: ignore[arg-type]
        if s.csv_first_line == "sep":
            out.write(f"sep={s.csv_delimiter}{end}")
        if (rows or s.csv_empty == "header") and s.csv_header != "none":
            writer.writerow(names if s.csv_header == "names" else [_title(name) for name in names])
        for row in rows:
            values = self._row(row)
            values["cost"] = None if row["cost"] is None else f"{row['cost']}".replace(".", s.csv_decimal)
            nothing = "" if s.csv_null == "empty" else s.csv_null
            writer.writerow([nothing if values.get(name) is None else values[name] for name in names])
        if s.csv_totals == "on":
            writer.writerow(["Total", *["" for _ in names[2:]], len(rows)])
        text = out.getvalue()
        if s.csv_encoding == "utf-8":
            body = text.encode("utf-8-sig" if s.csv_bom == "on" else "utf-8")
        else:
            body = text.encode(s.csv_encoding, errors="replace")
        return Reply(
            body, "application/octet-stream" if s.csv_content_type == "octet-stream" else "text/csv; charset=utf-8"
        )

    def _row(self, row: Row) -> dict[str, Any]:
        s = self._behaviour
        number = str if s.id_type == "string" else int
        wire: dict[str, Any] = {
            s.id_field: number(row["message_id"]),
            "source_number": self._number(row["source_number"]),
            "destination_number": self._number(row["destination_number"]),
            self._own: self._own_value(row[self._own]),
            "fragments": number(row["fragments"]),
            "cost": str(row["cost"]) if s.cost_type == "string" and row["cost"] is not None else row["cost"],
            "status_id": str(row["status_id"]) if s.status_type == "string" else row["status_id"],
            "error_message": row["error_message"],
            self._date: f"{row['processed_at']:%Y-%m-%d %H:%M:%S}",
            "transaction_id": None if row["transaction_id"] is None else number(row["transaction_id"]),
            "text": row["text"],
        }
        if s.extra_field != "off":
            wire["route"] = _route(row["message_id"] % 3, mixed=s.extra_field == "mixed")
        if s.nulls == "omit":
            for name in _OPTIONAL:
                if wire[name] is None:
                    del wire[name]
        return wire

    def _own_value(self, value: str) -> str | int:
        if self._own == "direction":
            return value.lower() if self._behaviour.direction_case == "lower" else value
        return DELIVERY.index(value) + 1 if self._behaviour.delivery_type == "number" else value

    def _number(self, number: str) -> str | int:
        """Return a phone number as an int where that loses nothing; SenderIDs and leading zeros stay text."""
        as_number = self._behaviour.number_type == "number" and number.isdecimal() and number[0] != "0"
        return int(number) if as_number else number


def _route(number: int, *, mixed: bool) -> str | int | list[str]:
    """Return a text; where types are mixed, a text, a number or a list."""
    text = f"route {number}"
    varied: tuple[str | int | list[str], ...] = (text, number, [text])
    return varied[number] if mixed else text


def _title(name: str) -> str:
    return " ".join("ID" if word == "id" else word.capitalize() for word in name.split("_"))
