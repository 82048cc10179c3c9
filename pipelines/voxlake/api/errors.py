"""What a failure means: codes of the API, HTTP statuses, faults of the network, each a `Fault` or an error to raise."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import requests
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as ReadTimeoutError

from voxlake.api.retry import INTERNAL, Fault, FaultError, Final, certainly_not_done
from voxlake.errors import (
    ApiRejected,
    CredentialsRefused,
    OutcomeUnknown,
    Refused,
    SettingsError,
    Unavailable,
    VoxlakeError,
)
from voxlake.text import one_line
from voxlake.transform import BrokenReplyError, read_integer

# The codes of the Management API, by what they ask for. Source: the vendor's list of errors.
TOO_FAST = frozenset({162, 314, 340, 416, 515})
STALE_TOKEN = frozenset({455, 456})
CREDENTIALS = frozenset({100, 433, 447, 454, 455, 456})
ACCOUNT = frozenset({104, 115, 127, 131, 137, 281, 282, 317, 339})

WRONG_ADDRESS = frozenset({301, 302, 303, 307, 308, 404, 405, 410})
"""HTTP statuses of a server that is not the API."""

_DENIED = frozenset({401, 403})
_CLOCK_IS_OFF = 120
"""Seconds between two clocks that are not just the time that a reply takes."""
_UNUSABLE = ValueError
"""What requests and urllib3 raise for an address, a header or a proxy that no attempt can use."""
_PROXY_PASSWORD = "Tunnel connection failed: 407"  # noqa: S105 - what http.client says
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
    if reply.get("result"):
        raise BrokenReplyError("an error and a result at once")
    try:
        code, message = read_integer(error["code"]), error.get("msg", "no message")
    except (TypeError, KeyError, ValueError, AttributeError):
        code = None
    if code is None:
        raise BrokenReplyError("an error without a code")
    raise ApiAnswerError(code, one_line(str(message)))


def answer_fault(answer: ApiAnswerError, *, once: bool = False) -> Fault | None:
    """Return the fault that a code stands for, None where the code is an answer that repeating does not change.

    With `once`, for what must not be executed twice, a code after which it may have been executed is a fault, too.
    """
    not_done = certainly_not_done(left=True, status=requests.codes.ok, code=answer.code)
    if answer.code in TOO_FAST:
        return Fault(str(answer), wait=1.0, too_fast=True, not_executed=not_done, label=f"error {answer.code}")
    is_fault = answer.code in INTERNAL or (once and not not_done)
    return Fault(str(answer), not_executed=not_done, label=f"error {answer.code}") if is_fault else None


def refusal(
    answer: ApiAnswerError, method: str, roles: tuple[str, ...], *, clock_ahead: float | None = None
) -> VoxlakeError:
    """Return the error to raise for an answer that is not a fault: refused credentials or account, or a rejection.

    `clock_ahead` is by how many seconds this machine's clock is ahead of the API's, where that is known.
    """
    if answer.code in STALE_TOKEN:
        return CredentialsRefused(
            f"The API refused a token made a moment ago for {method} ({answer}): {_clock_advice(clock_ahead)}, and only"
            " then the credentials."
        )
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


def _clock_advice(ahead: float | None) -> str:
    """Return what to do about tokens that are outdated, or of the future, from the start."""
    if ahead is None or abs(ahead) < _CLOCK_IS_OFF:
        return "tokens are dated by the clock, so check this machine's clock and its time zone first (date -u)"
    side = "ahead of" if ahead > 0 else "behind"
    return f"this machine's clock is {abs(ahead) / 60:,.0f} minutes {side} the API's, so set the clock first"


def raise_for_status(status: int, *, wait: float = 0.0) -> None:
    """Raise FaultError for any HTTP status but 200; `wait` is the pause in seconds that the server asked for."""
    if status == requests.codes.ok:
        return
    raise FaultError(
        Fault(
            f"HTTP {status}",
            wait=wait,
            too_fast=status == requests.codes.too_many_requests,
            denied=status in _DENIED,
            not_executed=certainly_not_done(left=True, status=status),
            elsewhere=status in WRONG_ADDRESS,
        )
    )


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
    except (TypeError, ValueError, OverflowError):
        return None


def network_fault(error: Exception, *, left: bool) -> Fault:
    """Return the fault that an error of requests, urllib3 or the system stands for, without quoting the request.

    `left` is whether a byte of the request may have left this machine.

    Raises:
        SettingsError: nothing has left, and nothing ever will, with these settings.

    """
    if not left and isinstance(error, _UNUSABLE):
        raise SettingsError(
            f"No request can be made with these settings ({_unquoted(error)}): correct the credentials, --api-url, or"
            " HTTPS_PROXY, HTTP_PROXY and ALL_PROXY."
        ) from None
    if not left and any(_PROXY_PASSWORD in str(one) for one in _causes(error)):
        raise SettingsError(
            "The proxy asks for a user and a password (HTTP 407): write them into HTTPS_PROXY or ALL_PROXY."
        ) from None
    return Fault(_described(error, left=left), not_executed=certainly_not_done(left=left))


def _unquoted(error: Exception) -> str:
    """Describe an error whose text may quote what must not be shown, such as the body of the request."""
    return "a text that is not Unicode" if isinstance(error, UnicodeError) else one_line(str(error))


def _described(error: Exception, *, left: bool) -> str:
    """Name a network error."""
    reasons = {getattr(one, "reason", None) for one in _causes(error)}
    for reason, name in _NO_TLS.items():
        if reason in reasons:
            return name
    for kinds, name in _FAULTS:
        if isinstance(error, kinds):
            return name
    return "the reply was cut off" if left else "no connection"


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
        OutcomeUnknown, CredentialsRefused, SettingsError, Unavailable: as `final` says.

    """
    if final is Final.OUTCOME_UNKNOWN:
        whose = ", which may not be the API's" if fault.denied or fault.elsewhere else ""
        raise OutcomeUnknown(f"{method} may or may not have been executed: {fault.reason}{whose}.")
    if final is Final.ELSEWHERE:
        raise SettingsError(f"{url} is not the API ({fault.reason}): correct --api-url or VOXIMPLANT_API_URL.")
    if final is Final.DENIED:
        raise CredentialsRefused(
            f"{url} denies {method} ({fault.reason}): check the credentials, and whether a proxy or firewall on the"
            " way lets the request through."
        )
    # A server that answers "too fast" is the right one.
    advice = ", or correct --api-url if that address is wrong" if fault.not_executed and not fault.too_fast else ""
    raise Unavailable(
        f"The API at {url} gave no usable answer to {method} ({fault.reason}): run the same command again"
        f" later{advice}."
    )


NETWORK_ERRORS = (requests.exceptions.RequestException, HTTPError, OSError, ValueError)
"""What sending a request and reading its reply can raise."""
