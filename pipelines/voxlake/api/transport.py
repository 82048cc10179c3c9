"""Send requests to the Management API and read their replies, again where that can help.

A reply has a largest size, and one deadline for all of it: see docs/decisions/0016-what-a-reply-may-be.md.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import requests

from voxlake.api import announce
from voxlake.api.body import Response, read_body
from voxlake.api.connections import Connections
from voxlake.api.environment import check_encrypted
from voxlake.api.errors import (
    NETWORK_ERRORS,
    STALE_TOKEN,
    ApiAnswerError,
    answer_fault,
    checked,
    http_date,
    network_fault,
    raise_final,
    raise_for_status,
    refusal,
    retry_after,
)
from voxlake.api.retry import Fault, FaultError, Final, RetryPolicy
from voxlake.api.throttle import AdaptiveLimiter
from voxlake.errors import SettingsError
from voxlake.events import Emitter
from voxlake.transform import BrokenReplyError, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from voxlake.api.archive import Archive
    from voxlake.api.auth import Credentials
    from voxlake.clock import Clock

T = TypeVar("T")

API_URL = "https://api.voximplant.com/platform_api"
_CONNECT_TIMEOUT = 10
_NOTABLE_OFFSET = 300.0
"""Clocks that differ by no more seconds are taken to be equal: replies take time, and their dates are rounded."""


class ApiClient:
    """The methods of one account.

    Safe to share between threads: at most `jobs` requests are under way at the same time, fewer while the API says
    that this is too fast. `requests` counts those sent so far; `clock_offset` is by how many seconds the API's clock is
    ahead of `clock`, by the Date headers of its replies: None before the first, 0 where it is less than minutes, which
    `clock_difference` has to a second. `patience` bounds the seconds spent on a call with all its repetitions,
    `timeout` those for one reply. `clock` waits and measures, `random` (0 to 1) spreads the waits; `archive` is given
    every reply, `events` hears what happens. `connections` are those that it shares with other accounts, and stay open.
    A copy that was pickled has connections and counts of its own, which `drain` brings home.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        jobs: int = 4,
        patience: float = 180.0,
        timeout: float = 60.0,
        clock: Clock,
        random: Callable[[], float],
        archive: Archive | None = None,
        events: Emitter | None = None,
        insecure_http: bool = False,
        connections: Connections | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.account_id = credentials.account_id
        self.jobs = jobs
        self._credentials = credentials
        self._policy, self._timeout = RetryPolicy(patience=patience), timeout
        self._clock, self._random, self._archive = clock, random, archive
        self.events = events or Emitter(clock)
        self.is_copy = False
        try:
            requests.Request("POST", self.url).prepare()
            self._open(connections)
            self._session.get_adapter(self.url)
        except (requests.exceptions.RequestException, ValueError) as error:
            raise SettingsError(f"The API address {url!r} is not a URL: set one like {API_URL}.") from error
        check_encrypted(self.url, insecure_http=insecure_http)

    def _open(self, connections: Connections | None = None) -> None:
        """Create what belongs to one process: connections, counts and locks."""
        self.requests = 0
        self.clock_offset: float | None = None
        self.clock_difference: float | None = None
        self.limiter = AdaptiveLimiter(self.jobs)
        self._counting = threading.Lock()
        self._out_of_patience = False
        self.shared = None if connections is None else connections.limiter  # alone, an account has its own only
        self._connections = connections or Connections(self.url, jobs=self.jobs)
        self._session = self._connections.session

    def now(self) -> datetime:
        """Return the time in UTC by our clock or the API's, whichever is earlier."""
        return self._clock.now() + timedelta(seconds=min(self.clock_offset or 0.0, 0.0))

    def close(self) -> None:
        """Close the connections, unless they are shared."""
        if self.shared is None:
            self._connections.close()

    def __getstate__(self) -> dict[str, Any]:
        """Return the settings; what belongs to one process is created anew in the other."""
        own = {"requests", "clock_offset", "clock_difference", "limiter", "_counting", "_out_of_patience"}
        own |= {"_session", "_connections", "shared"}
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.is_copy = True
        self._open()

    def drain(self) -> tuple[int, float | None]:
        """Return the requests that a copy has sent since the last time, and what it knows of the API's clock."""
        with self._counting:
            sent = self.requests if self.is_copy else 0
            self.requests -= sent
            return sent, self.clock_offset

    def take(self, sent: int, offset: float | None) -> None:
        """Count the requests of a copy, and learn an offset of the API's clock if it is the smallest so far."""
        with self._counting:
            self.requests += sent
            if offset is not None and (self.clock_offset is None or abs(offset) < abs(self.clock_offset)):
                self.clock_offset = offset

    def ask(
        self,
        method: str,
        parameters: Mapping[str, str],
        read: Callable[[dict[str, Any]], T],
        *,
        roles: tuple[str, ...],
        once: bool = False,
        private: bool = False,
        patience: float | None = None,
    ) -> T:
        """Call a method whose reply is JSON, and return what `read` makes of it; raises what `call` raises."""

        def whole(body: bytes) -> T:
            return read(checked(parse_json(body)))

        return self.call(method, parameters, whole, roles=roles, once=once, private=private, patience=patience)

    def call(
        self,
        method: str,
        parameters: Mapping[str, str],
        read: Callable[[bytes], T],
        *,
        roles: tuple[str, ...],
        once: bool = False,
        private: bool = False,
        patience: float | None = None,
    ) -> T:
        """Call a method, and return what `read` makes of its reply; transient faults are retried, answers are raised.

        With `once`, for what must not be executed twice, like a send, only requests that certainly had no effect are
        retried. A `private` reply holds secrets, and is given to no archive. `patience` is that of a call that can be
        done without. `read` may raise `BrokenReplyError` and `ApiAnswerError`; `roles` are named in a refusal.

        Raises:
            OutcomeUnknown: with `once`, the request may or may not have been executed.
            CredentialsRefused: code 100 and the codes of tokens (a missing role looks the same as a bad key), or
                HTTP 401 and 403 again and again.
            Refused: the account may not call this method.
            ApiRejected: any other code of the API.
            Unavailable: the faults outlasted the patience.
            SettingsError: the address is not the API's, or the environment's proxy or CA bundle cannot be used.

        """
        own = self._policy.patience
        deadline = self._clock.time() + min(own, own if patience is None else patience)
        renewed, attempt = False, 0
        while True:
            attempt += 1
            try:
                response = self._receive(method, parameters, private=private)
                result = self._read(response, read, once=once)
            except FaultError as error:
                self._pause(error.fault, method, attempt=attempt, deadline=deadline, once=once, counts=patience is None)
            except ApiAnswerError as answer:
                if renewed or answer.code not in STALE_TOKEN:
                    ahead = None if self.clock_offset is None else -self.clock_offset
                    raise refusal(answer, method, roles, clock_ahead=ahead) from None
                renewed = True
                self._credentials.renew(server_time=response.server_time)
            else:
                self._out_of_patience = False
                self.limiter.succeeded()
                if self.shared is not None:
                    self.shared.succeeded()
                return result

    def _receive(self, method: str, parameters: Mapping[str, str], *, private: bool) -> Response:
        """Send one request, when there is room for it, and return its reply with status 200."""
        with self.limiter, self.shared or nullcontext():
            sent_at = self._clock.time()
            response = self._send(method, parameters)
        answered_at = self._clock.time()
        announce.reply(self.events, method, response, answered_at - sent_at)
        if response.server_time is not None and response.status == requests.codes.ok:
            self._compare_clocks(response.server_time, sent_at, answered_at)
        # Where the server tells its time, its dates are measured by that: ours may be off.
        now = self._clock.time() if response.server_time is None else response.server_time
        raise_for_status(response.status, wait=retry_after(response.retry_after, now))
        if self._archive is not None and not private:
            self._archive.keep(method, parameters, response.body, at=self.now())
        return response

    def _compare_clocks(self, server_time: float, sent_at: float, received_at: float) -> None:
        """Learn how far the API's clock is ahead: zero where its time lies between sending and receiving.

        Of several replies, the one that agrees most with our clock is believed: a cache may send an old date.
        """
        found = server_time - min(max(server_time, sent_at), received_at)
        self.clock_difference = min(found, found if self.clock_difference is None else self.clock_difference, key=abs)
        self.take(0, found if abs(found) > _NOTABLE_OFFSET else 0.0)

    @staticmethod
    def _read(response: Response, read: Callable[[bytes], T], *, once: bool) -> T:
        """Return what `read` makes of a body; what is worth another attempt becomes a fault."""
        try:
            return read(response.body)
        except BrokenReplyError as error:
            raise _unreadable(error) from None
        except ApiAnswerError as answer:
            if fault := answer_fault(answer, once=once):
                raise FaultError(fault) from None
            raise

    def _pause(self, fault: Fault, method: str, *, attempt: int, deadline: float, once: bool, counts: bool) -> None:
        """Wait before the next attempt, or raise where there is none; whether others wait less then `counts`."""
        if fault.too_fast and self.limiter.slow_down():
            announce.slowed(self.events, self.limiter.limit)
        if fault.too_fast and self.shared is not None and self.shared.slow_down_for(self.account_id):
            announce.slowed(self.events, self.shared.limit, all_accounts=True)
        # Once one call has waited in vain, the others don't each wait as long again.
        left = 0.0 if self._out_of_patience else deadline - self._clock.time()
        next_step = self._policy.decide(fault, attempt=attempt, left=left, once=once, jitter=self._random())
        if isinstance(next_step, Final):
            self._out_of_patience |= counts and next_step is Final.OUT_OF_PATIENCE
            raise_final(next_step, fault, method=method, url=self.url)
        announce.retry(self.events, method, fault, attempt=attempt, seconds=next_step, left=left)
        self._clock.sleep(next_step)

    def _send(self, method: str, parameters: Mapping[str, str]) -> Response:
        """Send one request and read its reply within the time for it.

        Raises:
            FaultError: no whole reply came.
            SettingsError: the environment's proxy or CA bundle cannot be used.

        """
        with self._counting:
            self.requests += 1
        with self._connections.watchdog.exchange(self._timeout) as exchange:
            try:
                with self._session.post(
                    f"{self.url}/{method}",
                    data=parameters,
                    auth=self._credentials,
                    timeout=(min(_CONNECT_TIMEOUT, self._timeout), self._timeout),
                    allow_redirects=False,
                    stream=True,
                ) as reply:
                    exchange.left = True
                    body = read_body(reply.raw) if reply.status_code == requests.codes.ok else b""
            except BrokenReplyError as error:
                raise _unreadable(error) from None
            except NETWORK_ERRORS as error:
                reason = exchange.timeout() if exchange.expired else error
                # Not chained: the cause holds the request, and with it the key.
                raise FaultError(network_fault(reason, left=exchange.left)) from None
            if exchange.expired:
                # What the watchdog cut off can look like an end.
                raise FaultError(network_fault(exchange.timeout(), left=exchange.left))
        headers = reply.headers
        return Response(reply.status_code, body, http_date(headers.get("Date")), headers.get("Retry-After"))


def _unreadable(error: BrokenReplyError) -> FaultError:
    """Return the fault of a reply that is broken; what is in it is for nobody's log."""
    return FaultError(Fault(f"the reply could not be read: {error}", label="the reply could not be read"))
