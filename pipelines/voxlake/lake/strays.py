"""Files in the lake that are not ours: somebody put them where a glob over it reads their rows, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.lake.layout import ACCOUNTS
from voxlake.lake.scan import day_of, listing_of
from voxlake.model import DayKey
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from voxlake.lake.directory import Lake
    from voxlake.model import DaySpan


def find_strays(lake: Lake, spans: Iterable[DaySpan] | None) -> list[Path]:
    """List Parquet files that are not ours, in order: of the days of some spans, or anywhere in the lake.

    Of the account of a span, the folders of other days are not entered, and folders that are not a day's are.
    """
    if spans is None:
        ours = {lake.place(key) for key in lake.day_keys()}
        found = lake.store.find(lake.layout.lake, "**/*.parquet")
        return [path for path in found if path not in ours and lake.store.is_file(path)]
    return sorted({path for span in spans for path in _of_span(lake, span)})


def _of_span(lake: Lake, span: DaySpan) -> Iterator[Path]:
    table = lake.layout.lake / STREAMS[span.stream].table
    account = table / f"{ACCOUNTS}{span.account_id}"
    for name in listing_of(lake.layout).names_in(account):
        path = account / name
        day = day_of(name)
        key = None if day is None else DayKey(span.account_id, span.stream, day)
        if key is None or span.has(key):
            ours = None if key is None else lake.place(key)
            found = [path] if name.endswith(".parquet") else lake.store.find(path, "**/*.parquet")
            yield from (its for its in found if its != ours and lake.store.is_file(its))
