"""What the documentation refers to exists: tests, files, decisions, make targets."""

import re

import pytest
from support.paths import DOCS, ROOT

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
NAMED_TEST = re.compile(r"`(?:tests/[a-z/]*)?(test_[a-z0-9_]+\.py)(?:::(test_[a-z0-9_]+))?`")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")
TARGET = re.compile(r"`make ([a-z]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    """Every relative link leads to a file of the repository."""
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


def test_every_named_test_exists():
    """Each test file and each test that a page names is there, once."""
    files = {path.name: path for path in (ROOT / "tests").rglob("test_*.py") if "node_modules" not in path.parts}
    named = {found for page in PAGES for found in NAMED_TEST.findall(page.read_text())}
    assert len(named) > 10
    wrong = [
        f"{file}::{test}"
        for file, test in sorted(named)
        if file not in files or (test and f"def {test}(" not in files[file].read_text())
    ]
    assert wrong == []


def test_decisions_have_no_gaps():
    """The decisions are numbered from 1 without a gap, and each page begins with its number."""
    paths = sorted((DOCS / "decisions").glob("*.md"))
    assert [path.name[:4] for path in paths] == [f"{n:04}" for n in range(1, len(paths) + 1)]
    assert all(path.read_text().startswith(f"# {path.name[:4]} ") for path in paths)


def test_make_targets():
    """Every make target that a page names is one."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in TARGET.findall(page.read_text())}
    assert len(named) > 5
    assert named - targets == set()
