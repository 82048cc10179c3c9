"""Prove to the API who is asking; secrets stay in here, out of every repr, message and URL."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The API allows 3600 s and refuses tokens from the future: stay inside both with a clock that is a little off.
_LIFETIME, _BACKDATE, _RENEW_BEFORE = 3000, 30, 300


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The legacy pair: deprecated by the vendor, with full rights, sent in the body of each request."""

    account_id: int
    api_key: str = field(repr=False)

    def parameters(self) -> dict[str, str]:
        """Give what goes into the form of a request."""
        return {"account_id": str(self.account_id), "api_key": self.api_key}

    def headers(self) -> dict[str, str]:
        """Give the header lines: none."""
        return {}

    def renew(self, *, server_time: float | None) -> None:
        """Do nothing: a key has no clock."""


class ServiceAccount:
    """A service account's key: signs a JWT (RS256) when the last one is about to end.

    Source: the vendor's authorization page; `iss` is text because PyJWT takes nothing else.
    """

    def __init__(self, *, account_id: int, key_id: str, private_key: str, now: Callable[[], float]) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - heavy
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - heavy
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - heavy

        self.account_id = account_id
        self._key_id = key_id
        try:
            # Loading takes 40 ms, signing with a loaded key 0.3 ms.
            self._key: Any = load_pem_private_key(private_key.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise SettingsError(
                "The private_key in the credentials file is no PEM key: download the file from the vendor's"
                " control panel again."
            ) from None  # the cause could quote the key
        if not isinstance(self._key, RSAPrivateKey):
            raise SettingsError(
                "The private_key in the credentials file is no RSA key, and the API takes no other: download the file"
                " from the vendor's control panel again."
            )
        self._now = now
        self._offset = 0.0
        self._token, self._expires = "", 0.0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ServiceAccount(account_id={self.account_id})"

    def parameters(self) -> dict[str, str]:
        """Give what goes into the form of a request: nothing."""
        return {}

    def headers(self) -> dict[str, str]:
        """Give the Authorization line, with a fresh token where the last is about to end."""
        with self._lock:
            now = self._now() + self._offset
            if now > self._expires - _RENEW_BEFORE:
                self._token, self._expires = self._sign(now), now + _LIFETIME
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, *, server_time: float | None) -> None:
        """Drop the token, and from now on sign by the server's clock (UTC seconds) where that is known."""
        with self._lock:
            self._offset = 0.0 if server_time is None else server_time - self._now()
            self._expires = 0.0

    def _sign(self, now: float) -> str:
        import jwt  # noqa: PLC0415 - heavy

        issued = int(now) - _BACKDATE
        claims = {"iss": str(self.account_id), "iat": issued, "exp": issued + _LIFETIME + _BACKDATE}
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})


def read_credentials(path: Path, *, now: Callable[[], float]) -> ServiceAccount:
    """Read the vendor's credentials.json, flat or nested under `result`."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"The credentials file {path} cannot be read ({error.strerror}): give its path with --credentials"
            " or VOXIMPLANT_CREDENTIALS."
        ) from error
    except ValueError:
        raise SettingsError(
            f"The credentials file {path} is no JSON: download it from the vendor's control panel again."
        ) from None
    if isinstance(content, dict) and isinstance(content.get("result"), dict):
        content = content["result"]
    told = content if isinstance(content, dict) else {}
    if lacking := [name for name in ("account_id", "key_id", "private_key") if told.get(name) in (None, "")]:
        raise SettingsError(
            f"The credentials file {path} lacks {' and '.join(lacking)}: download it from the vendor's control panel"
            " again."
        )
    try:
        account_id = int(told["account_id"])
    except (TypeError, ValueError):
        raise SettingsError(
            f"The account_id in the credentials file {path} is no number: download it from the vendor's control panel"
            " again."
        ) from None
    return ServiceAccount(
        account_id=account_id, key_id=str(told["key_id"]), private_key=str(told["private_key"]), now=now
    )
