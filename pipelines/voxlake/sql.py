"""The SQL statements shipped with voxlake: one per file, described by a comment on the first line."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder() -> Path:
    """Return the folder of the statements: that of the checkout if there is one, otherwise the installed copy."""
    checkout = _HERE.parents[1]
    if (checkout / "pyproject.toml").exists() and (checkout / "sql").is_dir():
        return checkout / "sql"
    return _HERE / "sql"


def statements(kind: str) -> dict[str, str]:
    """Return the statements of one kind (`tables`, `views`, `reports`, `checks`, ...) by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((folder() / kind).glob("*.sql"))}


def promise(statement: str) -> str:
    """Return the description of a statement: its first line without the comment marks."""
    return statement.split("\n", 1)[0].removeprefix("--").strip()
