"""Show the log on stderr: the events of a run, as lines of text or of JSON, with their times in UTC."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from voxlake.cli.output import say
from voxlake.cli.verbosity import verbosity
from voxlake.events import LOGGER, Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from voxlake.events import Listener

_SHOWN: Final = "voxlake.log_shown"
_ERASED = "\r\033[K"
_LONG = 10.0
"""Seconds of a pause that a person who waits should know of."""


@contextmanager
def log_on_stderr(log_format: str | None) -> Iterator[None]:
    """Show the log during the block, where `-v` or a format asks for it."""
    ctx = click.get_current_context()
    verbose = verbosity(ctx)
    if not verbose and log_format is None:
        yield
        return
    handler, before = _Stderr(), LOGGER.level
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    ctx.meta[_SHOWN] = True
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before)


def log_is_shown() -> bool:
    """Whether the running command shows the log on stderr."""
    return bool(click.get_current_context().meta.get(_SHOWN))


def user_listener(show: Callable[[Mapping[str, Any]], None] | None = None) -> Listener:
    """Return who tells the user of long pauses, where no log does; `show` is called with what is done and planned."""
    notice = None if log_is_shown() else PauseNotice()

    def hear(event: Event) -> None:
        if notice is not None:
            notice(event)
        if show is not None and event.kind == Kind.PROGRESS:
            show(event.details)

    return hear


class PauseNotice:
    """A listener that says in words why nothing seems to happen, at most once in the time of a pause."""

    def __init__(self) -> None:
        self._silent_until: datetime | None = None

    def __call__(self, event: Event) -> None:
        """Name the reason of a long pause: a request that is sent again, or another run that publishes."""
        if event.kind == Kind.WAITING:
            say(f"{_ERASED if sys.stderr.isatty() else ''}voxlake: {event.message}")
        seconds = event.details.get("seconds")
        if event.kind != Kind.RETRY or not isinstance(seconds, float) or seconds < _LONG:
            return
        if self._silent_until is None or event.at >= self._silent_until:
            self._silent_until = event.at + timedelta(seconds=seconds)
            # What stands on a terminal's line is a progress bar.
            say(f"{_ERASED if sys.stderr.isatty() else ''}voxlake: {event.message}")


class _Stderr(logging.Handler):
    """Writes a line for each record; if nobody reads it any more, the run goes on."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        say(self.format(record))


def _event(record: logging.LogRecord) -> Event:
    """Return the event of a record, or one made of a record without."""
    event: Event | None = getattr(record, "event", None)
    if event is not None:
        return event
    return Event("log", datetime.fromtimestamp(record.created, UTC), record.getMessage(), "warning")


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return time, level and sentence."""
        event = _event(record).to_json()
        return f"{event['time']} {event['level'].upper():7} {event['message']}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object."""
        return json.dumps(_event(record).to_json(), ensure_ascii=False)
