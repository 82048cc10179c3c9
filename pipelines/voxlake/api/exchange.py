"""Bound a whole HTTP exchange by one deadline, and know whether a byte of its request may have left.

The timeouts of requests and of sockets bound each wait for a packet alone, so that a proxy or a server that sends a
byte now and then holds its client for ever. A watchdog therefore shuts down the socket of an exchange that outlasts
its time, and whoever waits for that socket goes on at once. requests, urllib3 and http.client are extended by their
public names only: see docs/decisions/0016-what-a-reply-may-be.md.
"""

from __future__ import annotations

import functools
import socket
import threading
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout, ReadTimeout, Timeout
from urllib3.connection import HTTPConnection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import PoolManager

_AGAIN: Final = 0.2
"""Seconds until a socket that could not be shut is tried again: during its TLS handshake nobody can get hold of it, and
that has a time limit of its own."""


class Exchange:
    """One request and its reply.

    `left` is whether a byte of the request may have left this machine, `expired` whether its time is up.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.left = self.expired = False
        self._connection: HTTPConnection | None = None
        self._socket: Any = None

    def connects(self, connection: HTTPConnection) -> None:
        """Note the connection that is being made for the exchange."""
        self._connection = connection

    def leaves(self, connection: HTTPConnection) -> None:
        """Note that the request is about to be written; raises TimeoutError where its time is up already."""
        # A connection that the server closes forgets its socket, from which the reply is still to be read.
        self._socket = connection.sock
        if self.expired:
            raise TimeoutError("connecting took too long")
        self.left = True

    def timeout(self) -> Timeout:
        """Return what requests would have raised when the time was up."""
        return ReadTimeout() if self.left else ConnectTimeout()

    def expire(self) -> None:
        """Shut down the socket, for whoever waits for it."""
        self.expired = True
        found = self._socket or getattr(self._connection, "sock", None)
        found = getattr(found, "socket", found)  # TLS within the TLS of a proxy
        if isinstance(found, socket.socket):
            # Not by the method of an SSLSocket, which would first forget its encryption.
            with suppress(OSError):
                socket.socket.shutdown(found, socket.SHUT_RDWR)


_CURRENT: ContextVar[Exchange | None] = ContextVar("voxlake_exchange", default=None)
"""The exchange of the running thread: requests has no way to hand anything to a connection."""


class Watchdog:
    """Expires the exchanges that outlast their time, with one thread that runs while there are any."""

    def __init__(self) -> None:
        self._under_way: set[Exchange] = set()
        self._running = False
        self._gate = threading.Condition()

    @contextmanager
    def exchange(self, seconds: float) -> Iterator[Exchange]:
        """Yield the exchange of the block, which has this many seconds."""
        exchange = Exchange(time.monotonic() + seconds)
        with self._gate:
            self._under_way.add(exchange)
            if not self._running:
                self._running = True
                threading.Thread(target=self._watch, name="voxlake-deadlines", daemon=True).start()
        token = _CURRENT.set(exchange)
        try:
            yield exchange
        finally:
            _CURRENT.reset(token)
            # Under the lock: a socket that serves the next exchange must not be shut down for this one.
            with self._gate:
                self._under_way.discard(exchange)

    def _watch(self) -> None:
        """Wait for the next deadline; exchanges that begin meanwhile end later, for all have the same time."""
        with self._gate:
            while self._under_way:
                now = time.monotonic()
                for exchange in self._under_way:
                    if exchange.deadline <= now:
                        exchange.expire()
                first = min(exchange.deadline for exchange in self._under_way)
                self._gate.wait(min(max(first - now, _AGAIN), threading.TIMEOUT_MAX))
            self._running = False


class WatchedAdapter(HTTPAdapter):
    """An adapter of requests whose connections tell the exchange of their thread what happens to its request."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Create the manager of direct connections."""
        super().init_poolmanager(*arguments, **options)
        _watch_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the manager of the connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        _watch_connections(manager)
        return manager


class _Watched(HTTPConnection):
    """What is mixed into urllib3's own classes of connections."""

    _connecting = False

    def connect(self) -> None:
        """Connect, which covers what is said to a proxy before."""
        if exchange := _CURRENT.get():
            exchange.connects(self)
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        """Write, after connecting where that is to do, so that a request that cannot leave is known not to have."""
        if self.sock is None:
            self.connect()
        if not self._connecting and (exchange := _CURRENT.get()):
            exchange.leaves(self)
        super().send(data)


def _watch_connections(manager: PoolManager) -> None:
    """Replace the connections that a manager of urllib3 creates, also one for SOCKS, by watched ones."""
    manager.pool_classes_by_scheme = {scheme: _watched(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


@functools.cache
def _watched(pool: Any) -> Any:
    if issubclass(pool.ConnectionCls, _Watched):
        return pool
    connection = type(pool.ConnectionCls.__name__, (_Watched, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
