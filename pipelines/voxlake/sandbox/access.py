"""Access control: the legacy API keys of the accounts, their service accounts, and the roles of those."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
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
    "GetChildrenAccounts": {"Owner"},
}
"""The roles that may call each method (source: the vendor's API reference; GetPhoneNumbers is a guess)."""

KEY = "sandbox-key.pem"
MAX_TTL = 3600
_SKEW = 5
_LONGEST_ID = 20
_REMEMBERED = 10_000
"""Verified tokens: to check a signature costs more than the rest of a request."""


@dataclass(frozen=True, slots=True)
class _ServiceAccount:
    owner: int
    roles: frozenset[str]


class AccessControl:
    """Checks who may call a method for which account.

    `accounts` holds the parent's id first, then the ids of its children, each with its legacy API key. `now` is the
    server's clock in UTC seconds; credentials files are written to `directory`. `info_roles` may call GetAccountInfo;
    None: every role may.
    """

    def __init__(
        self,
        accounts: Mapping[int, str],
        *,
        directory: Path,
        now: Callable[[], float],
        info_roles: frozenset[str] | None = None,
    ) -> None:
        self._api_keys, self._parent = accounts, next(iter(accounts))
        self._directory, self._now = directory, now
        self._private = self._key()
        self._public = self._private.public_key()
        self._service_accounts: dict[str, _ServiceAccount] = {}
        self._verified: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._roles = {**ROLES, "GetAccountInfo": info_roles}

    def _key(self) -> rsa.RSAPrivateKey:
        """Load the key of an earlier start from the directory, or create one; so credentials survive a restart."""
        path = self._directory / KEY
        if path.exists():
            key = _loaded(path.read_bytes())
            if isinstance(key, rsa.RSAPrivateKey):
                return key
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path.touch(mode=0o600)
        path.write_bytes(_pem(made))
        return made

    def credentials_for(self, roles: Iterable[str], account_id: int | None = None, *, email: str) -> Path:
        """Create a service account with these roles; return the path of its credentials (the vendor's file format)."""
        roles, owner = frozenset(roles), account_id or self._parent
        own = "" if owner == self._parent else f"{owner}-"
        key_id = f"sandbox-{own}" + "-".join(sorted(roles)).lower()
        self._service_accounts[key_id] = _ServiceAccount(owner, roles)
        content = {
            "account_email": email,
            "account_id": owner,
            "key_id": key_id,
            "private_key": _pem(self._private).decode(),
        }
        path = self._directory / f"credentials-{key_id}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(content, indent=1))
        return path

    def identify(self, parameters: Mapping[str, str], authorization: str | None) -> tuple[int, frozenset[str] | None]:
        """Return the account that a caller speaks for, and the caller's roles; None for the legacy key, with all.

        Raises:
            ApiError: with the code that the API documents for the case.

        """
        if authorization is not None:
            return self._token(authorization)
        account_id = _number(parameters.get("account_id"))
        expected = None if account_id is None else self._api_keys.get(account_id)
        if account_id is None or expected is None or expected != parameters.get("api_key"):
            raise ApiError(100, "Authorization failed")
        return account_id, None

    def allow(self, method: str, roles: frozenset[str] | None) -> None:
        """Check that one of the roles may call the method.

        Raises:
            ApiError: none may; the API's code for it is that of a bad key.

        """
        allowed = self._roles[method]
        if roles is not None and not (roles if allowed is None else roles & allowed):
            raise ApiError(100, "Authorization failed")

    def _token(self, authorization: str) -> tuple[int, frozenset[str]]:
        header, claims = self._verify(authorization)
        service = self._service_accounts[header["kid"]]
        account_id = _number(claims.get("iss"))
        # A parent's key speaks for its children; a child's only for the child.
        if account_id is None or account_id not in (
            {service.owner} if service.owner != self._parent else self._api_keys
        ):
            raise ApiError(100, "Authorization failed")
        issued, expires = float(claims["iat"]), float(claims["exp"])
        if expires - issued > MAX_TTL:
            raise ApiError(454, "The token TTL exceeds the maximum limit.")
        if issued > self._now() + _SKEW:
            raise ApiError(455, "Token issued in the future.")
        if expires <= self._now():
            raise ApiError(456, "The token has expired.")
        return account_id, service.roles

    def _verify(self, authorization: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return header and claims of a token with a good signature; the times in it are not judged."""
        if (known := self._verified.get(authorization)) is not None:
            return known
        scheme, _, token = authorization.partition(" ")
        try:
            header = jwt.get_unverified_header(token.strip())
            claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
            float(claims["iat"]), float(claims["exp"])
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            raise ApiError(447, "Invalid token format.") from None
        if scheme != "Bearer" or header.get("alg") != "RS256":
            raise ApiError(447, "Invalid token format.")
        if header.get("kid") not in self._service_accounts:
            raise ApiError(433, "Invalid key id.")
        try:
            # Times have their own error codes, and some SDKs send `iss` as a number: both are checked later.
            jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_iss": False, "verify_nbf": False},
            )
        except jwt.PyJWTError:
            raise ApiError(100, "Authorization failed") from None
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[authorization] = header, claims
        return header, claims


def _number(value: object) -> int | None:
    """Return an account id that came as a text or a number."""
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < _LONGEST_ID else None


@functools.lru_cache(maxsize=8)
def _loaded(pem: bytes) -> object:
    # To check that it is a good one takes 40 ms, longer than all the rest of a sandbox's start.
    return serialization.load_pem_private_key(pem, password=None)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
