"""What the codes of the API mean for the one who asked."""

import ssl

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from voxlake.api.errors import (
    ACCOUNT,
    CREDENTIALS,
    INTERNAL,
    STALE_TOKEN,
    TOO_FAST,
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
from voxlake.api.retry import Fault, FaultError, Final
from voxlake.errors import ApiRejected, CredentialsRefused, OutcomeUnknown, Refused, SettingsError, Unavailable
from voxlake.transform import BrokenReplyError

URL = "https://api.example"


@pytest.mark.parametrize(
    ("code", "kind", "advice"),
    [
        *((code, CredentialsRefused, "Owner, Admin") for code in sorted(CREDENTIALS)),
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


def test_an_error_without_a_code_is_a_broken_reply():
    """Half an error is worth another attempt; a reply without one is returned."""
    for reply in ({"error": {"msg": "m"}}, {"error": "x"}, {"error": {"code": "x"}}, {"errors": ["x"]}):
        with pytest.raises(BrokenReplyError):
            checked(reply)
    for reply in ({}, {"errors": []}, {"error": None, "result": 1}):
        assert checked(reply) is reply


@pytest.mark.parametrize("code", sorted(TOO_FAST))
def test_rate_limits_are_faults(code):
    """A rate limit had no effect, slows down, and asks for a second."""
    assert answer_fault(ApiAnswerError(code, "m")) == Fault(f"error {code}: m", wait=1.0, too_fast=True)


def test_internal_errors_are_faults_and_answers_are_not():
    """An internal error may have had its effect; any other code is an answer."""
    assert [answer_fault(ApiAnswerError(code, "m")) for code in (1, 2, 4)] == [
        Fault(f"error {code}: m") for code in (1, 2, 4)
    ]
    assert answer_fault(ApiAnswerError(497, "m")) is answer_fault(ApiAnswerError(456, "m")) is None


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (500, Fault("HTTP 500", wait=7)),
        (503, Fault("HTTP 503", wait=7)),
        (429, Fault("HTTP 429", wait=7, too_fast=True)),
        (401, Fault("HTTP 401", wait=7, denied=True)),
        (403, Fault("HTTP 403", wait=7, denied=True)),
    ],
)
def test_statuses_that_are_faults(status, fault):
    """Everything but 200 is a fault, with the pause that the server asked for."""
    with pytest.raises(FaultError) as error:
        raise_for_status(status, wait=7, url=URL)
    assert error.value.fault == fault


def test_statuses_that_are_final():
    """200 is a reply; a redirect, or a page that is not there, is another server than the API."""
    raise_for_status(200, wait=0, url=URL)
    for status in (301, 302, 303, 307, 308, 404, 405, 410):
        with pytest.raises(SettingsError, match=f"{URL} is not the API .HTTP {status}.: correct --api-url"):
            raise_for_status(status, wait=0, url=URL)


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
    ("error", "fault"),
    [
        (no_route(), Fault("no connection", not_executed=True)),
        (requests.exceptions.ConnectTimeout(), Fault("connecting timed out", not_executed=True)),
        (requests.exceptions.ReadTimeout(), Fault("the reply timed out")),
        (requests.exceptions.ConnectionError(ProtocolError("x", ConnectionResetError())), Fault("no connection")),
        (requests.exceptions.SSLError(), Fault("the TLS certificate could not be verified")),
        (no_tls("WRONG_VERSION_NUMBER"), Fault("the server does not speak TLS", not_executed=True)),
        (ProtocolError("x"), Fault("the reply was cut off")),
        (ConnectionResetError(104, "reset"), Fault("the reply was cut off")),
    ],
)
def test_network_errors(error, fault):
    """Each has a name, and only one that came before the request was written is certain to have had no effect."""
    assert network_fault(error) == fault


@pytest.mark.parametrize(
    "error",
    [
        OSError("Could not find a suitable TLS CA certificate bundle, invalid path: none.pem"),
        requests.exceptions.InvalidProxyURL("Please check proxy URL."),
        requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."),
    ],
)
def test_an_environment_that_cannot_be_used(error):
    """What no attempt can repair names the variables."""
    with pytest.raises(SettingsError, match=r"HTTPS_PROXY.*REQUESTS_CA_BUNDLE") as raised:
        network_fault(error)
    assert str(error) in str(raised.value)


@pytest.mark.parametrize(
    ("final", "fault", "kind", "says"),
    [
        (Final.OUTCOME_UNKNOWN, Fault("x"), OutcomeUnknown, "SendSmsMessage may or may not have been executed: x."),
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
