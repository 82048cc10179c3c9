"""Access control: the account's legacy API key, its service accounts and their roles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from voxlake.sandbox.responses import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

ROLES = {
    "GetSmsHistory": {"Owner", "Admin", "Developer", "Supervisor", "Accountant", "CallsSMS"},
    "A2PGetSmsHistory": {"Owner", "Admin", "CallsSMS"},
    "SendSmsMessage": {"Owner", "Admin", "Developer", "CallsSMS"},
    "A2PSendSms": {"CallsSMS"},
    "ControlSms": {"Owner", "Admin", "Developer", "Accountant"},
    "GetPhoneNumbers": {"Owner", "Admin", "Developer", "Supervisor", "Accountant", "CallsSMS"},
}
"""The roles that may call each method (source: the vendor's API reference; GetPhoneNumbers is a guess)."""

KEY = "sandbox-key.pem"
MAX_TTL = 3600
_SKEW = 5


class AccessControl:
    """Checks who may call a method.

    `now` is the server's clock in UTC seconds; credentials files are written to `directory`.
    """

    def __init__(self, *, account_id: int, api_key: str, directory: Path, now: Callable[[], float]) -> None:
        self.account_id, self.api_key = account_id, api_key
        self._directory, self._now = directory, now
        self._private = self._key()
        self._public = self._private.public_key()
        self._roles: dict[str, set[str]] = {}

    def _key(self) -> rsa.RSAPrivateKey:
        """Load the key of an earlier start from the directory, or create one; so credentials survive a restart."""
        path = self._directory / KEY
        if path.exists():
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            if isinstance(key, rsa.RSAPrivateKey):
                return key
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path.touch(mode=0o600)
        path.write_bytes(_pem(made))
        return made

    def credentials_for(self, roles: Iterable[str]) -> Path:
        """Create a service account with these roles; return the path of its credentials (the vendor's file format)."""
        roles = set(roles)
        key_id = "sandbox-" + "-".join(sorted(roles)).lower()
        self._roles[key_id] = roles
        content = {
            "account_email": "sandbox@example.com",
            "account_id": self.account_id,
            "key_id": key_id,
            "private_key": _pem(self._private).decode(),
        }
        path = self._directory / f"credentials-{key_id}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(content, indent=1))
        return path

    def check(self, method: str, parameters: Mapping[str, str], authorization: str | None) -> None:
        """Check that the caller may call the method; the legacy key may call every method.

        Raises:
            ApiError: with the code that the API documents for the case.

        """
        if authorization is not None:
            roles = self._token(authorization)
            if not roles & ROLES[method]:
                raise ApiError(100, "Authorization failed")
        elif (parameters.get("account_id"), parameters.get("api_key")) != (str(self.account_id), self.api_key):
            raise ApiError(100, "Authorization failed")

    def _token(self, authorization: str) -> set[str]:
        scheme, _, token = authorization.partition(" ")
        try:
            header = jwt.get_unverified_header(token.strip())
            claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
            issued, expires = float(claims["iat"]), float(claims["exp"])
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            raise ApiError(447, "Invalid token format.") from None
        if scheme != "Bearer" or header.get("alg") != "RS256":
            raise ApiError(447, "Invalid token format.")
        if header.get("kid") not in self._roles:
            raise ApiError(433, "Invalid key id.")
        try:
            # Times have their own error codes, and some SDKs send `iss` as a number: both are checked below.
            jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_iss": False, "verify_nbf": False},
            )
        except jwt.PyJWTError:
            raise ApiError(100, "Authorization failed") from None
        if str(claims.get("iss")) != str(self.account_id):
            raise ApiError(100, "Authorization failed")
        if expires - issued > MAX_TTL:
            raise ApiError(454, "The token TTL exceeds the maximum limit.")
        if issued > self._now() + _SKEW:
            raise ApiError(455, "Token issued in the future.")
        if expires <= self._now():
            raise ApiError(456, "The token has expired.")
        return self._roles[header["kid"]]


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
