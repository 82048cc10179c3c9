"""Numbers that are to be forgotten are found however they are spelled, by digest or in clear, and nothing else is."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.model import Reject
from voxlake.privacy import PrivacyKey
from voxlake.transform import ANONYMISE, ERASE, MARK, SMS, Forgotten

NUMBER = "447911123456"
KEY = PrivacyKey(bytes(range(32)))
DIGEST = KEY.digest(NUMBER)


def forgotten(kind=ERASE, *, known=False):
    """Return the number as one that is to be forgotten."""
    return Forgotten({DIGEST: kind}, KEY, {NUMBER: kind} if known else None)


def table(*rows):
    """Return rows of a history, of which only some columns are given."""
    return pa.Table.from_pylist([{"message_id": n} | its for n, its in enumerate(rows)], schema=SMS.schema)


SPELLINGS = [
    NUMBER, f"+{NUMBER}", f"00{NUMBER}", "+44 7911 123456", "+44 (0)7911 123-456", "44.7911.123.456",
    "(44) 7911/123456", "\u0664\u0664\u0667\u0669\u0661\u0661\u0661\u0662\u0663\u0664\u0665\u0666",
    "+44\u00a07911\u2013123456", f"GB#{DIGEST[:32]}", f"#{DIGEST[:32]}",
]  # fmt: skip


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("spelled", SPELLINGS)
def test_rows_and_mentions_in_any_spelling(spelled, known):
    """Rows from and to it are dropped, and other rows lose its mentions, in texts and in JSON, and nothing else."""
    rows = table(
        {"source_number": spelled, "destination_number": "4930111222"},
        {"source_number": "Shop", "destination_number": spelled},
        {"source_number": "Shop", "destination_number": "4930111222", "text": f"call {spelled}, or 4930111222"},
        {"destination_number": "4930111222", "extra": json.dumps({"a": [1, f"x {spelled}"], "b": 2})},
        {"destination_number": "4930111222", "text": "Your code is 123456", "error_message": "nothing"},
    )
    treated = forgotten(known=known).treat(rows)
    assert (treated.forgotten, treated.anonymised, treated.redacted) == (2, 0, 2)
    left = treated.table.to_pylist()
    assert [its["message_id"] for its in left] == [2, 3, 4]
    assert MARK in left[0]["text"]
    assert left[0]["text"].startswith("call ")
    assert left[0]["text"].endswith(", or 4930111222")
    assert left[1]["extra"].startswith('{"a": [1, "x ')
    assert left[2] == rows.to_pylist()[4]
    assert not forgotten(known=True).finds(treated.table)
    assert forgotten(known=known).treat(treated.table) == treated._replace(forgotten=0, redacted=0)


def test_what_a_row_without_its_number_loses():
    """The number, and what was written; money, status and the other number stay."""
    rows = table(
        {"source_number": "4930111222", "destination_number": NUMBER, "text": "hi", "extra": "{}", "status": "x"}
    )
    treated = forgotten(ANONYMISE).treat(rows)
    assert (treated.forgotten, treated.anonymised) == (0, 1)
    changed = {"destination_number": None, "text": None, "extra": None, "error_message": None}
    assert treated.table.to_pylist() == [rows.to_pylist()[0] | changed]


def test_numbers_of_json_and_rejects():
    """A number without quotes becomes a text, amounts keep their digits, and a reject loses all that it holds."""
    its = forgotten()
    assert its.redact_json('{"to": 447911123456, "cost": 1.50, "447911123456": null}') == (
        '{"to": "#forgotten", "cost": 1.50, "#forgotten": null}'
    )
    assert its.redact_json('{ "kept":  1.50 }') == '{ "kept":  1.50 }'
    assert its.treat_reject(Reject({"n": 447911123456}, "odd")) == Reject(MARK, "odd")
    assert its.treat_reject(Reject({"n": 1}, f"not {NUMBER}")) == Reject(MARK, "not #forgotten")
    assert its.treat_reject(Reject({"n": 1}, "odd")) == Reject({"n": 1}, "odd")


def test_a_mark_in_a_reply_stays_a_forgotten_row():
    """Replies whose rows were erased say so by a mark, whatever is forgotten now."""
    rows = table({"source_number": MARK}, {"destination_number": MARK}, {"destination_number": "4930111222"})
    for its in (Forgotten(), forgotten()):
        assert its.treat(rows).forgotten == 2


@given(st.text(alphabet="+0123456789 -.x", max_size=40))
def test_what_is_found_by_digest_and_in_clear_is_the_same(text):
    """So that an erasure leaves what later runs would write."""
    text = f"{text}{NUMBER[:6]} {NUMBER[6:]}{text}"
    assert forgotten().redact(text) == forgotten(known=True).redact(text)
    assert MARK in forgotten().redact(text)
