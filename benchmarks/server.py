"""The history API with every row rendered beforehand: a page is a slice of one buffer, so the server is not the limit.

    python server.py --rows 200000 --days 60 --latency 0.02

prints its address, then serves both histories until stdin ends. `rows` are those of each history. It honours
from_date, to_date (both included), count, offset, message_id and output (json, csv) exactly, over GET and POST, with
the method in the path or in `cmd`; it checks no credentials. GET /stats tells how many requests came, for how long
at least one was being answered, and in how many full pages the windows fit that were read to their end.
"""

from __future__ import annotations

import argparse
import bisect
import json
import random
import socketserver
import ssl
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from urllib.parse import parse_qs, unquote

STREAMS = {"GetSmsHistory": "processed_date", "A2PGetSmsHistory": "processing_date"}
TEXTS = (
    "Your code is {}. Don't tell it to anyone.",
    "Ваш код: {}. Никому его не сообщайте.",
    "Ihr Paket {} kommt zwischen 9 und 12 Uhr; öffnen Sie bitte die Tür.",
    "Dear customer, your invoice {} is due. Please pay within fourteen days, or call us if you already have.",
    "您的验证码是{}，5分钟内有效。",
)
PAGE = 1000
ACCOUNT = [b'{"result":{"account_id":1,"account_name":"one","currency":"USD"}}']
"""What GetAccountInfo is answered with."""

FIELDS = "message_id source_number destination_number {} fragments cost status_id error_message {} transaction_id text"


