"""The SQL statements that travel with voxlake: one a file, its first line a comment that says what it promises."""

from __future__ import annotations

import hashlib
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder() -> Path:
    """Give the folder of the statements: the checkout's where there is one, for an installed copy goes stale."""
    checkout = _HERE.parents[1]
    if (checkout / "pyproject.toml").exists() and (checkout / "sql").is_dir():
        return checkout / "sql"
    return _HERE / "sql"


def statements(kind: str) -> dict[str, str]:
    """Give the statements of one kind (`tables`, `views`, `reports`, `checks`, `dashboard`) by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((folder() / kind).glob("*.sql"))}


def promise(statement: str) -> str:
    """Give what a statement promises."""
    return statement.split("\n", 1)[0].removeprefix("--").strip()


def fingerprint() -> str:
    """Digest what shapes the database: where it differs, an old database cannot be carried on."""
    shaping = [*statements("tables").items(), *statements("views").items()]
    return hashlib.sha256(repr(shaping).encode()).hexdigest()[:32]
