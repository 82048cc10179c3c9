"""A message that moves lies in no two files at any moment, and is missed by name while it lies in none."""

import json
import shutil
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pyarrow as pa
import pytest
from support.index import make_old
from support.rows import messages

from voxlake.errors import StorageFull
from voxlake.lake import Lake, Manifest
from voxlake.lake.store import Store
from voxlake.model import DayFile, DayKey
from voxlake.pipeline.day import WrittenDay
from voxlake.pipeline.place import part_days, place
from voxlake.transform import SMS

MONDAY = date(2026, 3, 2)
DAYS = [MONDAY + timedelta(days=n) for n in range(4)]
KEYS = [DayKey(4711, "sms", day) for day in DAYS]
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
MOVED = 2


class KilledError(Exception):
    """Stands for a kill between two steps."""


class WatchedStore(Store):
    """A store that shows the lake to `look` after each file that was put in place."""

    def put(self, aside, path):
        """Put a file in place, and look."""
        super().put(aside, path)
        self.look()


@pytest.fixture
def lake(tmp_path):
    """Return a lake with three messages on Monday, and three on Wednesday."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    for key, first in ((KEYS[0], 1), (KEYS[2], 7)):
        put(lake, key, first)
    return lake


def put(lake, key, *firsts, verified=True, at=NOW):
    """Put three messages in a day for each first id."""
    place(lake, Manifest(lake), seal(lake, key, *firsts, verified=verified, at=at))


def seal(lake, key, *firsts, verified=True, at=NOW, kept=(), only=None):
    """Seal a day of three messages for each first id, or of `only` these ids."""
    rows = [row | {"status": "success"} for first in firsts for row in messages(key.date, 3, first=first)]
    rows = [row for row in rows if only is None or row["message_id"] in only]
    writer = lake.writer(key)
    writer.add(pa.Table.from_pylist(rows, schema=SMS.schema))
    sealed = lake.seal(writer, DayFile(key, 0, len(rows), verified=verified, moving=0, exported_at=at, checksum=""))
    return WrittenDay(sealed, kept=frozenset(kept))


def held(lake):
    """Return the messages of each day."""
    return {key.date: [i for t in lake.read_rows(key) for i in t["message_id"].to_pylist()] for key in lake.day_keys()}


def unverified(lake):
    """Return the days whose files say that they are not verified."""
    return {key.date for key in lake.day_keys() if not lake.read_footer(key).verified}


@pytest.mark.parametrize("target", [1, 2, 3], ids=["a day without a file", "a day with one", "a later day"])
@pytest.mark.parametrize("killed_after", [None, 1, 2, 3])
def test_out_of_one_day_before_into_another(lake, target, killed_after):
    """Whenever the run is killed, no glob meets the message twice, and where it is nowhere both days are unverified."""
    lake.store = WatchedStore(lake.root)
    steps = count(1)
    before = held(lake).get(DAYS[target], [])

    def look():
        seen = Counter(i for ids in held(lake).values() for i in ids)
        assert max(seen.values()) == 1
        assert seen[MOVED] or unverified(lake) >= {DAYS[0], DAYS[target]}
        if next(steps) == killed_after:
            raise KilledError

    object.__setattr__(lake.store, "look", look)
    written = seal(lake, KEYS[target], 1, 7, only={MOVED, *before})
    try:
        placement = place(lake, Manifest(lake), written)
    except KilledError:
        assert killed_after
        return
    assert held(lake) == {DAYS[0]: [1, 3], DAYS[2]: [7, 8, 9]} | {DAYS[target]: sorted({MOVED, *before})}
    assert unverified(lake) == {DAYS[0]} == placement.again
    assert [day_file.key for day_file in placement.disturbed] == [KEYS[0]]


def test_what_a_day_only_kept_has_moved(lake):
    """A message that one day kept from its earlier file, and another was read with, belongs to the other."""
    put(lake, KEYS[1], 2, verified=True)
    assert held(lake)[DAYS[0]] == [1]
    placement = place(lake, Manifest(lake), seal(lake, KEYS[0], 1, kept={2, 3}, verified=False))
    assert held(lake) == {DAYS[0]: [1], DAYS[1]: [2, 3, 4], DAYS[2]: [7, 8, 9]}
    assert placement.again == {DAYS[0]}
    assert unverified(lake) == {DAYS[0]}


def test_days_apart_are_not_compared(lake):
    """Where no ids overlap, days go into place as they are."""
    placement = place(lake, Manifest(lake), seal(lake, KEYS[1], 4))
    assert (placement.disturbed, placement.again) == ((), frozenset())
    assert unverified(lake) == set()


def double(lake):
    """Put a message into a second day, as a version that was killed may have."""
    written = seal(lake, KEYS[1], 3, at=NOW + timedelta(hours=1))
    lake.put(KEYS[1], lake.layout.draft(KEYS[1]))
    return written.day_file


def test_doubles_that_a_kill_left_are_parted_once(lake):
    """Files that changed behind the index are compared with those that overlap; one in the index is believed."""
    Manifest(lake).save()
    double(lake)
    manifest = Manifest(lake)
    (changed,) = part_days(lake, manifest, suspects_only=True)
    assert (changed.key, changed.verified, changed.problem[:19]) == (KEYS[0], False, "message 3 moved to ")
    assert held(lake) == {DAYS[0]: [1, 2], DAYS[1]: [3, 4, 5], DAYS[2]: [7, 8, 9]}
    manifest.save()
    assert Manifest(lake).overlapping(suspects_only=True) == []
    assert part_days(lake, Manifest(lake)) == []


@pytest.mark.parametrize(("source", "over"), [(KEYS[0], KEYS[2]), (KEYS[2], KEYS[0])], ids=["later", "earlier"])
def test_a_file_copied_over_another_gives_way(lake, source, over):
    """Both say the same export: the file whose rows are not of its day loses them, and the other keeps its own."""
    shutil.copyfile(lake.path(source), lake.path(over))
    before = held(lake)[source.date]
    (changed,) = part_days(lake, Manifest(lake))
    assert (changed.key, changed.verified) == (over, False)
    assert held(lake) == {source.date: before, over.date: []}


def test_an_index_without_ids_is_not_believed(lake):
    """The index of a version that compared no ids names no range: its files are compared once."""
    double(lake)
    Manifest(lake).save()
    old = make_old(lake)
    parts = [{name: value for name, value in entry.items() if name != "ids"} for entry in old["parts"]]
    lake.layout.old_index.write_text(json.dumps(old | {"parts": parts}))
    assert [day_file.key for day_file in part_days(lake, Manifest(lake), suspects_only=True)] == [KEYS[0]]


def test_damage_keeps_its_rows(lake):
    """A damaged file is left to the audit that names it."""
    double(lake)
    path = lake.path(KEYS[0])
    content = bytearray(path.read_bytes())
    content[20:40] = bytes(20)
    path.write_bytes(content)
    assert part_days(lake, Manifest(lake)) == []
    assert path.read_bytes() == bytes(content)


def test_a_full_disk_in_between(lake):
    """An error between the steps leaves what a kill would leave."""

    def full():
        raise StorageFull("no room")

    lake.store = WatchedStore(lake.root)
    object.__setattr__(lake.store, "look", full)
    with pytest.raises(StorageFull):
        place(lake, Manifest(lake), seal(lake, KEYS[2], 1, 7, only={MOVED, 7, 8, 9}))
    assert unverified(lake) == {DAYS[2]}
    assert held(lake)[DAYS[0]] == [1, 2, 3]


def test_a_day_that_keeps_a_file_which_changed_meanwhile(lake):
    """A reading that found nothing new in a day says nothing of a file that lost a message since: it is read again."""
    manifest = Manifest(lake)
    unchanged = WrittenDay(manifest[KEYS[0]], is_sealed=False)
    assert place(lake, manifest, unchanged).again == frozenset()
    place(lake, manifest, seal(lake, KEYS[1], 4, MOVED, only={4, 5, 6, MOVED}))
    placement = place(lake, manifest, unchanged)
    assert (placement.again, placement.day_file.verified) == ({DAYS[0]}, False)
    assert placement.day_file == manifest[KEYS[0]]
