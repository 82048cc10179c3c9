"""Replies that are made to hold, fill or fool their client: each is a fault like any other, within its time."""

import contextlib
import gc
import json
import warnings

import pytest
from support.clock import SleepingClock
from support.dates import days_ago
from support.hostile import body, bomb, endless, hostile

from voxlake.api import ApiClient, ApiKey, HistoryApi
from voxlake.errors import OutcomeUnknown, Unavailable
from voxlake.messaging import Client
from voxlake.model import Window
from voxlake.sandbox import World
from voxlake.transform import SMS

pytestmark = pytest.mark.dateless

DAY = Window.of_days(days_ago(2), days_ago(2))
EMPTY = b'{"result":[],"total_count":0}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextlib.contextmanager
def asking(url, **options):
    """Open a client with a second for each reply, which waits between them by a clock of its own."""
    options = {"timeout": 1, "patience": 0} | options
    client = ApiClient(url, ApiKey(1, "s3cret"), clock=SleepingClock(), random=lambda: 1.0, **options)
    history = HistoryApi(client)
    yield history
    history.close()


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(endless(b"x", every=0.1), id="a header, a byte at a time"),
        pytest.param(endless(b"x", first=b"", every=0.1), id="a status, a byte at a time"),
        pytest.param(endless(b"HTTP/1.1 100 Continue\r\n\r\n", first=b"", every=0.001), id="100 Continue for ever"),
        pytest.param(endless(b"0", first=CHUNKED, every=0.1), id="the size of a chunk, a byte at a time"),
        pytest.param(endless(b"x: y\r\n", first=CHUNKED + b"0\r\n", every=0.1), id="trailers for ever"),
        pytest.param(endless(b"1\r\nx\r\n", first=CHUNKED, every=0.1), id="a body, a byte at a time"),
    ],
)
def test_a_reply_has_one_deadline(reply):
    """However a reply is spread out, the time for it ends; a request that left is unknown, and is never repeated."""
    with hostile(reply) as server, asking(server.url) as history:
        with pytest.raises(OutcomeUnknown, match="the reply timed out"):
            history.client.ask("SendSmsMessage", {}, dict, roles=(), once=True)
        assert len(server.requests) == 1


def test_after_a_deadline_the_next_request_is_a_request():
    """Nothing of an exchange that was ended remains for the next one."""
    slow = endless(b"x", every=0.1)
    with hostile(slow, slow, body(EMPTY)) as server, asking(server.url, patience=60) as history:
        assert history.total(SMS, DAY) == 0
        assert history.total(SMS, DAY) == 0
        assert len(server.requests) == 4


@pytest.mark.parametrize("scheme", ["https", "proxy"])
def test_a_connection_that_never_comes_about(scheme, monkeypatch):
    """A TLS handshake that stalls and a proxy that digs a byte at a time end as well, and nothing has left."""
    with hostile(endless(b"x", every=0.1)) as server:
        url = server.url.replace("http:", "https:")
        if scheme == "proxy":
            monkeypatch.setenv("HTTPS_PROXY", server.url)
            url = "https://api.invalid"
        with asking(url) as history, pytest.raises(Unavailable, match=r"timed out|certificate|proxy"):
            history.client.ask("SendSmsMessage", {}, dict, roles=(), once=True)
        assert all(b"s3cret" not in request for request in server.requests)
    # Python 3.11 forgets to close a socket that is reset just before its handshake, and warns when it is collected.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


