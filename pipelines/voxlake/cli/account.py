"""The account that a command works for: its credentials, its client, and the archive of its replies."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxlake.api import ApiClient, ApiKey, HistoryApi, read_credentials
from voxlake.cli.options import the_clock
from voxlake.errors import SettingsError
from voxlake.lake import Layout, ReplyArchive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.api import Archive, Credentials
    from voxlake.cli.settings import Settings


def credentials_of(settings: Settings) -> Credentials:
    """Read the credentials of the account that the settings name."""
    if settings.credentials is not None:
        return read_credentials(settings.credentials, clock=the_clock())
    if settings.account_id is not None and settings.api_key is not None:
        return ApiKey(settings.account_id, settings.api_key)
    raise SettingsError(
        "There are no credentials: name the vendor's credentials.json with --credentials or"
        " VOXIMPLANT_CREDENTIALS, or set VOXIMPLANT_ACCOUNT_ID and VOXIMPLANT_API_KEY."
    )


def api_of(settings: Settings, credentials: Credentials | None = None, archive: Archive | None = None) -> HistoryApi:
    """Build the client of the account that the settings name."""
    client = ApiClient(
        settings.api_url,
        credentials or credentials_of(settings),
        jobs=settings.jobs,
        patience=settings.patience,
        timeout=settings.timeout,
        clock=the_clock(),
        random=random.random,
        archive=archive,
    )
    return HistoryApi(client, output="csv" if settings.output == "csv" else "json")


def api_and_archive(settings: Settings) -> tuple[HistoryApi, ReplyArchive | None]:
    """Build the client, and where the settings want it an archive of its replies; the first reply creates its file."""
    credentials = credentials_of(settings)
    if not settings.keep_raw:
        return api_of(settings, credentials), None
    archive = ReplyArchive(Layout(settings.data_dir), credentials.account_id, clock=the_clock())
    return api_of(settings, credentials, archive), archive


@contextmanager
def keeping(archive: ReplyArchive | None) -> Iterator[None]:
    """Close the archive at the end of the block; the caller holds the lock."""
    try:
        yield
    finally:
        if archive is not None:
            archive.close()
