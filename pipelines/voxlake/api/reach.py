"""Find the step at which the way to the API ends: its name, the connection, or the certificate."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy

from voxlake.api.environment import network_for

if TYPE_CHECKING:
    from voxlake.api.environment import Network

_PORTS = {"https": 443, "http": 80, "socks5": 1080, "socks5h": 1080, "socks4": 1080, "socks4a": 1080}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a connection came.

    `target` is the host and port that was tried: the API's, or the proxy's, which the variable `proxy_variable` names.
    `failed` is the step that failed, None where none did, and `reason` why. `tls` is the version of the protocol, None
    where TLS was not tried; `authorities` is the file or folder of certificates that are trusted.
    """

    target: str
    proxy_variable: str | None
    authorities: str
    failed: Literal["name", "connection", "tls"] | None = None
    reason: str = ""
    tls: str | None = None


def reach(url: str, *, timeout: float) -> Reach:
    """Connect to the API's address, or to the proxy before it, and begin to speak TLS; nothing is requested.

    Behind a proxy, the certificate is left to the first request. `timeout` is in seconds, for each step.

    Raises:
        SettingsError: a variable for proxies or authorities holds what cannot be used.

    """
    network = network_for(url)
    proxy = select_proxy(url, dict(network.proxies)) if network.proxy_variable else None
    parts = urlsplit(url if proxy is None else proxy if "://" in proxy else f"http://{proxy}")
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)
    authorities = network.verify if isinstance(network.verify, str) else DEFAULT_CA_BUNDLE_PATH
    tried = Reach(f"{host}:{port}", network.proxy_variable, authorities)
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return _failed(tried, "name", error)
    try:
        connection = socket.create_connection((host, port), timeout=timeout)
    except OSError as error:
        return _failed(tried, "connection", error)
    with closing(connection):
        if proxy is not None or parts.scheme.lower() != "https":
            return tried
        return _with_tls(tried, connection, host, network)


def _with_tls(tried: Reach, connection: socket.socket, host: str, network: Network) -> Reach:
    try:
        context = ssl.create_default_context()
        if isinstance(network.verify, str):
            is_folder = Path(tried.authorities).is_dir()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(**{"capath" if is_folder else "cafile": tried.authorities})
        else:
            context.load_verify_locations(cafile=tried.authorities)
        with context.wrap_socket(connection, server_hostname=host) as secured:
            version = secured.version()
    except (OSError, ValueError) as error:
        return _failed(tried, "tls", error)
    return Reach(tried.target, tried.proxy_variable, tried.authorities, tls=version)


def _failed(tried: Reach, step: Literal["name", "connection", "tls"], error: Exception) -> Reach:
    reason = getattr(error, "verify_message", None) or getattr(error, "reason", None)
    reason = reason or getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Reach(tried.target, tried.proxy_variable, tried.authorities, step, str(reason))
