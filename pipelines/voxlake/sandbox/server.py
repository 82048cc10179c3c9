"""The sandbox: an account, or a reseller's many, behind the API's methods, served on this machine."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Self

from voxlake.sandbox.access import AccessControl
from voxlake.sandbox.account import Account
from voxlake.sandbox.account_config import AccountConfig
from voxlake.sandbox.account_methods import AccountInfo, ChildrenAccounts
from voxlake.sandbox.admin import Admin
from voxlake.sandbox.faults import CODES, Faults
from voxlake.sandbox.guard import PREFIX, leave_token, remove_token
from voxlake.sandbox.history import LOSSES, METHODS
from voxlake.sandbox.http_server import Handler, Server
from voxlake.sandbox.limits import LimitExceeded, Limits
from voxlake.sandbox.request import Request, read_request
from voxlake.sandbox.reseller import ACCOUNT_ID, API_KEY, Reseller, parent_profile, phones_of
from voxlake.sandbox.responses import ApiError, Reply, error_reply
from voxlake.sandbox.tls import certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from voxlake.sandbox.account import Method
    from voxlake.sandbox.account_state import AccountState
    from voxlake.sandbox.behaviour import Behaviour
    from voxlake.sandbox.world import World

_ERRORS = {f"code-{code}": ApiError(code, "Something is wrong for the moment.") for code in CODES}
_ERRORS["expired"] = ApiError(456, "The token has expired.")


_METHODS = {*METHODS, "SendSmsMessage", "A2PSendSms", "ControlSms", "GetPhoneNumbers"}
_METHODS |= {"GetAccountInfo", "GetChildrenAccounts"}
_BUSY = {"429": Reply(b"", "text/plain", 429), "429-after": Reply(b"", "text/plain", 429, {"Retry-After": "1"})}


class Sandbox:
    """A look-alike of the API for one account or a reseller's; a context manager that serves while it is open.

    `world` is the parent's, and `reseller` says which accounts there are below it. `port` 0 picks a free port. `now` is
    the server's clock (UTC seconds), which judges tokens and dates new messages; `world_now`, if given, is the clock by
    which seeded messages reach their final status. Credentials, their key and the certificate of `tls` are written to
    `directory` and reused from there; `ca` is the authority to trust. `state` is the file that keeps sent and received
    messages and the SMS settings of numbers across restarts; each child has one beside it that ends with its id. A
    reply takes `latency` seconds. `requests` lists the calls received; `token` is what the levers below `/sandbox` ask
    for, and only this user finds.

    `accounts` holds all accounts by id, the parent first, and `children` those below it by number; `account` is the
    state of the parent.

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
        reseller: Reseller | None = None,
        limits: Limits | None = None,
        latency: float = 0,
    ) -> None:
        self.world, self.behaviour = world, behaviour
        if world_now is not None:
            world.now = world_now
        self.faults, self.limits, self.latency = faults or Faults(), limits or Limits(), latency
        self.now = now
        self.gzip = behaviour.gzip == "on"
        self.requests: list[Request] = []
        self.token = secrets.token_hex(16)
        config = config or AccountConfig()
        self.ca: Path | None = None
        if tls:
            context, self.ca = certificate(directory)
        self._reseller = reseller or Reseller(children=0, rows=0, days=1, seed=0, until=date.max)
        family = [self._account(number, config, state) for number in range(self._reseller.children + 1)]
        self.accounts = {account.account_id: account for account in family}
        self._parent, self.children = family[0], dict(enumerate(family[1:], start=1))
        self._access = AccessControl(
            {account.account_id: account.api_key for account in family},
            directory=directory,
            now=now,
            info_roles=frozenset({"Owner"}) if behaviour.account_info == "owner" else None,
        )
        self.account_id, self.api_key = ACCOUNT_ID, API_KEY
        self.credentials = self.credentials_for(config.roles)
        for number, child in self.children.items():
            if self._reseller.of(number).own_key:
                self.credentials_for(config.roles, child.account_id)
        self._http = Server(("127.0.0.1", port), Handler)
        try:
            self.account: AccountState = self._parent.state
        except BaseException:
            self._http.server_close()
            raise
        self._admin = Admin(self.accounts)
        self._appearing = itertools.count(9 * 10**12)
        self._http.responder = self
        if tls:
            self._http.encrypt(context)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._http.server_port}/platform_api"

    def _account(self, number: int, config: AccountConfig, state: Path | None) -> Account:
        """Return an account by its number; 0 is the parent."""
        its, reseller = self._reseller.of(number), self._reseller
        if number == 0:
            profile = parent_profile(its, balance=config.balance, callback_salt=config.callback_salt)
        else:
            profile = reseller.profile(number)
            config = replace(config, phones=phones_of(profile.account_id), balance=profile.balance)
            state = state and state.with_name(f"{state.name}-{profile.account_id}")
        return Account(
            number,
            profile,
            world=lambda: reseller.world(number, self._world_time) if number else self.world,
            config=config,
            behaviour=self.behaviour,
            condition=its.condition,
            now=self.now,
            journal=state,
        )

    def _world_time(self) -> float:
        """Return the time of the parent's world, which may be given another clock at any moment."""
        return self.world.now()

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
        for account in self.accounts.values():
            account.close()

    def credentials_for(self, roles: Iterable[str], account_id: int | None = None) -> Path:
        """Write the credentials of a service account with these roles; return the path of the file.

        `account_id` is a child whose own key it is to be; by default it is the parent's, which speaks for all.
        """
        account = self._parent if account_id is None else self.accounts[account_id]
        return self._access.credentials_for(roles, account.account_id, email=account.profile.email)

    def answer(self, target: str, headers: Any, body: bytes, fault: str | None = None) -> Reply:
        """Return the reply to a request; as in the API, errors are HTTP 200 too."""
        if target.startswith(PREFIX):
            return self._admin.handle(target, headers, body)
        ahead = 0
        try:
            request = read_request(target, headers, body)
            if request is None:
                return Reply(b"<html><body>404 Not Found</body></html>", "text/html", 404)
            account, roles = self._caller(request)
            ahead = account.condition.clock
            with self.limits.admit(account.account_id, self.now):
                if takes := self.latency + account.condition.slow:
                    time.sleep(takes)
                status = account.condition.status
                reply = Reply(b"", "text/plain", status) if status else self._call(account, request, roles, fault)
        except ApiError as error:
            reply = error_reply(error, self.behaviour.error_shape)
        except LimitExceeded:
            reply = self._busy()
        return replace(reply, ahead=ahead) if ahead else reply

    def _caller(self, request: Request) -> tuple[Account, frozenset[str] | None]:
        """Record a request; return the account that it is for, and the caller's roles (None: all)."""
        self.requests.append(request)
        if request.method not in _METHODS:
            raise ApiError(103, "Unknown command.")
        account_id, roles = self._access.identify(request.parameters, request.authorization)
        account = self.accounts[account_id]
        account.requests.append(request)
        return account, roles

    def _busy(self) -> Reply:
        code = self.behaviour.limit_reply
        if code in _BUSY:
            return _BUSY[code]
        return error_reply(ApiError(int(code), "Rate limit exceed"), self.behaviour.error_shape)

    def _call(self, account: Account, request: Request, roles: frozenset[str] | None, fault: str | None) -> Reply:
        self._access.allow(request.method, account.check(roles))
        if fault in _ERRORS:
            raise _ERRORS[fault]
        if request.method not in METHODS:
            return self._method(account, request.method).answer(request.parameters)
        history = account.history(request.method)
        reply = history.answer(request.parameters, lost=fault if fault in LOSSES else "")
        if fault == "insert":
            self._appear(account.world, request)
        return reply

    def _method(self, account: Account, name: str) -> Method:
        if name == "GetAccountInfo":
            return AccountInfo(account, lambda: self.url.split("/")[2])
        if name == "GetChildrenAccounts":
            children = self.children.values() if account is self._parent else ()
            return ChildrenAccounts(list(children), self.behaviour)
        return account.method(name)

    def _appear(self, world: World, request: Request) -> None:
        """Add a message in the middle of the window that was just requested."""
        stream = METHODS[request.method]
        dates = [request.parameters.get(name) for name in ("from_date", "to_date")]
        if None in dates or next(iter(world.truth(stream)), None) is None:
            return
        first, last = (datetime.fromisoformat(str(date)).replace(tzinfo=UTC) for date in dates)
        at = min(first + (last - first) / 2, datetime.fromtimestamp(world.now(), UTC)).replace(microsecond=0)
        row = next(world.truth(stream))
        world.insert(stream, {**row, "message_id": next(self._appearing), "processed_at": at})
