"""All five SMS methods for programs: typed in, typed out, limits checked before a byte travels.

A send is never repeated where its outcome is unknown: that is `Uncertain`, and only the history can tell.
"""

from __future__ import annotations

import random
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from voxlake.api import API_URL, ApiClient, HistoryApi, read_credentials
from voxlake.clock import SYSTEM
from voxlake.errors import ApiRejected, DataError, OutcomeUnknown, SettingsError
from voxlake.messaging.responses import HistoryRow, read_a2p_sent, read_done, read_phones, read_sent
from voxlake.messaging.validation import (
    ADVICE,
    LONGEST,
    LONGEST_A2P,
    MOST_NUMBERS,
    check_sender,
    check_text,
    checked_number,
    checked_numbers,
)
from voxlake.model import Window
from voxlake.transform import A2P, SMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from voxlake.api import Credentials
    from voxlake.clock import Clock
    from voxlake.messaging.responses import A2PSent, PhoneNumber, Sent
    from voxlake.transform import Stream

SEND, A2P_SEND, CONTROL, NUMBERS = "SendSmsMessage", "A2PSendSms", "ControlSms", "GetPhoneNumbers"
ROLES = {
    SEND: ("Owner", "Admin", "Developer", "CallsSMS"),
    A2P_SEND: ("CallsSMS",),
    CONTROL: ("Owner", "Admin", "Developer", "Accountant"),
    NUMBERS: ("Owner", "Admin", "Developer"),
}
_PAGE = 100
T = TypeVar("T")


class Client:
    """The SMS methods of one account; safe to share between threads.

    `Client.connect("credentials.json")` is all that a program needs.
    """

    def __init__(self, history: HistoryApi) -> None:
        self.history = history
        self.account_id = history.account_id

    @classmethod
    def connect(
        cls,
        credentials: Path | str | Credentials,
        *,
        url: str = API_URL,
        patience: float = 180,
        timeout: float = 60,
        clock: Clock = SYSTEM,
    ) -> Client:
        """Build a client from the vendor's credentials.json, or from the legacy pair `ApiKey(account_id, api_key)`.

        `patience` bounds the seconds for one call with its repetitions, `timeout` those for one reply; `clock`
        dates tokens and waits.
        """
        if isinstance(credentials, (str, Path)):
            credentials = read_credentials(Path(credentials).expanduser(), clock=clock)
        client = ApiClient(url, credentials, patience=patience, timeout=timeout, clock=clock, random=random.random)
        return cls(HistoryApi(client))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let connections and threads go; a client that lives as long as its program need not be closed."""
        self.history.close()

    def send_sms(self, source: str, destination: str, text: str, *, store_body: bool = False) -> Sent:
        """Send one message from a rented number (SendSmsMessage).

        Raises:
            SettingsError: a limit of the API is not kept; nothing was sent.
            Declined, Refused: the API said no; nothing was sent.
            Unavailable: the API could not be reached, or asked for a longer pause than our patience; nothing was sent.
            Uncertain: it may or may not have gone out; never send it again before you have looked.

        """
        check_text(text, longest=LONGEST)
        parameters = {
            "source": checked_number(source),
            "destination": checked_number(destination),
            "sms_body": text,
            "store_body": str(store_body).lower(),
        }
        return self._ask(SEND, parameters, read_sent, once=True)

    def a2p_send(self, source: str, destinations: Iterable[str], text: str, *, store_body: bool = False) -> A2PSent:
        """Send one text from a SenderID to up to 100 numbers (A2PSendSms); raises what `send_sms` raises."""
        check_text(text, longest=LONGEST_A2P)
        check_sender(source)
        numbers = checked_numbers(destinations)
        if len(numbers) > MOST_NUMBERS:
            raise SettingsError(f"{len(numbers)} numbers are too many for one request: give {MOST_NUMBERS} at most.")
        parameters = {
            "src_number": source,
            "dst_numbers": ";".join(numbers),
            "text": text,
            "store_body": str(store_body).lower(),
        }
        return self._ask(A2P_SEND, parameters, lambda reply: read_a2p_sent(reply, numbers), once=True)

    def control_sms(self, number: str, *, enable: bool) -> None:
        """Switch SMS on or off for a rented number (ControlSms); twice does no harm, so faults are repeated."""
        parameters = {"phone_number": checked_number(number), "command": "enable" if enable else "disable"}
        self._ask(CONTROL, parameters, read_done)

    def phone_numbers(self) -> list[PhoneNumber]:
        """List the numbers that the account has rented (GetPhoneNumbers), all pages of them.

        Raises:
            DataError: the pages do not add up to the API's own count.

        """
        found: dict[str, PhoneNumber] = {}
        offset, total = 0, 1
        while offset < total:
            parameters = {"count": str(_PAGE), "offset": str(offset)}
            page, total = self._ask(NUMBERS, parameters, read_phones)
            if not page:
                break
            found |= {phone.number: phone for phone in page}
            offset += len(page)
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

        Every page is read, and the count proved by the API's own.

        Raises:
            DataError: the messages read are not as many as the API counts.

        """
        return self._history(SMS, start, end, source, destination, direction)

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
        return self._history(A2P, start, end, source, destination, status)

    def _history(
        self,
        stream: Stream,
        start: datetime,
        end: datetime,
        source: str | None,
        destination: str | None,
        own: str | None,
    ) -> Iterator[HistoryRow]:
        from voxlake.extract import WindowReader  # noqa: PLC0415 - pandas, which sending does not need

        if start.tzinfo is None or end.tzinfo is None:
            raise SettingsError("A history is asked for by aware times: give them a zone, like datetime.UTC.")
        filters = {"source_number": source, "destination_number": destination, stream.own: own}
        # The API knows whole seconds only: the first that is not before a time is where it begins to count.
        window = Window(*(_whole_second(at.astimezone(UTC)) for at in (start, end)))
        selected = {name: value for name, value in filters.items() if value is not None}
        reader = WindowReader(self.history, stream, filters=selected, exact=True)
        names = HistoryRow.__dataclass_fields__
        for batch in reader.read(window) if window.start < window.end else ():
            if batch.problem is not None:
                raise DataError(f"The history of {batch.window} could not be proved: {batch.problem}.")
            for row in batch.table.to_pylist():
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
        except OutcomeUnknown as error:
            raise OutcomeUnknown(
                f"{str(error).removesuffix('.')}; it is not sent again by itself, because it could arrive twice: look"
                " for it in the history by its recipient and time."
            ) from None


def _whole_second(at: datetime) -> datetime:
    return at + timedelta(microseconds=-at.microsecond % 1_000_000)
