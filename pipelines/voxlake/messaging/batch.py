"""Send one text to many, so that an interruption at any moment lets nobody get it twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from voxlake.errors import ApiRejected, OutcomeUnknown, Refused, VoxlakeError, gravest
from voxlake.messaging.client import A2P_SEND, SEND
from voxlake.messaging.journal import FAILED, SENT, UNKNOWN
from voxlake.messaging.validation import (
    ADVICE,
    LONGEST,
    LONGEST_A2P,
    MOST_NUMBERS,
    check_sender,
    check_text,
    checked_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from voxlake.messaging.client import Client
    from voxlake.messaging.journal import Batch, Entry, SendJournal
    from voxlake.messaging.responses import HistoryRow

SKIPPED, UNSENT = "skipped", "unsent"
_OF_A_NUMBER = frozenset({385, 423, 484, 506, 509})
_NOT_SENT = 385
_EARLIER, _LATER = timedelta(minutes=5), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent: a method, a sender, numbers, a text; made by `sms` and `a2p`, which check the limits."""

    method: str
    source: str
    numbers: tuple[str, ...]
    text: str
    store_body: bool = False

    @property
    def at_once(self) -> int:
        """How many numbers go into one request."""
        return MOST_NUMBERS if self.method == A2P_SEND else 1


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one number.

    `state`: sent; failed, with the vendor's `code`; unknown, it may or may not have gone out; skipped, it got the
    text before; unsent, the run ended before it.
    """

    number: str
    state: str
    message_id: int | None = None
    code: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """What became of an order, in its own order of numbers, and what ended it early, if anything."""

    results: tuple[Result, ...]
    error: VoxlakeError | None = None

    @property
    def exit_code(self) -> int:
        """Ask of the operator what is most urgent: 75 where something is unknown, 4 where somebody was refused."""
        codes = {self.error.exit_code} if self.error else set()
        codes |= {75 for result in self.results if result.state == UNKNOWN}
        return gravest(codes | {4 for result in self.results if result.state == FAILED})

    def count(self, state: str) -> int:
        """How many numbers are in a state."""
        return sum(result.state == state for result in self.results)


def order(method: str, source: str, numbers: Iterable[str], text: str, *, store_body: bool) -> Order:
    """Check an order against the limits of the API.

    Raises:
        SettingsError: a limit is not kept, or a number is listed twice.

    """
    check_text(text, longest=LONGEST if method == SEND else LONGEST_A2P)
    if method == SEND:
        (source,) = checked_numbers([source])
    else:
        check_sender(source)
    return Order(method, source, tuple(checked_numbers(numbers)), text, store_body)


def send(
    client: Client,
    outbox: SendJournal,
    order: Order,
    *,
    now: Callable[[], datetime],
    keep_text: bool = False,
    again: bool = False,
    resend_unknown: bool = False,
    progress: Callable[[int], None] = lambda _numbers: None,
) -> Sending:
    """Send to everybody who has not had the text; the journal is written before and after each request.

    Who got it before is skipped, unless it is sent `again`; whose outcome is unknown stays so, unless
    `resend_unknown` says to take the risk. An error of the whole order ends the run, and what is left is unsent.
    """
    batch = outbox.batch(client.account_id, order.method, order.source, order.text)
    if again:
        outbox.again(batch, order.numbers, at=now())
    known = dict(outbox.known(batch))
    done = {n: r for n in order.numbers if (r := _before(known.get(n), resend_unknown=resend_unknown))}
    progress(len(done))
    todo = [number for number in order.numbers if number not in done]
    run = _Run(client, outbox, batch, order, now, keep_text)
    for first in range(0, len(todo), order.at_once):
        numbers = todo[first : first + order.at_once]
        done |= {result.number: result for result in run.deliver(numbers)}
        progress(len(numbers))
        if run.error is not None:
            break
    return Sending(
        tuple(done.get(number) or Result(number, UNSENT, reason="the run ended before it") for number in order.numbers),
        run.error,
    )


def _before(entry: Entry | None, *, resend_unknown: bool) -> Result | None:
    """Say what an earlier run has settled, or left open, about a number."""
    if entry is not None and entry.state == SENT:
        return Result(entry.number, SKIPPED, entry.message_id, reason=f"it got this text at {_utc(entry.at)}")
    if entry is not None and entry.state == UNKNOWN and not resend_unknown:
        return Result(entry.number, UNKNOWN, code=entry.code, reason=f"nobody knows since {_utc(entry.at)}")
    return None


@dataclass(slots=True)
class _Run:
    """The requests of one order; `error` is what ended them early."""

    client: Client
    outbox: SendJournal
    batch: Batch
    order: Order
    now: Callable[[], datetime]
    keep_text: bool
    error: VoxlakeError | None = None

    def deliver(self, numbers: Sequence[str]) -> list[Result]:
        """Send one request, and settle what became of it."""
        intent = self.outbox.intend(
            self.batch, numbers, at=self.now(), text=self.order.text if self.keep_text else None
        )
        try:
            sent, failed = self._ask(numbers)
        except OutcomeUnknown as error:
            self.error = error
            return [Result(number, UNKNOWN, reason="the reply was lost") for number in numbers]
        except ApiRejected as error:
            if error.code in _OF_A_NUMBER and len(numbers) > 1:
                # The whole was refused for the sake of some, and nothing was sent: look for them by halves.
                self.outbox.settle(intent, at=self.now(), unsent=numbers)
                return self._halves(numbers)
            if error.code not in _OF_A_NUMBER:
                return self._ended(intent, numbers, error, code=error.code)
            sent, failed = {}, {numbers[0]: (error.code, "refused")}
        except VoxlakeError as error:
            return self._ended(intent, numbers, error)
        # The answer may name numbers that nobody asked for; they are none of ours.
        sent = {number: sent[number] for number in numbers if number in sent}
        failed = {number: failed[number] for number in numbers if number in failed}
        self.outbox.settle(intent, at=self.now(), sent=sent, failed=failed)
        known = self.outbox.known(self.batch)
        return [_result(known[number]) for number in numbers]

    def _ask(self, numbers: Sequence[str]) -> tuple[Mapping[str, int | None], Mapping[str, tuple[int, str]]]:
        order = self.order
        if order.method == SEND:
            (number,) = numbers
            answer = self.client.send_sms(order.source, number, order.text, store_body=order.store_body)
            return {number: answer.message_id}, {}
        answers = self.client.a2p_send(order.source, numbers, order.text, store_body=order.store_body)
        return answers.sent, {f.number: (f.code, f.description) for f in answers.failed}

    def _halves(self, numbers: Sequence[str]) -> list[Result]:
        middle = len(numbers) // 2
        results = self.deliver(numbers[:middle])
        return results + (self.deliver(numbers[middle:]) if self.error is None else [])

    def _ended(
        self, intent: str, numbers: Sequence[str], error: VoxlakeError, *, code: int | None = None
    ) -> list[Result]:
        self.error = error
        self.outbox.settle(intent, at=self.now(), unsent=numbers)
        if code is not None:
            reason = ADVICE.get(code, "the whole order was refused")
        else:
            reason = "the account was refused" if isinstance(error, Refused) else "its request did not go out"
        return [Result(number, UNSENT, code=code, reason=reason) for number in numbers]


def _result(entry: Entry) -> Result:
    reason = ADVICE.get(entry.code or 0, entry.reason)
    if entry.state == UNKNOWN and entry.code is None:
        reason = "the reply does not name it"
    return Result(entry.number, entry.state, entry.message_id, entry.code, reason)


def look(client: Client, outbox: SendJournal, *, now: Callable[[], datetime]) -> list[tuple[Entry, list[HistoryRow]]]:
    """Look in the histories for every message of this account that may or may not have gone out.

    One that is found alone, from the same sender to the same number about that time, or with the same text where texts
    are stored, was taken on, and is noted as sent, or as failed where it ended in an error. One that is not found, or
    not alone, stays unknown: rows can appear late.
    """
    ours = [entry for entry in outbox.entries() if entry.batch.account_id == client.account_id]
    found: list[tuple[Entry, list[HistoryRow]]] = []
    for entry in sorted((e for e in ours if e.state == UNKNOWN), key=lambda e: e.at):
        rows = _candidates(client, outbox, entry)
        if len(rows) == 1:
            (row,) = rows
            gone = row.status != "error"
            outbox.settle(
                entry.intent,
                at=now(),
                sent={entry.number: row.message_id} if gone else {},
                failed={} if gone else {entry.number: (_NOT_SENT, row.error_message or "the history says error")},
            )
            outbox.taken.add((entry.batch.method, row.message_id))
        found.append((entry, rows))
    return found


def _candidates(client: Client, outbox: SendJournal, entry: Entry) -> list[HistoryRow]:
    """Read the rows that could be a message; those that are it by their stored text, where there are such."""
    batch = entry.batch
    history = client.sms_history if batch.method == SEND else client.a2p_sms_history
    rows = [
        row
        for row in history(entry.at - _EARLIER, entry.at + _LATER, destination=entry.number)
        if row.source_number == batch.source and (batch.method, row.message_id) not in outbox.taken
    ]
    same = [
        row
        for row in rows
        if row.text and outbox.batch(batch.account_id, batch.method, batch.source, row.text) == batch
    ]
    return same[:1] or [row for row in rows if row.text is None]


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
