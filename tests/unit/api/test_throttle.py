"""The limiter: a gate for threads, narrower after "too fast", wider after successes."""

import threading

import pytest

from voxlake.api.throttle import AdaptiveLimiter, SharedLimiter


def test_it_halves_and_recovers_by_one():
    """A rate limit halves what may run, down to one; ten successes in a row allow one more, up to the most."""
    limiter = AdaptiveLimiter(8)
    limits = []
    for _ in range(5):
        limiter.slow_down()
        limits.append(limiter.limit)
    assert limits == [4, 2, 1, 1, 1]
    for _ in range(9):
        limiter.succeeded()
    assert limiter.limit == 1
    limiter.succeeded()
    assert limiter.limit == 2
    for _ in range(200):
        limiter.succeeded()
    assert limiter.limit == 8


def test_trouble_begins_the_count_anew():
    """Successes before a rate limit do not speed up the recovery from it."""
    limiter = AdaptiveLimiter(4)
    limiter.slow_down()
    for _ in range(9):
        limiter.succeeded()
    limiter.slow_down()
    limiter.succeeded()
    assert limiter.limit == 1


def test_no_more_threads_than_the_limit_are_inside():
    """Those over the limit wait outside until another leaves, also where it shrank meanwhile."""
    limiter = AdaptiveLimiter(2)
    inside, (entered, leave, left) = [], (threading.Semaphore(0) for _ in range(3))

    def run(name):
        with limiter:
            inside.append(name)
            entered.release()
            leave.acquire(timeout=10)
            inside.remove(name)
        left.release()

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    assert all(entered.acquire(timeout=10) for _ in range(2))
    assert not entered.acquire(timeout=0.05)
    limiter.slow_down()
    leave.release()
    assert left.acquire(timeout=10)
    assert not entered.acquire(timeout=0.05)
    assert len(inside) == 1
    for _ in range(3):
        leave.release()
    assert all(entered.acquire(timeout=10) for _ in range(2))
    for thread in threads:
        thread.join(10)
    assert inside == []


def test_an_error_inside_frees_the_place():
    """A request that fails does not block the next."""
    limiter = AdaptiveLimiter(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), limiter:
            1 / 0  # noqa: B018 - any error
    assert not limiter._running


def test_what_one_account_hears_is_its_own_affair():
    """The limit over all accounts halves when several are too fast at the same time, and recovers as others do."""
    limiter = SharedLimiter(8)
    assert not any(limiter.slow_down_for(account) for account in (1, 1, 2, 1, 2))
    assert limiter.limit == 8
    for _ in range(10):
        limiter.succeeded()
    assert not limiter.slow_down_for(3)
    assert not limiter.slow_down_for(1)
    assert limiter.slow_down_for(2)
    assert limiter.limit == 4
    for _ in range(10):
        limiter.succeeded()
    assert limiter.limit == 5
