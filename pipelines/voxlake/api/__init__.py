"""Speak Voximplant over HTTP: requests, retries, authentication, the two history methods, and accounts."""

from voxlake.api.accounts import AccountInfo, Child, Children, account_info, children, with_states
from voxlake.api.archive import Archive
from voxlake.api.auth import (
    ApiKey,
    Credentials,
    CredentialsSource,
    ServiceAccount,
    child_of,
    find_credentials,
    is_open_to_others,
    read_credentials,
)
from voxlake.api.ceiling import Ceiling, Share
from voxlake.api.connections import Connections
from voxlake.api.history import HistoryApi, Output
from voxlake.api.probe import ProbeAnswer, probe
from voxlake.api.ration import allot, hear, left_of, limiters
from voxlake.api.reach import Reach, reach
from voxlake.api.retry import MAYBE_DONE
from voxlake.api.transport import API_URL, ApiClient
from voxlake.api.webhook import post_json

__all__ = [
    "API_URL",
    "MAYBE_DONE",
    "AccountInfo",
    "ApiClient",
    "ApiKey",
    "Archive",
    "Ceiling",
    "Child",
    "Children",
    "Connections",
    "Credentials",
    "CredentialsSource",
    "HistoryApi",
    "Output",
    "ProbeAnswer",
    "Reach",
    "ServiceAccount",
    "Share",
    "account_info",
    "allot",
    "child_of",
    "children",
    "find_credentials",
    "hear",
    "is_open_to_others",
    "left_of",
    "limiters",
    "post_json",
    "probe",
    "reach",
    "read_credentials",
    "with_states",
]
