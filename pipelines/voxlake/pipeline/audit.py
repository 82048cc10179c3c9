"""Compare the lake with the API, with the database and with itself, and say what differs.

Every day is counted, every file is read against its own checksum and schema, every day of the database is compared
with its file, and some pages of some days are asked for again and compared row by row.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.errors import ApiRejected, VoxlakeError
from voxlake.extract import WindowReader, count, learn_bounds
from voxlake.model import DAY, SECOND, Window, midnight
from voxlake.pipeline.refresh import seconds_of
from voxlake.text import counted
from voxlake.transform import normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import date, datetime

    from voxlake.api import HistoryApi
    from voxlake.extract import DateBounds
    from voxlake.lake import Lake, Manifest
    from voxlake.model import DayFile
    from voxlake.transform import Stream
    from voxlake.warehouse import Warehouse

PAGE = 1000
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One UTC day of one stream that is not as it should be; `told` is a sentence."""

    stream: str
    date: date
    told: str


@dataclass(slots=True)
class Audit:
    """What was compared of one stream, and what differs; `rows` and `pages` are those that were read again."""

    stream: str
    days: int = 0
    counted: int = 0
    files: int = 0
    pages: int = 0
    rows: int = 0
    unread: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Give the same for programs."""
        return asdict(self)

    def __str__(self) -> str:
        told = (
            f"{self.stream}: {counted(self.days)}; {self.counted:,} counted by the API,"
            f" {counted(self.files, 'file')} read, {counted(self.pages, 'page')} with {counted(self.rows, 'row')}"
            f" asked for again; {counted(len(self.differences), 'difference')}"
        )
        lines = [f"{self.stream}: {d.date}: {d.told}" for d in sorted(self.differences, key=lambda d: d.date)]
        return "\n".join([told, *lines, *(f"{self.stream}: {day}" for day in self.unread)])


def audit(
    api: HistoryApi,
    lake: Lake,
    manifest: Manifest,
    days: Mapping[Stream, Sequence[date]],
    *,
    warehouse: Warehouse | None,
    pages: int,
    seed: int,
    jobs: int,
    now: datetime,
) -> tuple[list[Audit], list[VoxlakeError]]:
    """Audit UTC days of some streams; of each, `pages` are read again at places that `seed` decides.

    A day that was exported before it had ended is left out: it is not meant to be whole. A stream that cannot be
    asked for gives its error in place of an audit. No `warehouse`, and nothing is said of the database.
    """
    audits: list[Audit] = []
    errors: list[VoxlakeError] = []
    with ThreadPoolExecutor(jobs) as pool:
        for stream, its in days.items():
            draw = random.Random(f"{seed}/{stream.name}").random  # noqa: S311 - a sample, not a secret
            try:
                auditor = _Auditor(api, lake, warehouse, stream, pool)
                audits.append(auditor.audit(manifest, its, pages=pages, draw=draw, now=now))
            except VoxlakeError as error:
                errors.append(error)
    return audits, errors


def _ended(day_file: DayFile | None) -> bool:
    return day_file is None or day_file.exported_at >= midnight(day_file.key.date) + DAY


class _Auditor:
    """The comparisons of one stream; each adds to what was found."""

    def __init__(
        self, api: HistoryApi, lake: Lake, warehouse: Warehouse | None, stream: Stream, pool: Executor
    ) -> None:
        self._api, self._lake, self._warehouse, self._stream, self._pool = api, lake, warehouse, stream, pool
        self._found = Audit(stream.name)
        self._broken: set[date] = set()

    def audit(
        self, manifest: Manifest, days: Sequence[date], *, pages: int, draw: Callable[[], float], now: datetime
    ) -> Audit:
        """Compare everything there is to compare."""
        held = manifest.of(self._api.account_id, self._stream.name)
        day_files = {day: held[day] for day in days if day in held}
        known = [day for day in days if midnight(day) + DAY <= now and _ended(day_files.get(day))]
        self._found.days = len(known)
        for day_key, error in manifest.damaged.items():
            if (day_key.account_id, day_key.stream) == (
                self._api.account_id,
                self._stream.name,
            ) and day_key.date in days:
                self._differs(day_key.date, str(error))
        self._files(day_files)
        self._proofs(day_files, known)
        sound = {day: day_file for day, day_file in day_files.items() if day not in self._broken}
        for day_key in (
            self._warehouse.differing(sound.values(), self._lake.path) if self._warehouse is not None else ()
        ):
            self._differs(day_key.date, "the database does not hold what the lake holds")
        proved = {day: day_file for day, day_file in sound.items() if day_file.verified}
        rows = {day: day_file.row_count for day, day_file in proved.items()}
        bounds = learn_bounds(self._api, self._stream, rows, lambda day: seconds_of(self._lake, proved[day].key))
        self._counts(day_files, known, bounds)
        filled = [sound[day] for day in known if day in sound and sound[day].row_count]
        self._contents([(filled[int(draw() * len(filled))], draw()) for _ in range(pages if filled else 0)], bounds)
        return self._found

    def _differs(self, day: date, told: str) -> None:
        """Take note of a difference."""
        self._found.differences.append(Difference(self._stream.name, day, told))

    def _files(self, day_files: dict[date, DayFile]) -> None:
        """Read every file against its own checksum and schema."""
        for day, problem in zip(day_files, self._pool.map(self._lake.damage, day_files.values()), strict=True):
            self._found.files += 1
            if problem is not None:
                self._broken.add(day)
                self._differs(day, problem)

    def _proofs(self, day_files: dict[date, DayFile], known: Sequence[date]) -> None:
        """Name the days that no file is there for, or none that is proved."""
        damaged = {difference.date for difference in self._found.differences}
        for day in known:
            if day not in day_files and day not in damaged:
                self._differs(day, "the lake has no file of this day")
            elif day in day_files and not day_files[day].verified:
                self._differs(day, f"not verified: {day_files[day].problem}")

    def _counts(self, day_files: dict[date, DayFile], known: Sequence[date], bounds: DateBounds | None) -> None:
        """Ask how many messages each day holds, and compare."""
        for day, told in zip(known, self._pool.map(lambda day: self._count(day, bounds), known), strict=True):
            if told is None:
                self._found.unread.append(f"{day}: the API gives no count that can be trusted")
                continue
            self._found.counted += 1
            rows = day_files[day].row_count + day_files[day].rejects if day in day_files else 0
            if told != rows:
                self._differs(day, f"the API counts {told:,} messages, the lake holds {rows:,}")

    def _count(self, day: date, bounds: DateBounds | None) -> int | None:
        window = Window.of_days(day, day)
        if bounds is not None:
            return count(self._api, self._stream, window, bounds)
        # Nobody can say what a count means, so the day is read.
        batches = list(WindowReader(self._api, self._stream).read(window))
        return sum(batch.total for batch in batches) if all(batch.verified for batch in batches) else None

    def _contents(self, chosen: Sequence[tuple[DayFile, float]], bounds: DateBounds | None) -> None:
        """Ask for pages again and compare them row by row."""
        for (day_file, _), page in zip(
            chosen, self._pool.map(lambda one: self._page(one[0], one[1], bounds), chosen), strict=True
        ):
            if page is None:
                self._found.unread.append(f"{day_file.key.date}: a page could not be asked for again")
                continue
            self._found.pages += 1
            self._found.rows += page.num_rows
            for told in self._compared(day_file, page):
                self._differs(day_file.key.date, told)

    def _page(self, day_file: DayFile, at: float, bounds: DateBounds | None) -> pa.Table | None:
        day = Window.of_days(day_file.key.date, day_file.key.date)
        asked = bounds.exactly(day) if bounds is not None else Window(day.start - SECOND, day.end)
        for offset in (int(at * max(1, day_file.row_count - PAGE)), 0):
            for size in (PAGE, 100):
                try:
                    page = self._api.page(self._stream, asked, offset=offset, count=size)
                except ApiRejected:
                    continue
                if page.served:
                    return normalise([page.table], stream=self._stream, window=day)
        return None

    def _compared(self, day_file: DayFile, page: pa.Table) -> Iterator[str]:
        """Say which rows of a page the lake lacks or has otherwise."""
        batches = self._lake.read_rows(day_file.key)
        ours = {
            row["message_id"]: row
            for batch in batches
            for row in batch.filter(pc.is_in(batch["message_id"], page["message_id"].combine_chunks())).to_pylist()
        }
        lacking, other = [], []
        for row in page.to_pylist():
            mine = ours.get(row["message_id"])
            if mine is None:
                lacking.append(str(row["message_id"]))
            elif mine != row:
                columns = ", ".join(name for name in row if row[name] != mine[name])
                other.append(f"{row['message_id']} ({columns})")
        if lacking:
            yield f"the lake lacks {_some(lacking)}"
        if other:
            yield f"the lake differs from the API in {_some(other)}"


def _some(messages: Sequence[str]) -> str:
    """Name a few messages by id alone: what they say is nobody's business here."""
    more = f" and {len(messages) - _NAMED:,} more" if len(messages) > _NAMED else ""
    return f"message{'s' if len(messages) > 1 else ''} {', '.join(messages[:_NAMED])}{more}"
