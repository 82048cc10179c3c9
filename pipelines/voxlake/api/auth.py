"""Authenticate requests: one class for each way that the API knows; secrets stay out of every repr, message and URL."""

from __future__ import annotations

import functools
import json
import os
import re
import stat
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from requests.auth import AuthBase

from voxlake.errors import SettingsError
from voxlake.model import GREATEST_ID
from voxlake.transform import read_integer

if TYPE_CHECKING:
    from requests import PreparedRequest

    from voxlake.clock import Clock

# The API accepts tokens of up to 3600 s and refuses those issued in its future: both margins allow for a clock that is
# a little off. Source: the vendor's authorization page.
_CONTENT = re.compile(r"[{\n]|PRIVATE KEY")
"""What no path has, and every credentials file."""
_MOST_DIGITS = 19
_LIFETIME, _BACKDATE, _RENEW_BEFORE = 3000, 30, 300


class Credentials(Protocol):
    """A way to authenticate as one account, called by requests for each request as its `AuthBase`.

    Implementations are safe to share between threads and picklable.
    """

    @property
    def account_id(self) -> int:
        """The account that the credentials belong to."""

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Add what authenticates a request, and return it."""

    def renew(self, *, server_time: float | None) -> None:
        """Replace what the API says has expired; `server_time` is the server's clock in UTC seconds, where known."""


@dataclass(frozen=True, slots=True)
class ApiKey(AuthBase):
    """The legacy pair, deprecated by the vendor and with full rights: two form fields in the body of each request."""

    account_id: int
    api_key: str = field(repr=False)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Append the two fields to the form; requests computes Content-Length afterwards."""
        form = r.body.decode() if isinstance(r.body, bytes) else r.body
        fields = urlencode({"account_id": self.account_id, "api_key": self.api_key})
        r.body = f"{form}&{fields}" if form else fields
        r.headers["Content-Type"] = "application/x-www-form-urlencoded"
        return r

    def renew(self, *, server_time: float | None) -> None:
        """Do nothing: a key does not expire."""


class ServiceAccount(AuthBase):
    """A service account's key pair: signs a JWT (RS256), and a new one shortly before the last one expires.

    Source: the vendor's authorization page. `iss` is text because PyJWT accepts nothing else.
    """

    def __init__(self, *, account_id: int, key_id: str, private_key: str | RSAPrivateKey, clock: Clock) -> None:
        self.account_id = account_id
        self._key_id = key_id
        # Loading takes 40 ms, signing with a loaded key 0.3 ms.
        self._key = _loaded(private_key) if isinstance(private_key, str) else private_key
        self._clock = clock
        self._offset = 0.0
        self._token, self._expires = "", 0.0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ServiceAccount(account_id={self.account_id})"

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Set the Authorization header, with a new token where the last one is about to expire."""
        r.headers["Authorization"] = f"Bearer {self._fresh_token()}"
        return r

    def renew(self, *, server_time: float | None) -> None:
        """Drop the token, and sign by the server's clock (UTC seconds) from now on, where that is known."""
        with self._lock:
            self._offset = 0.0 if server_time is None else server_time - self._clock.time()
            self._expires = 0.0

    def child(self, account_id: int) -> ServiceAccount:
        """Return the credentials of a child account: this key, which stays loaded once, and the child's `iss`."""
        return ServiceAccount(account_id=account_id, key_id=self._key_id, private_key=self._key, clock=self._clock)

    def _fresh_token(self) -> str:
        with self._lock:
            now = self._clock.time() + self._offset
            if now > self._expires - _RENEW_BEFORE:
                issued = int(now) - _BACKDATE
                claims = {"iss": str(self.account_id), "iat": issued, "exp": issued + _LIFETIME + _BACKDATE}
                self._token = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})
                self._expires = now + _LIFETIME
            return self._token

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: the key as PEM, because a loaded one cannot travel, and no lock."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {**self.__dict__, "_key": pem, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._key = _loaded(state["_key"])
        self._lock = threading.Lock()


@functools.lru_cache(maxsize=8)
def _loaded(private_key: str) -> RSAPrivateKey:
    # To check that it is a good one takes 40 ms; programs connect again, and each task for another process brings it.
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(
            "The private_key in the credentials file is not a PEM key: download the file from the vendor's"
            " control panel again."
        ) from None  # the cause could quote the key
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError(
            "The private_key in the credentials file is not an RSA key, which is all that the API accepts: download"
            " the file from the vendor's control panel again."
        )
    return key


CredentialsSource = str | Path | Mapping[str, Any] | tuple[int, str] | Credentials
"""What credentials can be made of: the path of the vendor's credentials.json, its content, the legacy pair, or them."""


