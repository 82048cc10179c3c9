"""Post one JSON object to an address of the user's, such as a chat's webhook: one try, within a time, no redirects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import requests

from voxlake.api.environment import check_encrypted
from voxlake.api.errors import NETWORK_ERRORS, network_fault
from voxlake.api.exchange import Watchdog
from voxlake.api.session import open_session
from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDIRECTS = range(300, 400)


def post_json(url: str, content: Mapping[str, Any], *, seconds: float, insecure_http: bool = False) -> str | None:
    """Return why an object could not be posted to an address, in words that do not hold the address; None if it was.

    The whole exchange takes at most so many seconds. An address that is plain http and on another machine is left
    alone, unless that is accepted.
    """
    try:
        check_encrypted(url, insecure_http=insecure_http)
    except SettingsError:
        return "it is plain http to another machine, which everybody on the way can read: use https"
    try:
        with open_session(url, connections=1) as session, Watchdog().exchange(seconds) as exchange:
            try:
                with session.post(
                    url,
                    data=json.dumps(content, ensure_ascii=False).encode(),
                    headers={"Content-Type": "application/json", "User-Agent": "voxlake"},
                    timeout=seconds,
                    allow_redirects=False,
                    stream=True,
                ) as reply:
                    status = reply.status_code
            except NETWORK_ERRORS as error:
                reason = exchange.timeout() if exchange.expired else error
                return network_fault(reason, left=exchange.left).loggable
    except (SettingsError, requests.exceptions.RequestException, ValueError):
        return "no request can be made with this address and the proxies and certificates of the environment"
    if status in _REDIRECTS:
        return f"it answers with a redirect (HTTP {status}), which is not followed"
    return None if status < _REDIRECTS.start else f"it answers with HTTP {status}"
