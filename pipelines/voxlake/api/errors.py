"""What an error means for the one who asked: of the API, in its two shapes, or of the network, whatever raised it."""

from __future__ import annotations

import ssl
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError
from urllib3.exceptions import TimeoutError as ReadTimeoutError

from voxlake.errors import ApiRejected, CredentialsRefused, Refused, VoxlakeError
from voxlake.transform import BrokenReplyError

TOO_FAST = frozenset({162, 314, 340, 416, 515})
INTERNAL = frozenset({1, 2, 4})
STALE_TOKEN = frozenset({455, 456})
CREDENTIALS = frozenset({100, 433, 447, 454, 455, 456})
ACCOUNT = frozenset({104, 115, 127, 131, 137, 281, 282, 317, 339})
_UNSENT = (requests.exceptions.ConnectTimeout, NewConnectionError, ssl.SSLCertVerificationError)
_NO_TLS = {
    "WRONG_VERSION_NUMBER": "the server does not speak TLS",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server speaks no TLS that this machine speaks",
    "NO_PROTOCOLS_AVAILABLE": "this machine's settings allow no TLS",
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
    """Raise the error that a reply carries, in either of its two shapes."""
    errors = reply.get("errors")
    error = reply.get("error") or (errors[0] if isinstance(errors, list) and errors else None)
    if error is None:
        return reply
    try:
        raise ApiAnswerError(int(error["code"]), _line(str(error.get("msg", "no message"))))
    except (TypeError, KeyError, ValueError, AttributeError):
        raise BrokenReplyError("an error without a code") from None


def _line(text: str) -> str:
    """Make one line of what somebody else wrote, without what would steer a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))


def refusal(answer: ApiAnswerError, method: str, roles: tuple[str, ...]) -> VoxlakeError:
    """Give the error to raise for an answer that is not a fault of the moment."""
    if answer.code in CREDENTIALS:
        return CredentialsRefused(
            f"The API refused the credentials for {method} ({answer}): check the credentials, and that the service"
            f" account has one of the roles {', '.join(roles)}."
        )
    if answer.code in ACCOUNT:
        return Refused(
            f"The API refuses {method} for this account ({answer}): mend that in the vendor's control panel, or ask its"
            " support."
        )
    return ApiRejected(f"The API declined {method} ({answer})", code=answer.code)


def plain(error: Exception) -> str:
    """Name a network fault without quoting the request."""
    reasons = {getattr(one, "reason", None) for one in _causes(error)}
    for reason, name in _NO_TLS.items():
        if reason in reasons:
            return name
    for kinds, name in _FAULTS:
        if isinstance(error, kinds):
            return name
    return "the reply was cut off"


def unsent(error: BaseException) -> bool:
    """Whether a network fault came before a byte of the request was written: no connection, or no TLS on it."""
    return any(isinstance(e, _UNSENT) or getattr(e, "reason", None) in _NO_TLS for e in _causes(error))


def _causes(error: BaseException) -> list[BaseException]:
    """List an error and what it came of, one in the other."""
    chain: list[BaseException] = []
    while error not in chain:
        chain.append(error)
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((e for e in inner if isinstance(e, BaseException)), error)
    return chain


def retry_after(value: str | None, now: float) -> float:
    """Read Retry-After, which comes in seconds or as a date."""
    if not value:
        return 0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError):
        return 0