def find_credentials(source: CredentialsSource, *, clock: Clock) -> Credentials:
    """Return credentials from whatever a program has them in; `clock` dates the tokens.

    Raises:
        SettingsError: there are none in it.

    """
    if isinstance(source, (str, Path)):
        return read_credentials(Path(source).expanduser(), clock=clock)
    if isinstance(source, Mapping):
        return _service_account(source, "The mapping of credentials", clock=clock)
    if isinstance(source, tuple):
        return _legacy_pair(source)
    if not hasattr(source, "account_id"):
        raise SettingsError(
            f"Credentials cannot be made of {type(source).__name__}: pass the path of the vendor's credentials.json,"
            " its content as a mapping, or (account_id, api_key)."
        )
    return source


def child_of(parent: Credentials, account_id: int) -> Credentials:
    """Return the credentials of a child account, which signs with its parent's key.

    Raises:
        SettingsError: the parent's credentials are the legacy pair, with which no child can be asked.

    """
    if not isinstance(parent, ServiceAccount):
        raise SettingsError(
            f"Account {account_id} is asked with the key of its parent's service account: give the parent's"
            " credentials.json in place of an api_key."
        )
    return parent.child(account_id)


def _legacy_pair(pair: tuple[Any, ...]) -> ApiKey:
    account_id, api_key = pair if len(pair) == 2 else (None, None)  # noqa: PLR2004 - a pair
    digits = str(account_id)
    is_number = digits.isdecimal() and len(digits) <= _MOST_DIGITS and int(digits) <= GREATEST_ID
    if not is_number or not isinstance(api_key, str) or not api_key:
        raise SettingsError("The pair of credentials is not (account_id, api_key): pass a whole number and a text.")
    return ApiKey(int(digits), api_key)


def is_open_to_others(path: Path) -> bool:
    """Whether others than the owner may read or change a file; false where that cannot be found out.

    A group may, where the file belongs to somebody else, as a service's key that root gives to its group: that is how
    PostgreSQL judges the keys of its server.
    """
    try:
        found = path.stat()
    except OSError:
        return False
    private = 0o077 if found.st_uid == os.getuid() else 0o007
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & private)


def read_credentials(path: Path, *, clock: Clock) -> Credentials:
    """Read the vendor's credentials.json, flat or nested under `result`; `clock` dates the tokens.

    A file may also hold the legacy pair, as `{"account_id": 1, "api_key": "..."}`.

    Raises:
        SettingsError: the file cannot be read, is not JSON, lacks a field, or holds a key of another kind.

    """
    if _CONTENT.search(str(path)):
        raise SettingsError(
            "What --credentials or VOXIMPLANT_CREDENTIALS holds is not a path, but looks like the credentials"
            " themselves: store them in a file, and give its path."
        )
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"The credentials file {path} cannot be read ({error.strerror}): give its path with --credentials"
            " or VOXIMPLANT_CREDENTIALS."
        ) from error
    except (ValueError, RecursionError):
        raise SettingsError(
            f"The credentials file {path} is not JSON: download it from the vendor's control panel again."
        ) from None
    if isinstance(content, Mapping) and "api_key" in content and "private_key" not in content:
        return _legacy_file(content, path)
    return _service_account(content, f"The credentials file {path}", clock=clock)


def _legacy_file(content: Mapping[str, Any], path: Path) -> ApiKey:
    try:
        return _legacy_pair((content.get("account_id"), content["api_key"]))
    except SettingsError:
        raise SettingsError(
            f'The credentials file {path} holds no pair that can be used: write {{"account_id": NUMBER, "api_key":'
            ' "KEY"} into it.'
        ) from None


def _service_account(content: Any, name: str, *, clock: Clock) -> ServiceAccount:
    """Return the account in the content of a credentials.json; `name` begins the sentence where there is none."""
    if isinstance(content, Mapping) and isinstance(content.get("result"), Mapping):
        content = content["result"]
    fields = content if isinstance(content, Mapping) else {}
    if missing := [field for field in ("account_id", "key_id", "private_key") if fields.get(field) in (None, "")]:
        raise SettingsError(f"{name} lacks {' and '.join(missing)}: download it from the vendor's control panel again.")
    try:
        account_id = read_integer(fields["account_id"])
    except ValueError:
        account_id = None
    if account_id is None:
        raise SettingsError(
            f"The account_id in {name[0].lower()}{name[1:]} is not a number: download it from the vendor's control"
            " panel again."
        )
    return ServiceAccount(
        account_id=account_id, key_id=str(fields["key_id"]), private_key=str(fields["private_key"]), clock=clock
    )
