"""What a store refuses is one sentence, by a server that answers as it is told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from voxlake.errors import SettingsError, StorageFull, StoreUnavailable
from voxlake.remote.objects import ANY, Objects

pytestmark = pytest.mark.dateless


@pytest.fixture
def store(monkeypatch):
    """Return the objects of a store that answers every request with a status and a code."""
    answer = {"status": 200, "code": "", "count": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer["count"] += 1
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            removed = self.command == "POST" and answer["status"] == 200
            body = (
                b"<DeleteResult><Deleted><Key>x</Key></Deleted></DeleteResult>"
                if removed
                else f"<Error><Code>{answer['code']}</Code><Message>no</Message></Error>".encode()
            )
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"same"')
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_DELETE = do_POST = do_GET  # noqa: N815 - as http.server calls them

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setattr("voxlake.remote.connect._RETRY", {"max_retries": 0})
        yield answer, Objects("s3://bucket/sms")
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "code", "reading", "writing"),
    [
        (404, "NoSuchBucket", (SettingsError, "no such bucket"), (SettingsError, "no such bucket")),
        (403, "AccessDenied", (SettingsError, "may not be read"), (StorageFull, "may not be written")),
        (403, "RequestTimeTooSkewed", (SettingsError, "the clock"), (SettingsError, "the clock")),
        (403, "SignatureDoesNotMatch", (SettingsError, "these credentials"), (SettingsError, "these credentials")),
        (503, "SlowDown", (StoreUnavailable, "in time .SlowDown"), (StoreUnavailable, "in time .SlowDown")),
        (500, "InternalError", (StoreUnavailable, "InternalError"), (StoreUnavailable, "InternalError")),
    ],
)
def test_refusals(store, status, code, reading, writing):
    """Whatever a store refuses is one sentence, with the exit code of what is to be done."""
    answer, objects = store
    answer |= {"status": status, "code": code}
    with pytest.raises(reading[0], match=reading[1]) as found:
        objects.get("lake/accounts.json")
    assert str(found.value).count(". ") == 0
    with pytest.raises(writing[0], match=writing[1]):
        objects.put("lake/accounts.json", b"{}", over=ANY)


def test_a_store_without_conditions_is_refused(store):
    """A store that takes whatever is put, also over what is there, is found out, and what was tried is removed."""
    answer, objects = store
    with pytest.raises(SettingsError, match="has no conditional writes"):
        objects.require_conditions()
    assert answer["count"] > 1