class History:
    """The rows of one history in the order of time, rendered as JSON and as csv."""

    def __init__(self, method: str, *, rows: int, days: int, until: date, last: int | None) -> None:
        self.rng = random.Random(method)
        self.date = STREAMS[method]
        self.a2p = method.startswith("A2P")
        self.seconds: list[int] = []
        self.read: set[tuple[int, int]] = set()
        pieces: dict[str, list[bytes]] = {"json": [], "csv": []}
        counts = [rows // days + (day < rows % days) for day in range(days)]
        if last is not None:
            counts.append(last)
        first = datetime(until.year, until.month, until.day, tzinfo=UTC) - timedelta(days=len(counts))
        for day, count in enumerate(counts):
            start = int((first + timedelta(days=day)).timestamp())
            for second in sorted(self.rng.choices(range(86_400), k=count)):
                self._render(start + second, f"{first + timedelta(days=day, seconds=second):%Y-%m-%d %H:%M:%S}", pieces)
        self.buffers = {form: memoryview(b"".join(those)) for form, those in pieces.items()}
        self.ends = {form: [0, *accumulate(map(len, those))] for form, those in pieces.items()}
        own = "delivery_status" if self.a2p else "direction"
        self.header = (FIELDS.format(own, self.date).replace(" ", ";") + "\n").encode()

    def _render(self, second: int, at: str, pieces: dict[str, list[bytes]]) -> None:
        n, draw = len(self.seconds), self.rng.random
        inbound, failed = not self.a2p and draw() < 0.3, draw() < 0.05
        own = ("FAILED" if failed else "DELIVERED") if self.a2p else ("IN" if inbound else "OUT")
        theirs, mine = f"4479{int(draw() * 1e8):08d}", "Voxlake" if self.a2p else "12345678111"
        source, destination = (theirs, mine) if inbound else (mine, theirs)
        text = TEXTS[int(draw() * len(TEXTS))].format(int(draw() * 1e6))
        cost, status = f"{int(draw() * 1e5) / 1e4:.4f}", 2 if failed else 1
        error = f"Error send sms to {destination} Code = 8" if failed else ""
        pieces["json"].append(
            (
                f'{{"message_id":{n + 1},"source_number":"{source}","destination_number":"{destination}",'
                f'"{"delivery_status" if self.a2p else "direction"}":"{own}","fragments":1,"cost":{cost},'
                f'"status_id":"{status}",'
                + (f'"error_message":"{error}",' if failed else "")
                + f'"{self.date}":"{at}","transaction_id":{second * 1000 + n % 1000},"text":"{text}"}},'
            ).encode()
        )
        pieces["csv"].append(
            (
                f"{n + 1};{source};{destination};{own};1;{cost};{status};{error};{at};{second * 1000 + n % 1000};"
                + (f'"{text}"' if ";" in text else text)
                + "\n"
            ).encode()
        )
        self.seconds.append(second)

    def page(self, asked: dict[str, str]) -> list[bytes | memoryview]:
        """Give the body of a page, in pieces."""
        first = bisect.bisect_left(self.seconds, _second(asked.get("from_date")) or 0)
        end = bisect.bisect_right(self.seconds, _second(asked.get("to_date")) or 1 << 40)
        count, offset = min(int(asked.get("count") or PAGE), PAGE), int(asked.get("offset") or 0)
        if count > 1 and offset + count >= end - first:
            self.read.add((first, end))
        form = asked.get("output") or "json"
        if asked.get("message_id"):
            found = sorted(n for id_ in asked["message_id"].split(";") if id_ and first <= (n := int(id_) - 1) < end)
            spans, total = [(n, n + 1) for n in found[offset : offset + count]], len(found)
        else:
            spans, total = [(min(first + offset, end), min(first + offset + count, end))], max(0, end - first)
        ends, buffer = self.ends[form], self.buffers[form]
        rows = [buffer[ends[a] : ends[b]] for a, b in spans if a < b]
        if form == "csv":
            return [self.header, *rows]
        if rows:
            rows[-1] = rows[-1][:-1]  # without the last comma
        return [b'{"result":[', *rows, b'],"total_count":%d}' % total]

    def least(self) -> int:
        """Give the fewest pages that hold what was read to its end, window by window, and forget it."""
        read, self.read = self.read, set()
        return sum(max(1, -(-(end - first) // PAGE)) for first, end in read)


def _second(value: str | None) -> int | None:
    if not value:
        return None
    return int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp())


class ApiClient:
    """How many requests came, and for how long at least one was being answered."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests = self.running = 0
        self.busy = 0.0
        self.began = self.first = self.last = 0.0

    def __enter__(self) -> None:
        with self.lock:
            self.requests += 1
            self.running += 1
            if self.running == 1:
                self.began = time.monotonic()
                self.first = self.first or self.began

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.running -= 1
            if not self.running:
                self.last = time.monotonic()
                self.busy += self.last - self.began

    def stats(self) -> dict[str, float]:
        """Tell, and begin again."""
        with self.lock:
            told = {"requests": self.requests, "busy": self.busy, "span": self.last - self.first}
            self.requests, self.busy, self.first, self.last = 0, 0.0, 0.0, 0.0
        return told


class Handler(socketserver.StreamRequestHandler):
    """One kept connection."""

    disable_nagle_algorithm = True
    histories: dict[str, History]
    wire: ApiClient
    latency: float

    def handle(self) -> None:
        """Answer requests until the client goes."""
        try:
            while line := self.rfile.readline():
                self._answer(line.split()[1].decode())
        except OSError:
            pass

    def _answer(self, target: str) -> None:
        length = 0
        while (line := self.rfile.readline().lower()) not in (b"\r\n", b""):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        body = self.rfile.read(length).decode()
        path, _, query = target.partition("?")
        if path == "/stats":
            told = self.wire.stats() | {"least": sum(history.least() for history in self.histories.values())}
            self._send("application/json", [json.dumps(told).encode()])
            return
        asked = {name: values[-1] for name, values in parse_qs(f"{query}&{body}", keep_blank_values=True).items()}
        method = asked.get("cmd") or unquote(path).rstrip("/").rpartition("/")[2]
        with self.wire:
            if self.latency:
                time.sleep(self.latency)
            kind = "application/octet-stream" if asked.get("output") == "csv" else "application/json; charset=utf-8"
            history = self.histories.get(method)
            self._send(kind, ACCOUNT if history is None else history.page(asked))

    def _send(self, kind: str, body: list[bytes | memoryview]) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {sum(map(len, body))}\r\n\r\n".encode()
        self.connection.sendall(head + body[0])
        for piece in body[1:]:
            self.connection.sendall(piece)


class Server(socketserver.ThreadingTCPServer):
    """One thread for each connection."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


def main() -> None:
    """Render the rows, say where, serve until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--last", type=int, help="one more day of so many rows")
    parser.add_argument("--until", type=date.fromisoformat, default=datetime.now(tz=UTC).date())
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--certificate", help="serve TLS with this PEM file of key and certificate")
    chosen = parser.parse_args()
    Handler.histories = {
        method: History(method, rows=chosen.rows, days=chosen.days, until=chosen.until, last=chosen.last)
        for method in STREAMS
    }
    Handler.wire, Handler.latency = ApiClient(), chosen.latency
    with Server(("127.0.0.1", 0), Handler) as server:
        if chosen.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(chosen.certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"http{'s' if chosen.certificate else ''}://127.0.0.1:{server.server_address[1]}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
