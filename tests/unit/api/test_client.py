"""The client over a scripted adapter of requests: what is sent again, what is raised, what is kept."""

import io
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest
from requests.adapters import HTTPAdapter
from support.clock import CLOCK, SleepingClock
from urllib3 import HTTPResponse

from voxlake.api import ApiClient, ApiKey
from voxlake.errors import ApiRejected, CredentialsRefused, OutcomeUnknown, SettingsError, Unavailable
from voxlake.transform import BrokenReplyError

OK = {"result": 1}


class ScriptedAdapter(HTTPAdapter):
    """Replies from a list, in order, the last one for ever: a JSON value, bytes, or a status with headers."""

    def __init__(self, *replies):
        super().__init__()
        self.replies, self.requests = list(replies), []

    def send(self, request, **_):
        """Reply, and record the request."""
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        status, headers, body = reply if isinstance(reply, tuple) else (200, {}, reply)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        raw = HTTPResponse(io.BytesIO(content), headers=headers, status=status, preload_content=False)
        return self.build_response(request, raw)


class TokenOnly:
    """A third way to authenticate, in one class: a header with a token that can be renewed."""

    account_id = 9

    def __init__(self):
        self.token, self.renewed = "old", []

    def __call__(self, r):
        """Add the header."""
        r.headers["X-Token"] = self.token
        return r

    def renew(self, *, server_time):
        """Take another token."""
        self.token = "new"
        self.renewed.append(server_time)


class Kept(list):
    """An archive in memory."""

    def keep(self, method, parameters, body, *, at):
        """Keep a reply."""
        self.append((method, dict(parameters), body))
        self.at = at


def scripted(*replies, credentials=None, **options):
    """Return a client whose replies are scripted, with its adapter and its clock."""
    clock, adapter = SleepingClock(), ScriptedAdapter(*replies)
    options = {"clock": clock, "random": lambda: 1.0, "insecure_http": True} | options
    client = ApiClient("http://api.test/platform_api/", credentials or ApiKey(7, "s3cret"), **options)
    client._session.mount("http://", adapter)
    return client, adapter, clock


def ask(client, **options):
    """Call a method, and return its reply."""
    return client.ask("Method", {"name": "ü"}, lambda reply: reply, roles=("Owner",), **options)


def error(code):
    """Return a reply that is an error."""
    return {"error": {"code": code, "msg": "m"}}


def test_a_request():
    """A POST to the method's URL with the parameters as a form; the reply is what `read` makes of it."""
    client, adapter, clock = scripted(OK)
    assert ask(client) == OK
    (request,) = adapter.requests
    assert (request.method, request.url) == ("POST", "http://api.test/platform_api/Method")
    assert parse_qs(request.body)["name"] == ["ü"]
    assert (client.requests, client.account_id, client.jobs, clock.slept) == (1, 7, 4, [])


def test_faults_are_waited_out():
    """Unreadable replies, gateways and internal errors are asked again, after growing pauses."""
    client, adapter, clock = scripted(b"<html>", (502, {}, b""), error(1), (503, {"Retry-After": "9"}, b""), OK)
    assert ask(client) == OK
    assert clock.slept == [0.5, 1, 2, 9]
    assert client.requests == len(adapter.requests) == 5


def test_a_date_to_wait_for_is_measured_by_the_servers_clock():
    """A Retry-After date counts from the Date of the same reply, whatever our own clock says."""
    headers = {"Date": "Thu, 01 Jan 1970 00:00:40 GMT", "Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}
    client, _, clock = scripted((429, headers, b""), OK)
    assert ask(client) == OK
    assert clock.slept == [60]


def test_patience_ends_and_the_others_do_not_wait_again():
    """Once a call has waited in vain, the next fails at its first fault, until one succeeds."""
    client, adapter, clock = scripted(error(1), patience=10)
    with pytest.raises(Unavailable, match=r"gave no usable answer to Method .error 1: m.: run the same command again"):
        ask(client)
    assert sum(clock.slept) <= 10
    asked, slept = len(adapter.requests), len(clock.slept)
    with pytest.raises(Unavailable):
        ask(client)
    assert (len(adapter.requests), len(clock.slept)) == (asked + 1, slept)
    adapter.replies = [OK, error(1), OK]
    assert ask(client) == ask(client) == OK


def test_what_can_be_done_without_is_not_waited_for():
    """A call with less patience gives up sooner, and takes none from the others."""
    client, _, clock = scripted(error(1), patience=100)
    with pytest.raises(Unavailable):
        ask(client, patience=3)
    assert sum(slept := list(clock.slept)) <= 3
    with pytest.raises(Unavailable):
        ask(client)
    assert len(clock.slept) > len(slept) + 3


def test_rate_limits_slow_down():
    """A rate limit halves what runs at the same time."""
    client, _, clock = scripted(error(340), (429, {}, b""), OK, jobs=8)
    assert ask(client) == OK
    assert client.limiter.limit == 2
    assert clock.slept == [1, 1]


def test_an_expired_token_is_renewed_once():
    """Codes 455 and 456 cost a new token, by the server's clock, and no wait; the second refusal is final."""
    credentials = TokenOnly()
    reply = (200, {"Date": "Thu, 01 Jan 1970 00:01:40 GMT"}, error(456))
    client, adapter, clock = scripted(reply, OK, credentials=credentials)
    assert ask(client) == OK
    assert [request.headers["X-Token"] for request in adapter.requests] == ["old", "new"]
    assert (credentials.renewed, clock.slept) == ([100.0], [])
    client, adapter, _ = scripted(error(456), credentials=TokenOnly())
    with pytest.raises(CredentialsRefused):
        ask(client)
    assert len(adapter.requests) == 2


def test_denials_are_believed_the_third_time():
    """HTTP 403 ends with what to check."""
    client, adapter, _ = scripted((403, {}, b""))
    with pytest.raises(CredentialsRefused, match="proxy or firewall"):
        ask(client)
    assert len(adapter.requests) == 3


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"<html>",
        (500, {}, b""),
        error(1),
        error(14),
        *((status, {}, b"") for status in (302, 401, 403, 404, 407, 410, 413, 451)),
        (302, {"Location": "http://[::1"}, b"x" * 100),
        {"error": {"code": 386, "msg": "m"}, "result": 1},
        b'{"error":{"code":1e1000000,"msg":"m"}}',
    ],
)
def test_what_must_not_happen_twice_is_not_sent_twice(reply):
    """After a fault that may have had its effect, the outcome is unknown."""
    client, adapter, clock = scripted(reply, OK)
    with pytest.raises(OutcomeUnknown, match="Method may or may not have been executed"):
        ask(client, once=True)
    assert (len(adapter.requests), clock.slept) == (1, [])


