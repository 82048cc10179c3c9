"""A server that speaks HTTP as badly as can be: its replies are pieces of bytes, sent when a request has been read."""

import contextlib
import itertools
import socket
import threading
import zlib


@contextlib.contextmanager
def hostile(*replies):
    """Serve connections on this machine with replies from a list, the last one for ever; yields the server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Hostile(listening, replies)
        threading.Thread(target=server.serve, daemon=True).start()
        try:
            yield server
        finally:
            server.ended.set()
            listening.shutdown(socket.SHUT_RDWR)


class Hostile:
    """`requests` are the bodies that came, `ended` is set when the test is over."""

    def __init__(self, listening, replies):
        self.requests, self.ended = [], threading.Event()
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._listening, self._replies = listening, replies

    def serve(self):
        """Serve one connection after the other."""
        for number in itertools.count():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            reply = self._replies[min(number, len(self._replies) - 1)]
            threading.Thread(target=self._serve_one, args=(connection, reply), daemon=True).start()

    def _serve_one(self, connection, reply):
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := connection.recv(65536)):
                    return
                head += piece
            head, body = head.split(b"\r\n\r\n", 1)
            length = next(
                (int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length")), 0
            )
            while len(body) < length:
                if not (piece := connection.recv(65536)):
                    return
                body += piece
            self.requests.append(body)
            for piece in reply(self):
                connection.sendall(piece)


def body(content, *, status="200 OK", **headers):
    """Reply with a body."""
    headers = {"Content-Length": len(content)} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return lambda _: [f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content]


def endless(piece, *, first=b"HTTP/1.1 200 OK\r\n", every=0.0):
    """Reply with the same bytes again and again, as fast as they are taken, or this many seconds apart."""

    def reply(server):
        yield first
        while not server.ended.wait(every):
            yield piece

    return reply


def bomb(size, content=b"x"):
    """Return gzip that becomes this many bytes."""
    packer = zlib.compressobj(9, wbits=31)
    piece = content * (1 << 20)
    packed = b"".join(packer.compress(piece) for _ in range(size // len(piece)))
    return packed + packer.flush()
