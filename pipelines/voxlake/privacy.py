"""The key of keyed digests: what stands for a number where the number itself is not kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from voxlake.errors import SettingsError
from voxlake.files import storage, sync

KEY_FILE: Final = "privacy.key"
VARIABLE: Final = "VOXLAKE_PRIVACY_KEY"
KEY_BYTES: Final = 32
_ID: Final = "voxlake: the id of a privacy key"
_LONGEST: Final = 1024
"""Bytes of a key file, at most, that are looked at."""
_HOW: Final = f"{KEY_BYTES} bytes as {2 * KEY_BYTES} hexadecimal digits or in base64"


class PrivacyKey:
    """A secret of 32 bytes, under which the same text has the same digest, which nobody without it can work out.

    It can be pickled, compared and hashed, and no text of it shows the secret.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._secret = secret

    def digest(self, text: str) -> str:
        """Return the HMAC-SHA-256 of a text as 64 hexadecimal digits; of a number, pass the normal form."""
        return hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    @property
    def id(self) -> str:
        """Eight hexadecimal digits that tell one key from another, and nothing else about it."""
        return self.digest(_ID)[:8]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrivacyKey) and hmac.compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<PrivacyKey {self.id}>"

    def __reduce__(self) -> tuple[type[PrivacyKey], tuple[bytes]]:
        """Travel between processes."""
        return PrivacyKey, (self._secret,)


def parse_key(text: str, place: str) -> PrivacyKey:
    """Return the key that a text holds; `place` begins a sentence about it.

    Raises:
        SettingsError: it is not 32 bytes in hexadecimal digits or base64; what it is, is not quoted.

    """
    written = text.strip()
    for decode in (bytes.fromhex, _from_base64):
        # binascii.Error is a ValueError.
        with suppress(ValueError):
            return PrivacyKey(decode(written))
    raise SettingsError(f"{place} does not hold a privacy key: it is {_HOW}, as 'voxlake privacy init' writes it.")


def read_key(path: Path, *, data_dir: Path) -> PrivacyKey | None:
    """Return the key in a file; None where there is no such file.

    Raises:
        SettingsError: it lies in the data directory, others than its owner can read it, or it holds no key.

    """
    try:
        with path.open("rb") as file:
            _require_elsewhere(path, data_dir)
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LONGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"The privacy key {path} cannot be read ({error.strerror}): correct that first.") from error
    if mode & 0o077:
        raise SettingsError(
            f"The privacy key {path} can be read by others than its owner (mode {stat.S_IMODE(mode):04o}): run 'chmod"
            f" 600 {path}', or pass the key in {VARIABLE}."
        )
    return parse_key(content.decode("ascii", "replace"), str(path))


def make_key(path: Path, *, data_dir: Path) -> PrivacyKey:
    """Write a new random key to a file that only its owner can read, and return it; no file is ever replaced.

    Raises:
        SettingsError: the file exists, or would lie in the data directory, or there is no such folder.
        StorageFull: it cannot be written.

    """
    _require_elsewhere(path, data_dir)
    if not path.parent.is_dir():
        raise SettingsError(f"{path.parent} is not a folder: create it first.")
    secret = secrets.token_bytes(KEY_BYTES)
    with storage(path.parent):
        try:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            raise SettingsError(
                f"{path} exists and is not replaced, because digests under another key would not match those under it:"
                " keep it, or name another file as key_file in [privacy]."
            ) from None
        try:
            with os.fdopen(opened, "w", encoding="ascii") as file:
                file.write(f"{secret.hex()}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        sync(path.parent)
    return PrivacyKey(secret)


def _from_base64(text: str) -> bytes:
    """Decode either alphabet of base64, with its padding or without."""
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def _require_elsewhere(path: Path, data_dir: Path) -> None:
    """Raise SettingsError where a file would be copied and shared with the data that it protects."""
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(data_dir)):
        raise SettingsError(
            f"The privacy key {path} lies in the data directory, whose copies it would make readable: move it"
            " elsewhere, and name it as key_file in [privacy]."
        )
