"""What can go wrong, grouped by what the operator does next; each error knows its exit code.

    VoxlakeError                1   a bug in voxlake, unless a subclass says otherwise
    ├── SettingsError           2   correct the command line, the environment or voxlake.toml
    ├── Refused                 3   correct the credentials, the roles or the account
    │   └── CredentialsRefused  3   nothing else would succeed either: stop at once
    ├── DataError               4   look at the data: it could not be read or verified
    │   ├── ApiRejected         4   the API answered with an error that is not a fault
    │   │   └── CountOfPage     4   it counts the rows of a page, where those of the window were asked for
    │   ├── CeilingReached      4   the API's replies do not fit together, and more requests would not help
    │   └── DuplicateMessage    4   a message is in two days: it moved while they were read
    ├── OutcomeUnknown          75  a message may or may not have been sent: check before you send it again
    └── TryAgain                75  wait, then run the same command again
        ├── Unavailable         75  network, limits or a gateway: patience ran out
        ├── AlreadyRunning      75  another run is using the same data directory
        ├── ExecutorFailed      75  the executor that a program passed in has died
        ├── StoreUnavailable    75  the object store of the data could not be reached in time
        └── StorageFull         75  the disk is full or cannot be written

Every message is one sentence that says what to do next, and contains no secret.
"""

from __future__ import annotations

from functools import partial
from typing import Any


class VoxlakeError(Exception):
    """The base class of everything that voxlake raises on purpose; `exit_code` is that of the program."""

    exit_code = 1


class SettingsError(VoxlakeError):
    """An option, a variable or a value in the settings file is not valid."""

    exit_code = 2


class Refused(VoxlakeError):
    """The account may not do this: credentials, role or balance."""

    exit_code = 3


class CredentialsRefused(Refused):
    """The API rejected the credentials, or they lack the role for this method."""


class DataError(VoxlakeError):
    """Data could not be read or verified."""

    exit_code = 4


class ApiRejected(DataError):
    """The API rejected a request; a retry would not help.

    `code` is the vendor's error code. Its texts differ from the documented ones, so branch on the code. `reason` is the
    message without the advice at its end.
    """

    def __init__(
        self, reason: str, *, code: int, advice: str = "look the code up in the vendor's reference, or ask its support"
    ) -> None:
        super().__init__(f"{reason}: {advice}.")
        self.reason, self.code, self._advice = reason, code, advice

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes with the code: by default an exception is rebuilt from its message alone."""
        return partial(type(self), code=self.code, advice=self._advice), (self.reason,)


class CountOfPage(ApiRejected):
    """What was to be a count may be the number of rows of its page."""


class CeilingReached(DataError):
    """A run has made more requests than anything that helps could take."""


class DuplicateMessage(DataError):
    """A message is in two days, because its date changed between their readings."""


class OutcomeUnknown(VoxlakeError):
    """A non-idempotent request was sent and its outcome is unknown."""

    exit_code = 75


class TryAgain(VoxlakeError):
    """The request was valid but could not be served now; running the command again later may succeed."""

    exit_code = 75


class Unavailable(TryAgain):
    """The API could not be reached in time, or asked for a longer pause than `--patience` allows."""


class AlreadyRunning(TryAgain):
    """Another run holds the lock of the data directory."""


class ExecutorFailed(TryAgain):
    """The executor that was to read the windows has died, lost a task, or takes no more."""


class StoreUnavailable(TryAgain):
    """The object store that holds the data directory could not be reached in time, or failed."""


class StorageFull(TryAgain):
    """The data directory cannot be written."""


def gravest(codes: set[int]) -> int:
    """Return the exit code that needs most attention: 1, 2, 3, 75, then 4; 0 for an empty set."""
    return next((code for code in (1, 2, 3, 75, 4) if code in codes), 0)
