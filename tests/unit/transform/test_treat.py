"""Policies applied to columns, and to rows that could not be decoded."""

import json

import pyarrow as pa
import pytest
from support.lakes import row

from voxlake.model import Reject
from voxlake.policy import KEEP_ALL, PARTS, PrivacyPolicy, digest_of
from voxlake.privacy import PrivacyKey
from voxlake.transform import COLUMNS, SMS, treat, treat_rejects

KEY = PrivacyKey(bytes(range(32)))
ROWS = [
    row(1, error_message="Error send sms to 447911123456", extra='{"carrier":"Bob","n":[447911123456,1.50]}'),
    row(2, destination_number=None, text=None, extra=None, error_message=None),
    row(3, destination_number="+44 7911 123456", extra="not json"),
]
TABLE = pa.Table.from_pylist([{k: v for k, v in its.items() if k in SMS.schema.names} for its in ROWS], SMS.schema)


@pytest.mark.parametrize("how", ["drop", "mask", "hash"])
def test_columns(how):
    """Only the columns of the policy change; types, order, nulls and all other columns stay."""
    policy = PrivacyPolicy(**dict.fromkeys(PARTS, how), key=KEY)
    treated = treat(TABLE, policy)
    assert treated.schema == TABLE.schema
    assert treated.drop(list(COLUMNS)) == TABLE.drop(list(COLUMNS))
    written = json.dumps(treated.to_pylist(), default=str)
    for secret in ("447911", "4930111", "Hello", "Bob", "not json"):
        assert secret not in written
    assert treat(treated, policy) == treated
    if how == "hash":
        assert treated["destination_number"].to_pylist() == [digest_of(KEY, "447911123456"), None] * 1 + [
            digest_of(KEY, "447911123456")
        ]


def test_one_column_alone():
    """A policy of one part leaves the others as they came; that of none costs nothing."""
    treated = treat(TABLE, PrivacyPolicy(text="mask"))
    assert treated.drop(["text"]) == TABLE.drop(["text"])
    assert treated["text"].to_pylist() == ["xxxxx", None, "xxxxx"]
    assert treat(TABLE, KEEP_ALL) is TABLE
    assert treat(TABLE.select(["message_id"]), PrivacyPolicy(text="mask")) == TABLE.select(["message_id"])


def test_rejects():
    """Known fields are treated as their columns, others and what cannot be read as unknown fields; why stays."""
    raw = {
        "message_id": "12 of 447911123456", "source_number": 4930111222, "text": "Hello", "cost": "0.5",
        "processed_date": "2026-01-01 00:00:00", "error_message": "to 447911123456", "secret": ["Bob"],
    }  # fmt: skip
    (reject,) = treat_rejects([Reject(raw, "message_id is not a whole number")], PrivacyPolicy(
        source="mask", destination="mask", text="drop", error_text="mask", unknown_fields="mask"), SMS)  # fmt: skip
    assert reject.reason == "message_id is not a whole number"
    assert reject.raw == {
        "message_id": "xx xx xxxxxxxxxxxx", "source_number": "DE***22", "text": None, "cost": "0.5",
        "processed_date": "2026-01-01 00:00:00", "error_message": "to GG***56", "secret": ["xxx"],
    }  # fmt: skip
    (line,) = treat_rejects([Reject(["Hello", 447911123456], "the row is not an object")], PrivacyPolicy(
        unknown_fields="drop"), SMS)  # fmt: skip
    assert line.raw is None
