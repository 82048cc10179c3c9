"""What the codes of the API mean for the one who asked."""

import ssl
from decimal import Decimal

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from voxlake.api.errors import (
    ACCOUNT,
    CREDENTIALS,
    STALE_TOKEN,
    TOO_FAST,
    WRONG_ADDRESS,
    ApiAnswerError,
    answer_fault,
    checked,
    http_date,
    network_fault,
    raise_final,
    raise_for_status,
    refusal,
    retry_after,
)
from voxlake.api.retry import INTERNAL, Fault, FaultError, Final
from voxlake.errors import ApiRejected, CredentialsRefused, OutcomeUnknown, Refused, SettingsError, Unavailable
from voxlake.transform import BrokenReplyError

URL = "https://api.example"


@pytest.mark.parametrize(
    ("code", "kind", "advice"),
    [
        *((code, CredentialsRefused, "Owner, Admin") for code in sorted(CREDENTIALS - STALE_TOKEN)),
        *((code, Refused, "control panel") for code in (104, 115, 127, 131, 137, 281, 282, 317, 339)),
        *((code, ApiRejected, "the vendor's reference") for code in (101, 123, 497, 569, 999)),
    ],
)
def test_every_answer_says_what_to_do(code, kind, advice):
    """A code becomes the error of what the operator does next, in one sentence that quotes it and gives advice."""
    error = refusal(ApiAnswerError(code, "a text"), "GetSmsHistory", ("Owner", "Admin"))
    assert type(error) is kind
    assert f"error {code}: a text" in str(error)
    assert advice in str(error)
    assert str(error).endswith(".")


def test_no_code_is_two_things():
    """What is waited out is never a refusal, but for the token that ended."""
    assert not (TOO_FAST | INTERNAL) & (CREDENTIALS | ACCOUNT)
    assert STALE_TOKEN <= CREDENTIALS
    assert not CREDENTIALS & ACCOUNT


@pytest.mark.parametrize("reply", [{"error": {"msg": "m", "code": 7}}, {"errors": [{"code": "7", "msg": "m"}]}])
def test_both_shapes_of_an_error(reply):
    """One error or a list of them, the code as a number or as text, is the same."""
    with pytest.raises(ApiAnswerError) as answer:
        checked(reply)
    assert answer.value.code == 7


def test_what_an_error_says_is_one_line():
    """Neither a line break nor half a character nor an escape of the API's reaches a terminal, or a file of texts."""
    with pytest.raises(ApiAnswerError) as answer:
        checked({"error": {"code": 7, "msg": "a\n b\ud83d \x1b[31mred ü"}})
    assert str(answer.value) == "error 7: a b\ufffd \ufffd[31mred ü"


def test_an_endless_message_is_cut():
    """Of a message of 20 MB a line is left, and a note of how long it was."""
    with pytest.raises(ApiAnswerError, match=r"^error 7: x{500}… \(20,000,000 characters\)$"):
        checked({"error": {"code": 7, "msg": "x" * 20_000_000}})


def test_an_error_without_a_code_is_a_broken_reply():
    """Half an error, or one beside a result, is worth another attempt; a reply without one is returned."""
    for reply in (
        {"error": {"msg": "m"}},
        {"error": "x"},
        {"error": {"code": "x"}},
        {"errors": ["x"]},
        {"error": {"code": Decimal("1e1000000")}},
        {"error": {"code": 7}, "result": 1},
    ):
        with pytest.raises(BrokenReplyError):
            checked(reply)
    for reply in ({}, {"errors": []}, {"error": None, "result": 1}):
        assert checked(reply) is reply


@pytest.mark.parametrize("code", sorted(TOO_FAST))
def test_rate_limits_are_faults(code):
    """A rate limit had no effect, slows down, and asks for a second."""
    expected = Fault(f"error {code}: m", wait=1.0, too_fast=True, not_executed=True, label=f"error {code}")
    assert answer_fault(ApiAnswerError(code, "m")) == answer_fault(ApiAnswerError(code, "m"), once=True) == expected
    assert expected.loggable == f"error {code}"


def test_internal_errors_are_faults_and_answers_are_not():
    """An internal error may have had its effect; any other code is an answer."""
    assert [answer_fault(ApiAnswerError(code, "m")) for code in (1, 2, 4)] == [
        Fault(f"error {code}: m", label=f"error {code}") for code in (1, 2, 4)
    ]
    assert answer_fault(ApiAnswerError(497, "m")) is answer_fault(ApiAnswerError(456, "m")) is None
    assert answer_fault(ApiAnswerError(14, "m")) is answer_fault(ApiAnswerError(386, "m"), once=True) is None
    assert answer_fault(ApiAnswerError(14, "m"), once=True) == Fault("error 14: m", label="error 14")


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (500, Fault("HTTP 500", wait=7)),
        (503, Fault("HTTP 503", wait=7)),
        (407, Fault("HTTP 407", wait=7)),
        (429, Fault("HTTP 429", wait=7, too_fast=True, not_executed=True)),
        *((status, Fault(f"HTTP {status}", wait=7, denied=True)) for status in (401, 403)),
        *((status, Fault(f"HTTP {status}", wait=7, elsewhere=True)) for status in sorted(WRONG_ADDRESS)),
    ],
)
def test_statuses_that_are_faults(status, fault):
    """Everything but 200 is a fault, with the pause that the server asked for."""
    raise_for_status(200)
    with pytest.raises(FaultError) as error:
        raise_for_status(status, wait=7)
    assert error.value.fault == fault


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0), ("", 0), ("7", 7), ("0.5", 0.5), ("-1", 0), ("soon", 0), ("Thu, 01 Jan 1970 00:01:40 GMT", 60),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0), ("Thu, 99 Jan 1970 00:01:40 GMT", 0),
    ],
)  # fmt: skip
def test_retry_after(value, seconds):
    """Seconds or a date, measured from the time that is passed in; nonsense means no pause."""
    assert retry_after(value, 40.0) == seconds


