"""The SQL statements that travel with voxlake: one a file, its first line a comment that says what it promises."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder() -> Path:
    """Give the folder of the statements: the checkout's where there is one, for an installed copy goes stale."""
    checkout = _HERE.parents[1]
    if (checkout / "pyproject.toml").exists() and (checkout / "sql").is_dir():
        return checkout / "sql"
    return _HERE / "sql"


def statements(kind: str) -> dict[str, str]:
    """Give the statements of one kind (`tables`, `views`, `reports`, `checks` and so on) by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((folder() / kind).glob("*.sql"))}


def promise(statement: str) -> str:
    """Give what a statement promises."""
    return statement.split("\n", 1)[0].removeprefix("--").strip()
