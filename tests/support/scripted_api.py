"""The histories of a list of messages, without a network: what an API does is what a test says."""

import dataclasses
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from voxlake.api import Ceiling
from voxlake.clock import SYSTEM
from voxlake.errors import ApiRejected, VoxlakeError
from voxlake.events import Emitter
from voxlake.model import SECOND, Page, Window

DATE = datetime(2026, 3, 10, tzinfo=UTC)
"""The midnight from which `message` counts seconds."""


def message(number, second, **fields):
    """Return a message at a second of 2026-03-10 UTC; one before 0 lies in the day before."""
    return {"message_id": number, "processed_at": DATE + timedelta(seconds=second), "direction": "OUT"} | fields


def messages(count, *, every=1, first=0):
    """Return messages at equal distances, numbered from 1."""
    return [message(n + 1, first + n * every) for n in range(count)]


class ScriptedClient:
    """The client below a `ScriptedApi`, never a copy."""

    jobs, is_copy = 2, False

    def drain(self):
        """Return nothing that the run does not know."""
        return 0, None

    def take(self, sent, offset):
        """Learn nothing."""


@dataclasses.dataclass
class ScriptedApi:
    """A `HistoryApi` over `rows`; `asked` is every request as (dates, offset, count), a count of 1 being a total.

    `bounds` says whether rows at `from_date` and `to_date` count, to a `unit` that divides a day. `largest_page` and
    `deepest` are limits; what is more is clamped, empty, or an error. `before` is called with the number of each
    request, and may move rows; `counted` turns the true count into what the API says; `filters` can be ignored or
    refused. `lie` is called with the number of each request, and gives the part of the rows, and of the count, that the
    reply has: 1 where it is true. Dates are taken in a zone that is `zone` ahead of that of the rows.
    """

    rows: list
    output: str = "json"
    order: str = "time"
    bounds: tuple = (True, True)
    unit: timedelta = SECOND
    largest_page: int = 1000
    larger: str = "error"
    deepest: int | None = None
    deeper: str = "error"
    longest: timedelta | None = None
    filters: str = "work"
    before: object = lambda _: None
    counted: object = lambda count: count
    lie: object = lambda _: 1
    account_id: int = 1
    clock_offset: float | None = None
    shifts: dict = dataclasses.field(default_factory=dict)
    marks: dict = dataclasses.field(default_factory=dict)
    zone: timedelta = timedelta()
    unreadable_csv: str | None = None
    events: Emitter = dataclasses.field(default_factory=lambda: Emitter(SYSTEM))
    client: object = dataclasses.field(default_factory=ScriptedClient)
    ceiling: Ceiling = dataclasses.field(default_factory=Ceiling)
    asked: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        self.ceiling.begin()

    @property
    def requests(self):
        """How many requests there were."""
        return len(self.asked)

    @property
    def totals(self):
        """How many requests only counted."""
        return sum(count == 1 for _, _, count in self.asked)

    def total(self, stream, window, *, filters=None):
        """Return what the API counts between two dates."""
        with self.ceiling.asking():
            rows = len(self._select(stream, window, 0, 1, filters or {}))
            return self.counted(int(rows * self.lie(len(self.asked))))

    def page(self, stream, window, *, offset, count, filters=None, output=None):
        """Return one page; of csv, without a total."""
        with self.ceiling.asking():
            rows = self._select(stream, window, offset, count, filters or {})
        part = self.lie(len(self.asked))
        total = None if (output or self.output) == "csv" else self.counted(int(len(rows) * part))
        if count > self.largest_page and self.larger == "error":
            raise ApiRejected("count", code=497)
        if self.deepest is not None and offset > self.deepest:
            if self.deeper == "error":
                raise ApiRejected("offset", code=497)
            offset = self.deepest if self.deeper == "clamp" else len(rows)
        given = rows[offset : offset + min(count, self.largest_page)]
        given = given[: int(len(given) * part)]
        return Page(pa.Table.from_pylist(given, schema=stream.wire), total)

    def pages(self, stream, window, *, offsets, count, filters=None, output=None):
        """Return pages up to the first that is rejected."""
        found = []
        for offset in offsets:
            try:
                found.append(self.page(stream, window, offset=offset, count=count, filters=filters, output=output))
            except ApiRejected:
                break
        return found

    def begin_reading(self, read, window):
        """Read a window at once."""
        future = Future()
        try:
            future.set_result(read(window))
        except VoxlakeError as error:
            future.set_exception(error)
        return future

    def side_by_side(self, ask, windows):
        """Ask one after the other."""
        return map(ask, list(windows))

    def _select(self, stream, window, offset, count, filters):
        self.asked.append((window, offset, count))
        self.before(len(self.asked))
        if self.longest is not None and window.end - window.start > self.longest:
            raise ApiRejected("dates", code=569)
        if filters and self.filters == "refused":
            raise ApiRejected("filter", code=101)
        moved = self.shifts.get(stream.name, timedelta()) - self.zone
        window = Window(window.start + moved, window.end + moved)
        first, last = (at - (at - DATE) % self.unit for at in (window.start, window.end))
        span = Window(first + self.unit * (not self.bounds[0]), last + self.unit * self.bounds[1])
        rows = [row for row in self.rows if row["processed_at"] in span and self._passes(row, stream, filters)]
        keys = {"time": lambda row: (row["processed_at"], row["message_id"]), "id": lambda row: row["message_id"]}
        return sorted(rows, key=keys[self.order.removeprefix("-")], reverse=self.order.startswith("-"))

    def _passes(self, row, stream, filters):
        if self.filters == "ignored":
            return True
        ids = filters.get("message_id")
        is_meant = ids is None or str(row["message_id"]) in ids.split(";")
        return is_meant and filters.get(stream.own, row[stream.own]) == row[stream.own]
