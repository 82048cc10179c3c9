"""Count the rows of a window once, and cut it into windows that are worth their requests."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, CountOfPage, Unavailable
from voxlake.events import Kind
from voxlake.extract.look_back import LESS, Judgement, judge
from voxlake.extract.quirks import PAGE_COUNTS, RANGE_CODES, TOO_OLD, Tail
from voxlake.extract.retention import oldest_day
from voxlake.extract.verify import told_apart
from voxlake.model import DAY, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from voxlake.api import HistoryApi
    from voxlake.extract.look_back import LookBack, Shown
    from voxlake.extract.quirks import ApiQuirks
    from voxlake.model import Page
    from voxlake.transform import Stream

NOTHING_KNOWN: Mapping[date, int] = MappingProxyType({})

_SHORTEST = 2
"""Days of the shortest window that is counted before it is read."""

_UNCOUNTED = 8
"""Days of a window of which no count says how many rows it has."""

ROWS = {"json": 8_000, "csv": 32_000}
"""Rows of a window that is read at once: below the deepest offset even where a busy day follows quiet ones.

Of csv, one pair of counts goes around several times that.
"""


@dataclass(frozen=True, slots=True)
class Survey:
    """How to read a window: its pieces in the order of time, each with what was counted of exactly that piece.

    That number can stand for the first of the two counts around the piece's csv pages; None where nothing was counted.
    With `anchored`, it was counted together with rows that are known. `counted` are the windows that were counted
    alone, each with its number. The API refuses days before `oldest_day`, if that is known, as too old, so no piece has
    them. Where one page was survey and reading in one, it is `shown`. On `late` days before the window, the API shows
    more messages than are known.
    """

    pieces: tuple[tuple[Window, int | None], ...]
    quirks: ApiQuirks
    anchored: bool = False
    oldest_day: date | None = None
    counted: tuple[tuple[Window, int], ...] = ()
    shown: Shown | None = None
    late: frozenset[date] = frozenset()


def anchor_of(window: Window, known: Mapping[date, int]) -> Window | None:
    """Return a window that begins with the last known day with rows before this one; None where days between are not.

    There is none either where rows of the window itself are known, or where it is one day alone.
    """
    if len(window.days) == 1 or any(known.get(day) for day in window.days):
        return None
    day = window.days[0] - DAY
    while day in known:
        if known[day]:
            return Window(midnight(day), window.end)
        day -= DAY
    return None


def survey(
    history: HistoryApi,
    stream: Stream,
    window: Window,
    quirks: ApiQuirks,
    known: Mapping[date, int] = NOTHING_KNOWN,
    *,
    today: date | None = None,
    again: bool = False,
) -> Survey:
    """Cut a window of whole UTC days by its number of rows; a single day is not counted.

    Where the API refuses a window as a whole, `today` tells whether it is its age; without it, it is its length.
    `known` is how many rows are known of other days. Where that of the window is expected to be none, days before it
    are counted with it: a reply that lacks rows agrees with an empty window, and not with these. What was read before
    in the same run is read `again`, which raises no ceiling.

    Raises:
        Refused: the account may not read this history.

    """
    _need_windows(history, stream, 1 - again)
    rows = _anchored_rows(history, stream, window, quirks, known) if quirks.counts_prove else None
    if rows is not None:
        return Survey(((window, rows),), quirks, anchored=True)
    pieces: list[tuple[Window, int | None]] = []
    counted: list[tuple[Window, int]] = []
    waiting, whole, oldest, before = [window], window, None, quirks
    if not quirks.counts_prove and today in window.days[1:]:
        # A second reading of the days before is that of an earlier run; of a day in progress, there is none.
        waiting = [Window(midnight(today), window.end), Window(window.start, midnight(today))]
    while waiting:
        window = waiting.pop()
        days, asked = len(window.days), Tail().asked(window, quirks)
        if days == 1:
            pieces.append((window, None))
            continue
        if asked.seconds < quirks.longest_window:
            try:
                cut, rows = _cut(history, stream, window, asked, quirks)
                pieces += cut
                counted += [(window, rows)] if rows is not None else []
                continue
            except (Unavailable, ApiRejected) as error:
                if not isinstance(error, ApiRejected) or error.code not in RANGE_CODES:
                    # Perhaps only for a moment: the smallest windows are the likeliest to be answered.
                    pieces += [(piece, None) for piece in window.split(days)]
                    continue
                if today is not None and (error.code == TOO_OLD or days == _SHORTEST):
                    oldest, today = oldest_day(history, stream, whole.days, today=today), None
                if oldest is not None and window.start < midnight(oldest):
                    waiting = [Window(midnight(oldest), whole.end)][: midnight(oldest) < whole.end]
                    pieces, counted, quirks = [], [], before
                    continue
                quirks = replace(quirks, longest_window=asked.seconds)
                history.events.emit(
                    Kind.QUIRK_LEARNED,
                    f"{stream.name}: the API refuses a window of {len(window.days)} days as too long.",
                    stream=stream.name,
                    quirk="longest_window",
                    value=asked.seconds,
                )
        waiting += reversed(window.split(2))
        _need_windows(history, stream, 1 - again)
    return Survey(tuple(pieces), quirks, oldest_day=oldest, counted=tuple(counted))


def survey_looking_back(
    history: HistoryApi,
    stream: Stream,
    back: LookBack,
    quirks: ApiQuirks,
    known: Mapping[date, int] = NOTHING_KNOWN,
    *,
    today: date | None = None,
) -> Survey:
    """Ask for a page of a window in place of a count, and survey it as otherwise where that proves too little.

    The page is JSON, whatever the history asks for: it has both the rows and their count. Where it does not stand for
    the reading, its count is as good as another one.

    Raises:
        Refused: the account may not read this history.

    """
    page, is_refused = _page(history, stream, back, quirks)
    judgement = Judgement() if page is None else judge(page, back)
    if judgement.lacks or is_refused:
        quirks = replace(quirks, no_look_back=True)
        history.events.emit(
            Kind.QUIRK_LEARNED,
            f"{stream.name}: the API did not show again what is known of {back.first} and the days after it.",
            stream=stream.name,
            quirk="no_look_back",
            value=True,
        )
    rows = -1 if page is None or page.total is None or judgement.lacks or judgement.late else page.total - back.before
    if judgement.shown is None and not 0 <= rows <= ROWS[history.output]:
        return replace(survey(history, stream, back.window, quirks, known, today=today), late=judgement.late)
    _need_windows(history, stream, 1)
    counted = None if judgement.shown is not None else rows
    return Survey(((back.window, counted),), quirks, anchored=counted is not None, shown=judgement.shown)


def _page(history: HistoryApi, stream: Stream, back: LookBack, quirks: ApiQuirks) -> tuple[Page | None, bool]:
    """Return the page of a look back, None where it cannot be asked for, and whether that is because of its dates."""
    try:
        page = history.page(stream, back.asked, offset=0, count=quirks.page_size - LESS, output="json")
    except Unavailable:
        return None, False
    except ApiRejected as error:
        return None, error.code in RANGE_CODES
    return told_apart(page), False


def _cut(
    history: HistoryApi, stream: Stream, window: Window, asked: Window, quirks: ApiQuirks
) -> tuple[list[tuple[Window, int | None]], int | None]:
    """Cut a window by its number of rows or, where counts are those of a page, by its days.

    Returns:
        The pieces, and how many rows the API counts of the window; None where that proves nothing.

    """
    with suppress(CountOfPage):
        if quirks.count_step != PAGE_COUNTS:
            rows = history.total(stream, asked)
            cut = window.split(-(-rows // ROWS[history.output]) or 1)
            proved = rows if quirks.counts_prove else None
            return [(piece, proved if len(cut) == 1 else None) for piece in cut], proved
    return [(piece, None) for piece in window.split(-(-len(window.days) // _UNCOUNTED))], None


def _need_windows(history: HistoryApi, stream: Stream, windows: int) -> None:
    """Count windows as needed: each takes a page, of csv two counts around it, and one count closes it."""
    history.ceiling.need(stream.name, windows=windows, counts=windows * (3 if history.output == "csv" else 1))


def _anchored_rows(
    history: HistoryApi, stream: Stream, window: Window, quirks: ApiQuirks, known: Mapping[date, int]
) -> int | None:
    """Count a window together with known rows before it; None where there are none, or that does not work."""
    anchor = anchor_of(window, known)
    if anchor is None or Tail().asked(anchor, quirks).seconds >= quirks.longest_window:
        return None
    with suppress(ApiRejected, Unavailable):
        rows = history.total(stream, Tail().asked(anchor, quirks)) - sum(known.get(day, 0) for day in anchor.days)
        return rows if 0 <= rows <= ROWS[history.output] else None
    return None
