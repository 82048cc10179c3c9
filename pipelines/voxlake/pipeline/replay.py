"""Rebuild the lake from replies that were kept, without the API.

A walk over the pages of one window proves that window as it did when it was new: the distinct messages are as many as
every total that came with them. A day is verified again where the proved windows of one run cover it. Replies that came
later, by page or by id, bring their rows in their latest state.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from voxlake.lake import ROW_GROUP, replies
from voxlake.model import DAY, SECOND, DayFile, DayKey, Window, midnight
from voxlake.pipeline.replay_proof import LONG_AGO, History, covers, under_one_count
from voxlake.transform import STREAMS, BrokenReplyError, decode_csv, decode_json, normalise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from voxlake.lake import Lake, Manifest, Reply
    from voxlake.pipeline.replay_proof import PagingRun
    from voxlake.transform import Stream

_TOLERANCE = timedelta(minutes=1)
"""A file is stamped soon after the last reply about its day, and a reply comes soon after it was asked for."""


@dataclass(slots=True)
class Replayed:
    """What was rebuilt, which days were left alone, because their files are newer or prove more, and torn replies."""

    replies: int = 0
    day_files: list[DayFile] = field(default_factory=list)
    kept: list[DayKey] = field(default_factory=list)
    torn: list[Path] = field(default_factory=list)


def replay(folder: Path, lake: Lake, manifest: Manifest, *, force: bool = False) -> Replayed:
    """Rebuild every day that the replies in `folder` know; the caller holds the lock of the lake.

    A file that was exported after the replies that prove its day, or that covers or holds more of it, or is verified
    where they prove nothing, is left alone unless `force` is set.

    Raises:
        SettingsError: there are no replies.
        DataError: they are damaged.

    """
    replayed = Replayed()
    with _scratch(lake.tmp / "replay.duckdb") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        histories: dict[tuple[int, str], History] = defaultdict(History)
        for n, reply in enumerate(replies(folder, replayed.torn.append)):
            replayed.replies += 1
            _read(connection, n, reply, histories)
        for (account_id, name), history in histories.items():
            rebuilt = _Rebuilding(connection, lake, STREAMS[name], account_id, history)
            for day_key in rebuilt.day_keys():
                known = manifest.get(day_key)
                if known is not None and not force and rebuilt.is_behind(known):
                    replayed.kept.append(day_key)
                    continue
                day_file = rebuilt.write(day_key)
                manifest.add(day_file)
                replayed.day_files.append(day_file)
    return replayed


@contextmanager
def _scratch(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database that is gone afterwards."""
    try:
        with duckdb.connect(str(path)) as connection:
            yield connection
    finally:
        for left in (path, path.with_name(f"{path.name}.wal")):
            left.unlink(missing_ok=True)


def _read(
    connection: duckdb.DuckDBPyConnection, n: int, reply: Reply, histories: dict[tuple[int, str], History]
) -> None:
    """Take the rows of a reply in, and note which walk it belongs to; errors of the API hold neither."""
    stream = next((stream for stream in STREAMS.values() if stream.method == reply.method), None)
    if stream is None:
        return
    csv = reply.parameters["output"] == "csv" and not reply.body.lstrip().startswith(b"{")
    try:
        page = decode_csv(reply.body, stream) if csv else decode_json(reply.body, stream)
    except BrokenReplyError:
        return
    history = histories[reply.account_id, stream.name]
    rows = page.table.append_column("n", pa.array([n] * page.table.num_rows, pa.int64()))
    connection.register("page", rows)
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_table(reply.account_id, stream)} AS FROM page LIMIT 0")
    connection.execute(f"INSERT INTO {_table(reply.account_id, stream)} FROM page")
    history.rejects += [(n, reject) for reject in page.rejects]
    # A reply to a filter has some rows only, and proves nothing.
    if reply.parameters.keys() <= {"from_date", "to_date", "count", "offset", "output"}:
        window = Window(_instant(reply.parameters["from_date"]), _instant(reply.parameters["to_date"]))
        history.add(n, reply, window, page.total)


