"""Look back: one page of the open days together with known days before them, as survey, reading and witness in one.

A reply that shows again every message that is known of some weeks can hardly lack others: one that is empty, cut or
capped lacks known ones, too. Where it shows nothing else, the lake is its second witness. Where it shows news, it is a
reading by one reply, which a count over other dates has to confirm. Here is what decides, and it asks nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from voxlake.extract.paginate import Reading, looks_capped
from voxlake.extract.quirks import NOTHING_LEARNED, PAGE_SIZES, Tail
from voxlake.model import COUNTS, DAY, SECOND, DayFile, Window, midnight
from voxlake.transform import distinct, integers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.extract.quirks import ApiQuirks
    from voxlake.model import Page

FEWEST: Final = 20
"""Known messages that a page has to show again: half of a reply hides all that is new only where as many are new."""

APART: Final = 10
"""So many of them lie before the last known day with messages, with which a count confirms news: no same part of what
both of them ask for agrees with both."""

LESS: Final = 1
"""So many rows less than a page are asked for: by that, `replay` tells a look back from a reading, whose days it
proves whatever else is known of them."""

DAYS: Final = 3
"""Known days that are looked back to, if there are as many: what became final by the last page is seen once more."""

_MICROSECONDS: Final = 86_400_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class LookBack:
    """A page to ask for: that of the open days `window`, from the known day `first` on.

    `ended` is how many messages are known of days that had ended when they were read, `begun` the same of days that had
    not, with up to when. `apart` of them lie before the last day with messages before the open ones. `asked_at` is when
    the page is asked for, by this machine's clock.
    """

    window: Window
    first: date
    ended: Mapping[date, int]
    begun: Mapping[date, tuple[int, datetime]]
    apart: int
    asked_at: datetime

    @property
    def asked(self) -> Window:
        """The dates to ask for."""
        return Window(midnight(self.first) - SECOND, self.window.end)

    @property
    def before(self) -> int:
        """How many messages are known of the days before the open ones."""
        return sum(rows for day, rows in self.ended.items() if day < self.window.start.date())

    def known(self, day: date) -> int:
        """Return how many messages are known of a day."""
        return self.ended[day] if day in self.ended else self.begun.get(day, (0, None))[0]


@dataclass(frozen=True, slots=True)
class Shown:
    """The open days as a page showed them: a reading, and how many messages came for its dates from before these days.

    With `is_news`, it has messages that are not known, and is what one reply says. It was asked for at `asked_at`.
    """

    reading: Reading
    before: int
    is_news: bool
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a page is good for: `shown` where it is believed, or believed once a count agrees; else nothing.

    On `late` days before the open ones it shows more messages than are known. With `lacks`, it lacks some of them.
    """

    shown: Shown | None = None
    late: frozenset[date] = frozenset()
    lacks: bool = False


