"""Tell the account's own server of a message that came in, in the envelope of the vendor's callbacks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

_WAIT = 10


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose callbacks these are; `shape` says how the item of a callback is nested, which no source settles."""

    account_id: int
    api_key: str
    salt: str
    shape: str

    def envelope(self, callback_id: int, item: dict[str, str], *, balance: Decimal) -> dict[str, Any]:
        """Make the body; the hash proves to the receiver that it comes from one who knows salt and key."""
        told = hashlib.md5(
            f"{self.salt}{self.account_id}{self.api_key}{callback_id}".encode(), usedforsecurity=False
        ).hexdigest()
        common: dict[str, Any] = {
            "callback_id": callback_id,
            "type": "sms_inbound",
            "account_id": self.account_id,
            "hash": told,
            "account_name": "sandbox",
            "account_email": "sandbox@example.com",
            "balance": float(balance),
            "currency": "USD",
        }
        shapes: dict[str, dict[str, Any]] = {
            "nested": {"sms_inbound": {"sms_inbound": item}},
            "array": {"sms_inbound": [item]},
            "single": {"sms_inbound": item},
            "flat": dict(item),
        }
        return {"callbacks": [common | shapes[self.shape]]}


def post(url: str, envelope: dict[str, Any]) -> str:
    """Post an envelope once, and say how it was received."""
    import requests  # noqa: PLC0415 - only who has a callback URL needs it

    session = requests.Session()
    session.trust_env = False
    try:
        response = session.post(
            url,
            data=json.dumps(envelope, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
            timeout=_WAIT,
            allow_redirects=False,
        )
    except requests.exceptions.RequestException as error:
        return f"not received ({type(error).__name__})"
    finally:
        session.close()
    return f"HTTP {response.status_code}"
