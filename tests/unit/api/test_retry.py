"""The retry policy: which fault is retried after how long, and which is final."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.api.retry import Fault, Final, RetryPolicy

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


@pytest.mark.parametrize("harmless", [{"not_executed": True}, {"too_fast": True}, {"denied": True}])
def test_what_must_not_happen_twice_is_retried_only_where_it_did_not_happen(harmless):
    """A send is repeated after a fault that certainly had no effect, and after no other."""
    assert decided(Fault("a fault"), once=True) is Final.OUTCOME_UNKNOWN
    assert decided(Fault("a fault", **harmless), once=True) == 0.5


@given(FAULTS, st.integers(1, 50), st.floats(0, 4000), st.booleans(), st.floats(0, 1))
def test_no_decision_breaks_a_promise(fault, attempt, left, once, jitter):
    """Whatever happens: no doubled send, no wait beyond the patience, none shorter than the server asks."""
    decision = decided(fault, attempt=attempt, left=left, once=once, jitter=jitter)
    if isinstance(decision, Final):
        assert (decision is Final.OUTCOME_UNKNOWN) == (once and not fault.harmless)
    else:
        assert max(fault.wait, 0.25) <= decision <= left
        assert fault.harmless or not once
        assert not (fault.denied and attempt >= 3)
