"""Speak Voximplant over HTTP: requests, retries, authentication, and the two history methods."""

from voxlake.api.archive import Archive
from voxlake.api.auth import (
    ApiKey,
    Credentials,
    CredentialsSource,
    ServiceAccount,
    find_credentials,
    is_open_to_others,
    read_credentials,
)
from voxlake.api.ceiling import Ceiling
from voxlake.api.history import HistoryApi, Output
from voxlake.api.retry import MAYBE_DONE
from voxlake.api.transport import API_URL, ApiClient

__all__ = [
    "API_URL",
    "MAYBE_DONE",
    "ApiClient",
    "ApiKey",
    "Archive",
    "Ceiling",
    "Credentials",
    "CredentialsSource",
    "HistoryApi",
    "Output",
    "ServiceAccount",
    "find_credentials",
    "is_open_to_others",
    "read_credentials",
]
