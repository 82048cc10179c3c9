"""Addresses of stores, the parts of an index, and what the root object says, without a store."""

import sqlite3
from contextlib import closing

import pytest

from voxlake.errors import SettingsError
from voxlake.remote import find_root, parse, remote_of
from voxlake.remote.pages import apply, checksum, copy_of, differences
from voxlake.remote.root import Root, joined

pytestmark = pytest.mark.dateless


def test_addresses(tmp_path):
    """URLs of buckets and paths are told apart, however often a path has lost a slash."""
    for text in ("s3://bucket/sms", "s3://bucket/sms/", "s3:/bucket/sms", "S3://bucket/sms"):
        assert parse(text) == "s3://bucket/sms"
    assert str(parse("file:///srv/sms")) == "/srv/sms"
    assert str(parse("data")) == "data"
    for text in ("ftp://x/y", "s3://", "s3://bucket/a*"):
        with pytest.raises(SettingsError):
            parse(text)


def test_a_working_directory_stands_for_one_store(tmp_path):
    """It cannot be a data directory, nor that of another store; what is behind it is known from itself."""
    root = find_root("s3://bucket/sms", tmp_path / "work")
    assert find_root("s3:/bucket/sms", tmp_path / "work") == root
    assert remote_of(root).url == "s3://bucket/sms"
    with pytest.raises(SettingsError, match="is the working directory of s3://bucket/sms"):
        find_root("s3://bucket/other", root)
    (tmp_path / "disk" / "lake").mkdir(parents=True)
    with pytest.raises(SettingsError, match="is a data directory itself"):
        find_root("s3://bucket/sms", tmp_path / "disk")
    assert remote_of(tmp_path / "disk") is None


def test_parts_of_an_index(tmp_path):
    """The blocks that differ make one file of the other, whatever was added, changed or removed."""
    before, after, copy = tmp_path / "before", tmp_path / "after", tmp_path / "copy"
    for folder in (before, after, copy):
        folder.mkdir()
    path = tmp_path / "index.sqlite"
    steps = [
        [
            "CREATE TABLE t (n INTEGER PRIMARY KEY, text)",
            "INSERT INTO t VALUES (?, 'x')",
        ],
        ["UPDATE t SET text = 'y' WHERE n = 77"],
        ["DELETE FROM t WHERE n > 100", "VACUUM"],
    ]
    sizes = []
    for statements in steps:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                if "?" in statement:
                    connection.executemany(statement, [[n] for n in range(1, 5001)])
                else:
                    connection.execute(statement)
        copy_of(path, after / "index.sqlite")
        parts = [*differences(before, {"index.sqlite": after / "index.sqlite"})]
        sizes.append(sum(map(len, parts)))
        for part in parts:
            apply(part, copy)
        assert checksum(copy / "index.sqlite") == checksum(after / "index.sqlite")
        copy_of(path, before / "index.sqlite")
    assert sizes[1] < sizes[0] / 4
    assert [*differences(before, {"index.sqlite": after / "index.sqlite"})] == []


def test_suspects():
    """No suspects and those of a run add up; all are all."""
    assert joined(None, None) is None
    assert joined(None, (1,)) == joined((1,), None) == (1,)
    assert joined((1,), (2,)) == (1, 2)
    assert joined((), (2,)) == joined((1,), ()) == ()
    assert Root("a").to_bytes() != Root("a").to_bytes()
