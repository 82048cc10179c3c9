"""Open a `requests.Session` as its users know it: proxies and CA bundles come from the environment.

What differs from the defaults: redirects are not followed, because they would turn a POST into a GET; the credentials
are passed as `auth` for each request, so that ~/.netrc never replaces them; and each connection tells the exchange that
uses it what happens.
"""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests

from voxlake.api.environment import network_for
from voxlake.api.exchange import WatchedAdapter


def open_session(url: str, *, connections: int) -> requests.Session:
    """Return a session for one address, to be shared by threads that make as many requests at the same time.

    Raises:
        SettingsError: what the environment says of proxies and CA bundles cannot be used.

    """
    session = requests.Session()
    # Connections are safe to share between threads, and cookies are all that a request changes in its session.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, WatchedAdapter(pool_connections=1, pool_maxsize=connections))
    # What `read_body` can decode within bounds.
    session.headers["Accept-Encoding"] = "gzip"
    session.hooks["response"].append(_forget_redirect)
    # requests would look for proxies and CA bundles in the environment again for every request: see
    # docs/decisions/0010-tricks-that-stay.md.
    network = network_for(url)
    session.proxies, session.verify, session.trust_env = dict(network.proxies), network.verify, False
    return session


def _forget_redirect(reply: requests.Response, **_: Any) -> None:
    """Keep requests from reading the body of a redirect, of any size, which it does also where it is not to follow."""
    reply.headers.pop("Location", None)
