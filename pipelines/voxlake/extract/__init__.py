"""Read one window of a history and prove that no row of it was missed."""

from voxlake.extract.bounds import CALIBRATION, DateBounds, learn_bounds
from voxlake.extract.by_id import IDS, days_of_messages, messages_by_id
from voxlake.extract.closing import AnchoredSpan, ClosingSpan, CountedDay, NarrowDay, anchor_day, closing_spans
from voxlake.extract.count import count
from voxlake.extract.count_step import learn_count_step
from voxlake.extract.date_shift import NO_SHIFT, STEP, KnownRow, learn_shift
from voxlake.extract.look_back import LookBack, Shown, is_look_back, look_back
from voxlake.extract.quirks import EXACT_COUNTS, NOTHING_LEARNED, PAGE_COUNTS, RANGE_CODES, ApiQuirks
from voxlake.extract.reader import WindowReader
from voxlake.extract.retention import oldest_day
from voxlake.extract.survey import Survey, survey, survey_looking_back
from voxlake.extract.verify import rows_of

__all__ = [
    "CALIBRATION",
    "EXACT_COUNTS",
    "IDS",
    "NOTHING_LEARNED",
    "NO_SHIFT",
    "PAGE_COUNTS",
    "RANGE_CODES",
    "STEP",
    "AnchoredSpan",
    "ApiQuirks",
    "ClosingSpan",
    "CountedDay",
    "DateBounds",
    "KnownRow",
    "LookBack",
    "NarrowDay",
    "Shown",
    "Survey",
    "WindowReader",
    "anchor_day",
    "closing_spans",
    "count",
    "days_of_messages",
    "is_look_back",
    "learn_bounds",
    "learn_count_step",
    "learn_shift",
    "look_back",
    "messages_by_id",
    "oldest_day",
    "rows_of",
    "survey",
    "survey_looking_back",
]
