"""Talk HTTP with the Management API: one request is asked and read as a whole, and asked again when either fails."""

from __future__ import annotations

import os
import threading
import time
from email.utils import parsedate_to_datetime
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from requests.utils import default_headers, get_environ_proxies
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

    from voxlake.api.auth import ApiKey, ServiceAccount

T = TypeVar("T")

_CONNECT, _PIECE = 10, 1 << 18
_WRONG_ADDRESS = frozenset({301, 302, 303, 307, 308, 404, 405, 410})
_DELAYS = (0.5, 1, 2, 4, 8, 15, 30, 60)
_DENIED = frozenset({401, 403})
_DENIALS = 3
"""Who denies the third try of a request is believed."""


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

    Safe to share between threads: at most `jobs` requests run at the same time,
    fewer while the API says that this is too fast. `requests` counts what was asked.
    `patience` bounds the seconds spent on one request with all its repetitions, `timeout` those for one reply.
    `keep` is given every reply as it came, with its method and parameters, without secrets.
    `now` and `sleep` (seconds) and `random` (0 to 1) are arguments so that tests own them.
    """

    def __init__(
        self,
        url: str,
        auth: ApiKey | ServiceAccount,
        *,
        jobs: int = 4,
        patience: float = 180,
        timeout: float = 60,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float],
    ) -> None:
        self.url = url.rstrip("/")
        self.account_id = auth.account_id
        self.requests = 0
        self.pace = AdaptiveLimiter(jobs)
        self._auth = auth
        self._patience, self._timeout = patience, timeout
        self._exhausted = False
        self.keep: Callable[[str, Mapping[str, str], bytes], None] = lambda _method, _parameters, _body: None
        self._now, self._sleep, self._random = now, sleep, random
        self._local = threading.local()
        self._adapter = _OneHost(pool_connections=1, pool_maxsize=jobs)
        self._blanks: dict[str, requests.PreparedRequest] = {}
        self._count = threading.Lock()
        self._verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        try:
            self._proxies = get_environ_proxies(self.url)
            self._blank("")
        except (requests.exceptions.RequestException, ValueError) as error:
            raise SettingsError(
                f"The API address {url!r} is no URL: give one like https://api.voximplant.com/platform_api."
            ) from error

    def ask(
        self,
        method: str,
        parameters: Mapping[str, str],
        read: Callable[[dict[str, Any]], T],
        *,
        roles: tuple[str, ...],
        once: bool = False,
    ) -> T:
        """Ask a method whose reply is JSON; raises what `call` raises."""
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
        """Ask a method and read its reply; faults of the moment are waited out, answers are raised.

        What must be done `once`, like a send, is asked again only where it certainly was not done.

        Raises:
            Uncertain: what must be done once may or may not have been done.
            CredentialsRefused: code 100 and the codes of tokens; a missing role looks the same as a bad key. Also
                HTTP 401 and 403, when they come again and again.
            Refused: the account may not.
            Declined: any other code of the API.
            Unavailable: the faults outlasted our patience.

        """
        deadline = self._now() + self._patience
        renewed = False
        for tries, delay in enumerate(chain(_DELAYS, repeat(_DELAYS[-1])), start=1):
            try:
                with self.pace:
                    body = self._ask(method, parameters)
                self.keep(method, parameters, body)
                reply = read(body)
            except ApiAnswerError as answer:
                if answer.code in STALE_TOKEN and not renewed:
                    renewed = True
                    self._auth.renew(server_time=self._server_time())
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
                self.pace.well()
                return reply
            self._raise_if_final(fault, method, once=once, tries=tries)
            if fault.too_fast:
                self.pace.too_fast()
            wait = max(fault.wait, delay * (0.5 + self._random() / 2))
            # Once patience has run out for one request, the others don't each wait as long again.
            if self._exhausted or self._now() + wait > deadline:
                break
            self._sleep(wait)
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

    def _ask(self, method: str, parameters: Mapping[str, str]) -> bytes:
        with self._count:
            self.requests += 1
        # Straight to the adapter: a session would merge settings, cookies and redirects anew for every page. It follows
        # no redirect, and ~/.netrc never replaces our token.
        try:
            request = self._blank(method).copy()
            request.body = urlencode({**parameters, **self._auth.parameters()}).encode()
            request.headers.update({**self._auth.headers(), "Content-Length": str(len(request.body))})
            with self._adapter.send(
                request, stream=True, timeout=(_CONNECT, self._timeout), verify=self._verify, proxies=self._proxies
            ) as response:
                self._local.date = response.headers.get("Date")
                body = self._body(response)
        except (requests.exceptions.RequestException, HTTPError, OSError) as error:
            raise _FaultError(
                plain(error), undone=unsent(error)
            ) from None  # the cause names the request, and with it the key
        if response.status_code == requests.codes.ok:
            return body
        if response.status_code in _WRONG_ADDRESS:
            raise SettingsError(
                f"{self.url} is not the API (HTTP {response.status_code}): mend --api-url or VOXIMPLANT_API_URL."
            )
        wait = retry_after(response.headers.get("Retry-After"), self._now())
        too_fast = response.status_code == requests.codes.too_many_requests
        denied = response.status_code in _DENIED
        raise _FaultError(f"HTTP {response.status_code}", wait=wait, too_fast=too_fast, denied=denied)

    def _blank(self, method: str) -> requests.PreparedRequest:
        """Give a request without its parameters: nothing else differs between two of a method."""
        if method not in self._blanks:
            headers = {**default_headers(), "Content-Type": "application/x-www-form-urlencoded"}
            self._blanks[method] = requests.Request("POST", f"{self.url}/{method}", headers=headers).prepare()
        return self._blanks[method]

    def _body(self, response: requests.Response) -> bytes:
        """Read a body within the time for a reply, however slowly its bytes come."""
        deadline = time.monotonic() + self._timeout
        pieces = []
        while piece := response.raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            if time.monotonic() > deadline:
                raise requests.exceptions.ReadTimeout
        return b"".join(pieces)

    def _server_time(self) -> float | None:
        """Give the server's time (UTC seconds) by its last Date header; None where that says nothing."""
        try:
            return parsedate_to_datetime(self._local.date).timestamp()
        except (TypeError, ValueError):
            return None


class _OneHost(HTTPAdapter):
    """The adapter of requests, without what it would work out anew for every page: the host's pool, and cookies."""

    _pool: Any = None

    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
        """Give the pool that the first request was given."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*arguments, **named)
        return self._pool

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Give the reply of urllib3 with what we look at."""
        response = requests.Response()
        response.request, response.raw = req, resp
        response.status_code, response.headers = resp.status, resp.headers
        return response
