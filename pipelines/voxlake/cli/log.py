"""Show the log on stderr: the events of a run, as lines of text or of JSON, with their times in UTC."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from voxlake.cli.output import say
from voxlake.cli.verbosity import verbosity
from voxlake.events import LOGGER, Event

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN: Final = "voxlake.log_shown"


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
