"""One limit of requests for a run whose tasks are done in several processes: each is given a share of it.

The limiters of the run's own client are the limit. A copy of the client in another process may have so many requests
under way as it was allotted. What it has learned of a limit of the API's reaches the client, and lowers what others
get.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from voxlake.api.throttle import AdaptiveLimiter

if TYPE_CHECKING:
    from voxlake.api.transport import ApiClient

_FIRST, _LONGEST = 0.1, 12.8
"""Seconds of the shortest and of the longest pause before a request."""
_EASED: Final = 10
"""After so many successes in a row, the pause is halved."""


class ShareLimiter(AdaptiveLimiter):
    """The limiter of a share: where one request at a time is still too fast, because others send theirs, it pauses.

    `fraction` is how much is left of the share: 1 where nothing was too fast.
    """

    def __init__(self, share: int) -> None:
        super().__init__(share)
        self._share = share
        self._halved = self._in_a_row = 0

    @property
    def fraction(self) -> float:
        """How much of the share is used (0 to 1)."""
        return self.limit / self._share / 2.0**self._halved

    def __enter__(self) -> None:
        super().__enter__()
        if self._halved:
            threading.Event().wait(min(_LONGEST, _FIRST * 2 ** (self._halved - 1)))

    def slow_down(self) -> bool:
        """Halve the limit, and below one request begin to pause; returns whether the limit is lower now."""
        with self._gate:
            self._in_a_row = 0
            self._halved += self.limit == 1
        return super().slow_down()

    def succeeded(self) -> None:
        """Record a success; after some in a row, the pause is shorter, and after that the limit grows."""
        with self._gate:
            self._in_a_row += 1
            if self._halved:
                if self._in_a_row >= _EASED:
                    self._in_a_row, self._halved = 0, self._halved - 1
                return
        super().succeeded()


def limiters(client: ApiClient) -> tuple[AdaptiveLimiter, ...]:
    """Return the limiters of a client: its own, and where there is one, that of all accounts of the run."""
    return (client.limiter,) if client.shared is None else (client.limiter, client.shared)


def allot(copy: ApiClient, requests: int) -> None:
    """Allow a copy at most so many requests under way."""
    copy.limiter = ShareLimiter(requests)


def left_of(copy: ApiClient) -> float:
    """Return how much of its share a copy uses since it was too fast (0 to 1)."""
    return copy.limiter.fraction if isinstance(copy.limiter, ShareLimiter) else 1.0


def hear(client: ApiClient, *, requests: int, left: float, before: int) -> None:
    """Take what a copy has learned with so many requests: where it was too fast, the limit is lower for all.

    `left` is what it uses of its share, and `before` the limit when it began: what several hear is not lowered twice.
    """
    if left < 1:
        is_news = client.limiter.lower(max(1, int(before * left)))
        if is_news and client.shared is not None:
            client.shared.slow_down_for(client.account_id)
        return
    for limiter in limiters(client):
        for _ in range(requests):
            limiter.succeeded()