class _Rebuilding:
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
        self._table, self._rejects = _table(account_id, stream), history.rejects
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE latest AS SELECT message_id, max(n) AS n FROM {self._table} GROUP BY ALL"  # noqa: S608
        )
        self._asked: dict[date, dict[str, datetime]] = defaultdict(dict)
        for walk in history.walks:
            for day in walk.proves.days:
                its = self._asked[day]
                its[walk.run] = max(walk.ended_at, its.get(walk.run, LONG_AGO))
        self._proved = self._proofs([*history.walks, *under_one_count(history.walks)])

    def day_keys(self) -> list[DayKey]:
        """List the days that were asked for; a row beyond them came because we ask a second wider."""
        return [DayKey(self._account_id, self._stream.name, day) for day in sorted(self._asked)]

    def is_behind(self, known: DayFile) -> bool:
        """Whether the replies about a day say less than its file does."""
        if known.total_count is None:
            # A day of which the API told nothing is no newer than what its replies tell.
            return False
        day, end = known.key.date, midnight(known.key.date) + DAY
        walks, asked = self._covering(day), self._asked[day]
        if not walks:
            return known.verified or known.exported_at > max(asked.values()) + _TOLERANCE
        # What another run has asked since of the day, a count perhaps, brings none of the rows that were read between.
        last = asked[walks[0].run]
        if known.exported_at > last + _TOLERANCE or self._read_at(day, walks) < end <= known.exported_at:
            return True
        pages = [n for walk in walks for n in walk.pages]
        since = known.exported_at >= max(walk.ended_at for walk in walks)
        return known.verified and since and self._counted(day, pages) < known.row_count

    def _read_at(self, day: date, walks: list[PagingRun]) -> datetime:
        """Say up to when some walks know a day: one that may have been asked for before its end is in progress."""
        end = midnight(day) + DAY
        if any(walk.began_at < end + _TOLERANCE for walk in walks):
            return min(*(walk.began_at for walk in walks), end - SECOND)
        return min((walk.ended_at for walk in walks), default=midnight(day))

    def write(self, day_key: DayKey) -> DayFile:
        """Write the file of one day, with what the replies prove of it."""
        walks = self._covering(day_key.date)
        pages = [n for walk in walks for n in walk.pages]
        first = min(pages, default=0)
        draft = self._lake.writer(day_key)
        moving = 0
        for table in self._rows(day_key.date, first):
            moving += int(pc.sum(self._stream.moves(table)).as_py() or 0)
            draft.add(table)
        rejects = [r for n, r in self._rejects if n >= first and r.at is not None and r.at.date() == day_key.date]
        proved = self._counted(day_key.date, pages)
        problem = None
        if not walks:
            problem = "no replies of one run cover the day with counts that agree"
        elif proved != draft.rows or rejects:
            problem = f"{proved} messages were proved, and later replies make them {draft.rows}"
        self._lake.write_rejects(day_key, rejects)
        return self._lake.commit(
            draft,
            DayFile(
                key=day_key,
                row_count=draft.rows,
                total_count=proved if walks else draft.rows,
                verified=problem is None,
                moving=moving,
                exported_at=self._read_at(day_key.date, walks),
                checksum="",
                rejects=len(rejects),
                problem=problem,
            ),
        )

    def _proofs(self, walks: list[PagingRun]) -> list[PagingRun]:
        """Keep the walks whose distinct messages are as many as every total that came with them, newest last."""
        numbers = [(w, n) for w, walk in enumerate(walks) for n in walk.pages]
        self._connection.register(
            "walks",
            pa.table(
                {"w": pa.array([w for w, _ in numbers], pa.int64()), "n": pa.array([n for _, n in numbers], pa.int64())}
            ),
        )
        counted = dict(
            self._connection.execute(
                f"SELECT w, count(DISTINCT message_id) FROM {self._table} JOIN walks USING (n) GROUP BY w"  # noqa: S608
            ).fetchall()
        )
        proved = [walk for w, walk in enumerate(walks) if walk.totals == {counted.get(w, 0)}]
        return sorted(proved, key=lambda walk: walk.ended_at)

    def _covering(self, day: date) -> list[PagingRun]:
        """Give walks of one run, the newest that can, that together prove a day; none where no run can."""
        whole = Window.of_days(day, day)
        runs: dict[str, list[PagingRun]] = defaultdict(list)
        for walk in self._proved:
            if walk.proves.start < whole.end and whole.start < walk.proves.end:
                runs[walk.run].append(walk)
        for run in sorted(runs, reverse=True):
            chosen: list[PagingRun] = []
            for walk in reversed(runs[run]):
                chosen.append(walk)
                if covers((w.proves for w in chosen), whole):
                    return chosen
        return []

    def _rows(self, day: date, first: int) -> Iterator[pa.Table]:
        """Read the rows of a day, each message in its latest state, in the order of time."""
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

    def _counted(self, day: date, pages: list[int]) -> int:
        """Count the distinct messages of a day in some replies."""
        window = Window.of_days(day, day)
        ((found,),) = self._connection.execute(
            f"SELECT count(DISTINCT message_id) FROM {self._table}"  # noqa: S608
            " WHERE processed_at >= $1 AND processed_at < $2 AND n IN (SELECT unnest($3::BIGINT[]))",
            [window.start, window.end, pages],
        ).fetchall()
        return int(found)


def _table(account_id: int, stream: Stream) -> str:
    return f"{stream.name}_{account_id}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