def large_when_unpacked(server):
    """Reply with what becomes 200 MiB; packed only now, for every process that collects the tests would wait for it."""
    return body(bomb(200 << 20), Content_Encoding="gzip")(server)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(large_when_unpacked, id="gzip"),
        pytest.param(endless(b"10000\r\n" + b"x" * 65536 + b"\r\n", first=CHUNKED), id="chunks"),
        pytest.param(endless(b"x" * 65536, first=b"HTTP/1.1 200 OK\r\n\r\n"), id="until the end"),
    ],
)
def test_a_reply_has_a_largest_size(reply):
    """Too large a reply is a broken one, and the next attempt is an attempt like any other."""
    with hostile(reply, body(EMPTY)) as server, asking(server.url, timeout=60, patience=60) as history:
        assert history.total(SMS, DAY) == 0
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        body(b"", status="302 Found", Location="http://[::1"),
        endless(b"x" * 65536, first=b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"),
        body(b"taken", status="403 Forbidden"),
        body(b"gone", status="410 Gone"),
        body(b'{"result":1,"message_id":1e1000000}'),
        body(b'{"x":' + b"[" * 100_000),
        body(b'{"result":1,"error":{"code":386,"msg":"m"}}'),
    ],
)
def test_a_send_leaves_once(reply):
    """Whatever is answered in place of the API's own word, the message is taken once, and its outcome is unknown."""
    with hostile(reply) as server, asking(server.url, timeout=60, patience=60) as history:
        with pytest.raises(OutcomeUnknown):
            Client(history).send_sms("12345678111", "447700900123", "hello")
        assert len(server.requests) == 1


def test_rows_that_are_too_large_are_set_aside(sandbox, voxlake):
    """A text of a megabyte and a reason of half of one cost their rows alone: kept, named, the rest is there."""
    world = World(rows=40, days=2, seed=1, until=days_ago(0))
    row = next(world.truth("sms")) | {"processed_at": Window.of_days(days_ago(1), days_ago(1)).start}
    world.insert("sms", row | {"message_id": 7, "text": "x" * 1_000_000})
    world.insert("sms", row | {"message_id": 8, "error_message": "y" * 500_000})
    server = sandbox(world=world)
    server.credentials.chmod(0o644)
    done = voxlake("export", server=server, code=4)
    assert "2 rows could not be read" in done.stderr
    assert done.stderr.count("Others on this machine may read") == 1
    assert len(done.stderr) < 5000
    (rejects,) = (voxlake.folder / "data" / "rejects" / "sms_history").rglob("*.jsonl")
    kept = {line["raw"]["message_id"]: line for line in map(json.loads, rejects.read_text().splitlines())}
    assert kept[7]["reason"] == "text has 1,000,000 characters, more than 65,536"
    assert len(kept[7]["raw"]["text"]) == 1_000_000
    assert set(kept) == {7, 8}
    answer = voxlake("query", "SELECT count(*) FROM messages", "--format", "csv").stdout
    published = len(list(world.truth("sms"))) + len(list(world.truth("a2p"))) - 2
    assert answer.split() == ["count_star()", str(published)]


@pytest.mark.parametrize(
    ("url", "variable", "says"),
    [
        ("http://10.0.0.1", {}, "--insecure-http"),
        ("https://10.0.0.1", {"https_proxy": "socks5h://127.0.0.1:9"}, "https_proxy names a SOCKS proxy"),
        ("https://10.0.0.1", {"REQUESTS_CA_BUNDLE": "none.pem"}, "REQUESTS_CA_BUNDLE names 'none.pem'"),
        ("https://10.0.0.1", {"VOXIMPLANT_ACCOUNT_ID": "s3cret"}, "VOXIMPLANT_ACCOUNT_ID is not the number"),
    ],
)
def test_settings_that_no_send_survives(voxlake, url, variable, says):
    """What cannot work is said at once with 2, in one sentence with the variable: nothing was sent, nothing noted."""
    pair = {"VOXIMPLANT_ACCOUNT_ID": "7", "VOXIMPLANT_API_KEY": "s3cret", "NO_PROXY": "", "no_proxy": ""}
    command = ["sms", "send", "--from", "12345678111", "--to", "447700900123", "--text", "hello", "--yes"]
    done = voxlake(*command, "--api-url", url, env=pair | variable, code=2)
    assert says in done.stderr
    assert "Nothing was sent" in done.stderr or "ACCOUNT_ID" in says
    assert done.stderr.count("\n") == 1
    assert "s3cret" not in done.stdout + done.stderr
    assert not (voxlake.folder / "data" / "outbox.jsonl").exists()
