"""What the accounts of one run share of an API: connections, deadlines, and how many requests are under way in all."""

from __future__ import annotations

from voxlake.api.exchange import Watchdog
from voxlake.api.session import open_session
from voxlake.api.throttle import SharedLimiter


class Connections:
    """The connections to one address, for any number of accounts with at most `jobs` requests together.

    Safe to share between threads; stays in the process that made it. Who makes it closes it.

    Raises:
        SettingsError: what the environment says of proxies and CA bundles cannot be used.

    """

    def __init__(self, url: str, *, jobs: int) -> None:
        self.session = open_session(url, connections=jobs)
        self.watchdog = Watchdog()
        self.limiter = SharedLimiter(jobs)

    def close(self) -> None:
        """Close the connections."""
        self.session.close()
