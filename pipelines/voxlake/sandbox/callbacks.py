"""Post inbound messages to the account's own server, in the envelope of the vendor's callbacks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    from voxlake.sandbox.reseller import Profile

_WAIT = 10


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Builds callback bodies for one account; `shape` is the nesting of the item, which is undocumented."""

    profile: Profile
    salt: str
    shape: str

    def envelope(self, callback_id: int, item: dict[str, str], *, balance: Decimal) -> dict[str, Any]:
        """Return the body of a callback; its hash proves to the receiver that the sender knows salt and key."""
        digest = hashlib.md5(
            f"{self.salt}{self.profile.account_id}{self.profile.api_key}{callback_id}".encode(), usedforsecurity=False
        ).hexdigest()
        common: dict[str, Any] = {
            "callback_id": callback_id,
            "type": "sms_inbound",
            "account_id": self.profile.account_id,
            "hash": digest,
            "account_name": self.profile.name,
            "account_email": self.profile.email,
            "balance": float(balance),
            "currency": self.profile.currency,
        }
        shapes: dict[str, dict[str, Any]] = {
            "nested": {"sms_inbound": {"sms_inbound": item}},
            "array": {"sms_inbound": [item]},
            "single": {"sms_inbound": item},
            "flat": dict(item),
        }
        return {"callbacks": [common | shapes[self.shape]]}


def post(url: str, envelope: dict[str, Any]) -> str:
    """Post an envelope once; return `HTTP <status>`, or `not received (<error>)`."""
    import requests  # noqa: PLC0415 - only accounts with a callback URL need it

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
