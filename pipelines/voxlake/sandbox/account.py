"""One account of a sandbox: who it is, its world, its state, and the methods that answer for it."""

from __future__ import annotations

import functools
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from voxlake.sandbox.account_state import AccountState
from voxlake.sandbox.callbacks import Callbacks
from voxlake.sandbox.history import METHODS, History
from voxlake.sandbox.phones import ControlSms, PhoneNumbers
from voxlake.sandbox.responses import ApiError
from voxlake.sandbox.sending import SendA2P, SendSms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from voxlake.sandbox.account_config import AccountConfig
    from voxlake.sandbox.behaviour import Behaviour
    from voxlake.sandbox.condition import Condition
    from voxlake.sandbox.request import Request
    from voxlake.sandbox.reseller import Profile
    from voxlake.sandbox.responses import Reply
    from voxlake.sandbox.world import World


class Method(Protocol):
    """One method of the API."""

    def answer(self, parameters: Mapping[str, str]) -> Reply:
        """Answer one request.

        Raises:
            ApiError: the API would report an error.

        """


_STATEFUL: dict[str, Callable[[AccountState, Behaviour], Method]] = {
    "SendSmsMessage": SendSms,
    "A2PSendSms": SendA2P,
    "ControlSms": lambda state, _: ControlSms(state),
    "GetPhoneNumbers": lambda state, _: PhoneNumbers(state),
}


_REFUSALS = {100: "Authorization failed", 131: "The account is not activated"}


class Account:
    """One account, whose world and state are made when they are first needed: a reseller has a thousand.

    `number` is 0 for the parent, and 1 for the first child. `condition` may be replaced at any time. `requests` lists
    the calls that were made for the account. `journal` is the file of its state.
    """

    def __init__(
        self,
        number: int,
        profile: Profile,
        *,
        world: Callable[[], World],
        config: AccountConfig,
        behaviour: Behaviour,
        condition: Condition,
        now: Callable[[], float],
        journal: Path | None,
    ) -> None:
        self.number, self.profile, self.condition = number, profile, condition
        self.account_id, self.api_key = profile.account_id, profile.api_key
        self.requests: list[Request] = []
        self._make_world, self._config, self._behaviour = world, config, behaviour
        self._now, self._journal = now, journal
        self._lock = threading.RLock()
        self._world: World | None = None
        self._state: AccountState | None = None

    @property
    def world(self) -> World:
        """The messages of the account."""
        with self._lock:
            if self._world is None:
                self._world = self._make_world()
            return self._world

    @property
    def state(self) -> AccountState:
        """What the account has sent, received and set."""
        with self._lock:
            if self._state is None:
                self._state = AccountState(self.world, self._config, now=self._now, journal=self._journal)
            return self._state

    @property
    def balance(self) -> Decimal:
        """The balance in the account's currency."""
        return self._config.balance if self._state is None else self._state.balance

    @functools.cached_property
    def callbacks(self) -> Callbacks:
        """What posts the callbacks of the account."""
        return Callbacks(self.profile, self._config.callback_salt, self._behaviour.callback_shape)

    def check(self, roles: frozenset[str] | None) -> frozenset[str] | None:
        """Return the roles that a caller has here, None for all.

        Raises:
            ApiError: the account is in a condition in which it answers no call.

        """
        condition, frozen = self.condition, self._behaviour.frozen_account
        if condition.code is not None:
            raise ApiError(condition.code, _REFUSALS.get(condition.code, "Something is wrong with this account."))
        if not condition.active or (condition.frozen and frozen == "131"):
            raise ApiError(131, _REFUSALS[131])
        if condition.frozen and frozen == "100":
            raise ApiError(100, _REFUSALS[100])
        return roles if roles is None or condition.roles is None else condition.roles

    def history(self, method: str) -> History:
        """Return the history that a method asks for, with what an earlier start has sent."""
        if self._journal is not None and self._journal.exists():
            _ = self.state
        return History(method, self.world, self._behaviour)

    def method(self, name: str) -> Method:
        """Return what answers a method."""
        return self.history(name) if name in METHODS else _STATEFUL[name](self.state, self._behaviour)

    def report(self, *, sums: bool) -> dict[str, Any]:
        """Return what is true of the account, as JSON values; with `sums`, its visible messages and their cost."""
        profile, condition = self.profile, self.condition
        told: dict[str, Any] = {
            "number": self.number,
            "account_id": profile.account_id,
            "name": profile.name,
            "currency": profile.currency,
            "time_zone": profile.time_zone,
            "created": f"{profile.created:%Y-%m-%d %H:%M:%S}",
            "active": condition.active,
            "frozen": condition.frozen,
            "listed": condition.listed,
            "requests": len(self.requests),
        }
        if sums:
            rows = {stream: list(self.world.truth(stream)) for stream in METHODS.values()}
            told |= {
                stream: {
                    "rows": len(its),
                    "cost": sum((row["cost"] for row in its), Decimal(0)),
                    "first": f"{its[0]['processed_at']:%Y-%m-%d %H:%M:%S}" if its else None,
                    "last": f"{its[-1]['processed_at']:%Y-%m-%d %H:%M:%S}" if its else None,
                }
                for stream, its in rows.items()
            }
        return told

    def close(self) -> None:
        """Close the state's journal."""
        if self._state is not None:
            self._state.close()
