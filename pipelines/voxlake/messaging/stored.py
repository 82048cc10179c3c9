"""What stands in the journal for numbers, senders and texts: themselves, or as `[privacy]` says, keyed digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from voxlake.errors import SettingsError
from voxlake.phones import normal_number
from voxlake.policy import KEEP, KEEP_ALL, digest_of, is_treated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.messaging.entries import Entry
    from voxlake.policy import PrivacyPolicy


@dataclass(frozen=True, slots=True)
class StoredForms:
    """How a policy has numbers, senders, texts and reasons written into the journal.

    The journal has to recognise a number, so where the policy does not keep it, a digest stands for it, whatever else
    the policy makes of it in the lake.

    Raises:
        SettingsError: a digest is needed, and there is no key.

    """

    policy: PrivacyPolicy = KEEP_ALL

    def __post_init__(self) -> None:
        if {self.policy.source, self.policy.destination} != {KEEP} and self.policy.key is None:
            raise SettingsError(
                "There is no privacy key, and where [privacy] keeps no numbers, digests stand for them in the journal"
                " of what was sent: make one with 'voxlake privacy init'."
            )

    def number(self, number: str) -> str:
        """Return what stands for a recipient; of what stands for one already, the same."""
        return self._party(self.policy.destination, normal_number(number))

    def sender(self, sender: str) -> str:
        """Return what stands for a sender; of what stands for one already, the same."""
        return self._party(self.policy.source, sender)

    def text(self, text: str | None) -> str | None:
        """Return what is kept of a text that is to be kept."""
        return self.policy.words(text)

    def reason(self, reason: str) -> str:
        """Return what is kept of the reason for which the API refused a number."""
        return self.policy.error(reason) or ""

    def event(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event of the journal in which nothing stands that the policy does not keep."""
        written = dict(event)
        if "numbers" in event:
            written["numbers"] = [self.number(number) for number in event["numbers"]]
        if "source" in event:
            written["source"] = self.sender(event["source"])
        if event.get("text") is not None:
            written["text"] = self.text(event["text"])
        if event["event"] == "outcome":
            written["sent"] = {self.number(number): its for number, its in event["sent"].items()}
            written["failed"] = {
                self.number(number): [code, self.reason(reason)] for number, (code, reason) in event["failed"].items()
            }
            written["unsent"] = [self.number(number) for number in event["unsent"]]
        return {name: its for name, its in written.items() if name != "text" or its is not None}

    def _party(self, how: str, party: str) -> str:
        key = self.policy.key
        return party if how == KEEP or is_treated(party) or key is None else digest_of(key, party)


class Known(Mapping[str, "Entry"]):
    """The entries of one message by number, however the journal has it: earlier lines can have it in clear."""

    def __init__(self, entries: Mapping[str, Entry], forms: StoredForms) -> None:
        self._entries, self._forms = entries, forms

    def form(self, number: str) -> str:
        """Return how the journal has a number."""
        stored = self._forms.number(number)
        return stored if stored in self._entries else normal_number(number)

    def __getitem__(self, number: str) -> Entry:
        return replace(self._entries[self.form(number)], number=number)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
