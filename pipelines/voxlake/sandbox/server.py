"""The sandbox: one account's messages and state behind the API's methods, served on this machine."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from voxlake.sandbox.access import AccessControl
from voxlake.sandbox.account_config import AccountConfig
from voxlake.sandbox.account_state import AccountState
from voxlake.sandbox.admin import Admin
from voxlake.sandbox.callbacks import Callbacks
from voxlake.sandbox.faults import CODES, Faults
from voxlake.sandbox.guard import PREFIX, leave_token, remove_token
from voxlake.sandbox.history import LOSSES, METHODS, History
from voxlake.sandbox.http_server import Handler, Server
from voxlake.sandbox.phones import ControlSms, PhoneNumbers
from voxlake.sandbox.request import Request, read_request
from voxlake.sandbox.responses import ApiError, Reply, error_reply
from voxlake.sandbox.sending import SendA2P, SendSms
from voxlake.sandbox.tls import certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from voxlake.sandbox.behaviour import Behaviour
    from voxlake.sandbox.world import World

ACCOUNT_ID = 1234567
API_KEY = "00000000-sandbox-0000-0000-000000000000"
_ERRORS = {f"code-{code}": ApiError(code, "Something is wrong for the moment.") for code in CODES}
_ERRORS["expired"] = ApiError(456, "The token has expired.")


class Method(Protocol):
    """One method of the API."""

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Answer one request.

        Raises:
            ApiError: the API would report an error.

        """


class Sandbox:
    """A look-alike of the API for one account; a context manager that serves while it is open.

    `port` 0 picks a free port. `now` is the server's clock (UTC seconds), which judges tokens and dates new messages;
    `world_now`, if given, is the clock by which seeded messages reach their final status. Credentials, their key and
    the certificate of `tls` are written to `directory` and reused from there; `ca` is the authority to trust.
    `state` is the file that keeps sent and received messages and the SMS settings of numbers across restarts.
    `requests` lists the calls received; `token` is what the levers below `/sandbox` ask for, and only this user finds.

    Raises:
        ValueError: the state file is in use or cannot be read.

    """

    def __init__(
        self,
        world: World,
        *,
        behaviour: Behaviour,
        directory: Path,
        faults: Faults | None = None,
        port: int = 0,
        now: Callable[[], float] = time.time,
        world_now: Callable[[], float] | None = None,
        config: AccountConfig | None = None,
        state: Path | None = None,
        tls: bool = False,
    ) -> None:
        self.world, self.behaviour = world, behaviour
        if world_now is not None:
            world.now = world_now
        self.faults = faults or Faults()
        self.now = now
        self.gzip = behaviour.gzip == "on"
        self.requests: list[Request] = []
        self.token = secrets.token_hex(16)
        config = config or AccountConfig()
        self.ca: Path | None = None
        if tls:
            context, self.ca = certificate(directory)
        self._access = AccessControl(account_id=ACCOUNT_ID, api_key=API_KEY, directory=directory, now=now)
        self.account_id, self.api_key = ACCOUNT_ID, API_KEY
        self.credentials = self.credentials_for(config.roles)
        self._http = Server(("127.0.0.1", port), Handler)
        try:
            self.account = AccountState(world, config, now=now, journal=state)
        except BaseException:
            self._http.server_close()
            raise
        self._histories = {method: History(method, world, behaviour) for method in METHODS}
        self._methods: dict[str, Method] = {
            **self._histories,
            "SendSmsMessage": SendSms(self.account, behaviour),
            "A2PSendSms": SendA2P(self.account, behaviour),
            "ControlSms": ControlSms(self.account),
            "GetPhoneNumbers": PhoneNumbers(self.account),
        }
        callbacks = Callbacks(ACCOUNT_ID, API_KEY, config.callback_salt, behaviour.callback_shape)
        self._admin = Admin(self.account, callbacks)
        self._appearing = itertools.count(9 * 10**12)
        self._http.responder = self
        if tls:
            self._http.encrypt(context)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._http.server_port}/platform_api"

    def date(self) -> float | None:
        """Return the time that replies tell, in UTC seconds; None for replies without a date."""
        if self.behaviour.date_header == "off":
            return None
        return self.now() + (self.behaviour.clock_ahead or 0) - (self.behaviour.clock_behind or 0)

    def __enter__(self) -> Self:
        leave_token(self._http.server_port, self.token)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        remove_token(self._http.server_port)
        self._http.shutdown()
        self._http.server_close()
        self.account.close()

    def credentials_for(self, roles: Iterable[str]) -> Path:
        """Write the credentials of a service account with these roles; return the path of the file."""
        return self._access.credentials_for(roles)

    def answer(self, target: str, headers: Any, body: bytes, fault: str | None = None) -> Reply:
        """Return the reply to a request; as in the API, errors are HTTP 200 too."""
        if target.startswith(PREFIX):
            return self._admin.handle(target, headers, body)
        try:
            request = read_request(target, headers, body)
            if request is None:
                return Reply(b"<html><body>404 Not Found</body></html>", "text/html", 404)
            self.requests.append(request)
            return self._call(request, fault)
        except ApiError as error:
            return error_reply(error, self.behaviour.error_shape)

    def _call(self, request: Request, fault: str | None) -> Reply:
        if request.method not in self._methods:
            raise ApiError(103, "Unknown command.")
        self._access.check(request.method, request.parameters, request.authorization)
        if fault in _ERRORS:
            raise _ERRORS[fault]
        history = self._histories.get(request.method)
        if history is None:
            return self._methods[request.method].answer(request.parameters)
        reply = history.answer(request.parameters, lost=fault if fault in LOSSES else "")
        if fault == "insert":
            self._appear(request)
        return reply

    def _appear(self, request: Request) -> None:
        """Add a message in the middle of the window that was just requested."""
        stream = METHODS[request.method]
        dates = [request.parameters.get(name) for name in ("from_date", "to_date")]
        if None in dates or next(iter(self.world.truth(stream)), None) is None:
            return
        first, last = (datetime.fromisoformat(str(date)).replace(tzinfo=UTC) for date in dates)
        at = min(first + (last - first) / 2, datetime.fromtimestamp(self.world.now(), UTC)).replace(microsecond=0)
        row = next(self.world.truth(stream))
        self.world.insert(stream, {**row, "message_id": next(self._appearing), "processed_at": at})
