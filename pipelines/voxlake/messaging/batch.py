"""Send one text to many, so that an interruption at any moment lets nobody get it twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, OutcomeUnknown, Refused, VoxlakeError, gravest
from voxlake.messaging.client import A2P_SEND, SEND
from voxlake.messaging.entries import FAILED, SENT, UNKNOWN
from voxlake.messaging.responses import A2PReceipt, RefusedNumber
from voxlake.messaging.validation import (
    ADVICE,
    MAX_CHARACTERS,
    MAX_CHARACTERS_A2P,
    MAX_NUMBERS,
    check_sender,
    check_text,
    checked_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from voxlake.messaging.client import Client
    from voxlake.messaging.entries import Entry, MessageKey
    from voxlake.messaging.journal import SendJournal

SKIPPED, UNSENT = "skipped", "unsent"
_DOUBTFUL = "the reply does not say clearly whether it was sent"
_ABOUT_ONE_NUMBER = frozenset({385, 423, 484, 506, 509})
"""Codes that are about a recipient, and not about the whole request. Source: the vendor's list of errors."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent: a method, a sender, numbers, a text; `checked_order` makes one."""

    method: str
    source: str
    numbers: tuple[str, ...]
    text: str
    store_body: bool = False

    @property
    def numbers_per_request(self) -> int:
        """How many numbers go into one request."""
        return MAX_NUMBERS if self.method == A2P_SEND else 1


