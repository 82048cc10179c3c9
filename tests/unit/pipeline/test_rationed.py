"""Shares of one limit: how many requests each task may have under way, and what those after it get."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.contexts import StandingClock, noon

from voxlake.api import ApiClient, ApiKey, HistoryApi, allot, hear, left_of
from voxlake.errors import ExecutorFailed
from voxlake.pipeline.rationed import Parcel, Rationed
from voxlake.pipeline.work import Work


def history(jobs=8):
    """Return a history that is asked for nothing."""
    clock = StandingClock(noon(2026, 3, 10))
    key = ApiKey(1234567, "secret-of-a-test")
    return HistoryApi(ApiClient("http://127.0.0.1:9", key, jobs=jobs, clock=clock, random=pickle.dumps))


LOCK, UNDER_WAY = threading.Lock(), []


def look(its):
    """Return the share of a task, and of all that are under way."""
    share = its.client.limiter.limit
    with LOCK:
        UNDER_WAY.append(share)
        together = sum(UNDER_WAY)
    threading.Event().wait(0.002)
    with LOCK:
        UNDER_WAY.remove(share)
    return share, together


def slowed(its):
    """Be too fast twice."""
    its.client.limiter.slow_down()
    its.client.limiter.slow_down()


@pytest.fixture
def executor():
    """Lend threads, to which tasks come as they do to processes."""
    rationed = Rationed(ThreadPoolExecutor(4), width=lambda: 4, here=1, carries=False, several=False)
    yield rationed
    rationed.shutdown()


def test_shares(executor):
    """Alone, a task has all of the limit; what is submitted together shares it, and never has more together."""
    its = history()
    assert executor.submit(Work(look, its, (), {})).result().value == (8, 8)
    found = [future.result().value for future in [executor.submit(Work(look, its, (), {})) for _ in range(9)]]
    assert max(together for _, together in found) <= 8
    assert min(share for share, _ in found) == 2
    its.close()


def test_too_fast(executor):
    """A task that was too fast lowers what those after it get, once for all that began before."""
    its = history()
    for future in [executor.submit(Work(slowed, its, (), {})) for _ in range(4)]:
        assert future.result().left == 0.25
    assert its.client.limiter.limit == 2
    assert executor.submit(Work(look, its, (), {})).result().value == (2, 2)
    for _ in range(6):
        hear(its.client, requests=10, left=1, before=2)
    assert executor.submit(Work(look, its, (), {})).result().value == (8, 8)
    its.close()


def test_a_pause_below_one_request():
    """Of a share of one that is still too fast, less and less is used, and more again after successes."""
    its = pickle.loads(pickle.dumps(history()))
    assert left_of(its.client) == 1
    allot(its.client, 1)
    its.client.limiter.slow_down()
    its.client.limiter.slow_down()
    assert left_of(its.client) == 0.25
    for _ in range(20):
        its.client.limiter.succeeded()
    assert left_of(its.client) == 1


def test_what_is_sent_says_nothing():
    """No key is in what an executor logs of a task; a worker of another version refuses it."""
    work = Work(look, history(), (), {})
    parcel = Parcel.of(work)
    assert "secret" not in f"{work!r} {parcel!r} {parcel}"
    assert parcel().value[0] == 8
    with pytest.raises(ExecutorFailed, match=r"a worker has voxlake .*, and the run has 0\.1"):
        Parcel("0.1", parcel.content)()
