"""What requests tell of themselves: the sentences and details of their events, without a word from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.events import Kind

if TYPE_CHECKING:
    from voxlake.api.body import Response
    from voxlake.api.retry import Fault
    from voxlake.events import Emitter


def reply(events: Emitter, method: str, response: Response, seconds: float) -> None:
    """Announce that a reply came."""
    status, size = response.status, len(response.body)
    events.emit(
        Kind.REQUEST,
        f"{method}: HTTP {status}, {size:,} bytes in {seconds:.2f} s.",
        method=method,
        status=status,
        bytes=size,
        seconds=round(seconds, 3),
    )


def slowed(events: Emitter, limit: int, *, all_accounts: bool = False) -> None:
    """Announce that fewer requests run at the same time, of the account or of all accounts together."""
    of_all = " for all accounts together" if all_accounts else ""
    events.emit(
        Kind.SLOWED,
        f"The API asks for fewer requests: at most {limit} at once now{of_all}.",
        requests_at_once=limit,
        all_accounts=all_accounts,
    )


def retry(events: Emitter, method: str, fault: Fault, *, attempt: int, seconds: float, left: float) -> None:
    """Announce that a request is sent again after a pause, and the seconds for which that goes on, at most."""
    events.emit(
        Kind.RETRY,
        f"{method} failed ({fault.loggable}); it is sent again in {seconds:.1f} s.",
        method=method,
        reason=fault.loggable,
        attempt=attempt,
        seconds=round(seconds, 3),
        left=round(left),
    )
