"""A proxy in front of an object store, which lets each request through, or does to it what happens on a bad day.

A test gives it a rule: a function of a request that returns what is to be done, or None to let it through. As the rule
counts requests and not seconds, what happens can be made to happen again.
"""

import contextlib
import http.client
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit


class Asked(NamedTuple):
    """A request: its number, from 1, its method, the key it is for, what is in its query, and its headers."""

    number: int
    method: str
    key: str
    query: dict
    headers: http.client.HTTPMessage

    @property
    def kind(self):
        """Return what is asked for, as people say it: put, get, list, delete, or parts of a large file."""
        if {"uploads", "uploadId"} & set(self.query):
            return "parts"
        if self.method == "GET" and ({"list-type", "prefix", "delimiter"} & set(self.query)):
            return "list"
        return "delete" if self.method == "POST" else self.method.lower()


class Refuse(NamedTuple):
    """An answer in place of the store's: a status, and the code that S3 gives with it."""

    status: int
    code: str


class Change(NamedTuple):
    """Let a request through without some headers."""

    without: tuple


class Then(NamedTuple):
    """Let the store do it, call a function, and break the connection: nobody hears of it."""

    call: object


CUT, LOSE, HALF, HANG = "cut", "lose", "half", "hang"
"""Break the connection before the store has the request; after it has done it; in the middle of the reply; or never
answer."""


class Proxy(ThreadingHTTPServer):
    """A proxy for the store at an address; `rule` is asked about each request, and `counts` counts them by kind."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, endpoint):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = urlsplit(endpoint).netloc
        self.rule, self.after = None, None
        self.counts, self.bytes, self.number = Counter(), Counter(), 0
        self.lock, self.closing = threading.Lock(), threading.Event()

    @property
    def endpoint(self):
        """Return the proxy's own address."""
        return f"http://127.0.0.1:{self.server_port}"

    def set(self, rule=None, after=None):
        """Take rules in place of those before, and begin to count; `after` is told of each request that was done."""
        with self.lock:
            self.rule, self.after = rule, after
            self.counts, self.bytes, self.number = Counter(), Counter(), 0

    def handle_error(self, request, client_address):
        """Say nothing: connections break all the time here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = None

    def setup(self):
        super().setup()
        self.request.setsockopt(6, 1, 1)

    def finish(self):
        if self.upstream is not None:
            self.upstream.close()
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, *_):
        pass

    def _asked(self):
        url = urlsplit(self.path)
        with self.server.lock:
            self.server.number += 1
            asked = Asked(
                self.server.number,
                self.command,
                unquote(url.path).lstrip("/").partition("/")[2],
                parse_qs(url.query, keep_blank_values=True),
                self.headers,
            )
            self.server.counts[asked.kind] += 1
            self.server.bytes["up"] += int(self.headers.get("Content-Length") or 0)
            return asked, self.server.rule, self.server.after

    def _pass(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked, rule, after = self._asked()
        does = None if rule is None else rule(asked)
        if does == HANG:
            self.server.closing.wait()
        if does in (CUT, HANG):
            self.close_connection = True
            return
        if isinstance(does, Refuse):
            text = (
                f"<?xml version='1.0'?><Error><Code>{does.code}</Code><Message>{does.code}</Message></Error>".encode()
            )
            self._answer(does.status, [("Content-Type", "application/xml")], text, len(text))
            return
        status, headers, data = self._forward(body, does.without if isinstance(does, Change) else ())
        if isinstance(does, Then):
            does.call()
        if does == LOSE or isinstance(does, Then):
            self.close_connection = True
            return
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), len(data))
        self.server.bytes["down"] += len(data)
        if does == HALF:
            self._answer(status, headers, data[: len(data) // 2], length)
            self.close_connection = True
            return
        self._answer(status, headers, data, length)
        if after is not None:
            after(asked)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815 - the names that the base class looks for

    def _forward(self, body, without):
        leave = {"connection", "content-length", "host", *(name.lower() for name in without)}
        for left in (True, False):
            if self.upstream is None:
                self.upstream = http.client.HTTPConnection(self.server.store, timeout=120)
            try:
                # The name that the client has signed is what the store has to check.
                self.upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                self.upstream.putheader("Host", self.headers["Host"])
                for name, value in self.headers.items():
                    if name.lower() not in leave:
                        self.upstream.putheader(name, value)
                if body or self.command in {"PUT", "POST"}:
                    self.upstream.putheader("Content-Length", str(len(body)))
                self.upstream.endheaders(body or None)
                reply = self.upstream.getresponse()
                return reply.status, reply.getheaders(), reply.read()
            except (OSError, http.client.HTTPException):
                self.upstream.close()
                self.upstream = None
                if not left:
                    raise
        raise AssertionError

    def _answer(self, status, headers, data, length):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"connection", "content-length", "transfer-encoding"}:
                self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


@contextmanager
def proxy(endpoint):
    """Yield a proxy in front of the store at an address."""
    with Proxy(endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