@dataclass(frozen=True, slots=True)
class NumberResult:
    """What became of one number.

    `state`: sent; failed, with the vendor's `code`; unknown, it may or may not have been sent; skipped, it got the
    text before; unsent, the run ended before it, or its whole request was refused.
    """

    number: str
    state: str
    message_id: int | None = None
    code: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of the numbers of an order, in its order, and the error that ended it early, if any."""

    results: tuple[NumberResult, ...]
    error: VoxlakeError | None = None

    @property
    def exit_code(self) -> int:
        """The exit code that is most urgent: 75 where an outcome is unknown, 4 where a number was refused."""
        codes = {self.error.exit_code} if self.error else set()
        codes |= {75 for result in self.results if result.state == UNKNOWN}
        return gravest(codes | {4 for result in self.results if result.state == FAILED})

    def count(self, state: str) -> int:
        """Return how many numbers are in a state."""
        return sum(result.state == state for result in self.results)


def checked_order(method: str, source: str, numbers: Iterable[str], text: str, *, store_body: bool) -> Order:
    """Return an order that keeps the limits of the API.

    Raises:
        SettingsError: a limit is not kept, or a number is listed twice.

    """
    check_text(text, longest=MAX_CHARACTERS if method == SEND else MAX_CHARACTERS_A2P)
    if method == SEND:
        (source,) = checked_numbers([source])
    else:
        check_sender(source)
    return Order(method, source, tuple(checked_numbers(numbers)), text, store_body)


def send(
    client: Client,
    journal: SendJournal,
    order: Order,
    *,
    now: Callable[[], datetime],
    keep_text: bool = False,
    again: bool = False,
    resend_unknown: bool = False,
    progress: Callable[[int], None] = lambda _numbers: None,
) -> BatchResult:
    """Send to everybody who has not had the text; the journal is written before and after each request.

    A number that got it before is skipped, unless it is to be sent `again`. A number whose outcome is unknown stays
    so, unless `resend_unknown` accepts that it may get the text twice. An error of a whole request ends the run: it is
    in the result, and what is left is unsent. `now` returns aware times; `progress` is called with the number of
    numbers that were settled since its last call.

    Raises:
        StorageFull: the journal cannot be written.

    """
    message = journal.message_key(client.account_id, order.method, order.source, order.text)
    if again:
        journal.allow_again(message, order.numbers, at=now())
    known = journal.known(message)
    settled = {n: _settled(known[n]) for n in order.numbers if n in known and not _open(known[n], resend_unknown)}
    progress(len(settled))
    left = [number for number in order.numbers if number not in settled]
    run = _Run(client, journal, message, order, now, keep_text)
    for first in range(0, len(left), order.numbers_per_request):
        numbers = left[first : first + order.numbers_per_request]
        run.deliver(numbers)
        progress(len(numbers))
        if run.error is not None:
            break
    results = settled | run.results
    return BatchResult(
        tuple(results.get(n) or NumberResult(n, UNSENT, reason="the run ended before it") for n in order.numbers),
        run.error,
    )


def _open(entry: Entry, resend_unknown: bool) -> bool:
    """Whether a number that an earlier run knew is sent to in this one."""
    return entry.state == FAILED or (entry.state == UNKNOWN and resend_unknown)


def _settled(entry: Entry) -> NumberResult:
    """Return the result of a number that is not sent to, because of an earlier run."""
    at = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
    if entry.state == SENT:
        return NumberResult(entry.number, SKIPPED, entry.message_id, reason=f"it got this text at {at}")
    return NumberResult(entry.number, UNKNOWN, code=entry.code, reason=f"its outcome is unknown since {at}")


@dataclass(slots=True)
class _Run:
    """The requests of one order: `results` so far by number, and the `error` that ended them early."""

    client: Client
    journal: SendJournal
    message: MessageKey
    order: Order
    now: Callable[[], datetime]
    keep_text: bool
    results: dict[str, NumberResult] = field(default_factory=dict)
    error: VoxlakeError | None = None

    def deliver(self, numbers: Sequence[str]) -> None:
        """Send one request, and record what became of it.

        Where it was refused as a whole because of some numbers, nothing was sent: those are searched for by halves.
        """
        text = self.order.text if self.keep_text else None
        intent = self.journal.record_intent(self.message, numbers, at=self.now(), text=text)
        try:
            receipt = self._request(numbers)
        except OutcomeUnknown as error:
            self.error = error
            self._put(NumberResult(number, UNKNOWN, reason="the reply was lost") for number in numbers)
        except ApiRejected as error:
            if error.code not in _ABOUT_ONE_NUMBER:
                self._end(intent, numbers, error, ADVICE.get(error.code, "the whole order was refused"), error.code)
            elif len(numbers) == 1:
                refused = RefusedNumber(numbers[0], error.code, "refused")
                self._record(intent, numbers, A2PReceipt({}, (refused,), (), None))
            else:
                self.journal.record_outcome(intent, at=self.now(), unsent=numbers)
                self._deliver_halves(numbers)
        except VoxlakeError as error:
            by_account = isinstance(error, Refused)
            self._end(intent, numbers, error, "the account was refused" if by_account else "its request was not sent")
        else:
            self._record(intent, numbers, receipt)

    def _request(self, numbers: Sequence[str]) -> A2PReceipt:
        """Send to some numbers, and return what became of each."""
        order = self.order
        if order.method == SEND:
            (number,) = numbers
            sent = self.client.send_sms(order.source, number, order.text, store_body=order.store_body)
            return A2PReceipt({number: sent.message_id}, (), (), sent.fragments)
        return self.client.a2p_send(order.source, numbers, order.text, store_body=order.store_body)

    def _deliver_halves(self, numbers: Sequence[str]) -> None:
        middle = len(numbers) // 2
        self.deliver(numbers[:middle])
        if self.error is None:
            self.deliver(numbers[middle:])

    def _record(self, intent: str, numbers: Sequence[str], receipt: A2PReceipt) -> None:
        """Record the reply to a request, which may name numbers that were not in it: those are ignored."""
        failed = {refused.number: (refused.code, refused.description) for refused in receipt.failed}
        self.journal.record_outcome(
            intent,
            at=self.now(),
            sent={number: receipt.sent[number] for number in numbers if number in receipt.sent},
            failed={number: failed[number] for number in numbers if number in failed},
        )
        known = self.journal.known(self.message)
        self._put(_result(known[number]) for number in numbers)
        self._put(NumberResult(n, UNKNOWN, reason=_DOUBTFUL) for n in numbers if n in receipt.doubtful)

    def _end(
        self, intent: str, numbers: Sequence[str], error: VoxlakeError, reason: str, code: int | None = None
    ) -> None:
        """End the run at a request that certainly sent nothing."""
        self.error = error
        self.journal.record_outcome(intent, at=self.now(), unsent=numbers)
        self._put(NumberResult(number, UNSENT, code=code, reason=reason) for number in numbers)

    def _put(self, results: Iterable[NumberResult]) -> None:
        self.results |= {result.number: result for result in results}


def _result(entry: Entry) -> NumberResult:
    """Return the result that an entry of this run stands for."""
    reason = ADVICE.get(entry.code or 0, entry.reason)
    if entry.state == UNKNOWN and entry.code is None:
        reason = "the reply does not name it"
    return NumberResult(entry.number, entry.state, entry.message_id, entry.code, reason)
