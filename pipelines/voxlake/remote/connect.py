"""Open a bucket with obstore, with the credentials that the store's own tools would find."""

from __future__ import annotations

import configparser
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from voxlake.errors import SettingsError
from voxlake.extras import load
from voxlake.remote.address import EXTRAS
from voxlake.remote.refusals import refusals

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_RETRY: Final[dict[str, Any]] = {
    "max_retries": 6,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=10), "base": 2},
}
"""How long a store that fails, or asks for fewer requests (503 SlowDown), is asked again."""
_CLIENT: Final[dict[str, Any]] = {"timeout": "60s", "connect_timeout": "10s", "allow_http": True}
"""An address with http is one that somebody has written down as such, for a store nearby."""
_OTHER_SOURCES: Final = (
    "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip
_FROM_PROFILE: Final = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
    "region": "region",
    "endpoint_url": "endpoint",
}


def open_store(url: str) -> ObjectStore:
    """Return a folder of a bucket as obstore's store; nothing is asked for yet.

    Raises:
        SettingsError: obstore is not installed, or a variable of the environment cannot be used.

    """
    scheme = urlsplit(url).scheme
    module = load("obstore.store", extra=EXTRAS[scheme])
    config = _aws_profile() if scheme == "s3" else {}
    with refusals(url):
        store: ObjectStore = module.from_url(
            url, config=config or None, client_options=dict(_CLIENT), retry_config=dict(_RETRY)
        )
    return store


def _aws_profile() -> dict[str, str]:
    """Return what the files of the AWS tools say, where the environment does not say who asks.

    Raises:
        SettingsError: a profile is named that there is not, or that needs more than a key to be read.

    """
    name = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    if name is None and any(os.environ.get(its) for its in _OTHER_SOURCES):
        return {}
    folder = Path.home() / ".aws"
    said: dict[str, str] = {}
    for variable, file, prefix in (
        ("AWS_CONFIG_FILE", folder / "config", "profile "),
        ("AWS_SHARED_CREDENTIALS_FILE", folder / "credentials", ""),
    ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(os.environ.get(variable) or file)
        except configparser.Error as error:
            raise SettingsError(f"{error.args[0].splitlines()[0]}: correct that file.") from error
        for section in ("default",) if name in {None, "default"} else (f"{prefix}{name}", f"{name}"):
            if parser.has_section(section):
                said |= dict(parser.items(section))
    if name is not None and not said:
        raise SettingsError(f"There is no profile {name!r} in {folder}: correct AWS_PROFILE.")
    found = {_FROM_PROFILE[key]: value for key, value in said.items() if key in _FROM_PROFILE}
    if name is not None and "access_key_id" not in found:
        raise SettingsError(
            f"The profile {name!r} holds no key of its own: pass on as variables what"
            " 'aws configure export-credentials --format env' prints."
        )
    for variable, key in (("AWS_REGION", "region"), ("AWS_DEFAULT_REGION", "region"), ("AWS_ENDPOINT_URL", "endpoint")):
        if os.environ.get(variable):
            found.pop(key, None)
    return found
