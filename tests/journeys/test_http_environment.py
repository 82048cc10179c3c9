"""HTTP as users of requests know it: proxies and CA bundles from the environment; what we refuse of the defaults."""

import contextlib
import pickle
import socket
import threading
from concurrent.futures import ProcessPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context

import pytest
from support.clients import client
from support.clock import SYSTEM, SleepingClock
from support.dates import days_ago

from voxlake.api import ApiClient, ApiKey, HistoryApi, read_credentials
from voxlake.api.environment import AUTHORITIES
from voxlake.errors import SettingsError, Unavailable
from voxlake.model import Window
from voxlake.transform import SMS

pytestmark = pytest.mark.dateless

EMPTY = b'{"result":[],"total_count":0,"count":0}'
DAY = Window.of_days(days_ago(2), days_ago(2))


class Recorder(BaseHTTPRequestHandler):
    """A server that answers every POST alike, and records what came; its `server` holds both."""

    def do_POST(self):
        """Answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        status, headers = self.server.reply
        self.send_response(status)
        for name, value in {"Content-Length": str(len(EMPTY)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(EMPTY)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def recorder():
    """Run a recording server, which is an API and an HTTP proxy."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        server.daemon_threads = True
        server.seen, server.reply = [], (200, {})
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def nobody():
    """Return an address where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


@contextlib.contextmanager
def asking(url, **options):
    """Open a client with a key for an address."""
    options = {"clock": SleepingClock(), "random": lambda: 1.0, "patience": 2, "timeout": 30} | options
    options.setdefault("insecure_http", True)
    history = HistoryApi(ApiClient(url, ApiKey(1, "s3cret"), **options))
    yield history
    history.close()


def test_netrc_never_replaces_our_credentials(recorder, sandbox, tmp_path, monkeypatch):
    """With a .netrc for the very host, requests carry our token, or our key and no Authorization header."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin stranger\npassword wrong\ndefault\nlogin stranger\npassword wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with asking(recorder.url) as history:
        history.total(SMS, DAY)
    clock = SleepingClock()
    credentials = read_credentials(sandbox(rows=0).credentials, clock=clock)
    HistoryApi(ApiClient(recorder.url, credentials, clock=clock, random=lambda: 1.0)).total(SMS, DAY)
    (_, key_headers, key_body), (_, token_headers, token_body) = recorder.seen
    assert "Authorization" not in key_headers
    assert b"api_key=s3cret" in key_body
    assert token_headers["Authorization"].startswith("Bearer ")
    assert b"api_key" not in token_body


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_requests_go_through_the_proxy(recorder, monkeypatch, name):
    """A proxy of the environment is asked for the API's address, whose name it resolves."""
    monkeypatch.setenv(name, recorder.url)
    with asking("http://api.invalid/platform_api") as history:
        assert history.total(SMS, DAY) == 0
    ((target, _, _),) = recorder.seen
    assert target == "http://api.invalid/platform_api/GetSmsHistory"


def test_a_dead_proxy_is_named_and_never_asked_for_this_machine(recorder, nobody, monkeypatch):
    """A proxy that is not there is said to be that; what is on this machine never goes through it."""
    monkeypatch.setenv("HTTP_PROXY", nobody)
    with asking("http://api.invalid") as history, pytest.raises(Unavailable, match="the proxy could not be reached"):
        history.total(SMS, DAY)
    with asking(recorder.url) as history:
        assert history.total(SMS, DAY) == 0


def test_https_goes_through_the_proxy_by_connect(recorder, monkeypatch):
    """For https the proxy is asked for a tunnel; one that does not dig it is named, and nothing has left."""
    monkeypatch.setenv("HTTPS_PROXY", recorder.url)
    with asking("https://api.invalid") as history, pytest.raises(Unavailable, match="the proxy could not be reached"):
        history.client.ask("SendSmsMessage", {}, dict, roles=(), once=True)
    assert recorder.seen == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_ca_bundles(sandbox, tmp_path, monkeypatch, name):
    """A bundle of the environment is trusted; without it nothing is sent, and one that is not there is said at once."""
    for of_this_machine in AUTHORITIES:
        monkeypatch.delenv(of_this_machine, raising=False)
    server = sandbox(rows=0, tls=True)
    with pytest.raises(Unavailable, match="certificate could not be verified"):
        client(server, patience=2).total(SMS, DAY)
    monkeypatch.setenv(name, str(server.ca))
    assert client(server).total(SMS, DAY) == 0
    monkeypatch.setenv(name, str(tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match=rf"{name} names .*none\.pem.*does not exist.*REQUESTS_CA_BUNDLE"):
        client(server)
    (tmp_path / "none.pem").write_text("nothing of that kind")
    with pytest.raises(SettingsError, match="is not a file of certificates"):
        client(server)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(recorder, status):
    """A redirect would send the credentials elsewhere, or the POST as a GET: it is the wrong address, at once."""
    recorder.reply = status, {"Location": f"{recorder.url}/elsewhere"}
    with asking(recorder.url) as history, pytest.raises(SettingsError, match=f"is not the API .HTTP {status}."):
        history.total(SMS, DAY)
    assert len(recorder.seen) == 1


def test_cookies_are_not_kept(recorder):
    """What a load balancer sets does not travel back: threads share one session, and cookies would be its state."""
    recorder.reply = 200, {"Set-Cookie": "server=7; Path=/"}
    with asking(recorder.url) as history:
        history.total(SMS, DAY)
        history.total(SMS, DAY)
    assert all("Cookie" not in headers for _, headers, _ in recorder.seen)


def test_a_connection_serves_many_requests(sandbox):
    """Requests of one client share connections, as many as run at the same time."""
    server, peers = sandbox(rows=3000, days=3), set()
    accept = server._http.get_request

    def counted():
        connection, peer = accept()
        peers.add(peer)
        return connection, peer

    server._http.get_request = counted
    history = client(server, jobs=3)
    asked = Window.of_days(days_ago(3), days_ago(0))
    for _ in range(4):
        history.pages(SMS, asked, offsets=range(0, 2000, 100), count=100)
    assert 1 <= len(peers) <= 3


def one() -> float:
    """Return one, as a random number that can travel."""
    return 1.0


def first_page(history):
    """Read a page, in any process."""
    page = history.page(SMS, DAY, offset=0, count=1000)
    pages = history.pages(SMS, DAY, offsets=[0, 50], count=50)
    history.close()
    return page.table.to_pylist(), [page.served for page in pages], history.requests


@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("kind", ["key", "service account"])
def test_a_client_travels(sandbox, kind, output):
    """A pickled copy exports the page that the original does, with threads and connections of its own."""
    server = sandbox()
    clock = SleepingClock()
    credentials = read_credentials(server.credentials, clock=clock) if kind != "key" else None
    history = client(server, clock, credentials=credentials, output=output, random=one)
    expected = first_page(history)
    copy = pickle.loads(pickle.dumps(client(server, clock, credentials=credentials, output=output, random=one)))
    assert first_page(copy) == expected
    assert expected[0]


@pytest.mark.system_clock
def test_a_client_travels_to_another_process(sandbox):
    """A process that shares nothing with this one exports a page with the client that it is sent."""
    server = sandbox(clock=SYSTEM)
    day = Window.of_days(days_ago(2, SYSTEM), days_ago(2, SYSTEM))
    history = client(server, SYSTEM, credentials=read_credentials(server.credentials, clock=SYSTEM), random=one)
    expected = history.total(SMS, day)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        assert processes.submit(HistoryApi.total, history, SMS, day).result(60) == expected > 0
    history.close()
