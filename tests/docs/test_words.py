"""The package is written in plain English: phrases that no native engineer would publish do not come back."""

import ast
import io
import re
import tokenize

import pytest
from support.paths import DOCS, ROOT

MODULES = sorted((ROOT / "pipelines").rglob("*.py"))
STATEMENTS = sorted(
    path for name in ("reports", "warnings", "dashboard") for path in (ROOT / "sql" / name).glob("*.sql")
)
# docs/schema.md follows from sql/, whose tables keep their text so that older databases stay valid.
PAGES = sorted({*ROOT.glob("*.md"), *DOCS.rglob("*.md")} - {DOCS / "schema.md"})
# "There is no database" and "is no longer" are good English; "1 is no number" is not.
PHRASES = re.compile(
    r"(?<!here )\bis no (?!longer|more|other|such|count)|(?<!here )\bis none\b|(?<!`)\b[Tt]old\b"
    r"|\b[Tt]ake note\b|\b[Pp]ut down\b|\bgive one of\b"
)
OPENINGS = ("Give ", "Say ", "Tell ", "Let ", "Take note ")


def texts(path):
    """Return the comments and texts of a module, with their lines; f-strings by their fixed parts."""
    source = path.read_text()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "pipelines" / "voxlake")))
def test_phrases(path):
    """No docstring, comment or message has a phrase of the list, and no docstring begins with an odd verb."""
    found = [(line, match.group()) for line, text in texts(path) for match in PHRASES.finditer(text)]
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            docstring = ast.get_docstring(node) or ""
            if docstring.startswith(OPENINGS) and not docstring.startswith("Give up"):
                found.append((getattr(node, "lineno", 1), docstring[:40]))
    assert found == []


@pytest.mark.parametrize("path", [*STATEMENTS, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_pages(path):
    """No page has a phrase of the list, and its lines hold at most 120 characters outside code and tables."""
    assert [match.group() for match in PHRASES.finditer(path.read_text())] == []
    prose = re.sub(r"^```.*?^```$|^\|.*?$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert path.suffix == ".sql" or [line for line in prose.splitlines() if len(line) > 120] == []
