"""The client class: what it sends, what it refuses before sending, and what it never sends twice."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from support import clients
from support.clock import CLOCK
from support.dates import days_ago
from support.messages import FROM, SENDER, TO

from voxlake.api import ApiClient, ApiKey, HistoryApi
from voxlake.errors import (
    ApiRejected,
    CredentialsRefused,
    DataError,
    OutcomeUnknown,
    Refused,
    SettingsError,
    Unavailable,
)
from voxlake.messaging import Client, PhoneNumber
from voxlake.messaging.validation import ADVICE
from voxlake.sandbox import AccountConfig

pytestmark = pytest.mark.dateless

UNKNOWN = ["lost", "lost-502", "cut", "short", "reset", "stall", "html", "empty", "http-500", "http-502", "http-503"]
UNDONE = ["http-429", "http-429-after", "code-162", "code-314", "code-340", "code-416", "code-515", "expired"]


def client(server, **options):
    """Return a client with the legacy pair, which waits by a clock of its own."""
    return Client(clients.client(server, **options))


def patient(fault):
    """Return the seconds to wait for a reply: few where it is late on purpose, many where only the machine is slow."""
    return 1 if fault == "stall" else 30


def sends(server):
    """Count the requests to send."""
    return sum(request.method in ("SendSmsMessage", "A2PSendSms") for request in server.requests)


def test_all_five_methods(sandbox):
    """A program sends, switches and reads with one object, built in one line from credentials."""
    server = sandbox(rows=10, config=AccountConfig(delivery=0))
    ours = Client.connect(server.credentials, url=server.url, clock=CLOCK)
    started = CLOCK.now() - timedelta(seconds=5)
    sent = ours.send_sms(FROM, f"+{TO}", "ж" * 71, store_body=True)
    assert sent.fragments == 2
    many = ours.a2p_send(SENDER, [TO, "44770000506"], "hello")
    assert (list(many.sent), many.fragments, many.unanswered) == ([TO], 1, ())
    assert [(f.number, f.code) for f in many.failed] == [("44770000506", 506)]
    ours.control_sms("12345678112", enable=True)
    assert PhoneNumber("12345678112", sms_supported=True, sms_enabled=True, callback_url=None) in ours.phone_numbers()
    ours.control_sms("12345678112", enable=False)
    assert not next(p for p in ours.phone_numbers() if p.number == "12345678112").sms_enabled
    ended = CLOCK.now() + timedelta(seconds=5)
    (row,) = ours.sms_history(started, ended, destination=TO)
    assert (row.message_id, row.text, row.status, row.direction) == (sent.message_id, "ж" * 71, "success", "OUT")
    (row,) = ours.a2p_sms_history(started, ended)
    assert (row.message_id, row.text, row.delivery_status) == (many.sent[TO], None, "DELIVERED")
    assert list(ours.a2p_sms_history(started, ended, delivery_status=6)) == []
    assert list(ours.sms_history(started, ended, direction="IN")) == []


def test_history_is_the_world(sandbox):
    """All rows of a span come, whatever the pages, in the order of time."""
    server = sandbox("max_count=100", rows=3000)
    rows = list(client(server).sms_history(datetime(2020, 1, 1, tzinfo=UTC), CLOCK.now()))
    assert [row.message_id for row in rows] == [row["message_id"] for row in server.world.truth("sms")]
    with pytest.raises(SettingsError, match="zone"):
        list(client(server).sms_history(datetime(2020, 1, 1), datetime(2020, 1, 2)))  # noqa: DTZ001 - that is the point


@pytest.mark.sample(1)
@pytest.mark.parametrize("output", ["json", "csv"])
@pytest.mark.parametrize("switches", [("max_offset=10000",), ("date_precision=day", "to_bound=exclusive")], ids=str)
def test_a_short_span_of_a_busy_day(sandbox, switches, output):
    """Five minutes of a day of tens of thousands take a few requests, and no row is hidden by a coarse bound."""
    coarse = "date_precision=day" in switches
    server = sandbox(*switches, rows=12_000 if coarse else 80_000, days=1)
    ours = client(server, output=output, timeout=30)
    start = datetime.combine(days_ago(1), datetime.min.time(), UTC) + timedelta(hours=10)
    rows = list(ours.sms_history(start, start + timedelta(minutes=5)))
    world = server.world.truth("sms")
    assert [row.message_id for row in rows] == [
        row["message_id"] for row in world if start <= row["processed_at"] < start + timedelta(minutes=5)
    ]
    assert rows
    assert len(server.requests) <= 40


def test_ends_with_fractions_of_a_second(sandbox):
    """A span ends before its end and not before the second of it."""
    server = sandbox(rows=300, days=2)
    second = next(server.world.truth("sms"))["processed_at"]
    half = timedelta(microseconds=500_000)
    ours = client(server)
    assert any(row.processed_at == second for row in ours.sms_history(second - half, second + half))
    assert all(row.processed_at > second for row in ours.sms_history(second + half, second + timedelta(days=1)))


@pytest.mark.slow
def test_csv_of_many_days(sandbox):
    """A client whose pages are csv reads more than offsets reach."""
    server = sandbox(rows=40_000, days=12)
    rows = client(server, output="csv", timeout=30).sms_history(
        datetime.combine(days_ago(12), datetime.min.time(), UTC), CLOCK.now(), direction="OUT"
    )
    expected = [row["message_id"] for row in server.world.truth("sms") if row["direction"] == "OUT"]
    assert [row.message_id for row in rows] == expected
    assert len(expected) > 10_000


@pytest.mark.parametrize("fault", UNKNOWN)
@pytest.mark.parametrize("call", ["send_sms", "a2p_send"])
def test_unknown_outcomes_are_never_repeated(sandbox, fault, call):
    """Whatever happens after the request has left, it leaves once, and the error says so."""
    server = sandbox(rows=0, faults=f"{fault}=1,first=1,seconds=1.2")
    numbers = [TO] if call == "a2p_send" else TO
    with pytest.raises(OutcomeUnknown, match="may or may not") as error:
        getattr(client(server, timeout=patient(fault)), call)(
            FROM if call == "send_sms" else SENDER, numbers, "secret text"
        )
    assert error.value.exit_code == 75
    assert "secret" not in str(error.value)
    assert TO not in str(error.value)
    assert sends(server) == (1 if fault in ("lost", "lost-502", "cut", "short") else 0)


@pytest.mark.parametrize("code", [1, 2, 4])
def test_internal_errors_are_unknown(sandbox, code):
    """An internal error may come after the deed."""
    server = sandbox(rows=0, faults=f"code-{code}=1,first=1")
    with pytest.raises(OutcomeUnknown):
        client(server).send_sms(FROM, TO, "hello")


@pytest.mark.parametrize("fault", UNDONE)
def test_what_was_not_done_is_repeated(sandbox, fault):
    """Limits and stale tokens come before the deed: the message is sent at the second try, once."""
    server = sandbox(rows=0, faults=f"{fault}=1,first=1")
    assert client(server).send_sms(FROM, TO, "hello").fragments == 1
    assert len(list(server.world.truth("sms"))) == 1


@pytest.mark.parametrize("fault", [*UNKNOWN, *UNDONE, "code-1"])
def test_control_is_repeated_after_any_fault(sandbox, fault):
    """Switching twice does no harm."""
    server = sandbox(rows=0, faults=f"{fault}=1,first=1,seconds=1.2")
    client(server, timeout=patient(fault)).control_sms("12345678112", enable=True)
    assert server.account.phones["12345678112"] == "enabled"


def test_no_connection_is_no_send(sandbox):
    """Where nobody listens, or TLS fails, nothing went out: that is plain Unavailable, after bounded tries."""
    server, plain = sandbox(rows=0, tls=True), sandbox(rows=0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        for url, told in (
            (f"http://127.0.0.1:{unused.getsockname()[1]}", "no connection"),
            (server.url, "the TLS certificate could not be verified"),
            (plain.url.replace("http:", "https:"), "the server does not speak TLS"),
        ):
            plain.url = url
            with pytest.raises(Unavailable, match=told):
                client(plain, patience=5).send_sms(FROM, TO, "hello")
    assert sends(server) == sends(plain) == 0


def test_refusals_say_what_to_do(sandbox):
    """A refusal keeps its code and gains advice; a missing role names the roles."""
    server = sandbox(rows=0)
    ours = client(server)
    for source, code in (("12345678112", 386), ("74951234567", 528), ("15550000000", 422)):
        with pytest.raises(ApiRejected, match=ADVICE[code][:20]) as declined:
            ours.send_sms(source, TO, "hello")
        assert declined.value.code == code
    ours.send_sms(FROM, TO, "hello")
    with pytest.raises(ApiRejected, match="automatic resend"):
        ours.send_sms(FROM, TO, "hello")
    with pytest.raises(ApiRejected, match="installs"):
        ours.a2p_send("Stranger", [TO], "hello")
    poor = sandbox(rows=0, config=AccountConfig(balance=0))
    with pytest.raises(Refused, match="127"):
        client(poor).send_sms(FROM, TO, "hello")
    owner = Client.connect(server.credentials_for(["Owner"]), url=server.url, clock=CLOCK)
    with pytest.raises(CredentialsRefused, match="CallsSMS"):
        owner.a2p_send(SENDER, [TO], "hello")


@pytest.mark.parametrize(
    ("call", "arguments", "says"),
    [
        ("send_sms", (FROM, TO, "x" * 766), "1 more"),
        ("send_sms", (FROM, TO, ""), "empty"),
        ("send_sms", (FROM, TO, "\udcff"), "UTF-8"),
        ("send_sms", (FROM, "two two three", "x"), "not a number"),
        ("send_sms", (SENDER, TO, "x"), "not a number"),
        ("a2p_send", (SENDER, [TO], "x" * 1601), "1 more"),
        ("a2p_send", (SENDER, [TO, "+" + TO], "x"), "listed twice"),
        ("a2p_send", (SENDER, [], "x"), "nobody"),
        ("a2p_send", ("a;b", [TO], "x"), "SenderID"),
        ("a2p_send", (SENDER, [str(447700900000 + n) for n in range(101)], "x"), "101"),
    ],
)
def test_limits_hold_before_anything_is_sent(sandbox, call, arguments, says):
    """What the API would refuse is refused here, and no request leaves."""
    server = sandbox(rows=0)
    with pytest.raises(SettingsError, match=says):
        getattr(client(server), call)(*arguments)
    assert server.requests == []


@pytest.mark.parametrize("switch", ["sent_fields=2021", "id_type=string", "all_failed=list"])
def test_forms_of_answers(sandbox, switch):
    """Older and looser answers are understood."""
    server = sandbox(switch, rows=0)
    assert client(server).send_sms(FROM, TO, "hello").fragments == 1
    many = client(server).a2p_send(SENDER, [TO, "44770000506"], "hello")
    assert list(many.sent) == [TO]
    assert all(id_ is None or isinstance(id_, int) for id_ in many.sent.values())
    assert [f.number for f in many.failed] == ["44770000506"]


def test_phone_numbers_over_pages(sandbox):
    """All pages of numbers are read."""
    phones = {str(15550000000 + n): "enabled" for n in range(250)}
    found = client(sandbox(rows=0, config=AccountConfig(phones=phones))).phone_numbers()
    assert [phone.number for phone in found] == list(phones)


class Forgetful(BaseHTTPRequestHandler):
    """An API that counts numbers and gives none, or the same for ever."""

    body = b'{"result":[],"total_count":5}'

    def do_POST(self):
        """Answer."""
        body = self.body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


SAME = b'{"result":[{"phone_number":"15550000000","is_sms_supported":true,"is_sms_enabled":true}],"total_count":NNN}'


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"result":[],"total_count":5}', "counts 5 phone numbers and gave 0"),
        (SAME.replace(b"NNN", b"5"), "counts 5 phone numbers and gave 1"),
        (SAME.replace(b"NNN", b"1000000000000"), "counts 1000000000000 phone numbers and gave 1"),
    ],
)
def test_phone_numbers_that_are_counted_and_not_given(monkeypatch, body, told):
    """Numbers that the API counts and does not give are not a list of numbers, and are not asked for for ever."""
    monkeypatch.setattr(Forgetful, "body", body)
    with HTTPServer(("127.0.0.1", 0), Forgetful) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ours = Client(
            HistoryApi(
                ApiClient(f"http://127.0.0.1:{server.server_port}", ApiKey(1, "key"), clock=CLOCK, random=lambda: 1.0)
            )
        )
        with pytest.raises(DataError, match=told):
            ours.phone_numbers()
        server.shutdown()


def test_a_client_that_is_closed(sandbox):
    """Used as a context, a client leaves no thread behind."""
    server, before = sandbox(rows=5000, days=3), set(threading.enumerate())
    with Client.connect(server.credentials, url=server.url, clock=CLOCK) as ours:
        rows = list(ours.sms_history(CLOCK.now() - timedelta(days=4), CLOCK.now()))
    assert len(rows) == len(list(server.world.truth("sms")))
    left = {thread for thread in threading.enumerate() if thread not in before and "voxlake-page" in thread.name}
    assert not left


def test_secrets_stay_inside(sandbox):
    """No repr and no error shows a key or a text."""
    server = sandbox(rows=0)
    ours = Client.connect(server.credentials, url=server.url, clock=CLOCK)
    held = json.loads(server.credentials.read_text())["private_key"]
    assert held[40:60] not in repr(ours) + repr(vars(ours)) + repr(vars(ours.history)) + repr(vars(ours.history.client))
    assert "s3cret" not in repr(ApiKey(1, "s3cret")) + str(ApiKey(1, "s3cret"))
    with pytest.raises(ApiRejected) as error:
        ours.send_sms("12345678999", TO, "a secret text")
    assert "secret text" not in f"{error.value} {error.value!r}"
