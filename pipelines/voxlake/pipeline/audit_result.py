"""What an audit found, for its caller and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxlake.errors import DataError, gravest
from voxlake.pipeline.audit_stream import StreamAudit
from voxlake.pipeline.result import jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from voxlake.errors import VoxlakeError
    from voxlake.pipeline.account_result import ExportResult

Round = tuple[StreamAudit, ...]
_DIFFERS = 4


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit found, and what it repaired.

    `rounds` are the findings before and, where days were read again, after a repair; `rebuilt` says that the database
    was, `moved_out` where files that are not ours lay and lie. The rest is the state at the end: `strays` are files
    that are not ours, `damage` is why the database cannot be read, `failed_checks` what each failing check found,
    `warnings` what is odd in the vendor's data. `seed` chose the pages; `locked` says that no run could change files
    while they were compared. `account_errors` has the errors by account, where there are several.
    """

    rounds: tuple[Round, ...]
    errors: tuple[VoxlakeError, ...]
    strays: tuple[Path, ...]
    damage: VoxlakeError | None
    failed_checks: Mapping[str, str]
    warnings: Sequence[Mapping[str, Any]]
    seed: int
    repair: ExportResult | None = None
    rebuilt: bool = False
    moved_aside: str = ""
    moved_out: tuple[tuple[Path, Path], ...] = ()
    locked: bool = True
    account_errors: Mapping[int, tuple[VoxlakeError, ...]] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Return 4 where anything differs or could not be compared, or the code of a graver error; else 0."""
        codes = {error.exit_code for error in self.errors}
        if self.strays or self.damage is not None or self.failed_checks:
            codes.add(DataError.exit_code)
        if any(found.differences or found.unread for found in self.last_round):
            codes.add(_DIFFERS)
        return gravest(codes)

    @property
    def last_round(self) -> Round:
        """What was found last."""
        return self.rounds[-1]

    def to_json(self) -> dict[str, Any]:
        """Return the same for programs, ready for `json.dumps`."""
        return {
            "exit_code": self.exit_code,
            "findings": self.findings(),
            "errors": [str(error) for error in self.errors],
            "strays": [str(path) for path in self.strays],
            "damage": None if self.damage is None else str(self.damage),
            "failed_checks": dict(self.failed_checks),
            "warnings": jsonable(self.warnings),
            "seed": self.seed,
            "repair": None if self.repair is None else self.repair.to_json(),
            "rebuilt": self.rebuilt,
            "moved_aside": self.moved_aside,
            "moved_out": {str(path): str(moved) for path, moved in self.moved_out},
            "locked": self.locked,
        }

    def findings(self) -> list[dict[str, Any]]:
        """Return what was found on each stream, before and after a repair, ready for `json.dumps`.

        `account_id` says of which account, where there are several.
        """
        rounds = [(n, found) for n, its in enumerate(self.rounds) for found in its]
        found_json = [found.to_json() | {"repaired": n > 0} for n, found in rounds]
        if len({found.account_id for _, found in rounds} | self.account_errors.keys()) > 1:
            return found_json
        return [{name: value for name, value in each.items() if name != "account_id"} for each in found_json]
