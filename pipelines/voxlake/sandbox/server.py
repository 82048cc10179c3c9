"""The sandbox: one account's world and affairs behind the API's methods, served on this machine."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from .account_config import Setup
from .account_state import Office
from .accounts import Account
from .admin import PREFIX, Levers
from .callbacks import Caller
from .faults import CODES, Faults
from .history import METHODS, History
from .http_server import Handler, Server
from .phones import Control, Phones
from .request import Request, read_request
from .responses import ApiError, Reply, error_reply
from .sending import SendA2P, SendSms
from .tls import certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from .behaviour import Switches
    from .world import World

ACCOUNT_ID = 1234567
API_KEY = "00000000-sandbox-0000-0000-000000000000"
_ERRORS = {f"code-{code}": ApiError(code, "Something is wrong for the moment.") for code in CODES}
_ERRORS["expired"] = ApiError(456, "The token has expired.")


class Method(Protocol):
    """One method of the API."""

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Answer one request, or raise the API's error."""


class Sandbox:
    """A look-alike of the API that serves one account's world; a context manager.

    `port` 0 takes a free one. `now` is the server's clock (UTC seconds), which judges tokens and dates what is sent;
    `world_now`, where given, is the world's, which settles seeded statuses. Credentials, the key behind them and the
    certificate of `tls` are written below `directory`, and found there again; `ca` is what a client must trust.
    `state` is the file that keeps what was sent, received and switched. `requests` lists what was asked.

    Raises:
        ValueError: the state cannot be used.

    """

    def __init__(
        self,
        world: World,
        *,
        switches: Switches,
        directory: Path,
        faults: Faults | None = None,
        port: int = 0,
        now: Callable[[], float] = time.time,
        world_now: Callable[[], float] | None = None,
        setup: Setup | None = None,
        state: Path | None = None,
        tls: bool = False,
    ) -> None:
        self.world, self.switches = world, switches
        if world_now is not None:
            world.now = world_now
        self.faults = faults or Faults()
        self.now = now
        self.gzip = switches.gzip == "on"
        self.requests: list[Request] = []
        setup = setup or Setup()
        self.ca: Path | None = None
        if tls:
            context, self.ca = certificate(directory)
        self._account = Account(account_id=ACCOUNT_ID, api_key=API_KEY, directory=directory, now=now)
        self.account_id, self.api_key = ACCOUNT_ID, API_KEY
        self.credentials = self.credentials_for(setup.roles)
        self._http = Server(("127.0.0.1", port), Handler)
        try:
            self.office = Office(world, setup, now=now, journal=state)
        except BaseException:
            self._http.server_close()
            raise
        self._histories = {method: History(method, world, switches) for method in METHODS}
        self._methods: dict[str, Method] = {
            **self._histories,
            "SendSmsMessage": SendSms(self.office, switches),
            "A2PSendSms": SendA2P(self.office, switches),
            "ControlSms": Control(self.office),
            "GetPhoneNumbers": Phones(self.office),
        }
        caller = Caller(ACCOUNT_ID, API_KEY, setup.callback_salt, switches.callback_shape)
        self._levers = Levers(self.office, caller)
        self._appearing = itertools.count(9 * 10**12)
        self._http.answerer = self
        if tls:
            self._http.encrypt(context)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._http.server_port}/platform_api"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self.office.close()

    def credentials_for(self, roles: Iterable[str]) -> Path:
        """Write the credentials of a service account with these roles."""
        return self._account.credentials_for(roles)

    def answer(self, target: str, headers: Any, body: bytes, fault: str | None = None) -> Reply:
        """Answer a request as the API would: what goes wrong is HTTP 200, too."""
        if target.startswith(PREFIX):
            return self._levers.pull(target, headers, body)
        try:
            request = read_request(target, headers, body)
            if request is None:
                return Reply(b"<html><body>404 Not Found</body></html>", "text/html", 404)
            self.requests.append(request)
            return self._call(request, fault)
        except ApiError as error:
            return error_reply(error, self.switches.error_shape)

    def _call(self, request: Request, fault: str | None) -> Reply:
        if request.method not in self._methods:
            raise ApiError(103, "Unknown command.")
        self._account.check(request.method, request.parameters, request.authorization)
        if fault in _ERRORS:
            raise _ERRORS[fault]
        history = self._histories.get(request.method)
        if history is None:
            return self._methods[request.method].answer(request.parameters)
        reply = history.answer(request.parameters, lost=fault if fault in ("half", "none") else "")
        if fault == "insert":
            self._appear(request)
        return reply

    def _appear(self, request: Request) -> None:
        """Let a message appear in the middle of the window that was just asked for."""
        stream = METHODS[request.method]
        dates = [request.parameters.get(name) for name in ("from_date", "to_date")]
        if None in dates or next(iter(self.world.truth(stream)), None) is None:
            return
        first, last = (datetime.fromisoformat(str(date)).replace(tzinfo=UTC) for date in dates)
        at = min(first + (last - first) / 2, datetime.fromtimestamp(self.world.now(), UTC)).replace(microsecond=0)
        row = next(self.world.truth(stream))
        self.world.insert(stream, {**row, "message_id": next(self._appearing), "processed_at": at})
