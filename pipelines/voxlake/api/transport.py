"""Send requests to the Management API and read their replies, again where that can help.

HTTP goes through a `requests.Session` as its users know it: proxies and CA bundles come from the environment
(HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE and others). Two things differ from the defaults: redirects are not followed,
because they would turn a POST into a GET, and the credentials are passed as `auth`, so that ~/.netrc never replaces
them.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from voxlake.api.errors import (
    INTERNAL,
    STALE_TOKEN,
    TOO_FAST,
    ApiAnswerError,
    checked,
    plain,
    refusal,
    retry_after,
    unsent,
)
from voxlake.api.throttle import AdaptiveLimiter
from voxlake.errors import CredentialsRefused, OutcomeUnknown, SettingsError, Unavailable
from voxlake.transform import BrokenReplyError, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlake.api.auth import Credentials
    from voxlake.clock import Clock

T = TypeVar("T")

API_URL = "https://api.voximplant.com/platform_api"
_CONNECT, _PIECE = 10, 1 << 18
_WRONG_ADDRESS = frozenset({301, 302, 303, 307, 308, 404, 405, 410})
_DELAYS = (0.5, 1, 2, 4, 8, 15, 30, 60)
_DENIED = frozenset({401, 403})
_DENIALS = 3
"""After this many 401 or 403 responses a denial counts as final."""


class Archive(Protocol):
    """Where replies are kept as they came; safe to share between threads."""

    def keep(self, method: str, parameters: Mapping[str, str], body: bytes) -> None:
        """Keep the body of a reply with HTTP status 200, with what was asked: no secrets are in the parameters."""


@dataclass(frozen=True, slots=True)
class Response:
    """A reply: its HTTP status, its body without content encoding, and two headers.

    `server_time` is the Date header in UTC seconds, None where it is absent or unreadable.
    """

    status: int
    body: bytes
    server_time: float | None
    retry_after: str | None = None


class _FaultError(Exception):
    """A reply that is worth asking for again; `wait` is what the server asked us to wait, in seconds.

    `undone` says that what was asked for has certainly not been done, `denied` that somebody on the way forbids it.
    """

    def __init__(
        self, message: str, *, wait: float = 0, too_fast: bool = False, undone: bool = False, denied: bool = False
    ) -> None:
        super().__init__(message)
        self.wait, self.too_fast, self.undone, self.denied = wait, too_fast, undone or too_fast or denied, denied


class ApiClient:
    """The methods of one account.

    Safe to share between threads: at most `jobs` requests are under way at the same time, fewer while the API says
    that this is too fast. `requests` counts those sent so far. `patience` bounds the seconds spent on one call with
    all its repetitions, `timeout` those for one reply. `clock` waits and measures, `random` (0 to 1) spreads the
    waits; `archive` is given every reply. A copy that was pickled has connections and counts of its own.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        jobs: int = 4,
        patience: float = 180.0,
        timeout: float = 60.0,
        clock: Clock,
        random: Callable[[], float],
        archive: Archive | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.account_id = credentials.account_id
        self.jobs = jobs
        self._credentials = credentials
        self._patience, self._timeout = patience, timeout
        self._clock, self._random, self._archive = clock, random, archive
        self._open()
        try:
            requests.Request("POST", self.url).prepare()
        except (requests.exceptions.RequestException, ValueError) as error:
            raise SettingsError(f"The API address {url!r} is not a URL: set one like {API_URL}.") from error

    def _open(self) -> None:
        """Create what belongs to one process: connections, counts and locks."""
        self.requests = 0
        self.limiter = AdaptiveLimiter(self.jobs)
        self._count = threading.Lock()
        self._exhausted = False
        self._session = requests.Session()
        # Connections are safe to share between threads, and cookies are all that a request changes in its session.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=self.jobs))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def __getstate__(self) -> dict[str, Any]:
        """Return the settings; what belongs to one process is created anew in the other."""
        own = {"requests", "limiter", "_count", "_exhausted", "_session"}
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def ask(
        self,
        method: str,
        parameters: Mapping[str, str],
        read: Callable[[dict[str, Any]], T],
        *,
        roles: tuple[str, ...],
        once: bool = False,
    ) -> T:
        """Call a method whose reply is JSON, and return what `read` makes of it; raises what `call` raises."""
        return self.call(method, parameters, lambda body: read(checked(parse_json(body))), roles=roles, once=once)

    def call(
        self,
        method: str,
        parameters: Mapping[str, str],
        read: Callable[[bytes], T],
        *,
        roles: tuple[str, ...],
        once: bool = False,
    ) -> T:
        """Call a method, and return what `read` makes of its reply; transient faults are retried, answers are raised.

        With `once`, for what must not happen twice like a send, only requests that certainly had no effect are retried.

        Raises:
            OutcomeUnknown: what must be done once may or may not have been done.
            CredentialsRefused: code 100 and the codes of tokens (a missing role looks the same as a bad key), or
                HTTP 401 and 403 again and again.
            Refused: the account may not.
            ApiRejected: any other code of the API.
            Unavailable: the faults outlasted our patience.

        """
        deadline = self._clock.time() + self._patience
        renewed = False
        server_time: float | None = None
        for tries, delay in enumerate(chain(_DELAYS, repeat(_DELAYS[-1])), start=1):
            try:
                with self.limiter:
                    response = self._send(method, parameters)
                server_time = response.server_time
                self._raise_for_status(response)
                self._keep(method, parameters, response.body)
                reply = read(response.body)
            except ApiAnswerError as answer:
                if answer.code in STALE_TOKEN and not renewed:
                    renewed = True
                    self._credentials.renew(server_time=server_time)
                    continue
                if answer.code not in TOO_FAST | INTERNAL:
                    raise refusal(answer, method, roles) from None
                too_fast = answer.code in TOO_FAST
                fault = _FaultError(str(answer), wait=float(too_fast), too_fast=too_fast)
            except BrokenReplyError as error:
                fault = _FaultError(f"the reply could not be read: {error}")
            except _FaultError as error:
                fault = error
            else:
                self._exhausted = False
                self.limiter.well()
                return reply
            self._raise_if_final(fault, method, once=once, tries=tries)
            if fault.too_fast:
                self.limiter.too_fast()
            wait = max(fault.wait, delay * (0.5 + self._random() / 2))
            # Once patience has run out for one request, the others don't each wait as long again.
            if self._exhausted or self._clock.time() + wait > deadline:
                break
            self._clock.sleep(wait)
        self._exhausted = True
        advice = ", or mend --api-url if that address is wrong" if fault.undone and not fault.too_fast else ""
        raise Unavailable(
            f"The API at {self.url} gave no usable answer to {method} ({fault}): run the same command again"
            f" later{advice}."
        )

    def _raise_if_final(self, fault: _FaultError, method: str, *, once: bool, tries: int) -> None:
        """Raise where asking again could do something twice, or could not help."""
        if once and not fault.undone:
            raise OutcomeUnknown(f"{method} may or may not have been done: {fault}.")
        if fault.denied and tries >= _DENIALS:
            raise CredentialsRefused(
                f"{self.url} denies {method} ({fault}): check the credentials, and whether a proxy or firewall on the"
                " way lets you through."
            )

    def _send(self, method: str, parameters: Mapping[str, str]) -> Response:
        """Send one request and read its reply within the time for it."""
        with self._count:
            self.requests += 1
        try:
            with self._session.post(
                f"{self.url}/{method}",
                data=parameters,
                auth=self._credentials,
                timeout=(_CONNECT, self._timeout),
                allow_redirects=False,
                stream=True,
            ) as reply:
                body = b"" if reply.status_code in _WRONG_ADDRESS else self._body(reply)
        except (requests.exceptions.RequestException, HTTPError, OSError) as error:
            raise _FaultError(
                plain(error), undone=unsent(error)
            ) from None  # the cause names the request, and with it the key
        return Response(reply.status_code, body, _date(reply.headers.get("Date")), reply.headers.get("Retry-After"))

    def _keep(self, method: str, parameters: Mapping[str, str], body: bytes) -> None:
        if self._archive is not None:
            self._archive.keep(method, parameters, body)

    def _raise_for_status(self, response: Response) -> None:
        """Raise what a status other than 200 means."""
        if response.status == requests.codes.ok:
            return
        if response.status in _WRONG_ADDRESS:
            raise SettingsError(
                f"{self.url} is not the API (HTTP {response.status}): mend --api-url or VOXIMPLANT_API_URL."
            )
        wait = retry_after(response.retry_after, self._clock.time())
        too_fast = response.status == requests.codes.too_many_requests
        denied = response.status in _DENIED
        raise _FaultError(f"HTTP {response.status}", wait=wait, too_fast=too_fast, denied=denied)

    def _body(self, response: requests.Response) -> bytes:
        """Read a body within the time for a reply, however slowly its bytes come.

        The timeout of requests bounds the wait for each packet, and `iter_content` returns full pieces only: a server
        that drips would hold us for hours. `read1` of urllib3's response returns after each packet.
        """
        deadline = time.monotonic() + self._timeout
        pieces = []
        while piece := response.raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            if time.monotonic() > deadline:
                raise requests.exceptions.ReadTimeout
        return b"".join(pieces)


def _date(header: str | None) -> float | None:
    """Read a Date header as UTC seconds; None where it is absent or unreadable."""
    try:
        return parsedate_to_datetime(header or "").timestamp()
    except (TypeError, ValueError):
        return None
