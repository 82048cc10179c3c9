"""A run makes at most three times the requests that it needs at least, and fifty."""

import pytest

from voxlake.api import Ceiling
from voxlake.errors import CeilingReached


def test_what_is_needed_raises_the_ceiling():
    """The ceiling is three times what is known to be needed, and fifty; it says both numbers."""
    ceiling = Ceiling()
    ceiling.need(10)
    ceiling.ask(79)
    ceiling.ask()
    with pytest.raises(CeilingReached, match="80 requests were made where 10 should do"):
        ceiling.ask()
    ceiling.need(1)
    ceiling.ask(3)
    with pytest.raises(CeilingReached):
        ceiling.ask()


def test_every_run_begins_anew():
    """What an earlier run of the same program asked for does not count."""
    ceiling = Ceiling()
    ceiling.ask(50)
    ceiling.reset()
    ceiling.ask(50)