def test_dates():
    """A Date header is UTC seconds, or None."""
    assert http_date("Thu, 01 Jan 1970 00:01:40 GMT") == 100
    assert http_date(None) is http_date("yesterday") is None
    assert http_date("Thu, 01 Jan 1970 00:01:40 +99999999999999999999") is None


def no_route():
    """Return what requests raises where nobody listens."""
    reason = NewConnectionError(None, "refused")
    return requests.exceptions.ConnectionError(MaxRetryError(None, "/", reason))


def no_tls(reason):
    """Return what requests raises where no TLS connection comes about."""
    inner = ssl.SSLError(1, "x")
    inner.reason = reason
    return requests.exceptions.SSLError(MaxRetryError(None, "/", inner))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (no_route(), "no connection"),
        (requests.exceptions.ConnectTimeout(), "connecting timed out"),
        (requests.exceptions.ReadTimeout(), "the reply timed out"),
        (requests.exceptions.ConnectionError(ProtocolError("x", ConnectionResetError())), "no connection"),
        (requests.exceptions.SSLError(), "the TLS certificate could not be verified"),
        (no_tls("WRONG_VERSION_NUMBER"), "the server does not speak TLS"),
        (ProtocolError("x"), "the reply was cut off"),
        (ConnectionResetError(104, "reset"), "the reply was cut off"),
        (requests.exceptions.InvalidHeader("x"), "the reply was cut off"),
    ],
)
def test_network_errors(error, reason):
    """Each has a name; whether the request had an effect is decided by whether a byte of it has left."""
    assert network_fault(error, left=True) == Fault(reason)
    if not isinstance(error, ValueError):
        before = "no connection" if reason == "the reply was cut off" else reason
        assert network_fault(error, left=False) == Fault(before, not_executed=True)


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.InvalidProxyURL("Please check proxy URL."),
        requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."),
        UnicodeEncodeError("utf-8", "api_key=s3cret\udcff", 14, 15, "surrogates not allowed"),
        requests.exceptions.ProxyError(OSError("Tunnel connection failed: 407 Proxy Authentication Required")),
    ],
)
def test_settings_that_cannot_be_used(error):
    """What no attempt can repair names the variables, and quotes no secret."""
    with pytest.raises(SettingsError, match="HTTPS_PROXY") as raised:
        network_fault(error, left=False)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("ahead", "says"),
    [
        (None, "check this machine's clock and its time zone first"),
        (3, "check this machine's clock and its time zone first"),
        (7200, "clock is 120 minutes ahead of the API's"),
        (-7200, "clock is 120 minutes behind the API's"),
    ],
)
@pytest.mark.parametrize("code", sorted(STALE_TOKEN))
def test_a_token_that_is_always_expired_points_to_the_clock(code, ahead, says):
    """An expired token after a renewal is rarely a matter of roles: the clock that dates tokens is likelier."""
    error = refusal(ApiAnswerError(code, "m"), "GetSmsHistory", ("Owner",), clock_ahead=ahead)
    assert says in str(error)
    assert "role" not in str(error)


@pytest.mark.parametrize(
    ("final", "fault", "kind", "says"),
    [
        (Final.OUTCOME_UNKNOWN, Fault("x"), OutcomeUnknown, "SendSmsMessage may or may not have been executed: x."),
        (Final.OUTCOME_UNKNOWN, Fault("x", elsewhere=True), OutcomeUnknown, "executed: x, which may not be the API's."),
        (Final.ELSEWHERE, Fault("HTTP 404"), SettingsError, f"{URL} is not the API (HTTP 404): correct --api-url"),
        (Final.DENIED, Fault("x", denied=True), CredentialsRefused, "https://api.example denies SendSmsMessage"),
        (Final.OUT_OF_PATIENCE, Fault("x"), Unavailable, "run the same command again later."),
        (Final.OUT_OF_PATIENCE, Fault("x", not_executed=True), Unavailable, "or correct --api-url"),
        (Final.OUT_OF_PATIENCE, Fault("x", too_fast=True), Unavailable, "again later."),
    ],
)
def test_calls_that_are_given_up(final, fault, kind, says):
    """Each reason has its error, which says what to do next."""
    with pytest.raises(kind) as error:
        raise_final(final, fault, method="SendSmsMessage", url=URL)
    assert says in str(error.value)
