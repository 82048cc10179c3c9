"""The child accounts of a reseller: who they are, and the world of each, the same for the same seed."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from voxlake.sandbox.account_config import PHONES
from voxlake.sandbox.condition import AccountSettings
from voxlake.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACCOUNT_ID = 1234567
API_KEY = "00000000-sandbox-0000-0000-000000000000"
"""Of the parent."""
_FIRST_ID, _STEP = 1_400_000, 137
_CACHED_DAYS = 32
_PLACES = (
    ("USD", ("America/New_York", "America/Los_Angeles", "America/Chicago"), "US", "en"),
    ("EUR", ("Europe/Berlin", "Europe/Madrid", "Europe/Helsinki"), "DE", "de"),
    ("RUR", ("Europe/Moscow", "Asia/Yekaterinburg", "Etc/GMT-8"), "RU", "ru"),
    ("GBP", ("Europe/London",), "GB", "en"),
    ("KZT", ("Asia/Almaty",), "KZ", "ru"),
)
"""Currency, time zones, country, language."""

_TOWNS = (
    "harbour", "northside", "riverside", "oldtown", "lakeview", "hillcrest", "seaside", "midtown", "parkway", "station",
    "bridge", "orchard", "castle", "market", "garden", "summit", "valley", "meadow", "forest", "island",
)  # fmt: skip
_TRADES = (
    "dental", "bakery", "taxi", "clinic", "florist", "books", "cycles", "pizza", "optics", "travel", "fitness",
    "pharmacy", "motors", "school", "hotel", "law", "energy", "foods", "rental", "tailor",
)  # fmt: skip
# Nobody else is called this: whoever searches what voxlake stored for a name finds only what came from here.
_GIVEN = ("Ottoline", "Zebulon", "Philomena", "Barnaby", "Araminta", "Thaddeus", "Clementia", "Ignatius")
_FAMILY = ("Quillfeather", "Brambleworth", "Thistledown", "Copperpot", "Marrowgate", "Featherstonehaugh")


@dataclass(frozen=True, slots=True)
class Profile:
    """What GetAccountInfo and GetChildrenAccounts report of an account; `created` is in UTC.

    `currency` and `time_zone` are None where the replies lack them.
    """

    account_id: int
    name: str
    email: str
    currency: str | None
    time_zone: str | None
    created: datetime
    balance: Decimal
    api_key: str
    callback_salt: str
    given_name: str = "Ottoline"
    family_name: str = "Sandbox-Ownerby"
    phone: str = "12025550100"
    address: str = "1 Sandbox Way, Suite 5f3c9a"
    country: str = "US"
    language: str = "en"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that a client has no business to store: keys, and personal data."""
        return (self.api_key, self.callback_salt, self.email, self.family_name, self.phone, self.address)


