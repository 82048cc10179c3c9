"""The retry policy: which fault is retried after how long, and which is final."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.api.retry import MAYBE_DONE, Fault, Final, RetryPolicy, certainly_not_done

POLICY = RetryPolicy(patience=180)
FAULTS = st.builds(Fault, st.just("a fault"), st.floats(0, 100), st.booleans(), st.booleans(), st.booleans())


def decided(fault, *, attempt=1, left=180.0, once=False, jitter=1.0, policy=POLICY):
    """Return the decision on a fault."""
    return policy.decide(fault, attempt=attempt, left=left, once=once, jitter=jitter)


def test_delays_grow_and_the_last_repeats():
    """Each failure of a call waits longer than the one before, at most a minute."""
    waits = [decided(Fault("a fault"), attempt=attempt) for attempt in range(1, 12)]
    assert waits == [0.5, 1, 2, 4, 8, 15, 30, 60, 60, 60, 60]


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 4.0), (0.5, 6.0), (1.0, 8.0)])
def test_jitter_takes_up_to_half_of_a_delay(jitter, wait):
    """Clients that failed together do not come back together."""
    assert decided(Fault("a fault"), attempt=5, jitter=jitter) == wait


def test_a_server_that_asks_for_more_gets_it():
    """A Retry-After longer than the delay counts; a shorter one does not."""
    assert decided(Fault("HTTP 503", wait=20)) == 20
    assert decided(Fault("HTTP 503", wait=0.1)) == 0.5


def test_patience_ends_before_the_next_attempt():
    """A pause that would outlast the patience is not begun."""
    assert decided(Fault("a fault"), attempt=8, left=60) == 60
    assert decided(Fault("a fault"), attempt=8, left=59.9) is Final.OUT_OF_PATIENCE
    assert decided(Fault("HTTP 429", wait=3600, too_fast=True)) is Final.OUT_OF_PATIENCE


def test_the_third_denial_is_final():
    """HTTP 401 and 403 may be transient twice; a policy may set another number."""
    denied = Fault("HTTP 403", denied=True)
    assert [decided(denied, attempt=attempt) for attempt in (1, 2, 3)] == [0.5, 1, Final.DENIED]
    assert decided(denied, policy=RetryPolicy(denials=1)) is Final.DENIED


@pytest.mark.parametrize(
    ("facts", "not_done"),
    [
        ({"left": False}, True),
        ({"left": True}, False),
        ({"left": True, "status": 429}, True),
        *(
            ({"left": True, "status": status}, False)
            for status in (200, 204, 302, 401, 403, 404, 407, 410, 451, 500, 503)
        ),
        *(({"left": True, "status": 200, "code": code}, True) for code in (100, 340, 386, 456, 484, 507, 9999)),
        *(({"left": True, "status": 200, "code": code}, False) for code in sorted(MAYBE_DONE)),
        ({"left": True, "status": 403, "code": 100}, False),
    ],
)
def test_what_certainly_was_not_done(facts, not_done):
    """Nothing left, or the API itself says so: by its code with status 200, or by HTTP 429. Nothing else counts."""
    assert certainly_not_done(**facts) is not_done


def test_what_must_not_happen_twice_is_retried_only_where_it_did_not_happen():
    """A send is repeated after a fault that certainly had no effect, and after no other."""
    for fault in (Fault("a fault"), Fault("HTTP 403", denied=True), Fault("HTTP 404", elsewhere=True)):
        assert decided(fault, once=True) is Final.OUTCOME_UNKNOWN
    assert decided(Fault("a fault", not_executed=True), once=True) == 0.5
    assert decided(Fault("HTTP 404", elsewhere=True)) is Final.ELSEWHERE


@given(FAULTS, st.integers(1, 50), st.floats(0, 4000), st.booleans(), st.floats(0, 1))
def test_no_decision_breaks_a_promise(fault, attempt, left, once, jitter):
    """Whatever happens: no doubled send, no wait beyond the patience, none shorter than the server asks."""
    decision = decided(fault, attempt=attempt, left=left, once=once, jitter=jitter)
    if isinstance(decision, Final):
        assert (decision is Final.OUTCOME_UNKNOWN) == (once and not fault.not_executed)
    else:
        assert max(fault.wait, 0.25) <= decision <= left
        assert fault.not_executed or not once
        assert not (fault.denied and attempt >= 3)
