"""Write the days of a lake again from the rows of archived replies, with what these prove."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.lake import ROW_GROUP, erased_in, held_elsewhere
from voxlake.model import DAY, SECOND, DayFile, DayKey, Window, midnight
from voxlake.pipeline.day import WrittenDay, count_moving
from voxlake.pipeline.replay_proof import LONG_AGO, covers, under_one_count
from voxlake.transform import normalise, treat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date

    import duckdb

    from voxlake.lake import Lake, Manifest
    from voxlake.pipeline.replay_proof import History, PagingRun
    from voxlake.transform import Stream

_TOLERANCE = timedelta(minutes=1)
"""A file is stamped soon after the last reply about its day, and a reply comes soon after it was asked for."""


class RebuiltDays:
    """The days of one stream of one account, written from the rows of all replies."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        lake: Lake,
        stream: Stream,
        account_id: int,
        history: History,
    ) -> None:
        self._connection, self._lake, self._stream, self._account_id = connection, lake, stream, account_id
        self._table, self._rejects = table_name(account_id, stream), history.rejects
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE latest AS SELECT message_id, max(n) AS n FROM {self._table} GROUP BY ALL"  # noqa: S608
        )
        self._read = {day for paging in history.pagings if not paging.count for day in paging.proves.days}
        self._asked: dict[date, dict[str, datetime]] = defaultdict(dict)
        for paging in history.pagings:
            for day in self._read.intersection(paging.proves.days):
                its = self._asked[day]
                its[paging.archive] = max(paging.ended_at, its.get(paging.archive, LONG_AGO))
        self._proved = self._proofs([*history.pagings, *under_one_count(history.pagings)])
        self._looked_back = self._count_looks_back(history.pagings)

    def days(self) -> list[DayKey]:
        """Return the days that were read; rows beyond them came because each window is asked a second wider.

        Days that were counted and never read, such as those before the first that is looked after, are not among them,
        nor those that were retained away.
        """
        keys = (DayKey(self._account_id, self._stream.name, day) for day in sorted(self._read))
        return [key for key in keys if not erased_in(self._lake).is_retained(key)]

    def is_behind(self, known: DayFile | None) -> bool:
        """Return whether the replies about a day prove less than its file does, or cannot be compared with it."""
        if known is None or known.total_count is None:
            # A placeholder holds nothing that replies could fall behind.
            return False
        if self._lake.misfit(known.key) is not None:
            return True
        day, end = known.key.date, midnight(known.key.date) + DAY
        pagings, asked = self._covering(day), self._asked[day]
        if not pagings:
            return known.verified or known.exported_at > max(asked.values()) + _TOLERANCE
        # What another run has asked since of the day, a count perhaps, brings none of the rows that were read between.
        last = asked[pagings[0].archive]
        if known.exported_at > last + _TOLERANCE or self._read_at(day, pagings) < end <= known.exported_at:
            return True
        pages = [n for paging in pagings for n in paging.pages]
        since = known.exported_at >= max(paging.ended_at for paging in pagings)
        since |= any(paging.looks_back for paging in pagings)
        return known.verified and since and self._counted(day, pages) < known.row_count + known.forgotten

    def _read_at(self, day: date, pagings: list[PagingRun]) -> datetime:
        """Return up to when some runs know a day: one that may have been asked for before its end is in progress."""
        end = midnight(day) + DAY
        if any(paging.began_at < end + _TOLERANCE for paging in pagings):
            return min(*(paging.began_at for paging in pagings), end - SECOND)
        return min((paging.ended_at for paging in pagings), default=midnight(day))

    def seal(self, day_key: DayKey, manifest: Manifest, *, rebuilt_too: Collection[DayKey]) -> WrittenDay:
        """Write the file of one day aside, with what the replies prove of it.

        A message that another day has, which is newer and not `rebuilt_too`, has moved there since.
        """
        day_file = self._seal(day_key, manifest.get(day_key))
        elsewhere = held_elsewhere(self._lake, manifest, day_key)
        newer = (
            ids
            for other, ids in elsewhere.items()
            if other not in rebuilt_too and manifest[other].exported_at > day_file.exported_at
        )
        return WrittenDay(day_file, kept=frozenset().union(*newer))

    def _seal(self, day_key: DayKey, known: DayFile | None) -> DayFile:
        pagings = self._covering(day_key.date)
        pages = [n for paging in pagings for n in paging.pages]
        first = min(pages, default=0)
        draft = self._lake.writer(day_key)
        erased = erased_in(self._lake)
        textless = erased.is_textless(day_key, known)
        moving = forgotten = 0
        for rows in self._rows(day_key.date, first):
            treated = erased.treat(rows, textless=textless)
            forgotten += treated.forgotten
            moving += count_moving(self._stream, treated.table)
            draft.add(treat(treated.table, self._lake.policy))
        rejects = [r for n, r in self._rejects if n >= first and r.at is not None and r.at.date() == day_key.date]
        proved = self._counted(day_key.date, pages)
        problem = None
        if not pagings:
            problem = "no replies of one run cover the day with counts that agree"
        elif proved != draft.rows + forgotten or rejects:
            problem = f"{proved} messages were proved, and later replies make them {draft.rows + forgotten}"
        self._lake.write_rejects(day_key, erased.treat_rejects(rejects, textless=textless))
        return self._lake.seal(
            draft,
            DayFile(
                key=day_key,
                row_count=draft.rows,
                total_count=proved if pagings else draft.rows + forgotten,
                verified=problem is None,
                moving=moving,
                exported_at=self._read_at(day_key.date, pagings),
                checksum="",
                rejects=len(rejects),
                problem=problem,
                forgotten=forgotten,
                textless=textless,
                privacy=self._lake.policy.label,
            ),
        )

    def _proofs(self, pagings: list[PagingRun]) -> list[PagingRun]:
        """Return the runs whose distinct messages are as many as every total that came with them, newest last."""
        numbers = [(w, n) for w, paging in enumerate(pagings) for n in paging.pages]
        self._connection.register(
            "pagings",
            pa.table(
                {"w": pa.array([w for w, _ in numbers], pa.int64()), "n": pa.array([n for _, n in numbers], pa.int64())}
            ),
        )
        counted = dict(
            self._connection.execute(
                f"SELECT w, count(DISTINCT message_id) FROM {self._table} JOIN pagings USING (n) GROUP BY w"  # noqa: S608
            ).fetchall()
        )
        proved = [paging for w, paging in enumerate(pagings) if paging.totals == {counted.get(w, 0)}]
        return sorted(proved, key=lambda paging: paging.ended_at)

    def _covering(self, day: date) -> list[PagingRun]:
        """Return paging runs of the newest export that together prove a day; none where no export can.

        A page that looked back is left out where an earlier export shows more of the day: it lacked known messages.
        """
        found: list[list[PagingRun]] = []
        for chosen in self._coverings(day):
            found.append(chosen)
            if not any(paging.looks_back for paging in chosen):
                break
        counts = [self._shown(day, chosen) for chosen in found] if len(found) > 1 else [0]
        return next((chosen for n, chosen in enumerate(found) if counts[n] >= max(counts[n:])), [])

    def _coverings(self, day: date) -> Iterator[list[PagingRun]]:
        """Yield paging runs that together prove a day, those of the newest export first."""
        whole = Window.of_days(day, day)
        exports: dict[str, list[PagingRun]] = defaultdict(list)
        for paging in self._proved:
            if paging.proves.start < whole.end and whole.start < paging.proves.end:
                exports[paging.archive].append(paging)
        for archive in sorted(exports, reverse=True):
            chosen: list[PagingRun] = []
            for paging in reversed(exports[archive]):
                chosen.append(paging)
                if covers((w.proves for w in chosen), whole):
                    yield chosen
                    break

    def _shown(self, day: date, pagings: list[PagingRun]) -> int:
        """Count the distinct messages of a day that paging runs gave; of one page that looked back, they are known."""
        if len(pagings) == 1 and pagings[0].looks_back:
            return self._looked_back.get((pagings[0].pages[0], day), 0)
        return self._counted(day, [n for paging in pagings for n in paging.pages])

    def _rows(self, day: date, first: int) -> Iterator[pa.Table]:
        """Yield the rows of a day, each message in its latest state, in the order of time."""
        window = Window.of_days(day, day)
        rows = self._connection.sql(
            f"SELECT t.* EXCLUDE n FROM {self._table} t JOIN latest USING (message_id, n)"  # noqa: S608
            " WHERE processed_at >= $1 AND processed_at < $2 AND n >= $3 ORDER BY processed_at, message_id",
            params=[window.start, window.end, first],
        )
        for batch in rows.to_arrow_reader(ROW_GROUP):
            yield normalise(
                [pa.Table.from_batches([batch]).cast(self._stream.wire)], stream=self._stream, window=window
            )

    def _count_looks_back(self, pagings: list[PagingRun]) -> dict[tuple[int, date], int]:
        """Count the distinct messages of each page that looked back by UTC day: there are many such pages of a day."""
        pages = [paging.pages[0] for paging in pagings if paging.looks_back]
        rows = self._connection.execute(
            f"SELECT n, processed_at::DATE AS day, count(DISTINCT message_id) FROM {self._table}"  # noqa: S608
            " WHERE n IN (SELECT unnest($1::BIGINT[])) GROUP BY ALL",
            [pages],
        ).fetchall()
        return {(n, day): count for n, day, count in rows}

    def _counted(self, day: date, pages: list[int]) -> int:
        """Count the distinct messages of a day in some replies."""
        window = Window.of_days(day, day)
        ((found,),) = self._connection.execute(
            f"SELECT count(DISTINCT message_id) FROM {self._table}"  # noqa: S608
            " WHERE processed_at >= $1 AND processed_at < $2 AND n IN (SELECT unnest($3::BIGINT[]))",
            [window.start, window.end, pages],
        ).fetchall()
        return int(found)


def table_name(account_id: int, stream: Stream) -> str:
    """Return the name of the table that holds the rows of all replies of a stream, with the numbers of these."""
    return f"{stream.name}_{account_id}"
