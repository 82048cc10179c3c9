"""An account of the vendor's as a value: its credentials, and how its API is asked."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxlake.api import API_URL, ApiClient, HistoryApi, child_of, find_credentials
from voxlake.clock import SYSTEM
from voxlake.errors import SettingsError
from voxlake.events import Emitter
from voxlake.library.sections import usable_currency, usable_time_zone
from voxlake.messaging import Client
from voxlake.model import GREATEST_ID
from voxlake.text import api_address, did_you_mean

if TYPE_CHECKING:
    from datetime import date

    from voxlake.api import Archive, Connections, Credentials, CredentialsSource, Output
    from voxlake.clock import Clock
    from voxlake.events import Listener

_OUTPUTS = ("json", "csv")
_MOST_JOBS = 1000


@dataclass(frozen=True, slots=True)
class Account:
    """An account and how to ask for its histories; see `connect`.

    `parent_id` is the account whose key signs for a child. `since` is the first UTC day to export and `streams` those
    to export, where the account has its own. It can be pickled, and then contains the key: keep it out of logs and of
    stores that others read.
    """

    credentials: Credentials = field(repr=False)
    api_url: str
    output: Output
    jobs: int
    patience: float
    timeout: float
    clock: Clock = field(repr=False)
    insecure_http: bool = False
    name: str | None = None
    parent_id: int | None = None
    currency: str | None = None
    time_zone: str | None = None
    since: date | None = None
    streams: tuple[str, ...] | None = None

    @property
    def account_id(self) -> int:
        """The number of the account."""
        return self.credentials.account_id

    def client(self, *, on_event: Listener | None = None) -> Client:
        """Return a client for the sending methods, with connections of its own; `on_event` hears of what happens."""
        return Client(self.history(on_event=on_event))

    def history(
        self,
        archive: Archive | None = None,
        on_event: Listener | None = None,
        *,
        events: Emitter | None = None,
        connections: Connections | None = None,
    ) -> HistoryApi:
        """Return the two history methods; `archive` is given every reply, and `events` hear of what happens.

        Without `connections`, they have some of their own.
        """
        return HistoryApi(self.api(archive, on_event, events=events, connections=connections), output=self.output)

    def api(
        self,
        archive: Archive | None = None,
        on_event: Listener | None = None,
        *,
        events: Emitter | None = None,
        connections: Connections | None = None,
    ) -> ApiClient:
        """Return a client for any method, as `history` does."""
        return ApiClient(
            self.api_url,
            self.credentials,
            jobs=self.jobs,
            patience=self.patience,
            timeout=self.timeout,
            clock=self.clock,
            random=random.random,
            archive=archive,
            insecure_http=self.insecure_http,
            events=events or Emitter(self.clock, *filter(None, [on_event])).of(self.account_id),
            connections=connections,
        )


def connect(
    credentials: CredentialsSource,
    *,
    api_url: str | None = None,
    output: Output = "json",
    jobs: int = 4,
    patience: float = 180,
    timeout: float = 60,
    clock: Clock = SYSTEM,
    insecure_http: bool = False,
    child: int | None = None,
    name: str | None = None,
    currency: str | None = None,
    time_zone: str | None = None,
) -> Account:
    """Return an account; no request is sent.

    `credentials` are the path of the vendor's credentials.json, its content as a mapping, or the legacy pair
    `(account_id, api_key)`. `api_url` is the vendor's by default, `output` the format that the API is asked for. At
    most `jobs` requests are under way at the same time; `patience` bounds the seconds for the faults of one request,
    `timeout` those for one request with its reply. `clock` dates tokens and waits. `insecure_http` accepts an address
    that is neither https nor on this machine.

    With `child`, the account is the child of that number, and the credentials are its parent's. `name` is what people
    call the account. `currency` (such as EUR) and `time_zone` (such as Europe/Berlin) count where the API does not say.

    Raises:
        SettingsError: an argument cannot be used.

    """
    address = api_address(API_URL if api_url is None else api_url)
    if address is None:
        raise SettingsError(f"api_url is not an address of an API: give one like {API_URL}.")
    if output not in _OUTPUTS:
        raise SettingsError(f"There is no output {output!r}: {did_you_mean(str(output), _OUTPUTS)}")
    if not _is_number(jobs) or not 1 <= jobs <= _MOST_JOBS or int(jobs) != jobs:
        raise SettingsError(f"jobs is {jobs!r}: give a whole number from 1 to {_MOST_JOBS}.")
    if not _is_number(patience) or patience < 0:
        raise SettingsError(f"patience is {patience!r}: give a number of seconds.")
    if not _is_number(timeout) or timeout <= 0:
        raise SettingsError(f"timeout is {timeout!r}: give a number of seconds above 0.")
    if child is not None and (not _is_number(child) or not 1 <= child <= GREATEST_ID or int(child) != child):
        raise SettingsError("child is not the number of an account: give a whole number.")
    if name is not None and (not isinstance(name, str) or not name):
        raise SettingsError(f"name is {name!r}: give a text, or leave it out.")
    if currency is not None:
        currency = usable_currency(currency, f"currency {currency!r}")
    if time_zone is not None:
        usable_time_zone(time_zone, f"time_zone {time_zone!r}")
    own = find_credentials(credentials, clock=clock)
    return Account(
        own if child is None else child_of(own, child),
        address,
        output,
        jobs,
        patience,
        timeout,
        clock,
        insecure_http,
        name=name,
        parent_id=None if child is None else own.account_id,
        currency=currency,
        time_zone=time_zone,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - NaN
