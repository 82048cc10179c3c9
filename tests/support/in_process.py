"""A sandbox that is asked without a socket: requests hand their bytes to it in this process, which takes less time."""

import io

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

_RESET = {"reset", "lost", "cut", "short", "stall", "drip"}


class SandboxAdapter(BaseAdapter):
    """What a `requests.Session` sends to a sandbox; faults of a connection are errors of one."""

    def __init__(self, server):
        super().__init__()
        self.server = server

    def send(self, request, **_):
        """Answer a prepared request."""
        server, fault = self.server, self.server.faults.draw()
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        if fault in _RESET:
            raise requests.exceptions.ConnectionError(fault)
        reply = server.answer(request.path_url, request.headers, body, fault)
        response = requests.Response()
        response.status_code = 500 if str(fault).startswith(("http-", "lost-", "html", "empty")) else reply.status
        response.headers.update({"Content-Type": reply.content_type, **reply.headers})
        response.raw = HTTPResponse(io.BytesIO(reply.body), preload_content=False, status=response.status_code)
        response.url, response.request = request.url, request
        return response

    def close(self):
        """Close nothing."""


def connect(history, server):
    """Let the histories of a client ask a sandbox in this process."""
    for scheme in ("https://", "http://"):
        history.client._session.mount(scheme, SandboxAdapter(server))
    return history
