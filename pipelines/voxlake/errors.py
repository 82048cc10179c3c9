"""What can go wrong, grouped by what the operator does next; each error knows its exit code.

    VoxlakeError                1   a bug of ours unless a child says otherwise
    ├── SettingsError           2   mend the command line, the environment or voxlake.toml
    ├── Refused                 3   mend the credentials, the roles or the account
    │   └── CredentialsRefused  3   nothing else would succeed either: stop at once
    ├── DataError               4   look at the data: it could not be read or verified
    │   ├── Declined            4   the API answered, and the answer was no
    │   └── Doubled             4   a message lies in two days: it moved while they were read
    ├── Uncertain               75  a message may or may not have gone out: look before you send it again
    └── TryAgain                75  wait, then run the same command again
        ├── Unavailable         75  network, limits, a gateway: patience ran out
        ├── Locked              75  another run works in the same data directory
        └── StorageFull         75  the disk is full or cannot be written

Every message is one sentence that says what to do next, and holds no secret.
"""


class VoxlakeError(Exception):
    """The root of everything that voxlake raises on purpose."""

    exit_code = 1


class SettingsError(VoxlakeError):
    """Something that the user typed or set cannot be used."""

    exit_code = 2


class Refused(VoxlakeError):
    """The API will not do this for this account."""

    exit_code = 3


class CredentialsRefused(Refused):
    """The API does not know these credentials, or they may not call this method."""


class DataError(VoxlakeError):
    """Data could not be read, or not be verified."""

    exit_code = 4


class ApiRejected(DataError):
    """The API answered a request with an error that is an answer, not a fault.

    `code` is the vendor's number; texts differ from the documented ones, so branch on the number. `told` is the
    sentence without its advice.
    """

    def __init__(
        self, told: str, *, code: int, advice: str = "look the code up in the vendor's reference, or ask its support"
    ) -> None:
        super().__init__(f"{told}: {advice}.")
        self.told, self.code = told, code


class DuplicateMessage(DataError):
    """A message lies in two days, because its date changed between their readings."""


class OutcomeUnknown(VoxlakeError):
    """The API was asked to do something that must not happen twice, and nobody heard how it went."""

    exit_code = 75


class TryAgain(VoxlakeError):
    """Nothing is wrong with the request; the moment is."""

    exit_code = 75


class Unavailable(TryAgain):
    """The API could not be reached, or asked for a pause longer than our patience."""


class AlreadyRunning(TryAgain):
    """Another run holds the data directory."""


class StorageFull(TryAgain):
    """The data directory cannot be written."""


def gravest(codes: set[int]) -> int:
    """Give the exit code that asks most of the operator; 0 where there is none."""
    return next((code for code in (1, 2, 3, 75, 4) if code in codes), 0)
