"""GetSmsHistory and A2PGetSmsHistory: parse the parameters, select rows, encode them."""

from __future__ import annotations

import functools
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from voxlake.sandbox.encode import DELIVERY, OWN, Encoder
from voxlake.sandbox.responses import ApiError, Reply
from voxlake.sandbox.synthetic_day import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlake.sandbox.behaviour import Behaviour
    from voxlake.sandbox.synthetic_day import Row
    from voxlake.sandbox.world import World

LOSSES = ("half", "half-both", "none")
"""Faults in which a reply silently lacks rows."""

METHODS = {"GetSmsHistory": "sms", "A2PGetSmsHistory": "a2p"}
_HIDDEN = 7
"""One row in this many is missing from every page under `total_of=hidden`."""

_ROUNDED = {"tens": -1, "hundreds": -2}
_HOUR = 3600
_MONTH = 30 * SECONDS

_UNITS = {"second": 1, "minute": 60, "day": SECONDS}


class History:
    """One history of the world."""

    def __init__(self, method: str, world: World, behaviour: Behaviour) -> None:
        self._stream = METHODS[method]
        self._world, self._behaviour = world, behaviour
        self._encoder = Encoder(self._stream, behaviour)

    def answer(self, parameters: Mapping[str, str], *, lost: str | None = "") -> Reply:
        """Answer one request; `lost` is one of `LOSSES` where the reply silently lacks rows.

        Raises:
            ApiError: the API would reject the parameters.

        """
        output = parameters.get("output") or "json"
        if output not in ("json", "csv"):
            raise ApiError(105, "The required output format type is not supported")
        start, end = self._span(parameters)
        count, offset = self._paging(parameters)
        select = functools.partial(
            self._world.select,
            self._stream,
            start,
            end,
            order=self._behaviour.order,
            offset=offset,
            count=count,
            ids=self._ids(parameters),
        )
        where = self._where(parameters)
        rows, total = select(where=where)
        if self._behaviour.doubles is not None:
            rows, total = self._doubled(
                functools.partial(select, where=where, offset=0, count=sys.maxsize), count, offset
            )
        if self._behaviour.total_of == "hidden":
            rows, _ = select(where=lambda row: bool(row["message_id"] % _HIDDEN) and (where is None or where(row)))
        if lost == "none" or (self._behaviour.dates == "hide" and _has_dates(parameters)):
            rows, total = [], 0
        rows = [self._in_zone(self._misdated(self._priced(row))) for row in rows]
        rows = rows[: len(rows) // 2] if lost in ("half", "half-both") else rows
        total = total // 2 if lost == "half-both" else total
        total = min(total, self._behaviour.max_total or total)
        if self._behaviour.counts in _ROUNDED:
            total = round(total, _ROUNDED[self._behaviour.counts])
        elif self._behaviour.counts == "page":
            total = len(rows)
        return self._encoder.csv(rows) if output == "csv" else self._encoder.json(rows, total)

    def _in_zone(self, row: Row) -> Row:
        """Return a row with the date that it shows."""
        ahead = _offset(self._behaviour.rows_zone)
        return row | {"processed_at": row["processed_at"] + timedelta(seconds=ahead)} if ahead else row

    def _misdated(self, row: Row) -> Row:
        """Return a row with its date, or another that the API shows in some replies."""
        every = self._behaviour.misdated
        if every is None or row["message_id"] % every:
            return row
        return row | {"processed_at": row["processed_at"] - timedelta(seconds=_MONTH)}

    def _priced(self, row: Row) -> Row:
        """Return a row as it is before its price is known, if that is so."""
        hours = self._behaviour.late_price
        if hours is None or self._world.now() >= row["processed_at"].timestamp() + hours * _HOUR:
            return row
        return row | {"cost": None}

    def _doubled(
        self, select_all: Callable[[], tuple[list[Row], int]], count: int, offset: int
    ) -> tuple[list[Row], int]:
        """Return a page and the total of a history in which some rows come twice, one behind the other."""
        every, number = [], self._behaviour.doubles or 1
        for row in select_all()[0]:
            every += [row, row] if row["message_id"] % number == 0 else [row]
        return every[offset : offset + count], len(every)

    def _span(self, parameters: Mapping[str, str]) -> tuple[int | None, int | None]:
        """Return the two dates as `[start, end)` in UTC seconds, None where a bound is absent."""
        s = self._behaviour
        first, last = (_instant(parameters, name, s.bounds_zone) for name in ("from_date", "to_date"))
        if first is not None and last is not None:
            if first > last:
                raise ApiError(123, "Invalid date range")
            if s.max_window_days is not None and last - first > s.max_window_days * SECONDS:
                raise ApiError(569, f"Date range must be within {s.max_window_days} days")
        if first is not None and s.retention_days and first < self._world.now() - s.retention_days * SECONDS:
            raise ApiError(123, "Invalid date range")
        if first is None and last is None and s.default_window == "month":
            return int(self._world.now()) - _MONTH, None
        unit = _UNITS[s.date_precision]
        start = None if first is None else first // unit * unit + unit * (s.from_bound == "exclusive")
        end = None if last is None else last // unit * unit + unit * (s.to_bound == "inclusive")
        return start, end

    def _paging(self, parameters: Mapping[str, str]) -> tuple[int, int]:
        s = self._behaviour
        most = s.max_count or 1000
        count, offset = _whole(parameters, "count", default=most), _whole(parameters, "offset", default=0)
        if s.count_mode == "ignore":
            count = most
        if count > most:
            if s.count_mode == "error":
                raise ApiError(497, f"'count' should be in range of 1..{most}", field_name="count")
            count = most
        if s.max_offset is not None and offset > s.max_offset:
            if s.offset_mode == "error":
                raise ApiError(497, f"'offset' should be in range of 0..{s.max_offset}", field_name="offset")
            offset, count = (s.max_offset, count) if s.offset_mode == "clamp" else (offset, 0)
        return count, offset

    def _ids(self, parameters: Mapping[str, str]) -> set[int] | None:
        listed = parameters.get("message_id")
        if not listed or self._behaviour.message_id_filter == "off":
            return None
        ids = [part for part in listed.split(";") if part]
        if self._behaviour.message_id_filter == "refused" or not all(part.isdecimal() for part in ids):
            raise ApiError(101, "Invalid arguments", field_name="message_id")
        return {int(part) for part in ids}

    def _where(self, parameters: Mapping[str, str]) -> Callable[[Row], bool] | None:
        wanted = {name: value for name in ("source_number", "destination_number") if (value := parameters.get(name))}
        own = parameters.get(OWN[self._stream])
        if own and self._stream == "sms":
            if own not in ("IN", "OUT", "in", "out"):
                raise ApiError(470, "Invalid value specified for the 'direction' parameter. Allowed: 'IN', 'OUT'")
            wanted["direction"] = own.upper()
        elif own:
            if own not in map(str, range(1, len(DELIVERY) + 1)):
                raise ApiError(101, "Invalid arguments", field_name="delivery_status")
            wanted["delivery_status"] = DELIVERY[int(own) - 1]
        if not wanted:
            return None
        return lambda row: all(row[name] == value for name, value in wanted.items())


def _has_dates(parameters: Mapping[str, str]) -> bool:
    return bool(parameters.get("from_date") or parameters.get("to_date"))


def _offset(zone: str) -> int:
    """Return how many seconds a zone is ahead of UTC."""
    if zone == "utc":
        return 0
    hours, minutes = map(int, zone[1:].split(":"))
    return (1 if zone[0] == "+" else -1) * (hours * 3600 + minutes * 60)


def _instant(parameters: Mapping[str, str], name: str, zone: str) -> int | None:
    value = parameters.get(name)
    if not value:
        return None
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            return int(datetime.strptime(value, form).replace(tzinfo=UTC).timestamp()) - _offset(zone)
        except ValueError:
            continue
    raise ApiError(111, "Invalid date format", field_name=name)


def _whole(parameters: Mapping[str, str], name: str, *, default: int) -> int:
    value = parameters.get(name)
    if not value:
        return default
    if not value.isdecimal() or (name == "count" and value == "0"):
        raise ApiError(101, "Invalid arguments", field_name=name)
    return int(value)
