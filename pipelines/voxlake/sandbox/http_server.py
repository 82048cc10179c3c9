"""The HTTP/1.1 server of the sandbox, with persistent connections and transport faults."""

from __future__ import annotations

import gzip
import random
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol

from voxlake.sandbox.guard import PREFIX, refuse
from voxlake.sandbox.responses import Reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from voxlake.sandbox.faults import Faults

_HTML = b"<html><head><title>Gateway</title></head><body>Something went wrong.</body></html>"


class Responder(Protocol):
    """What the server asks for replies."""

    faults: Faults
    gzip: bool
    now: Callable[[], float]
    """The server's clock: UTC seconds."""
    token: str
    """What the levers ask for."""

    def date(self) -> float | None:
        """Return what the Date header of replies is to say, in UTC seconds; None for no such header."""

    def answer(self, target: str, headers: Any, body: bytes, fault: str | None) -> Reply:
        """Return the reply to one request."""


class Server(ThreadingHTTPServer):
    """An HTTP server with one thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    responder: Responder
    _stopped = False

    def server_close(self) -> None:
        """Stop for good; replies that threads still send are dropped."""
        self._stopped = True
        super().server_close()

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Speak TLS; each connection's own thread does the handshake, so that a slow client blocks nobody else."""
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a lost connection and errors after the stop; report every other exception."""
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
        responder = self.server.responder
        fault = None if self.path.startswith(PREFIX) else responder.faults.draw()
        if fault == "reset":
            self._reset()
            return
        if fault == "stall":
            time.sleep(responder.faults.seconds)
            self.close_connection = True
            return
        refused = refuse(self.command, self.path, self.headers, token=responder.token)
        reply = refused or self._gateway(fault) or responder.answer(self.path, self.headers, body, fault)
        if fault == "lost":
            self._reset()
            return
        if fault == "lost-502":
            reply = Reply(_HTML, "text/html", 502)
        content = reply.body
        zipped = responder.gzip and "gzip" in self.headers.get("Accept-Encoding", "")
        if zipped:
            content = gzip.compress(content, 1)
        self._begin_response(reply.status, reply.ahead)
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

    def _begin_response(self, status: int, ahead: int) -> None:
        self.send_response_only(status)
        if (date := self.server.responder.date()) is not None:
            self.send_header("Date", self.date_time_string(date + ahead))

    def _gateway(self, fault: str | None) -> Reply | None:
        """Return the reply of a gateway in front of the API, or None where it lets the request pass."""
        wait = self.server.responder.faults.wait
        date = self.date_time_string(self.server.responder.now() + wait)
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
        """Close the connection with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _drip(self, content: bytes) -> None:
        until = time.monotonic() + self.server.responder.faults.seconds
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
        """End a connection that may be closed already."""
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Format UTC seconds for a header; by default the server's present time."""
        return super().date_time_string(self.server.responder.now() if timestamp is None else timestamp)

    def log_message(self, *_: Any) -> None:
        """Log nothing: stderr belongs to the command that is run."""
