"""Walk the pages of one window, and prove that none was missed.

The API documents neither the order of rows nor the bounds of dates, and rows move while they are paged. So we ask
wide, count the distinct ids and compare with the `total_count` of every reply: only where all agree is a window
verified. Where they don't, it is read again, then cut in halves, and at the end said to be unverified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from voxlake.errors import Declined
from voxlake.model import DAY, SECOND, Batch, Page, Window
from voxlake.normalise import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.api import Api
    from voxlake.streams import Stream

PAGE = 1000
# The sibling history refuses offsets above 10,000; larger windows are cut in time instead.
DEEPEST = 10_000
READINGS = 3
_RANGE_CODES = frozenset({123, 569})


def fetch(api: Api, stream: Stream, window: Window) -> Iterator[Batch]:
    """Yield the rows of a window as batches in the order of time, each proved or said to be unproved.

    A batch spans whole days or lies within one; unproved batches always lie within one.
    """
    try:
        batch = _read(api, stream, window)
    except Declined as error:
        if error.code not in _RANGE_CODES or window.seconds <= DAY.total_seconds():
            raise
        batch = None
    if batch is not None and (batch.verified or window.seconds <= 1):
        yield batch
        return
    for half in window.halves():
        yield from fetch(api, stream, half)


def _read(api: Api, stream: Stream, window: Window) -> Batch | None:
    """Read a window a bounded number of times until the counts agree; None where it must be cut first."""
    problem = ""
    for _ in range(READINGS):
        reading = _walk(api, stream, window)
        if reading is None:
            return None
        pages, totals = reading
        ids = pc.count_distinct(_ids(pages)).as_py() if pages else 0
        rejects = tuple(reject for page in pages for reject in page.rejects)
        table = normalise([page.table for page in pages], stream=stream, window=window)
        outside = ids - table.num_rows
        told = totals[-1]
        if rejects:
            problem = f"{len(rejects)} rows could not be read"
        elif set(totals) != {ids}:
            problem = f"{ids} ids were read, total_count was {' then '.join(map(str, dict.fromkeys(totals)))}"
        else:
            return Batch(window, table, table.num_rows)
        if rejects and ids + len(rejects) == told:
            break
    if rejects and len(window.days) > 1:
        return None
    return Batch(window, table, max(told - outside, 0), rejects, problem)


def _walk(api: Api, stream: Stream, window: Window) -> tuple[list[Page], list[int]] | None:
    """Read all pages once, with every total that the API gave on the way; None where offsets would go too deep."""
    asked = Window(window.start - SECOND, window.end)
    totals: list[int] = []
    if api.output == "csv":
        totals.append(api.total(stream, asked))
    pages: list[Page] = []
    served = 0
    while True:
        page = api.page(stream, asked, offset=served, count=PAGE)
        pages.append(page)
        served += page.served
        if page.total is not None:
            totals.append(page.total)
        if totals[-1] > DEEPEST and window.seconds > 1:
            return None
        if page.served == 0 or served >= totals[-1]:
            break
    if api.output == "csv":
        totals.append(api.total(stream, asked))
    return pages, totals


def _ids(pages: list[Page]) -> object:
    import pyarrow as pa  # noqa: PLC0415

    return pa.chunked_array([chunk for page in pages for chunk in page.table["message_id"].chunks], pa.int64())
