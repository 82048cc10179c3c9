"""Speak Voximplant over HTTP: requests, retries, authentication, and the two history methods."""

from voxlake.api.auth import ApiKey, Credentials, CredentialsSource, ServiceAccount, find_credentials, read_credentials
from voxlake.api.history import HistoryApi, Output
from voxlake.api.transport import API_URL, ApiClient, Archive

__all__ = [
    "API_URL",
    "ApiClient",
    "ApiKey",
    "Archive",
    "Credentials",
    "CredentialsSource",
    "HistoryApi",
    "Output",
    "ServiceAccount",
    "find_credentials",
    "read_credentials",
]
