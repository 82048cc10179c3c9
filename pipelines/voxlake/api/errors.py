"""What a failure means: codes of the API, HTTP statuses, faults of the network, each a `Fault` or an error to raise."""

from __future__ import annotations

import ssl
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import requests
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as ReadTimeoutError

from voxlake.api.retry import Fault, FaultError, Final
from voxlake.errors import (
    ApiRejected,
    CredentialsRefused,
    OutcomeUnknown,
    Refused,
    SettingsError,
    Unavailable,
    VoxlakeError,
)
from voxlake.transform import BrokenReplyError

# The codes of the Management API, by what they ask for. Source: the vendor's list of errors.
TOO_FAST = frozenset({162, 314, 340, 416, 515})
INTERNAL = frozenset({1, 2, 4})
STALE_TOKEN = frozenset({455, 456})
CREDENTIALS = frozenset({100, 433, 447, 454, 455, 456})
ACCOUNT = frozenset({104, 115, 127, 131, 137, 281, 282, 317, 339})

WRONG_ADDRESS = frozenset({301, 302, 303, 307, 308, 404, 405, 410})
"""HTTP statuses of a server that is not the API."""

_DENIED = frozenset({401, 403})
_NEVER_SENT = (requests.exceptions.ConnectTimeout, NewConnectionError, ssl.SSLCertVerificationError)
_UNUSABLE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
_NO_TLS = {
    "WRONG_VERSION_NUMBER": "the server does not speak TLS",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server and this machine have no TLS version or cipher in common",
    "NO_PROTOCOLS_AVAILABLE": "this machine's settings allow no TLS version",
}
_FAULTS: tuple[tuple[Any, str], ...] = (
    (requests.exceptions.SSLError, "the TLS certificate could not be verified"),
    (requests.exceptions.ProxyError, "the proxy could not be reached"),
    (requests.exceptions.ConnectTimeout, "connecting timed out"),
    ((requests.exceptions.ReadTimeout, ReadTimeoutError), "the reply timed out"),
    (requests.exceptions.ConnectionError, "no connection"),
)


class ApiAnswerError(Exception):
    """The API answered with an error; branch on `code`, never on the text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"error {code}: {message}")
        self.code = code


def checked(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a reply that is not an error.

    Raises:
        ApiAnswerError: the reply carries an error, in either of the API's two shapes.
        BrokenReplyError: it carries an error without a code.

    """
    errors = reply.get("errors")
    error = reply.get("error") or (errors[0] if isinstance(errors, list) and errors else None)
    if error is None:
        return reply
    try:
        raise ApiAnswerError(int(error["code"]), _one_line(str(error.get("msg", "no message"))))
    except (TypeError, KeyError, ValueError, AttributeError):
        raise BrokenReplyError("an error without a code") from None


def _one_line(text: str) -> str:
    """Make one line of a text from outside, without the characters that would control a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))


def answer_fault(answer: ApiAnswerError) -> Fault | None:
    """Return the fault that a code stands for, None where the code is an answer that repeating does not change."""
    if answer.code in TOO_FAST:
        return Fault(str(answer), wait=1.0, too_fast=True)
    return Fault(str(answer)) if answer.code in INTERNAL else None


def refusal(answer: ApiAnswerError, method: str, roles: tuple[str, ...]) -> VoxlakeError:
    """Return the error to raise for an answer that is not a fault: refused credentials or account, or a rejection."""
    if answer.code in CREDENTIALS:
        return CredentialsRefused(
            f"The API refused the credentials for {method} ({answer}): check the credentials, and that the service"
            f" account has one of the roles {', '.join(roles)}."
        )
    if answer.code in ACCOUNT:
        return Refused(
            f"The API refuses {method} for this account ({answer}): resolve that in the vendor's control panel, or ask"
            " its support."
        )
    return ApiRejected(f"The API declined {method} ({answer})", code=answer.code)


def raise_for_status(status: int, *, wait: float, url: str) -> None:
    """Accept HTTP status 200; `wait` is the pause in seconds that the server asked for.

    Raises:
        SettingsError: the server is not the API.
        FaultError: any other status.

    """
    if status == requests.codes.ok:
        return
    if status in WRONG_ADDRESS:
        raise SettingsError(f"{url} is not the API (HTTP {status}): correct --api-url or VOXIMPLANT_API_URL.")
    too_fast = status == requests.codes.too_many_requests
    raise FaultError(Fault(f"HTTP {status}", wait=wait, too_fast=too_fast, denied=status in _DENIED))


def retry_after(value: str | None, now: float) -> float:
    """Read a Retry-After header, which holds seconds or a date; returns seconds from `now` (UTC seconds)."""
    if not value:
        return 0.0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    at = http_date(value)
    return 0.0 if at is None else max(0.0, at - now)


def http_date(value: str | None) -> float | None:
    """Read an HTTP date as UTC seconds; None where it is absent or unreadable."""
    try:
        return parsedate_to_datetime(value or "").timestamp()
    except (TypeError, ValueError):
        return None


def network_fault(error: Exception) -> Fault:
    """Return the fault that an error of requests, urllib3 or the system stands for, without quoting the request.

    Raises:
        SettingsError: requests cannot use what the environment says of proxies or CA bundles.

    """
    # requests reports a CA bundle that does not exist as an OSError without a number.
    no_bundle = type(error) is OSError and error.errno is None
    if no_bundle or isinstance(error, _UNUSABLE):
        raise SettingsError(
            f"No request can be made with this environment ({_one_line(str(error))}): correct HTTPS_PROXY, HTTP_PROXY,"
            " REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE."
        ) from None
    return Fault(_described(error), not_executed=_never_sent(error))


def _described(error: Exception) -> str:
    """Name a network error."""
    reasons = {getattr(one, "reason", None) for one in _causes(error)}
    for reason, name in _NO_TLS.items():
        if reason in reasons:
            return name
    for kinds, name in _FAULTS:
        if isinstance(error, kinds):
            return name
    return "the reply was cut off"


def _never_sent(error: BaseException) -> bool:
    """Whether an error came before a byte of the request was written: no connection, or no TLS on it."""
    return any(isinstance(e, _NEVER_SENT) or getattr(e, "reason", None) in _NO_TLS for e in _causes(error))


def _causes(error: BaseException) -> list[BaseException]:
    """List an error and what it was raised for, outermost first."""
    chain: list[BaseException] = []
    while error not in chain:
        chain.append(error)
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((e for e in inner if isinstance(e, BaseException)), error)
    return chain


def raise_final(final: Final, fault: Fault, *, method: str, url: str) -> NoReturn:
    """Raise the error for a call that is given up.

    Raises:
        OutcomeUnknown, CredentialsRefused, Unavailable: as `final` says.

    """
    if final is Final.OUTCOME_UNKNOWN:
        raise OutcomeUnknown(f"{method} may or may not have been executed: {fault.reason}.")
    if final is Final.DENIED:
        raise CredentialsRefused(
            f"{url} denies {method} ({fault.reason}): check the credentials, and whether a proxy or firewall on the"
            " way lets the request through."
        )
    # A server that answers "too fast" is the right one.
    advice = ", or correct --api-url if that address is wrong" if fault.harmless and not fault.too_fast else ""
    raise Unavailable(
        f"The API at {url} gave no usable answer to {method} ({fault.reason}): run the same command again"
        f" later{advice}."
    )


NETWORK_ERRORS = (requests.exceptions.RequestException, HTTPError, OSError)
"""What sending a request and reading its reply can raise."""
