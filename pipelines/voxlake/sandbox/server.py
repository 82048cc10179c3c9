"""The sandbox: an HTTP/1.1 server on the local machine, one thread for each connection."""

from __future__ import annotations

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from .accounts import Account
from .history import METHODS, History
from .replies import ApiError, Reply, error_reply
from .request import Request, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from .switches import Switches
    from .world import World

ACCOUNT_ID = 1234567
API_KEY = "00000000-sandbox-0000-0000-000000000000"


class Sandbox:
    """A look-alike of the API that serves one account's world; a context manager.

    `port` 0 takes a free one. `now` is the server's clock (UTC seconds), which judges tokens; `world_now`, where
    given, is the world's, which settles statuses. Credentials are written below `directory`. `requests` lists what
    was asked.
    """

    def __init__(
        self,
        world: World,
        *,
        switches: Switches,
        directory: Path,
        port: int = 0,
        now: Callable[[], float] = time.time,
        world_now: Callable[[], float] | None = None,
    ) -> None:
        self.world, self.switches = world, switches
        if world_now is not None:
            world.now = world_now
        self.requests: list[Request] = []
        self._methods = {method: History(method, world, switches) for method in METHODS}
        self._account = Account(account_id=ACCOUNT_ID, api_key=API_KEY, directory=directory, now=now)
        self.account_id, self.api_key = ACCOUNT_ID, API_KEY
        self.credentials = self.credentials_for(["Owner"])
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.sandbox = self
        self.url = f"http://127.0.0.1:{self._http.server_port}/platform_api"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def credentials_for(self, roles: Iterable[str]) -> Path:
        """Write the credentials of a service account with these roles."""
        return self._account.credentials_for(roles)

    def answer(self, target: str, headers: Any, body: bytes) -> Reply:
        """Answer a request as the API would: what goes wrong is HTTP 200, too."""
        try:
            request = read_request(target, headers, body)
            if request is None:
                return Reply(b"<html><body>404 Not Found</body></html>", "text/html", 404)
            self.requests.append(request)
            return self._call(request)
        except ApiError as error:
            return error_reply(error, self.switches.error_shape)

    def _call(self, request: Request) -> Reply:
        if request.method not in self._methods:
            raise ApiError(103, "Unknown command.")
        self._account.check(request.method, request.parameters, request.authorization)
        return self._methods[request.method].answer(request.parameters)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    sandbox: Sandbox


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without these, each reply waits for the acknowledgement of its own headers.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
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
        reply = self.server.sandbox.answer(self.path, self.headers, body)
        content = reply.body
        accepts_gzip = "gzip" in self.headers.get("Accept-Encoding", "")
        zipped = self.server.sandbox.switches.gzip == "on" and accepts_gzip
        if zipped:
            content = gzip.compress(content, 1)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(content)))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Keep stderr for those who asked for something."""
