"""What stands at the top of the page: how old the figures are, what they lack, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.model import DAY, Window
from voxlake.reporting.dashboard.figures import SKIPPED
from voxlake.reporting.dashboard.spans import Span
from voxlake.reporting.gaps import days_of
from voxlake.text import counted, in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.reporting.dashboard.figures import Figures
    from voxlake.reporting.gaps import Gaps

_NAMED = 5
_AGAIN = "Run 'voxlake export', then make this page again."


@dataclass(frozen=True, slots=True)
class Notice:
    """A banner: what is wrong, and what to do about it."""

    problem: str
    advice: str


def calm(figures: Figures, gaps: Gaps) -> Iterator[str]:
    """Yield what is as it should be: how old the data is, and which days can still change."""
    if gaps.ages:
        oldest, newest = min(age.at for age in gaps.ages), max(age.at for age in gaps.ages)
        said = f"Data as of {newest:%Y-%m-%d %H:%M} UTC, {in_words(gaps.now - newest)} before this page was made"
        late = gaps.now - oldest - (gaps.now - newest)
        yield f"{said}; the oldest account's is of {oldest:%Y-%m-%d %H:%M}." if late > DAY else f"{said}."
    days = [day for day in days_of(gaps.settling) if figures.span.first <= day < figures.span.end]
    if days:
        are = "is" if len(days) == 1 else "are"
        named = _named(Window.joining(days))
        yield f"{counted(len(days))} {are} still settling: {named}. Their figures may still change."


def notice(figures: Figures, gaps: Gaps) -> Notice | None:
    """Return the banner: what is stale, missing or unverified; None where nothing is."""
    if not figures.coverage:
        return Notice("Nothing was exported yet.", _AGAIN)
    skipped = {*figures.in_state(SKIPPED)}
    missing = [day for day in days_of((*gaps.missing, *gaps.before)) if day not in skipped]
    unverified = days_of(gaps.unverified)
    told = [
        f"{counted(len(days))} {'is' if len(days) == 1 else 'are'} {state}: {_named(Window.joining(days))}"
        for state, days in (("missing", missing), ("not verified", unverified))
        if days
    ]
    if gaps.stale:
        told.insert(0, f"The newest export that ended well was {gaps.age}")
    if not told:
        return None if figures.messages else Notice("No messages in these days.", "All of them were read and verified.")
    unproved = sorted({*missing, *unverified})
    advice = _AGAIN
    if not gaps.stale:
        command = f"voxlake backfill --from {unproved[0]} --to {unproved[-1] + DAY}"
        advice = f"Read them with '{command}'; the calendar below shows which stream they lack."
    return Notice(f"{'; '.join(told)}.", f"Figures that touch these days may be too low. {advice}")


def _named(windows: Sequence[Window]) -> str:
    spans = [str(Span(w.start.date(), w.end.date())) for w in windows[:_NAMED]]
    return ", ".join(spans) + (f" and {len(windows) - _NAMED:,} more" if len(windows) > _NAMED else "")
