"""Clients of a sandbox."""

from support.clock import SleepingClock
from voxlake.api.auth import ApiKey
from voxlake.api.history import Api


def client(server, clock=None, **options):
    """Give a client with the legacy pair and a clock of its own."""
    clock = clock or SleepingClock()
    auth = ApiKey(server.account_id, server.api_key)
    return Api(server.url, auth, now=clock, sleep=clock.sleep, random=lambda: 1.0, **{"timeout": 30} | options)
