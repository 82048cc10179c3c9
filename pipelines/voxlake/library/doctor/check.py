"""One check: what was looked at, how it is, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

State = Literal["ok", "note", "failed", "skipped"]
SET_UP: Final = 2
"""The exit code where settings, the network, the clock or the place of the data are to be mended."""
ACCESS: Final = 3
"""The exit code where the credentials, their file, a role or the account are to be mended."""
DATA: Final = 4
"""The exit code where the data are to be mended."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found. `text` is a clause, and `mend` one that says what to do; neither ends with a point.

    A check that `failed` has the exit `code` of its kind; a note is worth reading, and nothing is wrong.
    """

    name: str
    state: State
    text: str
    mend: str | None = None
    code: int = 0

    @classmethod
    def ok(cls, name: str, text: str) -> Check:
        """Return a check in which nothing is wrong."""
        return cls(name, "ok", text)

    @classmethod
    def note(cls, name: str, text: str, mend: str | None = None) -> Check:
        """Return a check in which something is worth knowing."""
        return cls(name, "note", text, mend)

    @classmethod
    def skipped(cls, name: str, text: str) -> Check:
        """Return a check that was not made."""
        return cls(name, "skipped", text)

    @classmethod
    def failed(cls, name: str, error: object, mend: str | None = None, *, code: int) -> Check:
        """Return a check that failed: by its two clauses, or by an error whose sentence holds both."""
        text, found = str(error).rstrip("."), mend
        if found is None and ": " in text:
            text, _, found = text.rpartition(": ")
        return cls(name, "failed", text, found, code)

    @property
    def sentence(self) -> str:
        """Both clauses."""
        return f"{self.text}." if self.mend is None else f"{self.text}: {self.mend}."

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {"name": self.name, "state": self.state, "text": self.text, "mend": self.mend}


@dataclass(frozen=True, slots=True)
class Checkup:
    """All checks, in the order in which they were made."""

    checks: Sequence[Check]

    @property
    def failed(self) -> list[Check]:
        """Those in which something is wrong."""
        return [check for check in self.checks if check.state == "failed"]

    @property
    def exit_code(self) -> int:
        """Return 0, or what is to be mended first: the set-up (2), then the access (3), then the data (4)."""
        return min((check.code for check in self.failed), default=0)

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {"checks": [check.to_json() for check in self.checks], "exit_code": self.exit_code}
