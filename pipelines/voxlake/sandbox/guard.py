"""Who may talk to a sandbox: programs on this machine, and no web page that happens to be open in a browser.

A page can make a browser send requests to 127.0.0.1. The browser then says so (Origin, Sec-Fetch-Site), or, where a
name of the page's own points to 127.0.0.1, sends that name as Host. The levers below `/sandbox`, which the API lacks,
take a POST with the sandbox's own token; the commands of the same user find it in a file.
"""

from __future__ import annotations

import hmac
import os
import stat
import tempfile
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from voxlake.sandbox.responses import Reply

PREFIX = "/sandbox/"
"""The path of the levers."""
HEADER = "X-Sandbox-Token"


def refuse(verb: str, target: str, headers: Any, *, token: str) -> Reply | None:
    """Return HTTP 403 or 405 for a request that a sandbox must not act on, else None."""
    host, origin = headers.get("Host"), headers.get("Origin")
    if host is not None and not is_loopback(f"//{host}"):
        return _refused("The sandbox is asked by the name of another host: use 127.0.0.1.")
    if (origin is not None and not is_loopback(origin)) or headers.get("Sec-Fetch-Site") == "cross-site":
        return _refused("The sandbox answers no page of another site: ask it from a program.")
    if not target.startswith(PREFIX):
        return None
    if verb != "POST":
        return _refused("The levers of the sandbox are pulled by POST.", 405)
    if not hmac.compare_digest(headers.get(HEADER, "").encode(), token.encode()):
        return _refused(
            f"The token of the sandbox is missing or wrong: send {HEADER}, which 'voxlake sandbox serve' prints as"
            " VOXLAKE_SANDBOX_TOKEN."
        )
    return None


def is_loopback(url: str) -> bool:
    """Return whether a URL names this machine, by an address or as localhost."""
    try:
        name = urlsplit(url).hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def leave_token(port: int, token: str) -> None:
    """Write the token of the sandbox at a port where only this user can read it; it stays unknown where that fails."""
    with suppress(OSError):
        path = _token_path(port)
        path.unlink(missing_ok=True)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(opened, "w") as file:
            file.write(token)


def find_token(port: int | None) -> str | None:
    """Return the token that a sandbox of this user left for a port, or None."""
    with suppress(OSError), os.fdopen(os.open(_token_path(port or 0), os.O_RDONLY | os.O_NOFOLLOW)) as file:
        its = os.fstat(file.fileno())
        if stat.S_ISREG(its.st_mode) and its.st_uid == os.getuid():
            return file.read(100)
    return None


def remove_token(port: int) -> None:
    """Remove what `leave_token` wrote."""
    with suppress(OSError):
        _token_path(port).unlink(missing_ok=True)


def _token_path(port: int) -> Path:
    return Path(tempfile.gettempdir(), f"voxlake-sandbox-{os.getuid()}-{port}.token")


def _refused(sentence: str, status: int = 403) -> Reply:
    return Reply(f"{sentence}\n".encode(), "text/plain; charset=utf-8", status)