@dataclass(frozen=True, slots=True)
class Reseller:
    """The child accounts of a sandbox, numbered from 1.

    Each has `rows` messages in the `days` UTC days before `until`; a `quiet_share` of them (0 to 1) has `quiet_rows`
    instead, one for each day unless given. `settings` say by number how an account differs.
    """

    children: int
    rows: int
    days: int
    seed: int
    until: date
    late: float = 0
    quiet_share: float = 0
    quiet_rows: int | None = None
    settings: Mapping[int, AccountSettings] = field(default_factory=dict)

    def of(self, number: int) -> AccountSettings:
        """Return the settings of an account."""
        return self.settings.get(number, AccountSettings())

    def rows_of(self, number: int) -> int:
        """Return how many messages a child's world has."""
        own = self.of(number).rows
        if own is not None:
            return own
        # Spread evenly, and the same however many children there are.
        quiet = int(number * self.quiet_share) > int((number - 1) * self.quiet_share)
        if not quiet:
            return self.rows
        return self.days_of(number) if self.quiet_rows is None else self.quiet_rows

    def days_of(self, number: int) -> int:
        """Return how many days a child's world has."""
        return self.of(number).days or self.days

    def world(self, number: int, now: Callable[[], float]) -> World:
        """Return the world of a child; `now` is its clock."""
        own = self.of(number)
        return World(
            rows=self.rows_of(number),
            days=self.days_of(number),
            seed=_draw(self.seed, number, "world").getrandbits(40) if own.seed is None else own.seed,
            until=self.until,
            late=self.late,
            now=now,
            numbers=numbers_of(self.account_id(number)),
            cached_days=_CACHED_DAYS,
        )

    def account_id(self, number: int) -> int:
        """Return the id of a child."""
        return _FIRST_ID + number * _STEP + _draw(self.seed, number, "id").randrange(_STEP)

    def profile(self, number: int) -> Profile:
        """Return who a child is."""
        rng, own = _draw(self.seed, number, "profile"), self.of(number)
        places = list(_PLACES)
        random.Random(f"{self.seed}/places").shuffle(places)
        currency, zones, country, language = places[(number - 1) % len(places)]
        name = own.name or self._name(number)
        # Before the first message, and else the same on every day.
        oldest = self.until - timedelta(days=self.days_of(number) + 1)
        created = min(oldest, date(2014, 1, 1) + timedelta(days=rng.randrange(3000)))
        return Profile(
            account_id=self.account_id(number),
            name=name,
            email=f"owner-{rng.getrandbits(32):08x}@{name}.example",
            currency=_given(own.currency, currency),
            time_zone=_given(own.time_zone, rng.choice(zones)),
            created=datetime(created.year, created.month, created.day, tzinfo=UTC)
            + timedelta(seconds=rng.randrange(86_400)),
            balance=Decimal(rng.randrange(10_000, 5_000_000)).scaleb(-3),
            api_key=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            callback_salt=f"salt-{rng.getrandbits(64):016x}",
            given_name=rng.choice(_GIVEN),
            family_name=f"{rng.choice(_FAMILY)}-{rng.choice(_FAMILY)}",
            phone=f"1202555{rng.randrange(10**8):08d}",
            address=f"{rng.randrange(1, 200)} Sandbox Street, Suite {rng.getrandbits(32):08x}",
            country=country,
            language=language,
        )

    def _name(self, number: int) -> str:
        """Return a name by the vendor's rules: 5 to 20 lowercase latin letters, digits and hyphens, unique."""
        pairs = len(_TOWNS) * len(_TRADES)
        # A step without a common divisor visits every pair once.
        at = (number * 181 + _draw(self.seed, 0, "name").randrange(pairs)) % pairs
        name = f"{_TOWNS[at % len(_TOWNS)]}-{_TRADES[at // len(_TOWNS)]}"
        again = (number - 1) // pairs
        return f"{name[:14]}-{again + 1}" if again else name


def parent_profile(its: AccountSettings, *, balance: Decimal, callback_salt: str) -> Profile:
    """Return who the parent is."""
    return Profile(
        account_id=ACCOUNT_ID,
        name=its.name or "sandbox",
        email="sandbox@example.com",
        currency=_given(its.currency, "USD"),
        time_zone=_given(its.time_zone, "Etc/GMT"),
        created=datetime(2020, 1, 1, 12, tzinfo=UTC),
        balance=balance,
        api_key=API_KEY,
        callback_salt=callback_salt or "salt-of-the-sandbox",
    )


def numbers_of(account_id: int) -> tuple[str, ...]:
    """Return the rented numbers of a child account."""
    return tuple(f"{head}{account_id % 10**7:07d}" for head in ("1555", "4420", "7495", "4930", "004144"))


def phones_of(account_id: int) -> dict[str, str]:
    """Return the same, each with its state; the states are those of the parent's numbers."""
    return dict(zip(numbers_of(account_id), PHONES.values(), strict=True))


def _given(setting: str | None, usual: str) -> str | None:
    """Return what an account setting says, `none` for nothing, or else the usual."""
    return None if setting == "none" else setting or usual


def _draw(seed: int, number: int, what: str) -> random.Random:
    return random.Random(f"{seed}/{what}/{number}")
