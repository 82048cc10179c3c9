"""A row that was read is asked for at its own second; where it is not there, the shift is learned, and confirmed."""

from datetime import timedelta

import pytest
from support.scripted_api import ScriptedApi, message

from voxlake.extract import NO_SHIFT, KnownRow, learn_shift
from voxlake.model import DAY, SECOND
from voxlake.transform import SMS

HOUR = timedelta(hours=1)
NOON, EVENING = message(1, 12 * 3600), message(2, 20 * 3600)
ROWS = [KnownRow(row["message_id"], row["processed_at"]) for row in (NOON, EVENING)]
MANY = [message(n, n * 17 % 86_400) for n in range(3, 5000)]


def learn(**options):
    """Return what is learned of an API with many more rows, and the number of requests."""
    history = ScriptedApi([NOON, EVENING, *MANY], **options)
    return learn_shift(history, SMS, *ROWS), len(history.asked)


@pytest.mark.parametrize("bounds", [(True, True), (False, False), (True, False)])
def test_dates_that_agree_take_one_count(bounds):
    """Whatever bounds mean, a row is found in the seconds around it."""
    assert learn(bounds=bounds) == (NO_SHIFT, 1)


@pytest.mark.parametrize("bounds", [(True, True), (False, False)])
@pytest.mark.parametrize("hours", [3, -5, 5.75, 14, -12, 0.5])
def test_a_zone_is_learned(hours, bounds):
    """Any offset that time zones have is found by halving."""
    shift, requests = learn(zone=hours * HOUR, bounds=bounds)
    assert shift == hours * HOUR
    assert requests <= 14


@pytest.mark.parametrize(
    "options",
    [
        {"unit": DAY},
        {"unit": DAY, "bounds": (False, True)},
        {"unit": DAY, "bounds": (True, False)},
        {"unit": DAY, "bounds": (False, False)},
        {"unit": 60 * SECOND, "bounds": (False, False)},
        {"filters": "refused"},
        {"filters": "refused", "zone": 3 * HOUR},
        {"filters": "ignored"},
        {"filters": "ignored", "zone": 3 * HOUR},
        {"zone": 30 * HOUR},
    ],
    ids=str,
)
def test_what_is_no_zone_is_not_learned(options):
    """An API that looks at whole days, or selects by no id, is asked for what it was asked for before."""
    shift, requests = learn(**options)
    assert not shift
    assert requests <= 14


def test_a_row_that_moved_is_no_zone():
    """A message whose date changed since it was read lies elsewhere, and another one does not confirm it."""
    moved = NOON | {"processed_at": NOON["processed_at"] - 3 * HOUR}
    assert learn_shift(ScriptedApi([moved, EVENING]), SMS, *ROWS) is None
