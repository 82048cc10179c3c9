"""What the environment says about the network: proxies, certificate authorities, and what may go out unencrypted.

The variables are those of requests (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE),
and for certificates those of OpenSSL after them. What cannot be used is said before the first request. Values are not
quoted: the address of a proxy may hold a password.
"""

from __future__ import annotations

import importlib.util
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from voxlake.errors import SettingsError
from voxlake.text import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHORITIES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""The variables that name certificate authorities, of which the first that is set counts."""

_SOCKS: Final = frozenset({"socks4", "socks4a", "socks5", "socks5h"})


@dataclass(frozen=True, slots=True)
class Network:
    """How requests travel: `proxies` and `verify` as requests takes them, and the variable behind the proxy."""

    proxies: Mapping[str, str]
    verify: bool | str
    proxy_variable: str | None


def network_for(url: str) -> Network:
    """Return how requests to an address travel, by this process's environment. Loopback never goes through a proxy.

    Raises:
        SettingsError: a variable holds what cannot be used.

    """
    if is_loopback(url):
        return Network({}, _authorities(url), None)
    proxies = dict(get_environ_proxies(url, no_proxy=None))
    chosen = select_proxy(url, proxies)
    variable = _proxy_variable(urlsplit(url).scheme) if chosen else None
    if chosen and variable:
        _check_proxy(chosen, variable)
    return Network(proxies, _authorities(url), variable)


def check_encrypted(url: str, *, insecure_http: bool) -> None:
    """Refuse to send credentials unencrypted over a network, unless that is wished.

    Raises:
        SettingsError: the address is plain HTTP and not on this machine.

    """
    if urlsplit(url).scheme.lower() == "http" and not is_loopback(url) and not insecure_http:
        raise SettingsError(
            "The API address is plain http, over which everybody on the way could read the key: use https, or accept"
            " that with --insecure-http or VOXLAKE_INSECURE_HTTP=true."
        )


def _proxy_variable(scheme: str) -> str | None:
    """Return the variable that decides about a scheme, in the order of requests."""
    names = (f"{scheme}_proxy", "all_proxy")
    return next((one for name in names for one in (name, name.upper()) if os.environ.get(one)), None)


def _check_proxy(proxy: str, variable: str) -> None:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{variable} is not the address of a proxy: write it like http://proxy.example:3128.")
    scheme = parts.scheme.lower()
    if scheme in _SOCKS and importlib.util.find_spec("socks") is None:
        raise SettingsError(
            f"{variable} names a SOCKS proxy, for which the package PySocks is missing: install it, use an http proxy,"
            f" or unset {variable}."
        )
    if scheme not in {"http", "https", *_SOCKS}:
        raise SettingsError(
            f"{variable} names a proxy of a kind that cannot be used: write its address like http://proxy.example:3128."
        )


def _authorities(url: str) -> bool | str:
    """Return the certificate authorities to trust: a file or folder, or true for those that requests brings along."""
    variable = next((name for name in AUTHORITIES if os.environ.get(name)), None)
    if variable is None or urlsplit(url).scheme.lower() != "https":
        return True
    path = os.environ[variable]
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not Path(path).is_dir():
            context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:
        reason = "is not a file of certificates in PEM" if isinstance(error, ssl.SSLError) else "cannot be read"
        reason = "does not exist" if isinstance(error, FileNotFoundError) else reason
        raise SettingsError(
            f"{variable} names {path!r}, which {reason}: correct or unset it"
            f" (of {', '.join(AUTHORITIES)}, the first that is set counts)."
        ) from None
    return path
