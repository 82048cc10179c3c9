"""The values that rooms pass to one another: all frozen, all times in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

DecimalMark = Literal[".", ",", "?"]
"""What separates the decimals of an account's amounts; `?` where some have a point and some a comma."""

GREATEST_ID: Final = (1 << 63) - 1
"""The largest number that an account or a message can have: ids are 64 bits wide."""
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MAX_AGE: Final = timedelta(hours=26)
"""The age of the newest export that ended well, beyond which data are stale: a night, and two hours for its run."""


def midnight(day: date) -> datetime:
    """Return the first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open span of UTC time, `[start, end)`, in whole seconds."""

    start: datetime
    end: datetime

    @classmethod
    def of_days(cls, first: date, last: date) -> Window:
        """Return the window of the UTC days from `first` to `last`, both included."""
        return cls(midnight(first), midnight(last) + DAY)

    @classmethod
    def joining(cls, days: Iterable[date]) -> list[Window]:
        """Return the fewest windows that cover exactly these UTC days, oldest first."""
        windows: list[Window] = []
        for day in sorted(days):
            following = cls.of_days(day, day)
            if windows and windows[-1].end == following.start:
                windows[-1] = cls(windows[-1].start, following.end)
            else:
                windows.append(following)
        return windows

    @property
    def days(self) -> list[date]:
        """Every UTC day that the window touches, in order."""
        return list(self._days())

    def _days(self) -> Iterator[date]:
        day = self.start.date()
        while midnight(day) < self.end:
            yield day
            day += DAY

    def __contains__(self, at: datetime) -> bool:
        """Return whether an aware datetime is inside the window."""
        return self.start <= at < self.end

    @property
    def seconds(self) -> int:
        """The length in whole seconds."""
        return int((self.end - self.start).total_seconds())

    def split(self, pieces: int) -> list[Window]:
        """Return about equal pieces: split at midnights, or within one day at whole seconds; fewer if too short."""
        days = self.days
        if len(days) > 1:
            pieces = min(pieces, len(days))
            cuts = [midnight(days[len(days) * n // pieces]) for n in range(1, pieces)]
        else:
            pieces = min(pieces, self.seconds)
            cuts = [self.start + SECOND * (self.seconds * n // pieces) for n in range(1, pieces)]
        return [Window(start, end) for start, end in pairwise([self.start, *cuts, self.end])]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M:%S} to {self.end:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be read: its raw form as the API sent it, the reason, and its UTC time if that is readable."""

    raw: Any
    reason: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded reply: rows in the wire schema of their stream, and the API's `total_count` (None in csv).

    `decimal_mark` is what separates the decimals of amounts that were sent as texts, as far as it is known.
    """

    table: pa.Table
    total: int | None
    rejects: tuple[Reject, ...] = ()
    decimal_mark: DecimalMark | None = None

    @property
    def served(self) -> int:
        """The number of rows in the reply, readable or not."""
        return int(self.table.num_rows) + len(self.rejects)


@dataclass(frozen=True, slots=True)
class WindowRows:
    """The rows of one window, each once, and whether they are proved to be all of them.

    `total` is the API's count of the rows inside the window. `problem` is None exactly if the rows are verified.
    `doubled` are the times of rows that came once more than their message, and are counted so by the API. `asked` are
    the dates for which the rows came, and `before` and `after` how many came for them that lie beside the window; None
    where more than this window was asked for. `at_end` of them lie in the second that follows it. With `alone`, one
    reply is all that speaks for the rows; those that are `repeated` came the same in two readings, and are not proved
    by counts.
    """

    window: Window
    table: pa.Table
    total: int
    rejects: tuple[Reject, ...] = ()
    problem: str | None = None
    doubled: tuple[datetime, ...] = ()
    asked: Window | None = None
    before: int | None = None
    after: int | None = None
    at_end: int = 0
    alone: bool = False
    repeated: bool = False

    @property
    def surplus(self) -> int:
        """How many rows the API counts beyond those that are kept."""
        return len(self.doubled)

    @property
    def verified(self) -> bool:
        """Whether the rows read are all the rows that the API reported."""
        return self.problem is None


class DayKey(NamedTuple):
    """One UTC day of one stream of one account: the unit that is proved, written and published."""

    account_id: int
    stream: str
    date: date

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {"account_id": self.account_id, "stream": self.stream, "date": str(self.date)}


class DaySpan(NamedTuple):
    """The UTC days `[first, end)` of a stream of an account; without a first one, all before the end."""

    account_id: int
    stream: str
    first: date | None
    end: date

    def has(self, key: DayKey) -> bool:
        """Return whether a day is one of these."""
        of_ours = (key.account_id, key.stream) == (self.account_id, self.stream)
        return of_ours and (self.first is None or self.first <= key.date) and key.date < self.end


@dataclass(frozen=True, slots=True)
class FinalityPolicy:
    """When a day is final.

    `time` after a day's end, no more rows are expected in it. `give_up` after its end, statuses that can still change
    are no longer waited for.
    """

    time: timedelta
    give_up: timedelta


UNCONFIRMED = "one reply is all that speaks for it, until a second one agrees"
"""The problem of a day that was read whole by one reply, before another has confirmed it."""

COUNTS, READINGS = "counts", "readings"
"""What proves a day: counts that agree with its rows, or two readings with the same rows."""


@dataclass(frozen=True, slots=True)
class DayFile:
    """The metadata in the footer of a day's Parquet file; times are UTC.

    `checksum` covers the rows alone, so that two exports of the same rows have the same one. `moving` counts the rows
    whose status can still change. `total_count` is the API's own count, or None if it reported none. `proof` is what
    proves the rows of a verified day: `COUNTS`, or `READINGS` where the API's counts prove nothing. `surplus` rows are
    counted by the API beyond the messages, because it gives and counts some more than once. `forgotten` messages were
    erased on request: the API counts them still, and no file has them. A day that is `textless` is older than texts are
    kept, and has none. `privacy` says how numbers and texts were treated before they were written, as the label of a
    `PrivacyPolicy`.
    """

    key: DayKey
    row_count: int
    total_count: int | None
    verified: bool
    moving: int
    exported_at: datetime
    checksum: str
    rejects: int = 0
    problem: str | None = None
    proof: str = COUNTS
    surplus: int = 0
    forgotten: int = 0
    textless: bool = False
    privacy: str = ""

    @property
    def counted(self) -> int:
        """How many rows the API counts of the day, once it is verified."""
        return self.row_count + self.surplus + self.forgotten

    @property
    def unconfirmed(self) -> bool:
        """Whether all that the day lacks to be verified is a second reply that agrees with the first."""
        return self.problem == UNCONFIRMED

    def final(self, finality: FinalityPolicy) -> bool:
        """Return whether the day is final, so that later runs do not request it again."""
        end = midnight(self.key.date) + DAY
        settled = self.verified and self.exported_at >= end + finality.time
        return settled and (self.moving == 0 or self.exported_at >= end + finality.give_up)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an index of day files was read: up to its change number `sequence`."""

    index_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Days whose files have changed since an earlier mark, and those that lost theirs; `mark` is where that ends.

    With `whole`, `day_files` are all that there are, and whatever else a database has was removed.
    """

    day_files: Sequence[DayFile]
    removed: Sequence[DayKey] = ()
    mark: Mark | None = None
    whole: bool = True


def span(first: date, end: date) -> list[date]:
    """Return the days of `[first, end)`, in order."""
    return [first + DAY * n for n in range((end - first).days)]
