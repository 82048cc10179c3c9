"""Compare how stored days were treated with the policy of a run: what stays as it was, and what must not be mixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.errors import SettingsError
from voxlake.policy import PARTS, key_of, reach, treatments_of
from voxlake.text import counted
from voxlake.transform import COLUMNS, STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.model import DayFile
    from voxlake.policy import PrivacyPolicy

_WORDS = {"error_text": "texts of errors", "unknown_fields": "unknown fields"}


@dataclass(frozen=True, slots=True)
class Untreated:
    """Days that are not as a policy wants them, and the parts of them that are not.

    Those of `open` can be treated; those of `stuck` were treated in a way that cannot be undone.
    """

    open_days: int = 0
    open_parts: tuple[str, ...] = ()
    stuck_days: int = 0
    stuck_parts: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """Return a sentence for each kind of days, without the full stop."""
        found = []
        if self.open_days:
            found.append(
                f"{counted(self.open_days)} {_hold(self.open_days)} {_listed(self.open_parts)} as they were; 'voxlake"
                " privacy apply' rewrites them"
            )
        if self.stuck_days:
            found.append(
                f"{counted(self.stuck_days)} {_hold(self.stuck_days)} {_listed(self.stuck_parts)} as an earlier setting"
                " of [privacy] has left them, which cannot be undone"
            )
        return found


def holds_data(day_file: DayFile) -> bool:
    """Whether a day has anything that could be treated."""
    return bool(day_file.row_count or day_file.rejects)


def can_treat(day_file: DayFile, policy: PrivacyPolicy) -> bool:
    """Whether a day has something that a policy wants otherwise, and that can be made so."""
    stored = treatments_of(day_file.privacy)
    return holds_data(day_file) and any(reach(stored[part], getattr(policy, part)) != stored[part] for part in PARTS)


def comparable(day_file: DayFile, policy: PrivacyPolicy) -> set[str]:
    """Return the columns in which a day's rows, treated by a policy, are what the API's rows are when treated so."""
    stored = treatments_of(day_file.privacy)
    same = {part: reach(stored[part], getattr(policy, part)) == getattr(policy, part) for part in PARTS}
    names = STREAMS[day_file.key.stream].schema.names
    return {name for name in names if name not in COLUMNS or same[COLUMNS[name]]}


def compare(day_files: Iterable[DayFile], policy: PrivacyPolicy) -> Untreated:
    """Return which of these days are not as a policy wants them."""
    labels: dict[str, int] = {}
    for day_file in day_files:
        if holds_data(day_file) and day_file.privacy != policy.label:
            labels[day_file.privacy] = labels.get(day_file.privacy, 0) + 1
    open_days, stuck_days = 0, 0
    open_parts: set[str] = set()
    stuck_parts: set[str] = set()
    for label, days in labels.items():
        stored = treatments_of(label)
        wanted = {part: getattr(policy, part) for part in PARTS}
        mine = {part for part in PARTS if reach(stored[part], wanted[part]) != stored[part]}
        others = {part for part in PARTS if wanted[part] != stored[part]} - mine
        open_days, open_parts = open_days + days * bool(mine), open_parts | mine
        stuck_days, stuck_parts = stuck_days + days * bool(others), stuck_parts | others
    return Untreated(open_days, _in_order(open_parts), stuck_days, _in_order(stuck_parts))


def require_one_key(day_files: Iterable[DayFile], policy: PrivacyPolicy) -> None:
    """Return where no day was hashed with another key than that of a policy: digests of two keys match nowhere.

    Raises:
        SettingsError: one was.

    """
    if policy.key is None or not policy.hashes:
        return
    others = [
        its for its in map(key_of, {day_file.privacy for day_file in day_files}) if its not in (None, policy.key.id)
    ]
    if others:
        raise SettingsError(
            f"The stored days were hashed with the privacy key {others[0]}, and this is the key {policy.key.id}, under"
            " which the same number would look like another: set the key that was used, or another --data-dir."
        )


def _hold(days: int) -> str:
    return "holds" if days == 1 else "hold"


def _in_order(parts: set[str]) -> tuple[str, ...]:
    return tuple(part for part in PARTS if part in parts)


def _listed(parts: tuple[str, ...]) -> str:
    *others, last = (_WORDS.get(part, part) for part in parts)
    return f"{', '.join(others)} and {last}" if others else last
