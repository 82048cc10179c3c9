"""Progress in words: what is said, when, and what of it on a narrow terminal."""

from datetime import timedelta

import pytest
from support.contexts import StandingClock, noon

from voxlake.cli.progress import Progress, duration, fitting
from voxlake.events import Emitter, Kind


class Shown:
    """A progress by a clock that is set, and the lines that it shows."""

    def __init__(self, width=None, what="export"):
        self.clock, self.lines = StandingClock(noon(2026, 3, 10)), []
        self.progress = Progress(what, self.clock, width=width, show=self.lines.append)
        self.events = Emitter(self.clock, self.progress)

    def after(self, seconds):
        """Let time pass, as the thread that follows it sees it."""
        self.clock.at += timedelta(seconds=seconds)
        self.progress.tick()
        return self.lines[-1] if self.lines else ""

    def reach(self, done, planned, *, accounts=(0, 1)):
        """Announce that days are done."""
        self.events.emit(Kind.PROGRESS, "", done=done, planned=planned, accounts_done=accounts[0], accounts=accounts[1])

    def fail(self, attempt, *, seconds=2.0, left=130, reason="no connection"):
        """Announce that a request failed."""
        self.events.emit(
            Kind.RETRY, "", method="GetSmsHistory", reason=reason, attempt=attempt, seconds=seconds, left=left
        )


def test_what_is_done_and_left():
    """Days, rows, rows a second, the time that is left, and requests that were repeated."""
    shown = Shown(120)
    assert shown.after(3) == "export: begins, 3 s"
    shown.events.emit(Kind.PLANNED, "", read=60)
    assert shown.after(2) == "export: asking the API, 5 s"
    shown.fail(1)
    shown.events.emit(Kind.WINDOW_READ, "", rows=12_000, days=12)
    shown.events.emit(Kind.REQUEST, "", status=200)
    shown.reach(12, 60)
    assert shown.after(25) == "export: 12 of 60 days, 12,000 rows, 400 rows/s, 2 min 0 s left, 1 repeated"
    shown.reach(60, 60)
    assert shown.lines[-1].startswith("export: 60 of 60 days, 12,000 rows, 400 rows/s, counting and publishing")
    shown.reach(10, 60, accounts=(3, 12))
    assert shown.lines[-1].startswith("export: 3 of 12 accounts, 10 of 60 days, ")
    assert "1 min 30 s left" in shown.lines[-1]


def test_a_closed_port_is_not_silent():
    """It is said that the API is unreachable and for how long it is tried, which counts down, until a reply comes."""
    shown = Shown(80)
    shown.fail(1)
    assert shown.lines[-1] == "export: unreachable, trying again for 2 min 10 s"
    assert shown.after(70) == "export: unreachable, trying again for 1 min 0 s"
    assert shown.after(70) == "export: unreachable, giving up"
    shown.fail(3, reason="HTTP 503", left=20)
    assert shown.lines[-1] == "export: the API answers HTTP 503, trying again for 20 s"
    shown.events.emit(Kind.REQUEST, "", status=503)
    assert "HTTP 503" in shown.lines[-1]
    shown.events.emit(Kind.REQUEST, "", status=200)
    assert "HTTP 503" not in shown.lines[-1]
    narrow = Shown(40)
    narrow.fail(1)
    assert narrow.lines[-1] == "unreachable, trying again for 2 min 10 s"


def test_without_a_terminal():
    """A dated line comes at most every 30 seconds, trouble that lasts at once, and nothing of what is over soon."""
    shown = Shown()
    for seconds in range(0, 29, 4):
        shown.reach(seconds, 100)
        shown.after(4 if seconds < 28 else 1)
    assert shown.lines == []
    assert shown.after(1) == "2026-03-10 12:00:30 UTC voxlake export: 28 of 100 days, 1 min 17 s left"
    shown.after(29)
    assert len(shown.lines) == 1
    for attempt in range(1, 4):
        shown.fail(attempt)
    assert len(shown.lines) == 1
    shown.fail(4)
    shown.fail(5)
    assert len(shown.lines) == 2
    assert shown.lines[-1].endswith("voxlake export: unreachable, trying again for 2 min 10 s")
    shown.after(30)
    assert len(shown.lines) == 3
    assert shown.lines[-1].endswith("trying again for 1 min 40 s")


def test_other_commands():
    """Messages that are sent, replies that are replayed, and steps without a number."""
    sending = Shown(80, "send")
    sending.after(10)
    sending.progress.step(done=300, of=1000, unit="message")
    assert sending.lines[-1] == "send: 300 of 1,000 messages, 30.0 messages/s, 23 s left"
    replaying = Shown(80, "replay")
    replaying.events.emit(Kind.REPLIES_READ, "", replies=1200)
    assert replaying.lines[-1] == "replay: 1,200 pages, reading kept replies"
    drawing = Shown(80, "dashboard")
    drawing.progress.step("drawing")
    assert drawing.after(61) == "dashboard: drawing, 1 min 1 s"
    loading = Shown(80, "publish")
    loading.after(10)
    loading.events.emit(Kind.LOADED, "", done=100, planned=300, rows=2_000_000)
    assert loading.lines[-1] == "publish: 100 of 300 days, 2,000,000 rows, 200,000 rows/s, 20 s left"
    publishing = Shown(None, "publish")
    publishing.events.emit(Kind.WAITING, "Another run publishes.")
    assert publishing.lines[-1].endswith("voxlake publish: waiting for another run that publishes, 0 s")


@pytest.mark.parametrize("width", range(1, 80))
def test_fitting(width):
    """A line is never longer than the terminal, and what matters most stays."""
    parts = [(5, "export:"), (0, "12 of 60 days,"), (2, "12,000 rows,"), (4, "400 rows/s,"), (1, "2 min 0 s left")]
    line = fitting(parts, width)
    assert len(line) <= width
    assert line.startswith(("12 of 60 days", "export: 12 of 60 days")) or width < len("12 of 60 days,")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min 0 s"), (130, "2 min 10 s"), (3600, "1 h"), (3725, "1 h 2 min"), (90_000, "1 d 1 h")],
)
def test_durations(seconds, words):
    """The two largest units of a length of time."""
    assert duration(seconds) == words
