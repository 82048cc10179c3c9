"""The unit of work: one window in, days in the lake and a value out."""

import json
import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from support.contexts import StandingClock
from support.rows import message, messages
from support.scripted_api import ScriptedApi

from voxlake.errors import ApiRejected, Unavailable
from voxlake.extract import ApiQuirks
from voxlake.lake import Lake, Manifest
from voxlake.model import UNCONFIRMED, FinalityPolicy, Window, WindowRows, midnight
from voxlake.pipeline.place import place
from voxlake.pipeline.window import WindowResult, WindowTask, pieces_by_day, read_window
from voxlake.transform import SMS

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(3)]
WINDOW = Window.of_days(DAYS[0], DAYS[-1])
FAR = datetime(2090, 5, 1, tzinfo=UTC)
CLOCK = StandingClock(datetime(2026, 3, 10, 12, tzinfo=UTC))


@pytest.fixture
def lake(tmp_path):
    """Return an empty lake."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    return lake


@pytest.fixture
def rows():
    """Return a few rows of each day."""
    return [row for n, day in enumerate(DAYS) for row in messages(day, 5, first=10 * (n + 1))]


def ids(lake):
    """Return the messages of each day."""
    return {key.date: [i for t in lake.read_rows(key) for i in t["message_id"].to_pylist()] for key in lake.day_keys()}


def read(lake, rows, day=None, **fields):
    """Read a window, or a day with its file before, from these rows."""
    window = WINDOW if day is None else Window.of_days(day, day)
    previous = tuple(lake.read_footer(key) for key in lake.day_keys() if key.date in window.days)
    result = read_window(ScriptedApi(rows), lake, CLOCK, WindowTask(SMS, window, previous=previous, **fields))
    for written in result.written:
        place(lake, Manifest(lake), written)
    return result


def test_each_day_gets_its_file(lake, rows):
    """A window of three days that was counted before gives three verified files, and nothing is left aside."""
    result = read(lake, rows, counted=15)
    assert [(day.day_file.key.date, day.new, day.day_file.verified) for day in result.written] == [
        (day, 5, True) for day in DAYS
    ]
    assert ids(lake) == {day: list(range(10 * n, 10 * n + 5)) for n, day in enumerate(DAYS, start=1)}
    assert not list(lake.tmp.iterdir())
    assert (result.error, result.moved_to) == (None, frozenset())


def test_read_again_without_a_change(lake, rows):
    """The same rows give the same checksum, and nothing is new."""
    first, again = read(lake, rows), read(lake, rows)
    assert [day.day_file.checksum for day in first.written] == [day.day_file.checksum for day in again.written]
    assert [(day.new, day.changed, day.gone) for day in again.written] == [(0, 0, 0)] * 3


def test_days_without_a_message_again(lake):
    """Empty days keep their files until they are final; a file that was damaged meanwhile is written again."""
    never, at_once = (FinalityPolicy(timedelta(days=days), timedelta(days=days)) for days in (999, 0))
    first = read(lake, [], counted=0, anchored=True, finality=never)
    assert [(day.is_sealed, day.day_file.verified) for day in first.written] == [(True, True)] * 3
    again = read(lake, [], counted=0, anchored=True, finality=never)
    assert [(day.is_sealed, day.counted.rows) for day in again.written] == [(False, 0)] * 3
    assert [day.day_file for day in again.written] == [day.day_file for day in first.written]
    file = lake.path(first.written[1].day_file.key)
    file.write_bytes(file.read_bytes().replace(b"PAR1", b"PAR0", 1))
    mended = read(lake, [], counted=0, anchored=True, finality=never)
    assert [day.is_sealed for day in mended.written] == [False, True, False]
    final = read(lake, [], counted=0, anchored=True, finality=at_once)
    assert [day.is_sealed for day in final.written] == [True] * 3
    assert not list(lake.tmp.iterdir())


def test_what_is_not_reported_any_more_stays(lake, rows):
    """A message that the API forgets stays in its day, which is unverified and says why."""
    read(lake, rows)
    (day,) = read(lake, rows[1:], DAYS[0]).written
    assert ids(lake)[DAYS[0]] == [10, 11, 12, 13, 14]
    assert (day.gone, day.unaccounted, day.day_file.verified) == (0, frozenset({10}), False)
    assert "1 previously exported messages are missing from the API's reply and were kept" in day.day_file.problem


def test_with_force_the_api_is_right(lake, rows):
    """Forced, the message goes, and the file that had it is kept aside."""
    read(lake, rows)
    (day,) = read(lake, rows[1:], DAYS[0], force=True).written
    assert ids(lake)[DAYS[0]] == [11, 12, 13, 14]
    assert (day.gone, day.day_file.unconfirmed) == (1, True)
    assert lake.layout.replaced(day.day_file.key).exists()


def test_a_message_that_moved_names_its_new_day(lake, rows):
    """A message that left its day is looked for by its id, so that the run can read the day where it lies."""
    read(lake, rows)
    moved = [rows[0] | {"processed_at": rows[0]["processed_at"] + timedelta(days=5)}, *rows[1:]]
    assert read(lake, moved, DAYS[0]).moved_to == {DAYS[0] + timedelta(days=5)}


def test_a_damaged_file_misses_nothing(lake, rows):
    """What a file holds that is not what was written is not kept beside what is read."""
    read(lake, rows)
    keys = list(lake.day_keys())
    before = tuple(lake.read_footer(key) for key in keys)
    lake.path(keys[0]).write_bytes(lake.path(keys[1]).read_bytes())
    task = WindowTask(SMS, Window.of_days(DAYS[0], DAYS[0]), previous=before)
    (day,) = read_window(ScriptedApi(rows), lake, CLOCK, task).written
    place(lake, Manifest(lake), day)
    assert ids(lake)[DAYS[0]] == [10, 11, 12, 13, 14]
    assert day.day_file.unconfirmed


def test_an_error_is_part_of_the_result(lake, rows):
    """What the API refuses ends the window; nothing is left aside."""

    def refuse(_number):
        raise Unavailable("later")

    history = ScriptedApi(rows, before=refuse)
    result = read_window(history, lake, CLOCK, WindowTask(SMS, WINDOW))
    assert (result.written, str(result.error)) == ((), "later")
    assert not list(lake.tmp.iterdir())


def test_a_day_in_progress(lake):
    """Today is read up to the present second, and known up to then alone."""
    now = CLOCK.now()
    rows = [message(1, now - timedelta(seconds=1)), message(2, now + timedelta(hours=1))]
    (day,) = read(lake, rows, now.date()).written
    assert (ids(lake)[now.date()], day.day_file.exported_at, day.day_file.unconfirmed) == ([1], now, True)


def test_pieces_are_cut_at_midnights(rows):
    """Rows of several days are cut at midnights, a day without rows is a piece as well."""
    rows = [row for row in rows if row["processed_at"].date() != DAYS[1]]
    table = pa.Table.from_pylist(rows, schema=SMS.schema)
    window = Window(midnight(DAYS[0]), midnight(DAYS[2]) + timedelta(hours=13))
    pieces = list(pieces_by_day([WindowRows(window, table, table.num_rows)]))
    assert [(piece.window.start.date(), piece.table.num_rows, piece.total) for piece in pieces] == [
        (DAYS[0], 5, 5), (DAYS[1], 0, 0), (DAYS[2], 5, 5),
    ]  # fmt: skip
    assert (pieces[0].window.start, pieces[-1].window.end) == (window.start, window.end)


def test_task_and_result_travel(lake, rows):
    """What goes to another process and comes back is the same there, its errors as well."""
    result = read(lake, rows)
    task = WindowTask(SMS, WINDOW, ApiQuirks(page_size=300), 7, tuple(day.day_file for day in result.written))
    assert pickle.loads(pickle.dumps(task)) == task
    assert pickle.loads(pickle.dumps(result)) == result
    error = ApiRejected("no", code=123, advice="do this")
    (_, _, _, again) = pickle.loads(pickle.dumps(("", "", "", WindowResult((), ApiQuirks(), error=error))))
    assert (str(again.error), again.error.code, again.error.reason) == ("no: do this.", 123, "no")


def test_a_row_from_far_outside_goes_to_the_rejects(lake, rows):
    """The API counts it on a day, and shows a date in another century: that day alone is unverified, and names it."""

    class Misdating(ScriptedApi):
        """A history that shows one message of Monday with another date."""

        def page(self, *args, **kwargs):
            """Return a page."""
            page = super().page(*args, **kwargs)
            rows = [row | {"processed_at": FAR} if row["message_id"] == 10 else row for row in page.table.to_pylist()]
            return replace(page, table=pa.Table.from_pylist(rows, schema=SMS.wire))

    result = read_window(Misdating(rows), lake, CLOCK, WindowTask(SMS, WINDOW))
    for written in result.written:
        place(lake, Manifest(lake), written)
    first, *others = (day.day_file for day in result.written)
    assert "message 10 of 2090-05-01 00:00:00+00:00 came although" in first.problem
    assert (first.row_count, first.rejects, first.total_count) == (4, 1, 5)
    assert {day_file.problem for day_file in others} <= {None, UNCONFIRMED}
    (line,) = lake.layout.rejects(first.key).read_text().splitlines()
    assert json.loads(line)["raw"]["processed_at"] == "2090-05-01 00:00:00+00:00"
