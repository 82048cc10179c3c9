"""What runs learn of the API's limits is remembered, and a run can do without."""

from datetime import date, timedelta

import pytest

from voxlake.extract import NOTHING_LEARNED, ApiQuirks
from voxlake.lake import Lake, Learned
from voxlake.pipeline.memory import recall, remember
from voxlake.transform import A2P, SMS

TODAY = date(2026, 3, 10)
LIMITS = ApiQuirks(page_size=100, longest_window=86_402)


@pytest.fixture
def lake(tmp_path):
    """Return an empty lake."""
    lake = Lake(tmp_path)
    lake.tmp.mkdir()
    return lake


def test_limits_are_remembered_for_a_month(lake):
    """By account and stream; what only counts and rows showed is not."""
    learned = Learned(lake)
    remember(learned, 1, SMS, ApiQuirks(page_size=100, longest_window=86_402, deepest_offset=300), TODAY)
    remember(learned, 2, SMS, ApiQuirks(page_size=500), TODAY)
    learned.save()
    later = Learned(lake)
    assert recall(later, 1, SMS, TODAY + timedelta(days=30)) == LIMITS
    assert recall(later, 2, SMS, TODAY) == ApiQuirks(page_size=500)
    assert recall(later, 1, A2P, TODAY) == NOTHING_LEARNED
    assert recall(later, 1, SMS, TODAY + timedelta(days=31)) == NOTHING_LEARNED
    assert recall(later, 1, SMS, TODAY - timedelta(days=1)) == NOTHING_LEARNED


def test_no_limit_leaves_no_file(lake):
    """An API as documented needs none, and what is known is not written again."""
    learned = Learned(lake)
    remember(learned, 1, SMS, NOTHING_LEARNED, TODAY)
    learned.save()
    assert not lake.layout.index.exists()
    remember(learned, 1, SMS, LIMITS, TODAY)
    remember(learned, 1, SMS, LIMITS, TODAY + timedelta(days=3))
    assert learned.get(1, "sms", "page_size").learned_on == TODAY


@pytest.mark.parametrize("value", [0, -1, True, "100", None, 1.5, [100], {}])
def test_what_is_no_limit_is_learned_anew(lake, value):
    """Whatever is in the file, the run begins as the first one did."""
    learned = Learned(lake)
    learned.put(1, "sms", "page_size", value, on=TODAY)
    learned.put(1, "sms", "longest_window", value, on=TODAY)
    assert recall(learned, 1, SMS, TODAY) == NOTHING_LEARNED


def test_a_contradiction_is_remembered_for_a_week(lake):
    """It makes the next runs ask more often; what else is in the file makes none."""
    learned = Learned(lake)
    remember(learned, 1, SMS, ApiQuirks(contradicts=True), TODAY)
    assert recall(learned, 1, SMS, TODAY + timedelta(days=7)).contradicts
    assert not recall(learned, 1, SMS, TODAY + timedelta(days=8)).contradicts
    assert not recall(learned, 1, SMS, TODAY - timedelta(days=1)).contradicts
    learned.put(1, "sms", "contradicts", [1], on=TODAY)
    assert not recall(learned, 1, SMS, TODAY).contradicts
