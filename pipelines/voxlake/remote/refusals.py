"""What an object store refuses, as one sentence each."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from voxlake.errors import SettingsError, StorageFull, StoreUnavailable, VoxlakeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_STATUS: Final = re.compile(r"status code: ([0-9]{3})|: ([0-9]{3}) [A-Z]")
_METADATA: Final = re.compile(r"169\.254\.169\.254|credential|metadata\.google", re.IGNORECASE)
"""What an answer names where no credentials were found, and the machine itself was asked for some."""
_NO_BUCKET: Final = frozenset({"NoSuchBucket", "ContainerNotFound", "InvalidBucketName", "ContainerBeingDeleted"})
_NOT_READ: Final = (
    "{url} may not be read with these credentials ({name}): give them the rights to get and to list objects there."
)
_NOT_WRITTEN: Final = (
    "{url} may not be written with these credentials ({name}): give them the right to put and delete objects there,"
    " then run the same command again."
)
_NO_CREDENTIALS: Final = (
    "No credentials for {url} were found: set them where the store's own tools look for them, such as {variables}."
)
_VARIABLES: Final = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
}
_WRONG_KEY: Final = re.compile(r"Server failed to authenticate|Invalid Access Key")
"""What Azure's store says of a wrong key, with one of several codes, and obstore of one that cannot be a key."""
_NO_ACCOUNT: Final = "Account must be specified"
"""What obstore says without the name of an account of Azure's."""
_OUT_OF_REACH: Final = "The store of {url} could not be reached in time ({reason}): run the same command again later."
_RULES: Final[tuple[tuple[frozenset[str], type[VoxlakeError], str], ...]] = (
    (_NO_BUCKET, SettingsError, "There is no such bucket as that of {url}: make it, or correct the data directory."),
    (
        frozenset({"RequestTimeTooSkewed", "RequestExpired"}),
        SettingsError,
        ("The store of {url} refuses the clock of this machine ({name}): correct the clock, then run the same command"
        " again."),
    ),
    (
        frozenset(
            {
                "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthenticationFailed",
                "UnauthenticatedError", "InvalidAuthenticationInfo", "NoAuthenticationInformation",
                "KeyBasedAuthenticationNotPermitted",
            }
        ),
        SettingsError,
        "The store of {url} refuses these credentials ({name}): correct them.",
    ),
    (
        frozenset(
            {
                "AccessDenied", "PermissionDeniedError", "AuthorizationFailure", "AuthorizationPermissionMismatch",
                "AuthorizationProtocolMismatch", "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch",
                "AuthorizationSourceIPMismatch", "InsufficientAccountPermissions", "AccountIsDisabled",
            }
        ),
        SettingsError,
        _NOT_READ,
    ),
    (
        frozenset({"NotSupportedError", "InvalidPathError", "UnknownConfigurationKeyError"}),
        SettingsError,
        "The store of {url} cannot be used ({reason}): correct the data directory.",
    ),
)  # fmt: skip
"""By the code of an answer or the name of an obstore error: which error of ours it is, and its sentence."""
_LONG: Final = 160


class Conflict(Exception):
    """An object is not as it was known: somebody else has written it."""


@contextmanager
def refusals(url: str, *, writing: bool = False, key: str = "") -> Iterator[None]:
    """Turn what a store refuses in the block into one sentence; that an object is missing or is another one stays.

    Raises:
        FileNotFoundError: there is no such object.
        Conflict: the object is not the one that was expected.
        SettingsError: there is no such bucket, or it may not be read; or keys or the clock are refused.
        StorageFull: it may not be written.
        StoreUnavailable: it could not be reached in time, or failed.

    """
    try:
        yield
    except VoxlakeError:
        raise
    except Exception as error:
        kind = type(error).__name__
        if kind in {"AlreadyExistsError", "PreconditionError"}:
            raise Conflict(key) from error
        if type(error).__module__.startswith("obstore") or isinstance(error, OSError | ValueError):
            if (explained := _explain(error, url, writing=writing)) is not None:
                raise explained from error
            if isinstance(error, FileNotFoundError):
                raise FileNotFoundError(key) from error
        raise


def _explain(error: Exception, url: str, *, writing: bool) -> VoxlakeError | None:
    """Return what was refused as an error of ours; None where an object is missing."""
    text, kind = str(error), type(error).__name__
    found = _CODE.search(text)
    code = "AuthenticationFailed" if _WRONG_KEY.search(text) else found[1] if found else ""
    name = code or kind
    if isinstance(error, FileNotFoundError) and code not in _NO_BUCKET:
        return None
    rules = ((its, sentence) for names, its, sentence in _RULES if code in names or kind in names)
    otherwise = (
        (SettingsError, _NO_CREDENTIALS)
        if _NO_ACCOUNT in text or _METADATA.search(text)
        else (StoreUnavailable, _OUT_OF_REACH)
    )
    error_type, sentence = next(rules, otherwise)
    if writing and sentence == _NOT_READ:
        error_type, sentence = StorageFull, _NOT_WRITTEN
    return error_type(
        sentence.format(url=url, name=name, reason=_reason(text, code), variables=_VARIABLES[url.partition(":")[0]])
    )


def was_cut_off(error: StoreUnavailable) -> bool:
    """Return whether a connection broke in the middle of a reply, or was silent: obstore does not ask again then."""
    text = str(error.__cause__)
    return _CODE.search(text) is None and _STATUS.search(text) is None


def _reason(text: str, code: str) -> str:
    if code:
        return code
    status = _STATUS.search(text)
    if status is not None:
        return f"status {status[1] or status[2]}"
    # The text also has the settings of the retries, with a "retry_timeout" among them.
    if "timed out" in text or "kind: Timeout" in text:
        return "timeout"
    return "no connection" if "kind: Connect" in text else _short(text)


def _short(text: str) -> str:
    line = " ".join(text.partition("\n")[0].split())
    return line if len(line) <= _LONG else f"{line[:_LONG]}..."
