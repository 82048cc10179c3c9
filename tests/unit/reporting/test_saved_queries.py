"""Saved queries are found by name, and get exactly the parameters that they have."""

from datetime import date

import pytest

from voxlake.errors import SettingsError
from voxlake.reporting.saved_queries import SavedQuery, bind_parameters, load_saved_queries

FIRST = date(2026, 1, 1)
NOTHING = {"first": None, "end": None, "number": None}


@pytest.mark.parametrize(
    ("sql", "given", "told"),
    [
        ("SELECT 1", {"first": FIRST}, "--from"),
        ("SELECT 1", {"end": FIRST}, "--to"),
        ("SELECT $from, $to", {"number": "1"}, "--number"),
        ("SELECT $since", {}, r"\$since"),
        ("SELECT 1; SELECT 2", {}, "2 statements"),
        ("-- nothing", {}, "0 statements"),
        ("SELEKT", {}, "not valid SQL"),
    ],
)
def test_flags_that_a_report_does_not_take(sql, given, told):
    """A flag that would have no effect, or a parameter that nobody gives, is one sentence."""
    with pytest.raises(SettingsError, match=told):
        bind_parameters(SavedQuery("mine", sql), **{"first": None, "end": None, "number": None} | given)


@pytest.mark.parametrize(
    ("sql", "given", "bound"),
    [
        ("SELECT 1", {}, {}),
        ("SELECT $from, $to", {}, {"from": date.min, "to": date.max}),
        ("SELECT $from", {"first": FIRST}, {"from": FIRST}),
        ("SELECT $to", {"end": FIRST}, {"to": FIRST}),
        ("SELECT $number", {}, {"number": None}),
        ("SELECT $number", {"number": " +4930111222 "}, {"number": "4930111222"}),
        ("SELECT $number", {"number": "My Shop"}, {"number": "My Shop"}),
        ("-- $since is only mentioned\nSELECT '$until', $to", {}, {"to": date.max}),
    ],
)
def test_parameters_that_a_report_takes(sql, given, bound):
    """Each parameter has a value, open ends are the ends of time, and a number is written as the histories have it."""
    assert bind_parameters(SavedQuery("mine", sql), **NOTHING | given) == bound


def test_an_unusable_query_says_why():
    """Binding raises the sentence that the list shows."""
    query = SavedQuery("odd", problem="odd.sql cannot be read: correct it.")
    assert query.promise == "unusable: odd.sql cannot be read: correct it."
    with pytest.raises(SettingsError, match="cannot be read: correct it"):
        bind_parameters(query, **NOTHING)


def test_own_files_beside_ours(tmp_path):
    """The first line is the description if it is a comment, a byte order mark is skipped, a taken name is refused."""
    (tmp_path / "plain.sql").write_text("SELECT 1\n-- no description\n")
    (tmp_path / "told.sql").write_text("\ufeff-- What it answers.\nSELECT 1", encoding="utf-8")
    (tmp_path / "daily.sql").write_text("SELECT 1")
    (tmp_path / "notes.txt").write_text("not a query")
    ours = load_saved_queries(None)
    assert ours
    assert all(query.promise and query.problem is None for query in ours.values())
    own = {name: query for name, query in load_saved_queries(tmp_path).items() if name not in ours}
    assert {name: query.promise for name, query in own.items() if query.problem is None} == {
        "plain": "",
        "told": "What it answers.",
    }
    assert [name for name, query in own.items() if query.problem is not None] == ["daily.sql"]
    assert load_saved_queries(tmp_path)["daily"] == ours["daily"]


def test_no_such_folder(tmp_path):
    """A folder that is not there is named."""
    with pytest.raises(SettingsError, match="nowhere"):
        load_saved_queries(tmp_path / "nowhere")
