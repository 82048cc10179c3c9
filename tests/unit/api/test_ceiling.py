"""What a run asks for is bounded by what it needs at least."""

import pickle
import threading

import pytest

from voxlake.api import Ceiling
from voxlake.errors import CeilingReached


def asked(ceiling, requests, *, extra=False):
    """Ask for so many requests, one after the other."""
    for _ in range(requests):
        with ceiling.asking(extra=extra):
            pass


def begun():
    """Return the ceiling of a run."""
    ceiling = Ceiling()
    ceiling.begin()
    return ceiling


def test_rows_raise_the_ceiling():
    """The ceiling is three times the pages that rows fill, or the windows, with the counts, and fifty."""
    ceiling = begun()
    ceiling.need("sms", rows=901, page=100, windows=2, counts=1)
    ceiling.need("a2p", windows=3)
    assert ceiling.least == 10 + 1 + 3
    asked(ceiling, 3 * 14 + 50)
    with pytest.raises(CeilingReached, match="its reading was ended at three times the requests that it needs"):
        asked(ceiling, 1)
    ceiling.need("sms", rows=100)
    asked(ceiling, 3)
    assert ceiling.asked == 3 * 15 + 50


def test_without_an_order_pages_are_half_full():
    """Where every page has to be a window of its own, rows need twice as many; that is learned, not unlearned."""
    ceiling = begun()
    ceiling.need("sms", rows=700, page=100, windows=2)
    ceiling.need("sms", unordered=True)
    ceiling.need("sms", rows=50)
    ceiling.need("a2p", rows=700, page=100)
    assert ceiling.least == 15 + 7


def test_what_is_tried_again_ends_sooner():
    """Some requests are left for what was not read at all."""
    ceiling = begun()
    with pytest.raises(CeilingReached):
        asked(ceiling, 36, extra=True)
    asked(ceiling, 15)


def test_every_run_begins_anew():
    """What one run asked for is not counted by the next; before the first, nothing is."""
    ceiling = Ceiling()
    asked(ceiling, 60)
    for _ in range(2):
        ceiling.begin()
        asked(ceiling, 50)


def test_a_request_within_one_counts_once():
    """Who asks for a page counts it, and so may what it asks."""
    ceiling = begun()
    with ceiling.asking(), ceiling.asking():
        pass
    assert ceiling.asked == 1


def test_who_would_go_beyond_waits_for_rows_under_way():
    """A page that is on its way may raise the ceiling; only when it has not is another one refused."""
    ceiling, waiting, done = begun(), threading.Event(), []
    asked(ceiling, 49)

    def late():
        waiting.set()
        asked(ceiling, 1)
        done.append(True)

    thread = threading.Thread(target=late)
    with ceiling.asking():
        thread.start()
        waiting.wait()
        ceiling.need("sms", rows=10, page=10)
    thread.join()
    assert done == [True]


def test_copies_bring_home_what_they_asked():
    """A copy in another process begins where the run is, and adds only what is new."""
    ceiling = begun()
    ceiling.need("sms", rows=10, page=10)
    asked(ceiling, 5)
    copy = pickle.loads(pickle.dumps(ceiling))
    copy.need("sms", rows=10)
    copy.need("a2p", counts=1)
    asked(copy, 2)
    ceiling.take(copy.drain())
    assert (ceiling.asked, ceiling.least) == (7, 3)
    assert copy.drain() == (0, {"sms": copy.drain().least["sms"], "a2p": copy.drain().least["a2p"]})
