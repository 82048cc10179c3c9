"""All five SMS methods for programs: typed parameters and results, limits checked before a request leaves.

A send is never repeated where its outcome is unknown: that is `OutcomeUnknown`, and only the history can tell.
"""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar

from voxlake.api import API_URL, ApiClient, HistoryApi, find_credentials
from voxlake.clock import SYSTEM
from voxlake.errors import ApiRejected, DataError, OutcomeUnknown, SettingsError, Unavailable
from voxlake.extract import WindowReader
from voxlake.messaging.responses import (
    HistoryRow,
    read_a2p_receipt,
    read_phone_numbers,
    read_sms_receipt,
    read_success,
)
from voxlake.messaging.validation import (
    ADVICE,
    MAX_CHARACTERS,
    MAX_CHARACTERS_A2P,
    MAX_NUMBERS,
    check_sender,
    check_text,
    checked_number,
    checked_numbers,
)
from voxlake.model import Window
from voxlake.transform import A2P, SMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from voxlake.api import CredentialsSource
    from voxlake.clock import Clock
    from voxlake.messaging.responses import A2PReceipt, PhoneNumber, SmsReceipt
    from voxlake.transform import Stream

SEND, A2P_SEND, CONTROL, NUMBERS = "SendSmsMessage", "A2PSendSms", "ControlSms", "GetPhoneNumbers"
ROLES = {
    SEND: ("Owner", "Admin", "Developer", "CallsSMS"),
    A2P_SEND: ("CallsSMS",),
    CONTROL: ("Owner", "Admin", "Developer", "Accountant"),
    NUMBERS: ("Owner", "Admin", "Developer"),
}
"""The roles of a service account that may call a method. Source: the vendor's reference of each method."""

_NUMBERS_PER_PAGE = 100
MOST_NUMBERS = 1_000_000
"""Where more rented numbers come than this, they are not believed, and no more are asked for."""
T = TypeVar("T")


