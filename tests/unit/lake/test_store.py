"""Files are put in place as a whole, and nothing of anybody's is overwritten."""

from voxlake.lake.store import Store, sha256


def test_put_replaces(tmp_path):
    """A file is put over the one before, in folders that are made for it, and its stamp changes."""
    store, path, aside = Store(tmp_path), tmp_path / "a" / "b" / "file", tmp_path / "aside"
    store.write_text(path, "one", aside=aside)
    before = store.stamp(path)
    store.write_text(path, "two", aside=aside)
    assert (path.read_text(), aside.exists()) == ("two", False)
    assert store.stamp(path) != before


def test_text_that_is_not_unicode(tmp_path):
    """A lone surrogate, which JSON can hold, is written escaped."""
    store = Store(tmp_path)
    store.write_text(tmp_path / "file", "\ud800", aside=tmp_path / "aside")
    assert (tmp_path / "file").read_bytes() == b"\\ud800"


def test_kept_copies_stay(tmp_path):
    """What is kept twice is there twice, also after the file itself is replaced."""
    store, path, copy = Store(tmp_path), tmp_path / "file", tmp_path / "kept" / "file"
    for text in ("one", "two", "three"):
        store.write_text(path, text, aside=tmp_path / "aside")
        store.keep(path, copy)
    store.remove(path)
    store.remove(path)
    assert sorted(kept.read_text() for kept in copy.parent.iterdir()) == ["one", "three", "two"]


def test_moved_files_stay(tmp_path):
    """What is moved to a place that is taken gets another name."""
    store, target = Store(tmp_path), tmp_path / "stray" / "file"
    for text in ("one", "two"):
        (tmp_path / "file").write_text(text)
        moved = store.move(tmp_path / "file", target)
        assert moved.read_text() == text
    assert sorted(path.name for path in target.parent.iterdir()) == ["file", "file.again"]


def test_digest_of_a_beginning(tmp_path):
    """The digest covers as many bytes as are asked for."""
    (tmp_path / "file").write_bytes(b"abcdef")
    (tmp_path / "other").write_bytes(b"abcxyz")
    assert sha256(tmp_path / "file", size=3) == sha256(tmp_path / "other", size=3) == "ba7816bf8f01cfea414140de5dae2223"
