"""Where a data directory is: on this machine, or in an object store, for which a working directory stands here.

A working directory is laid out like a data directory, so that whatever reads or writes a file goes on to do so. A file
in it says which store it stands for. All that it holds is a copy, and may be thrown away at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from voxlake.errors import SettingsError
from voxlake.files import make, put, storage, temporary

EXTRAS: Final = {"s3": "s3", "gs": "gcs", "az": "azure"}
"""The schemes of addresses, and the extra that each needs."""
PRIVATE: Final = ".store"
"""The folder of a working directory in which it keeps what is not of a data directory."""
_MARKER: Final = "address.json"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)
_OURS: Final = ("lake", "ledger.sqlite", "voxlake.duckdb")


class Address(NamedTuple):
    """What the marker of a working directory says: the address of the store, and a name that no other one has."""

    url: str
    work_id: str


def parse(data_dir: str | os.PathLike[str]) -> str | Path:
    """Return the address of a store as its URL, without a slash at its end, or the path of a folder here.

    Raises:
        SettingsError: it is a URL that cannot be used.

    """
    found = _SCHEME.fullmatch(os.fspath(data_dir))
    if found is None:
        return Path(data_dir).expanduser()
    scheme, rest = found[1].lower(), found[2].strip("/")
    if scheme == "file":
        return Path("/", unquote(rest))
    if scheme not in EXTRAS:
        raise SettingsError(
            f"{scheme}:// is not a place for data: give a folder, or a bucket as s3://, gs:// or az://."
        )
    url = f"{scheme}://{rest}"
    if not urlsplit(url).netloc or set("*?[#") & set(rest):
        raise SettingsError(f"{url} is not the address of a folder in a bucket: give one as {scheme}://bucket/folder.")
    return url


def working_directory(url: str, folder: Path | None = None) -> Path:
    """Return the folder that stands for a store on this machine, made where it is missing; by default the user's cache.

    Raises:
        SettingsError: the folder is a data directory itself, or stands for another store.
        StorageFull: it cannot be made.

    """
    if folder is None:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", url)[:60]
        folder = Path.home() / ".cache" / "voxlake" / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
    folder = folder.absolute()
    found = read_marker(folder)
    if found is None:
        if any(os.path.lexists(folder / name) for name in _OURS):
            raise SettingsError(f"{folder} is a data directory itself: name another --work-dir for {url}.")
        _write_marker(folder, Address(url, secrets.token_hex(8)))
    elif found.url != url:
        raise SettingsError(f"{folder} is the working directory of {found.url}: name another --work-dir for {url}.")
    return folder


def read_marker(folder: Path) -> Address | None:
    """Return what a folder stands for; None where it is not a working directory."""
    try:
        said = json.loads((folder / PRIVATE / _MARKER).read_bytes())
        return Address(str(said["url"]), str(said["work_id"]))
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _write_marker(folder: Path, address: Address) -> None:
    private = folder / PRIVATE
    with storage(folder):
        make(private)
        with temporary(private / f"{_MARKER}.{secrets.token_hex(4)}") as aside:
            aside.write_text(json.dumps(address._asdict()))
            put(aside, private / _MARKER)