def look_back(
    window: Window,
    files: Mapping[date, DayFile],
    quirks: ApiQuirks,
    *,
    latest: date | None,
    oldest: date | None,
    now: datetime,
    settles: timedelta,
) -> LookBack | None:
    """Return the page to ask for in place of a count of a window; None where it would prove too little.

    `files` are all that there are of the stream. Days after `latest` have never been read, the API gives none before
    `oldest`. A day is final `settles` after its end: what was not read after its end must not be so by one reply alone.
    """
    if len(window.days) == 1 or not quirks.counts_prove or quirks.contradicts or quirks.no_look_back:
        return None
    is_new = {day: day not in files and latest is not None and day > latest for day in window.days}
    if not all(is_new[day] or (day in files and _is_known(files[day])) for day in window.days):
        return None
    ended = {day: files[day].counted for day in window.days if not is_new[day] and _has_ended(files[day])}
    begun = {day: (files[day].counted, files[day].exported_at) for day in window.days if day in files}
    begun = {day: known for day, known in begun.items() if day not in ended}
    if any(now >= midnight(day) + DAY + settles for day in window.days if day not in ended):
        return None
    # At least half of the page is left for what is not known.
    room = quirks.page_size // 2 - sum(ended.values()) - sum(known for known, _ in begun.values())
    needed = FEWEST - (quirks.page_size // 2 - room)
    before = _known_before(window, files, oldest=oldest, longest=quirks.longest_window, room=room, needed=needed)
    last = next(filter(None, before.values()), 0)
    first = window.days[0] - DAY * len(before)
    back = LookBack(window, first, ended | before, begun, sum(before.values()) - last, now)
    is_short = len(before) < DAYS and back.first - DAY in files
    if room < 0 or sum(before.values()) < needed or is_short or back.asked.seconds >= quirks.longest_window:
        return None
    return back


def _known_before(
    window: Window,
    files: Mapping[date, DayFile],
    *,
    oldest: date | None,
    longest: float,
    room: int,
    needed: int,
) -> dict[date, int]:
    """Return how many messages are known of the days before a window, the last one first, as many days as it takes."""
    found: dict[date, int] = {}
    day, rows, last = window.days[0] - DAY, 0, 0
    while rows < needed or len(found) < DAYS or rows - last < APART:
        file = files.get(day)
        if file is None or not (_is_known(file) and _has_ended(file)) or (oldest is not None and day < oldest):
            break
        rows += file.counted
        if rows > room or Tail().asked(Window(midnight(day), window.end), NOTHING_LEARNED).seconds >= longest:
            break
        found[day] = file.counted
        last = last or file.counted
        day -= DAY
    return found


def is_look_back(count: int) -> bool:
    """Whether a request for so many rows was one for a look back."""
    return count + LESS in PAGE_SIZES


def _has_ended(file: DayFile) -> bool:
    """Whether a file was read after the end of its day."""
    return file.exported_at >= midnight(file.key.date) + DAY


def _is_known(file: DayFile) -> bool:
    """Whether it is known how many messages the API has of a day, or of what of it had passed, each counted once."""
    return file.verified and file.proof == COUNTS and not file.surplus and not file.rejects


def judge(page: Page, back: LookBack) -> Judgement:
    """Return what a page is good for."""
    times, asked = integers(page.table["processed_at"]), back.asked
    near = Window(asked.start - DAY, asked.end + DAY)
    is_whole = page.total == page.served == distinct([page.table["message_id"]]) and not page.rejects
    if (
        not is_whole
        or looks_capped([page])
        or (times.size and not (_at(times.min()) in near and _at(times.max()) in near))
    ):
        return Judgement()
    # What came since the page was asked for is for the next run to read.
    asked_at = _microseconds(back.asked_at)
    days, counts = np.unique(times[times < asked_at] // _MICROSECONDS, return_counts=True)
    shown = {date.fromordinal(_EPOCH + int(day)): int(n) for day, n in zip(days, counts, strict=True)}
    lacking = [day for day, known in back.ended.items() if shown.get(day, 0) < known]
    for day, (known, until) in back.begun.items():
        its = (times >= _microseconds(midnight(day))) & (times < _microseconds(until))
        lacking += [day] if np.count_nonzero(its) < known else []
    first_open = back.window.start.date()
    if lacking:
        return Judgement(lacks=min(lacking) < first_open)
    late = frozenset(day for day, known in back.ended.items() if day < first_open and shown.get(day, 0) > known)
    is_news = any(shown.get(day, 0) > back.known(day) for day in back.window.days)
    if late or (is_news and back.apart < APART):
        return Judgement(late=late)
    is_open = times >= _microseconds(back.window.start)
    rows = page.table.filter(pa.array(is_open))
    pages = [replace(page, table=rows, total=rows.num_rows)] if rows.num_rows else []
    reading = Reading(pages, [rows.num_rows], asked=asked)
    return Judgement(Shown(reading, page.served - rows.num_rows, is_news, back.asked_at))


def _microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def _at(microseconds: int) -> datetime:
    return datetime.fromtimestamp(int(microseconds) // 1_000_000, UTC)
