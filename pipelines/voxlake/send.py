"""Send one text to many, so that an interruption at any moment lets nobody get it twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from voxlake.client import A2P_SEND, SEND
from voxlake.errors import Declined, Uncertain, VoxlakeError, gravest
from voxlake.limits import ADVICE, LONGEST, LONGEST_A2P, MOST_NUMBERS, check_sender, check_text, checked_numbers
from voxlake.outbox import FAILED, SENT, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from voxlake.answers import HistoryRow
    from voxlake.client import Client
    from voxlake.outbox import Batch, Entry, Outbox

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
    outbox: Outbox,
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
    batch = outbox.batch(client.api.account_id, order.method, order.source, order.text)
    if again:
        outbox.again(batch, at=now())
    known = dict(outbox.known(batch))
    done = {n: r for n in order.numbers if (r := _before(known.get(n), resend_unknown=resend_unknown))}
    progress(len(done))
    todo = [number for number in order.numbers if number not in done]
    error = None
    for first in range(0, len(todo), order.at_once):
        numbers = todo[first : first + order.at_once]
        results, error = _request(client, outbox, batch, order, numbers, now=now, keep_text=keep_text)
        done |= {result.number: result for result in results}
        progress(len(numbers))
        if error is not None:
            break
    return Sending(tuple(done.get(number) or Result(number, UNSENT) for number in order.numbers), error)


def _before(entry: Entry | None, *, resend_unknown: bool) -> Result | None:
    """Say what an earlier run has settled, or left open, about a number."""
    if entry is not None and entry.state == SENT:
        return Result(entry.number, SKIPPED, entry.message_id, reason=f"it got this text at {_utc(entry.at)}")
    if entry is not None and entry.state == UNKNOWN and not resend_unknown:
        return Result(entry.number, UNKNOWN, code=entry.code, reason=f"nobody knows since {_utc(entry.at)}")
    return None


def _request(
    client: Client, outbox: Outbox, batch: Batch, order: Order, numbers: Sequence[str], *, now: Callable[[], datetime],
    keep_text: bool,
) -> tuple[list[Result], VoxlakeError | None]:  # fmt: skip
    """Send one request, and settle what became of it."""
    intent = outbox.intend(batch, numbers, at=now(), text=order.text if keep_text else None)
    sent: Mapping[str, int | None]
    try:
        if order.method == SEND:
            (number,) = numbers
            answer = client.send_sms(order.source, number, order.text, store_body=order.store_body)
            sent, failed = {number: answer.message_id}, {}
        else:
            answers = client.a2p_send(order.source, numbers, order.text, store_body=order.store_body)
            sent, failed = answers.sent, {f.number: (f.code, f.description) for f in answers.failed}
    except Uncertain as error:
        return [Result(number, UNKNOWN, reason="the reply was lost") for number in numbers], error
    except Declined as error:
        if error.code not in _OF_A_NUMBER:
            outbox.settle(intent, at=now(), unsent=numbers)
            return [Result(number, UNSENT, code=error.code) for number in numbers], error
        sent, failed = {}, dict.fromkeys(numbers, (error.code, "refused"))
    except VoxlakeError as error:
        outbox.settle(intent, at=now(), unsent=numbers)
        return [Result(number, UNSENT) for number in numbers], error
    # The answer may name numbers that nobody asked for; they are none of ours.
    sent = {number: sent[number] for number in numbers if number in sent}
    failed = {number: failed[number] for number in numbers if number in failed}
    outbox.settle(intent, at=now(), sent=sent, failed=failed)
    return [_result(entry) for number in numbers if (entry := outbox.known(batch).get(number))], None


def _result(entry: Entry) -> Result:
    reason = ADVICE.get(entry.code or 0, entry.reason)
    if entry.state == UNKNOWN and entry.code is None:
        reason = "the reply does not name it"
    return Result(entry.number, entry.state, entry.message_id, entry.code, reason)


def look(client: Client, outbox: Outbox, *, now: Callable[[], datetime]) -> list[tuple[Entry, HistoryRow | None]]:
    """Look in the histories for every message of this account that may or may not have gone out.

    One that is found alone, from the same sender to the same number about that time, was taken on, and is noted as
    sent, or as failed where it ended in an error. One that is not found stays unknown: rows can appear late.
    """
    ours = [entry for entry in outbox.entries() if entry.batch.account_id == client.api.account_id]
    taken = {(entry.batch.method, entry.message_id) for entry in ours if entry.state == SENT}
    found: list[tuple[Entry, HistoryRow | None]] = []
    for entry in sorted((e for e in ours if e.state == UNKNOWN), key=lambda e: e.at):
        history = client.sms_history if entry.batch.method == SEND else client.a2p_sms_history
        rows = [
            row
            for row in history(entry.at - _EARLIER, entry.at + _LATER, destination=entry.number)
            if row.source_number == entry.batch.source and (entry.batch.method, row.message_id) not in taken
        ]
        row = rows[0] if len(rows) == 1 else None
        if row is not None:
            gone = row.status != "error"
            outbox.settle(
                entry.intent,
                at=now(),
                sent={entry.number: row.message_id} if gone else {},
                failed={} if gone else {entry.number: (_NOT_SENT, row.error_message or "the history says error")},
            )
            taken.add((entry.batch.method, row.message_id))
        found.append((entry, row))
    return found


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
