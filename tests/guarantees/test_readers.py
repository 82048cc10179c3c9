"""Nobody who reads is ever in the way of a publish, or sees half of one."""

import pytest
from support.readers import trial


@pytest.mark.parametrize(
    ("publishes", "kills", "rows", "rounds", "database"),
    [
        (4, 3, 50, 200, "portable"),
        pytest.param(4, 3, 50, 200, "linked", marks=pytest.mark.slow),
        pytest.param(50, 20, 500, 800, "portable", marks=pytest.mark.slow),
        pytest.param(50, 20, 500, 800, "linked", marks=pytest.mark.slow),
    ],
    ids=["some", "some, linked", "many", "many, linked"],
)
def test_readers_during_publishes_and_kills(tmp_path, publishes, kills, rows, rounds, database):
    """One long query after another, while databases are published and publishers killed: no error, no mixed answer."""
    found = trial(tmp_path, publishes=publishes, kills=kills, rows=rows, rounds=rounds, database=database)
    print(found)  # noqa: T201 - the figures are wanted: pytest -s -m slow
    assert found["publishes"] >= publishes
    assert found["kills"] == kills
    assert found["answers"] >= publishes
    assert found["versions seen"] >= 2
    assert found.get("errors", 0) == found["inconsistent"] == found["older than before"] == 0, found
    assert found["damaged at the end"] == found["differences at the end"] == 0
