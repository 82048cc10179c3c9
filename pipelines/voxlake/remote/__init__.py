"""Data directories in object stores: their objects, who holds them, and the working directories that stand for them."""

from voxlake.remote.address import EXTRAS, parse
from voxlake.remote.directory import Remote
from voxlake.remote.history import bring_runs, share_runs
from voxlake.remote.holding import hold, list_again, read_lease, refresh
from voxlake.remote.mounted import find_root, name_of, remote_of
from voxlake.remote.published import (
    begin_publishing,
    newer_database,
    publish_database,
    published_at,
    remove_earlier_database,
)

__all__ = [
    "EXTRAS",
    "Remote",
    "begin_publishing",
    "bring_runs",
    "find_root",
    "hold",
    "list_again",
    "name_of",
    "newer_database",
    "parse",
    "publish_database",
    "published_at",
    "read_lease",
    "refresh",
    "remote_of",
    "remove_earlier_database",
    "share_runs",
]
