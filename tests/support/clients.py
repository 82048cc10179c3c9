"""Clients of a sandbox."""

from support.clock import SleepingClock
from voxlake.api import ApiClient, ApiKey, HistoryApi


def client(server, clock=None, *, credentials=None, output="json", **options):
    """Return the histories of a sandbox: by the legacy pair and a clock of its own, where no other is given."""
    credentials = credentials or ApiKey(server.account_id, server.api_key)
    options = {"clock": clock or SleepingClock(), "random": lambda: 1.0, "timeout": 30} | options
    return HistoryApi(ApiClient(server.url, credentials, **options), output=output)


class Calling:
    """An archive that calls a function for every reply, and keeps nothing."""

    def __init__(self, function):
        self._function = function

    def keep(self, *what, at):  # noqa: ARG002 - the time is not asked for
        """Call the function with what is to be kept."""
        self._function(*what)
