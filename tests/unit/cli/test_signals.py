"""A signal is an exception in the main thread, whose request is remembered until it is answered."""

import contextlib
import signal
import threading

import pytest

from voxlake.cli import signals
from voxlake.cli.signals import Stopped, deferred, handled, requested, stoppable

INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.fixture(autouse=True)
def own_handlers():
    """Begin with Python's own handlers, and find them again at the end."""
    before = {number: signal.getsignal(number) for number in (INT, TERM, signal.SIGALRM)}
    signal.signal(INT, signal.default_int_handler)
    signal.signal(TERM, signal.SIG_DFL)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), [(INT, 130), (TERM, 143)])
def test_a_signal_is_an_exception(number, code):
    """The block ends, its `finally` runs, and the caller gets Python's handlers back."""
    cleaned = []
    with pytest.raises(Stopped, match=f"^Stopped by {number.name} before the end") as caught, handled():  # noqa: PT012 - the block is what is tested
        try:
            signal.raise_signal(number)
        finally:
            cleaned.append(1)
    assert (caught.value.exit_code, cleaned, requested()) == (code, [1], caught.value)
    assert signal.getsignal(INT) is signal.default_int_handler
    assert signal.getsignal(TERM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_sentence_of_its_own():
    """The innermost block says what a stop means there, and Ctrl-C can have another exit code."""
    with pytest.raises(Stopped, match=r"^inner SIGINT$") as caught, handled(), stoppable("outer {signal}"):  # noqa: PT012 - the block is what is tested
        outer = signal.getsignal(INT)
        with stoppable("passed {signal}"):
            pass
        assert signal.getsignal(INT) is outer
        with stoppable("inner {signal}", interrupted=75):
            signal.raise_signal(INT)
    assert caught.value.exit_code == 75


def test_imports_end_first():
    """What is deferred is raised at the end of the block."""
    done = []
    with pytest.raises(Stopped), handled():  # noqa: PT012 - the block is what is tested
        with deferred():
            signal.raise_signal(INT)
            done.append("block")
        done.append("after")
    assert done == ["block"]


def test_an_exception_that_becomes_another():
    """The request is remembered where a library makes another error of the exception; the next run begins anew."""
    with handled():
        with contextlib.suppress(Stopped):
            signal.raise_signal(INT)
        assert str(requested()) == "Stopped by SIGINT before the end."
    with handled():
        assert requested() is None


def test_an_exception_lost_in_a_destructor(monkeypatch):
    """What a destructor swallowed is raised once more."""
    monkeypatch.setattr(signals, "AGAIN", 0.001)

    class Swallowing:
        def __del__(self):
            signal.raise_signal(INT)

    with pytest.raises(Stopped), handled():  # noqa: PT012 - the block is what is tested
        Swallowing()
        threading.Event().wait(10)
        pytest.fail("the stop was lost")


def test_ignored_signals_stay_ignored():
    """Who was started to ignore Ctrl-C goes on ignoring it."""
    signal.signal(INT, signal.SIG_IGN)
    with handled():
        signal.raise_signal(INT)
    assert requested() is None
    assert signal.getsignal(INT) is signal.SIG_IGN


def test_said_once(capfd):
    """The sentence is written past all buffers, and once."""
    stopped = Stopped("Stopped.", 130)
    with handled():
        signals.announce(stopped)
        signals.announce(stopped)
    assert capfd.readouterr().err == "voxlake: Stopped.\n"


def test_not_in_the_main_thread():
    """A thread cannot set handlers, and runs without."""
    seen = []

    def run():
        with handled():
            seen.append(signal.getsignal(INT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
