"""Do replies fit together: what cannot all be true of the same rows makes an API doubtful, whatever came of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxlake.extract.paginate import Reading


def contradict(before: Reading | None, reading: Reading, *, may_grow: bool) -> bool:
    """Whether two readings of the same dates, or the replies of one, cannot all be true of the same rows.

    With `may_grow`, new rows may have come between two replies; otherwise none are expected. Limits that the API has
    are the same in every reply, and contradict nothing.
    """
    totals = [*(before.totals if before is not None else ()), *reading.totals]
    if any(b < a or (b > a and not may_grow) for a, b in pairwise(totals)):
        return True
    # What now agrees with the same counts did not before.
    return before is not None and reading.agrees and (before.is_one_page or not may_grow)
