"""`[notify]`: post an object where a run begins, succeeds and fails; whatever becomes of that, the run goes on."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING, Any, Final

from voxlake.api import post_json
from voxlake.cli.output import say
from voxlake.events import masked
from voxlake.text import counted
from voxlake.version import __version__

if TYPE_CHECKING:
    from voxlake.cli.settings import Settings
    from voxlake.cli.types import Webhook
    from voxlake.lake import RecordedRun

SECONDS: Final = 5.0
"""How long a run waits for its notices in all, after its end; the first one travels while it works."""
_HASTE: Final = 2.0
"""The same after a signal, which has to end the process within seconds."""
NOTIFYING: Final = frozenset({"export", "backfill", "audit", "replay", "publish"})
"""The commands that notify."""

_COUNTS: Final = ("days", "rows_new", "rows_changed", "rows_gone", "requests", "retries", "seconds", "exit_code")


class Notifier:
    """Posts the notices of one command, one after the other, in a thread of its own; without an address, nothing."""

    def __init__(self, settings: Settings, command: str, *, seconds: float = SECONDS) -> None:
        self._command, self._seconds, self._insecure_http = command, seconds, settings.insecure_http
        others = {"start": settings.notify_url_start, "failure": settings.notify_url_failure}
        # An address that is empty stands for none.
        self._addresses: dict[str, Webhook | None] = {
            event: settings.notify_url if (other := others.get(event)) is None else other
            for event in ("start", "success", "failure")
        }
        self._notices: queue.SimpleQueue[tuple[Webhook, dict[str, Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="voxlake-notices", daemon=True)
        self._is_off = command not in NOTIFYING or not any(self._addresses.values())
        self._problem: str | None = None

    def begin(self) -> None:
        """Notify that the command begins, without waiting."""
        if not self._is_off:
            self._thread.start()
            self._put("start", {})

    def end(self, run: RecordedRun, *, in_haste: bool = False) -> None:
        """Notify how the run has ended, and wait for that for a few seconds; what failed is one line on stderr."""
        seconds = min(self._seconds, _HASTE) if in_haste else self._seconds
        if self._is_off or not self._thread.is_alive():
            return
        known = run.to_json()
        event = "failure" if run.exit_code else "success"
        account = None if run.account is None or run.account == str(run.account_id) else masked(run.account)
        content = {name: known[name] for name in _COUNTS} | {
            "accounts": run.accounts,
            "account": account,
            "started_at": known["started_at"],
            "problem": run.problem,
        }
        self._put(event, content)
        self._notices.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._problem = self._problem or f"it did not answer within {seconds:g} seconds"
        if self._problem is not None:
            say(f"voxlake: The address in [notify] was not notified: {self._problem}.")

    def _put(self, event: str, content: dict[str, Any]) -> None:
        host = os.uname().nodename
        text = f"voxlake {self._command} on {host} {_how(event, content)}"
        whole = {
            "event": event, "command": self._command, "host": host, "version": __version__, "accounts": None,
            "account": None, "started_at": None, **dict.fromkeys(_COUNTS), "problem": None, **content, "text": text,
        }  # fmt: skip
        if address := self._addresses[event]:
            self._notices.put((address, whole))

    def _work(self) -> None:
        while (notice := self._notices.get()) is not None:
            address, content = notice
            try:
                problem = post_json(address.url, content, seconds=self._seconds, insecure_http=self._insecure_http)
            except Exception as error:  # noqa: BLE001 - nothing that goes wrong here may end a run
                problem = f"it cannot be used ({type(error).__name__})"
            self._problem = self._problem or problem


def _how(event: str, content: dict[str, Any]) -> str:
    """Return the end of a sentence for people."""
    if event == "start":
        return "begins."
    if event == "failure":
        why = f": {content['problem']}" if content["problem"] else ""
        return f"failed with exit code {content['exit_code']}{why}."
    news = f"{content['rows_new'] or 0:,} new, {content['rows_changed'] or 0:,} changed, {content['rows_gone'] or 0:,}"
    return (
        f"succeeded: {counted(content['days'] or 0)}, {news} gone, {counted(content['requests'] or 0, 'request')},"
        f" {content['seconds']:,.1f} s."
    )
