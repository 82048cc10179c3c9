"""What can be wrong with one account: a frozen one, a refused key, a missing role, a wrong clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from voxlake.sandbox.access import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS = (
    "normal, frozen, inactive, unlisted, gone, refused, code=N, http=N, role=NAME+NAME, no-role, clock=SECONDS or"
    " slow=SECONDS"
)
_REFUSED = 100


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of one account; by default nothing is wrong.

    `listed` is False where the parent's list lacks the account. `code` is the error of every call, `status` the
    HTTP status of a gateway that lets none through. `roles` are those that every service account has here (None: its
    own). `clock` is how many seconds the Date header of its replies is ahead, `slow` how many a reply takes longer.
    """

    frozen: bool = False
    active: bool = True
    listed: bool = True
    code: int | None = None
    status: int | None = None
    roles: frozenset[str] | None = None
    clock: int = 0
    slow: float = 0

    @classmethod
    def parse(cls, words: Iterable[str]) -> Condition:
        """Parse words such as `frozen` and `clock=3600`.

        Raises:
            ValueError: a word is unknown; the message lists the known ones.

        """
        condition = cls()
        for word in words:
            condition = cls() if word == "normal" else replace(condition, **_change(word))
        return condition


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """How one account differs from the rest of its sandbox; None: as it would be.

    `rows` and `days` are those of a child's world. `none` as `currency` or `time_zone` is one that the API does not
    report. `own_key` gives a child a service account of its own.
    """

    rows: int | None = None
    days: int | None = None
    seed: int | None = None
    name: str | None = None
    currency: str | None = None
    time_zone: str | None = None
    own_key: bool = False
    condition: Condition = field(default_factory=Condition)


def read_accounts(settings: Iterable[str], *, children: int) -> dict[int, AccountSettings]:
    """Parse `NUMBER:SETTING,...` settings, where 0 is the parent, 1 the first child, and `2-5` four children.

    Raises:
        ValueError: a setting is malformed or names an account that is not there; the message is one sentence.

    """
    found: dict[int, AccountSettings] = {}
    for setting in settings:
        numbers, _, words = setting.partition(":")
        first, _, last = numbers.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or not words:
            raise ValueError(
                f"{setting!r} is not an account setting: use NUMBER:SETTING, for example 3:frozen or 2-5:rows=100."
            )
        for number in range(int(first), int(last or first) + 1):
            if number > children:
                raise ValueError(
                    f"There is no account {number}: use 0, the parent, to {children}, or raise --accounts."
                )
            found[number] = _settings(number, words.split(","), found.get(number, AccountSettings()))
    return found


def _settings(number: int, words: list[str], before: AccountSettings) -> AccountSettings:
    condition: list[str] = []
    changes: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name in ("rows", "days", "seed"):
            if not value.isdecimal() or (name == "days" and value == "0"):
                raise ValueError(f"{name} of account {number} cannot be {value!r}: use a whole number.")
            if number == 0:
                raise ValueError(f"{name} of the parent is set by --{name}.")
            changes[name] = int(value)
        elif name in ("name", "currency", "time_zone") and value:
            changes[name] = value
        elif word == "own_key":
            changes["own_key"] = True
        else:
            condition.append(word)
    if condition:
        changes["condition"] = Condition.parse(condition)
    return replace(before, **changes)


def _change(word: str) -> dict[str, Any]:
    plain: dict[str, dict[str, Any]] = {
        "frozen": {"frozen": True},
        "inactive": {"active": False},
        "unlisted": {"listed": False},
        "gone": {"listed": False, "code": _REFUSED},
        "refused": {"code": _REFUSED},
        "no-role": {"roles": frozenset()},
    }
    if word in plain:
        return plain[word]
    name, _, value = word.partition("=")
    if name == "code" and value.isdecimal():
        return {"code": int(value)}
    if name == "http" and value.isdecimal() and 400 <= int(value) <= 599:
        return {"status": int(value)}
    if name == "slow" and value.replace(".", "", 1).isdecimal():
        return {"slow": float(value)}
    if name == "clock" and value.removeprefix("-").isdecimal():
        return {"clock": int(value)}
    if name == "role" and set(value.split("+")) <= set().union(*ROLES.values()):
        return {"roles": frozenset(value.split("+"))}
    raise ValueError(f"{word!r} is not a condition of an account: use {_WORDS}.")
