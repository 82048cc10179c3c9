"""What an erasure did, or would do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from voxlake.lake import Searched

_LEFT: Final = 4


@dataclass(frozen=True, slots=True)
class ForgetResult:
    """What became of a number: what was taken out of days, by account and stream, and out of other files.

    `request` is the digest of the number. With `nothing`, nothing was left of it; `left` names what still has it or
    cannot be looked into, and says what to do. `certificate` is the path of what was written about it.
    """

    request: str
    kind: str
    days: tuple[dict[str, Any], ...] = ()
    files: tuple[str, ...] = ()
    replies_removed: int = 0
    searched: Searched | None = None
    left: tuple[str, ...] = ()
    certificate: str | None = None
    text: dict[str, Any] = field(default_factory=dict)
    nothing: bool = False
    dry_run: bool = False

    @property
    def rows(self) -> int:
        """How many messages were erased, or made anonymous."""
        return sum(its["forgotten"] + its["anonymised"] for its in self.days)

    @property
    def mentions(self) -> int:
        """How many other messages mentioned the number."""
        return sum(its["redacted"] for its in self.days)

    @property
    def exit_code(self) -> int:
        """Return 4 where something is left, else 0."""
        return _LEFT if self.left else 0

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {
            "exit_code": self.exit_code,
            "dry_run": self.dry_run,
            "request": self.request,
            "kind": self.kind,
            "rows": self.rows,
            "mentions": self.mentions,
            "days": list(self.days),
            "files": list(self.files),
            "replies_removed": self.replies_removed,
            "left": list(self.left),
            "certificate": self.certificate,
        }
