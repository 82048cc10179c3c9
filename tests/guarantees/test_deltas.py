"""Delta tables are the last good ones after any kill, and those of the lake after any race: see `support/deltas.py`."""

import pytest
from support.deltas import campaign


@pytest.mark.parametrize(
    ("kills", "races", "days"), [(2, 1, 4), pytest.param(60, 20, 40, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_kills_and_races(tmp_path, kills, races, days):
    """Killed in the middle of writes and commits, or raced: what is read is whole, and the lake's in the end."""
    tally = campaign(tmp_path / "data", str(tmp_path / "tables"), kills=kills, races=races, seed=1, days=days)
    print(tally)  # noqa: T201 - the figures are wanted: pytest -s -m slow
    assert (tally["kills"], tally["races"]) == (kills, races)
