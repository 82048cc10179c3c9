"""What the client asks of an archive: a place for replies as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Archive(Protocol):
    """Where replies are kept as they came; safe to share between threads."""

    def keep(self, method: str, parameters: Mapping[str, str], body: bytes, *, at: datetime) -> None:
        """Keep the body of a reply with HTTP status 200, with what was asked: no secrets are in the parameters.

        `at` is when it came, in UTC.
        """