class Client:
    """The SMS methods of one account; safe to share between threads.

    `Client.connect("credentials.json")` is all that a program needs. Every method raises what `ApiClient.call` raises.
    """

    def __init__(self, history: HistoryApi) -> None:
        self.account_id = history.account_id
        self.history = history

    @classmethod
    def connect(
        cls,
        credentials: CredentialsSource,
        *,
        url: str = API_URL,
        patience: float = 180,
        timeout: float = 60,
        clock: Clock = SYSTEM,
        insecure_http: bool = False,
    ) -> Client:
        """Return a client of an account; `credentials` are what `voxlake.connect` takes.

        `patience` bounds the seconds for one call with its repetitions, `timeout` those for one reply; `clock`
        dates tokens and waits. `insecure_http` accepts a `url` that is neither https nor on this machine.

        Raises:
            SettingsError: the credentials or the environment's proxy or CA bundle cannot be used, or `url` cannot.

        """
        credentials = find_credentials(credentials, clock=clock)
        client = ApiClient(
            url,
            credentials,
            patience=patience,
            timeout=timeout,
            clock=clock,
            random=random.random,
            insecure_http=insecure_http,
        )
        return cls(HistoryApi(client))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and end threads; a client that lives as long as its program need not be closed."""
        self.history.close()

    def send_sms(self, source: str, destination: str, text: str, *, store_body: bool = False) -> SmsReceipt:
        """Send one message from a rented number (SendSmsMessage); with `store_body` the vendor keeps the text.

        Raises:
            SettingsError: a limit of the API is not kept; nothing was sent.
            ApiRejected, Refused: the API refused; nothing was sent.
            Unavailable: the API could not be reached, or asked for a pause beyond the patience; nothing was sent.
            OutcomeUnknown: it may or may not have been sent; check the history before you send it again.

        """
        check_text(text, longest=MAX_CHARACTERS)
        parameters = {
            "source": checked_number(source),
            "destination": checked_number(destination),
            "sms_body": text,
            "store_body": str(store_body).lower(),
        }
        return self._ask(SEND, parameters, read_sms_receipt, once=True)

    def a2p_send(self, source: str, destinations: Iterable[str], text: str, *, store_body: bool = False) -> A2PReceipt:
        """Send one text from a SenderID to up to 100 numbers (A2PSendSms); raises what `send_sms` raises."""
        check_text(text, longest=MAX_CHARACTERS_A2P)
        check_sender(source)
        numbers = checked_numbers(destinations)
        if len(numbers) > MAX_NUMBERS:
            raise SettingsError(
                f"{len(numbers)} numbers are too many for one request: send to {MAX_NUMBERS} at a time."
            )
        parameters = {
            "src_number": source,
            "dst_numbers": ";".join(numbers),
            "text": text,
            "store_body": str(store_body).lower(),
        }
        return self._ask(A2P_SEND, parameters, lambda reply: read_a2p_receipt(reply, numbers), once=True)

    def control_sms(self, number: str, *, enable: bool) -> None:
        """Switch SMS on or off for a rented number (ControlSms); idempotent, so faults are retried."""
        parameters = {"phone_number": checked_number(number), "command": "enable" if enable else "disable"}
        self._ask(CONTROL, parameters, read_success)

    def phone_numbers(self) -> list[PhoneNumber]:
        """Return the numbers that the account has rented (GetPhoneNumbers), of all pages.

        Raises:
            DataError: the pages do not add up to the API's own count.

        """
        found: dict[str, PhoneNumber] = {}
        offset, total = 0, 1
        while offset < total:
            parameters = {"count": str(_NUMBERS_PER_PAGE), "offset": str(offset)}
            page, total = self._ask(NUMBERS, parameters, read_phone_numbers)
            numbers = {phone.number: phone for phone in page}
            if numbers.keys() <= found.keys():
                break
            found |= numbers
            offset += len(page)
            if offset > MOST_NUMBERS:
                break
        if len(found) != total:
            raise DataError(f"The API counts {total} phone numbers and gave {len(found)}: run the same command again.")
        return list(found.values())

    def sms_history(
        self,
        start: datetime,
        end: datetime,
        *,
        source: str | None = None,
        destination: str | None = None,
        direction: str | None = None,
    ) -> Iterator[HistoryRow]:
        """Yield the messages of `[start, end)` in the order of time (GetSmsHistory); both times are aware.

        Every page is read, and the messages are compared with the API's own count. `direction`: IN or OUT.

        Raises:
            DataError: the messages read are not as many as the API counts.
            SettingsError: a time has no zone.

        """
        filters = {"source_number": source, "destination_number": destination, SMS.own: direction}
        return self._history(SMS, start, end, filters)

    def a2p_sms_history(
        self,
        start: datetime,
        end: datetime,
        *,
        source: str | None = None,
        destination: str | None = None,
        delivery_status: int | None = None,
    ) -> Iterator[HistoryRow]:
        """Yield the A2P messages of `[start, end)` (A2PGetSmsHistory), as `sms_history` does.

        `delivery_status`: 1 QUEUED, 2 DISPATCHED, 3 ABORTED, 4 REJECTED, 5 DELIVERED, 6 FAILED, 7 EXPIRED, 8 UNKNOWN.
        """
        status = None if delivery_status is None else str(delivery_status)
        filters = {"source_number": source, "destination_number": destination, A2P.own: status}
        return self._history(A2P, start, end, filters)

    def _history(
        self, stream: Stream, start: datetime, end: datetime, filters: Mapping[str, str | None]
    ) -> Iterator[HistoryRow]:
        if start.tzinfo is None or end.tzinfo is None:
            raise SettingsError("The times of a history must have a zone: pass aware ones, like datetime.now(tz=UTC).")
        # The API knows whole seconds only: rounded up, both times select the same messages.
        window = Window(*(_whole_second(at.astimezone(UTC)) for at in (start, end)))
        if window.start >= window.end:
            return
        selected = {name: value for name, value in filters.items() if value is not None}
        reader = WindowReader(self.history, stream, filters=selected, exact=True)
        names = {field.name for field in fields(HistoryRow)}
        for rows in reader.read(window):
            if rows.problem is not None:
                raise DataError(f"The history of {rows.window} could not be proved: {rows.problem}.")
            for row in rows.table.to_pylist():
                yield HistoryRow(**{name: value for name, value in row.items() if name in names})

    def _ask(
        self, method: str, parameters: dict[str, str], read: Callable[[dict[str, Any]], T], *, once: bool = False
    ) -> T:
        try:
            return self.history.client.ask(method, parameters, read, roles=ROLES[method], once=once)
        except ApiRejected as error:
            advice = ADVICE.get(error.code)
            if advice is None:
                raise
            raise ApiRejected(error.reason, code=error.code, advice=advice) from None
        except (SettingsError, Unavailable) as error:
            if not once:
                raise
            raise type(error)(f"Nothing was sent: {error}") from None
        except OutcomeUnknown as error:
            raise OutcomeUnknown(
                f"{str(error).removesuffix('.')}; it is not sent again automatically, because it could arrive twice:"
                " look for it in the history by its recipient and time."
            ) from None


def _whole_second(at: datetime) -> datetime:
    """Round up to whole seconds."""
    return at + timedelta(microseconds=-at.microsecond % 1_000_000)