@pytest.mark.parametrize("reply", [(429, {}, b""), error(340), error(456)])
def test_what_certainly_had_no_effect_is_sent_again(reply):
    """A rate limit and an expired token were refused before anything was done."""
    client, adapter, _ = scripted(reply, OK)
    assert ask(client, once=True) == OK
    assert len(adapter.requests) == 2


def test_answers_are_raised_at_once():
    """A code that is an answer is not asked again."""
    client, adapter, _ = scripted(error(497))
    with pytest.raises(ApiRejected, match=r"declined Method .error 497: m.") as rejected:
        ask(client)
    assert rejected.value.code == 497
    assert len(adapter.requests) == 1


def test_replies_are_archived_as_they_came():
    """Every reply with status 200 is kept, broken or not, with what was asked and without secrets."""
    kept = Kept()
    client, _, clock = scripted(b"<html>", (500, {}, b"no"), error(1), OK, archive=kept)
    ask(client)
    assert kept.at == clock.now()
    assert [body for _, _, body in kept] == [b"<html>", b'{"error": {"code": 1, "msg": "m"}}', b'{"result": 1}']
    assert {(method, *parameters.items()) for method, parameters, _ in kept} == {("Method", ("name", "ü"))}


def test_a_reader_decides_what_is_broken():
    """Whatever `read` cannot use is asked for again; other errors of it are bugs, and pass."""
    client, adapter, _ = scripted(OK)
    seen = []

    def read(body):
        seen.append(body)
        if len(seen) < 3:
            raise BrokenReplyError("not yet")
        return len(seen)

    assert client.call("Method", {}, read, roles=()) == 3
    with pytest.raises(ZeroDivisionError):
        client.call("Method", {}, lambda _: 1 / 0, roles=())
    assert len(adapter.requests) == 4


@pytest.mark.parametrize("url", ["nowhere", "http://", "ftp://api.test", "http://[::1"])
def test_what_is_not_a_url(url):
    """An address that cannot be asked is said before the first request."""
    with pytest.raises(SettingsError, match="is not a URL"):
        ApiClient(url, ApiKey(7, "s3cret"), clock=SleepingClock(), random=lambda: 1.0)


def test_secrets_are_in_no_error_and_no_repr():
    """Neither what is raised nor the client shows the key."""
    client, _, _ = scripted((500, {}, b""), patience=0)
    with pytest.raises(Unavailable) as raised:
        ask(client)
    assert "s3cret" not in f"{raised.value!r} {raised.value.__cause__!r} {client!r} {vars(client)!r}"


def dated(seconds, body=OK):
    """Return a reply whose Date header is so many seconds ahead of the tests' clock."""
    at = datetime.fromtimestamp(CLOCK.time() + seconds, UTC)
    return (200, {"Date": format_datetime(at, usegmt=True)}, body)


@pytest.mark.parametrize(
    ("replies", "hours"),
    [
        ([OK], None),
        ([(200, {"Date": "yesterday"}, OK)], None),
        ([dated(100)], 0),
        ([dated(3 * 3600)], 3),
        ([dated(-3 * 3600)], -3),
        ([(500, {"Date": "Mon, 02 Jan 2006 15:04:05 GMT"}, b""), dated(-3 * 3600)], -3),
        ([dated(-900 * 3600, error(1)), dated(2)], 0),
    ],
)
def test_the_date_of_replies_tells_how_far_our_clock_is_off(replies, hours):
    """The reply that agrees most is believed, a gateway's is not, minutes are nothing; the earlier clock counts."""
    client, _, clock = scripted(*replies)
    assert client.clock_offset is None
    ask(client)
    assert client.clock_offset == (None if hours is None else pytest.approx(3600 * hours, abs=250))
    late = (clock.now() - client.now()).total_seconds()
    assert late == pytest.approx(max(0, -3600 * (hours or 0)), abs=250)
