"""Speak Voximplant over HTTP: requests, retries, authentication, and the two history methods."""

from voxlake.api.auth import ApiKey, Credentials, ServiceAccount, read_credentials
from voxlake.api.history import HistoryApi
from voxlake.api.transport import API_URL, ApiClient, Archive

__all__ = [
    "API_URL",
    "ApiClient",
    "ApiKey",
    "Archive",
    "Credentials",
    "HistoryApi",
    "ServiceAccount",
    "read_credentials",
]
