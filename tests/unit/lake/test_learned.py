"""What was learned of an API outlives the run; what cannot be read is learned again."""

from datetime import date

import pytest
from support.index import ask

from voxlake.lake import Fact, Lake, Learned

DAY = date(2026, 3, 11)


@pytest.fixture
def lake(tmp_path):
    """Return a lake in which something was learned of one stream."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    learned = Learned(lake)
    learned.put(1, "sms", "oldest_day", "2026-03-02", on=DAY)
    learned.put(1, "sms", "limits", [1, None], on=DAY)
    learned.save()
    return lake


def test_facts_are_remembered(lake):
    """A fact is known to later runs under its account and stream, with the day, until it is dropped or replaced."""
    learned = Learned(lake)
    assert learned.get(1, "sms", "oldest_day") == Fact("2026-03-02", DAY)
    assert learned.get(1, "sms", "limits") == Fact([1, None], DAY)
    assert [learned.get(*key) for key in ((2, "sms", "limits"), (1, "a2p", "limits"), (1, "sms", "x"))] == [None] * 3
    learned.drop(1, "sms", "oldest_day")
    learned.put(1, "sms", "limits", 7, on=DAY)
    learned.save()
    assert Learned(lake).get(1, "sms", "oldest_day") is None
    assert Learned(lake).get(1, "sms", "limits") == Fact(7, DAY)


def test_no_news_is_not_written(lake):
    """A run that learned nothing leaves the file as it is."""
    before = lake.store.stamp(lake.layout.index)
    learned = Learned(lake)
    learned.drop(1, "a2p", "oldest_day")
    learned.save()
    assert lake.store.stamp(lake.layout.index) == before


def test_facts_of_some_accounts(lake):
    """Those of others are neither loaded nor changed."""
    learned = Learned(lake, [2])
    assert learned.get(1, "sms", "limits") is None
    learned.put(2, "sms", "limits", 2, on=DAY)
    learned.save()
    assert Learned(lake).get(1, "sms", "limits") == Fact([1, None], DAY)
    assert Learned(lake, [2, 3]).get(2, "sms", "limits") == Fact(2, DAY)


@pytest.mark.parametrize("wrong", ["value = '['", "value = x'ff'", "learned_on = 'today'"])
def test_what_cannot_be_read_is_not_known(lake, wrong):
    """Damage costs what was learned, and nothing else."""
    ask(lake, f"UPDATE learned SET {wrong} WHERE name = 'limits'")
    assert Learned(lake).get(1, "sms", "oldest_day") == Fact("2026-03-02", DAY)
    learned = Learned(lake)
    assert learned.get(1, "sms", "limits") is None
    learned.put(1, "sms", "limits", 1, on=DAY)
    learned.save()
    assert Learned(lake).get(1, "sms", "limits") == Fact(1, DAY)


@pytest.mark.parametrize(
    "content", ["", "[", "[]", '{"version": 2, "facts": []}', '{"version": 1, "facts": [{"name": 3}]}', "[" * 100_000]
)
def test_nor_is_what_version_0_2_left_damaged(lake, content):
    """Its file is gone after the first save."""
    lake.layout.index.unlink()
    lake.layout.old_learned.write_text(content)
    learned = Learned(lake)
    assert learned.get(1, "sms", "limits") is None
    learned.put(1, "sms", "limits", 1, on=DAY)
    learned.save()
    assert Learned(lake).get(1, "sms", "limits") == Fact(1, DAY)
