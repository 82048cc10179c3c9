"""What a store refuses is one sentence, by a server that answers as it is told."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from voxlake.errors import SettingsError, StorageFull, StoreUnavailable
from voxlake.remote.objects import ANY, Objects

pytestmark = pytest.mark.dateless


@pytest.fixture
def store(request, monkeypatch):
    """Return the objects of a store that answers every request with a status and a code, or with a body."""
    answer = {"status": 200, "code": "", "count": 0, "body": None}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer["count"] += 1
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            removed = self.command == "POST" and answer["status"] == 200
            body = (
                b"<DeleteResult><Deleted><Key>x</Key></Deleted></DeleteResult>"
                if removed
                else answer["body"] or f"<Error><Code>{answer['code']}</Code><Message>no</Message></Error>".encode()
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
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        for name in ("AWS_ENDPOINT_URL", "AZURE_STORAGE_ENDPOINT"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_NAME"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"x").decode())
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setattr("voxlake.remote.connect._RETRY", {"max_retries": 0})
        yield answer, Objects(f"{getattr(request, 'param', 's3')}://bucket/sms")
        server.shutdown()


@pytest.mark.parametrize(
    ("store", "status", "code", "reading", "writing"),
    [
        ("s3", 404, "NoSuchBucket", (SettingsError, "no such bucket"), (SettingsError, "no such bucket")),
        ("s3", 403, "AccessDenied", (SettingsError, "may not be read"), (StorageFull, "may not be written")),
        ("s3", 403, "RequestTimeTooSkewed", (SettingsError, "the clock"), (SettingsError, "the clock")),
        ("s3", 403, "SignatureDoesNotMatch", (SettingsError, "these cred"), (SettingsError, "these cred")),
        ("s3", 503, "SlowDown", (StoreUnavailable, "in time .SlowDown"), (StoreUnavailable, "in time .SlowDown")),
        ("s3", 500, "InternalError", (StoreUnavailable, "InternalError"), (StoreUnavailable, "InternalError")),
        ("az", 404, "ContainerNotFound", (SettingsError, "no such bucket"), (SettingsError, "no such bucket")),
        ("az", 403, "AuthorizationFailure", (SettingsError, "may not be read"), (StorageFull, "may not be written")),
        ("az", 403, "AuthenticationFailed", (SettingsError, "these cred"), (SettingsError, "these cred")),
        ("az", 503, "ServerBusy", (StoreUnavailable, "in time .ServerBusy"), (StoreUnavailable, "in time .ServerBusy")),
    ],
    indirect=["store"],
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
    with pytest.raises(reading[0], match=reading[1]):
        [*objects.list("lake")]


def test_a_store_without_conditions_is_refused(store):
    """A store that takes whatever is put, also over what is there, is found out, and what was tried is removed."""
    answer, objects = store
    with pytest.raises(SettingsError, match="has no conditional writes"):
        objects.require_conditions()
    assert answer["count"] > 1


LISTED = b"""<EnumerationResults><Blobs><Blob><Name>sms/lake/x</Name><Properties><Content-Length>1</Content-Length>
<Last-Modified>Tue, 10 Mar 2026 12:00:00 GMT</Last-Modified><Content-Type>text/plain</Content-Type><Etag>0x8D</Etag>
</Properties></Blob></Blobs><NextMarker/></EnumerationResults>"""
"""How Azure's store lists an object, whose ETag has quotes wherever else it is said."""


@pytest.mark.parametrize("store", ["az"], indirect=True)
def test_a_listed_etag_is_that_of_the_object(store):
    """What is known from a listing is replaced, and is not fetched again, as what is known from the object is."""
    answer, objects = store
    answer["body"] = LISTED
    assert [(its.key, its.etag) for its in objects.list("lake")] == [("lake/x", '"0x8D"')]


@pytest.mark.parametrize(
    ("url", "missing", "sentence"),
    [
        ("az://bucket/sms", {"AZURE_STORAGE_ACCOUNT_NAME": None}, "No credentials for .* AZURE_STORAGE_ACCOUNT_NAME"),
        ("az://bucket/sms", {"AZURE_STORAGE_ACCOUNT_KEY": "no key!"}, "refuses these credentials"),
    ],
)
def test_credentials_that_are_none(monkeypatch, url, missing, sentence):
    """They are found out before anything is asked for."""
    for name, value in ({"AZURE_STORAGE_ACCOUNT_NAME": "x", "AZURE_STORAGE_ACCOUNT_KEY": "eA=="} | missing).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=sentence):
        Objects(url)
