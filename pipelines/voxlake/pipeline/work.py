"""A task as a value: what an executor does in whatever thread or process, and what comes of it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from voxlake.api import allot, left_of
from voxlake.errors import VoxlakeError
from voxlake.lake import Lake
from voxlake.pipeline.carried import CarriedLake, elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.api import HistoryApi, Share
    from voxlake.events import Event
    from voxlake.pipeline.carried import Brought

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What a task returned, or raised, with what the process of the run does not know yet.

    `left` is how much it uses of its share of the requests (0 to 1), less than all where the API has said that this is
    too fast; `brought` is what it has written.
    """

    value: T | None
    error: Exception | None
    events: tuple[Event, ...]
    requests: int
    clock_offset: float | None
    share: Share | None
    left: float = 1.0
    brought: Brought | None = None


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """A task, a function of the history and further arguments, all of which can be pickled; called, it is done.

    In another process, at most `at_once` requests of it are under way, if that is said. Its repr has no arguments,
    because executors log it.
    """

    task: Callable[..., T]
    history: HistoryApi = field(repr=False)
    arguments: tuple[Any, ...] = field(repr=False)
    named: dict[str, Any] = field(repr=False)
    at_once: int | None = None

    def __call__(self) -> Done[T]:
        """Do the task.

        What it raises is part of its result, so that whatever else comes is known to be the executor's.
        """
        history, client = self.history, self.history.client
        if not client.is_copy:
            return self._done(*self._tried(self.arguments))
        if self.at_once is not None:
            allot(client, self.at_once)
        try:
            at = next((n for n, its in enumerate(self.arguments) if isinstance(its, (Lake, CarriedLake))), None)
            if at is None:
                return self._done(*self._tried(self.arguments))
            with elsewhere(self.arguments[at]) as (lake, brings):
                tried = self._tried((*self.arguments[:at], lake, *self.arguments[at + 1 :]))
                return self._done(*tried, brings())
        finally:
            history.close()

    def _tried(self, arguments: tuple[Any, ...]) -> tuple[T | None, Exception | None]:
        try:
            return self.task(self.history, *arguments, **self.named), None
        except VoxlakeError as trouble:
            return None, trouble
        except Exception as bug:  # noqa: BLE001 - raised again by `Context.result`
            if self.history.client.is_copy:
                # Its traceback stays in this process.
                bug.add_note(traceback.format_exc())
            return None, bug

    def _done(self, value: T | None, error: Exception | None, brought: Brought | None = None) -> Done[T]:
        history, client = self.history, self.history.client
        share = history.ceiling.drain() if client.is_copy else None
        sent, offset = client.drain()
        left = left_of(client) if client.is_copy else 1.0
        return Done(value, error, history.events.drain(), sent, offset, share, left, brought)
