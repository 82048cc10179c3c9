"""The tables of docs/scale.md are what its laws say today."""

import importlib
import sys

from support.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
scale = importlib.import_module("scale")


def test_the_page_is_what_the_laws_say():
    """`python benchmarks/scale.py --write` would change nothing, and each table has its place."""
    text = scale.PAGE.read_text(encoding="utf-8")
    assert scale.page(text) == text
    assert all(text.count(f"<!-- {name} -->") == 1 for name in scale.TABLES)
    assert text.count("<!-- end -->") == len(scale.TABLES)


def test_a_law_goes_through_what_was_measured():
    """It says of the smallest and the largest lake what was measured there, where that grows."""
    for rows in (min(scale.measured()), max(scale.measured())):
        size = scale.measured()[rows]["portable"]["size MB"]["size"]
        assert abs(scale.law("portable", "size MB", "size").at(rows) - size) < 1
    assert scale.law("linked", "nothing new").per_million >= 0
