"""The wire of the sandbox: HTTP/1.1 with kept connections, and everything that goes wrong on one."""

from __future__ import annotations

import gzip
import random
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol

from .admin import PREFIX
from .responses import Reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from .faults import Faults

_HTML = b"<html><head><title>Gateway</title></head><body>Something went wrong.</body></html>"


class Answerer(Protocol):
    """What a server serves."""

    faults: Faults
    gzip: bool
    now: Callable[[], float]
    """The server's clock: UTC seconds."""

    def answer(self, target: str, headers: Any, body: bytes, fault: str | None) -> Reply:
        """Answer one request."""


class Server(ThreadingHTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    answerer: Answerer
    _stopped = False

    def server_close(self) -> None:
        """Stop for good: what threads still answer goes nowhere."""
        self._stopped = True
        super().server_close()

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Speak TLS; the handshake is left to each connection's thread, so that a slow client holds up nobody."""
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take it calmly that a client went away, or that we did; a bug of ours is told."""
        if not self._stopped and not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # Without these, each reply waits for the acknowledgement of its own headers.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        """Answer a query."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Answer a form."""
        self._answer(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        answerer = self.server.answerer
        fault = None if self.path.startswith(PREFIX) else answerer.faults.draw()
        if fault == "reset":
            self._reset()
            return
        if fault == "stall":
            time.sleep(answerer.faults.seconds)
            self.close_connection = True
            return
        reply = self._gateway(fault) or answerer.answer(self.path, self.headers, body, fault)
        if fault == "lost":
            self._reset()
            return
        if fault == "lost-502":
            reply = Reply(_HTML, "text/html", 502)
        content = reply.body
        zipped = answerer.gzip and "gzip" in self.headers.get("Accept-Encoding", "")
        if zipped:
            content = gzip.compress(content, 1)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(content) // 2 if fault == "short" else len(content)))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if fault == "drip":
            self._drip(content)
            return
        self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)
        self.wfile.flush()
        if fault in ("cut", "short"):
            self.close_connection = True

    def _gateway(self, fault: str | None) -> Reply | None:
        """Give what a gateway says in place of the API."""
        wait = self.server.answerer.faults.wait
        date = self.date_time_string(self.server.answerer.now() + wait)
        return {
            "http-401": Reply(_HTML, "text/html", 401),
            "http-403": Reply(_HTML, "text/html", 403),
            "http-429": Reply(b"", "text/plain", 429),
            "http-429-after": Reply(b"", "text/plain", 429, {"Retry-After": str(wait)}),
            "http-429-date": Reply(b"", "text/plain", 429, {"Retry-After": date}),
            "http-500": Reply(b"", "text/plain", 500),
            "http-502": Reply(_HTML, "text/html", 502),
            "http-503": Reply(_HTML, "text/html", 503, {"Retry-After": str(wait)}),
            "html": Reply(_HTML, "text/html"),
            "empty": Reply(b""),
        }.get(fault or "")

    def _reset(self) -> None:
        """Drop the connection so that the other side sees a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _drip(self, content: bytes) -> None:
        until = time.monotonic() + self.server.answerer.faults.seconds
        for n in range(len(content)):
            if time.monotonic() > until:
                break
            try:
                self.wfile.write(content[n : n + 1])
                self.wfile.flush()
            except OSError:
                break
            time.sleep(random.uniform(0.02, 0.1))
        self.close_connection = True

    def finish(self) -> None:
        """End a connection that may be gone already."""
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return a time in UTC seconds, or the server's own, as headers give it."""
        return super().date_time_string(self.server.answerer.now() if timestamp is None else timestamp)

    def log_message(self, *_: Any) -> None:
        """Keep stderr for those who asked for something."""
