"""Privacy keys and their files."""

import base64
import hashlib
import hmac
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.errors import SettingsError
from voxlake.privacy import PrivacyKey, make_key, parse_key, read_key

SECRET = bytes(range(200, 232))


def test_a_digest_is_an_hmac():
    """The digest is the standard one, so that another program with the key can make it, too."""
    expected = hmac.new(SECRET, b"447400792548", hashlib.sha256).hexdigest()
    assert PrivacyKey(SECRET).digest("447400792548") == expected
    assert PrivacyKey(bytes(32)).digest("447400792548") != expected


def test_a_key_does_not_show_itself():
    """No text of a key holds its secret; a copy from another process is the same key."""
    key = PrivacyKey(SECRET)
    for text in (repr(key), str(key), f"{key}", key.id):
        assert SECRET.hex()[:8] not in text
    assert pickle.loads(pickle.dumps(key)) == key != PrivacyKey(bytes(32))
    assert key.id != PrivacyKey(bytes(32)).id


@given(st.binary(min_size=32, max_size=32))
def test_how_a_key_may_be_written(secret):
    """Hexadecimal digits or either base64, with white space around."""
    key = PrivacyKey(secret)
    for text in (secret.hex(), secret.hex().upper(), base64.b64encode(secret).decode()):
        assert parse_key(f" {text}\n", "it") == key
    assert parse_key(base64.urlsafe_b64encode(secret).decode().rstrip("="), "it") == key


@pytest.mark.parametrize("text", ["", "s3cret", "ab" * 16, "ab" * 33, "é" * 32, "\0" * 64])
def test_what_is_not_a_key(text):
    """It is refused, and not quoted."""
    with pytest.raises(SettingsError, match=r"^The file does not hold a privacy key: it is 32 bytes") as raised:
        parse_key(text, "The file")
    assert not text or text not in str(raised.value)


def test_a_key_file(tmp_path):
    """It is made once, for its owner alone, and never replaced."""
    path, data = tmp_path / "privacy.key", tmp_path / "data"
    assert read_key(path, data_dir=data) is None
    key = make_key(path, data_dir=data)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path, data_dir=data) == key
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="exists and is not replaced"):
        make_key(path, data_dir=data)
    assert path.read_bytes() == before
    assert make_key(tmp_path / "other", data_dir=data) != key


def test_a_key_that_others_can_read(tmp_path):
    """It is refused with the command that mends it."""
    path = tmp_path / "privacy.key"
    make_key(path, data_dir=tmp_path / "data")
    path.chmod(0o640)
    with pytest.raises(SettingsError, match=r"others than its owner \(mode 0640\): run 'chmod 600"):
        read_key(path, data_dir=tmp_path / "data")


def test_never_in_the_lake(tmp_path):
    """A key below the data directory is neither made nor read, wherever a link to it lies."""
    data = tmp_path / "data"
    data.mkdir()
    with pytest.raises(SettingsError, match="lies in the data directory"):
        make_key(data / "privacy.key", data_dir=data)
    assert list(data.iterdir()) == []
    make_key(tmp_path / "key", data_dir=data).digest("")
    (tmp_path / "key").rename(data / "key")
    (tmp_path / "link").symlink_to(data / "key")
    with pytest.raises(SettingsError, match="lies in the data directory"):
        read_key(tmp_path / "link", data_dir=data)
    with pytest.raises(SettingsError, match="is not a folder"):
        make_key(tmp_path / "nowhere" / "key", data_dir=data)
