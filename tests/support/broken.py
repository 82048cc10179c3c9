"""Set-ups that are broken in one way each, as docs/operations.md shows them, for `voxlake doctor`.

Each is a function of a folder that is the working directory, and of a sandbox; it breaks something there and yields the
arguments of the command.
"""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from support.clock import CLOCK
from support.lakes import ACCOUNT, Hand, row

SETTINGS = 'api_url = "{url}"\ndata_dir = "data"\ncredentials = "credentials.json"\n'


def copied(credentials, **fields):
    """Copy a credentials file into the working directory, with some fields that are others."""
    path = Path("credentials.json")
    path.touch(mode=0o600)
    path.write_text(json.dumps(json.loads(Path(credentials).read_text()) | fields))
    return path


@contextmanager
def mounted(folder, options):
    """Mount a small file system in memory; the test is passed over where that is not allowed."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def damaged(folder):
    """Publish a database of yesterday, and spoil its file."""
    hand = Hand(folder / "data", clock=CLOCK)
    day = CLOCK.now().date()
    hand.put(day, [row(1, day)], exported_at=CLOCK.now())
    hand.know(ACCOUNT, last_good_run=CLOCK.now())
    hand.publish()
    database = (folder / "data" / "voxlake.duckdb").resolve()
    database.chmod(0o600)
    database.write_bytes(b"x" * database.stat().st_size)
    return hand


@contextmanager
def wrong_key(_folder, server):
    """Sign with a key that was replaced."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    copied(
        server.credentials,
        private_key=other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    )
    yield ()


@contextmanager
def missing_role(_folder, server):
    """Use a service account that may read one history alone."""
    copied(server.credentials_for(["Accountant"]))
    yield ()


@contextmanager
def open_key(_folder, server):
    """Make a key that everybody on the machine may read."""
    copied(server.credentials).chmod(0o644)
    yield ()


@contextmanager
def no_network(_folder, server):
    """Use an address at which nobody listens."""
    copied(server.credentials)
    yield "--api-url", "http://127.0.0.1:9/platform_api"


@contextmanager
def as_it_should_be(_folder, server):
    """Break nothing: the sandbox does."""
    copied(server.credentials)
    yield ()


@contextmanager
def read_only(folder, server):
    """Mount the disk of the data read-only."""
    copied(server.credentials)
    with mounted(folder / "data", "size=256m"):
        subprocess.run(["mount", "-o", "remount,ro", folder / "data"], check=True)
        yield ("--offline",)


@contextmanager
def full_disk(folder, server):
    """Mount a disk without room."""
    copied(server.credentials)
    with mounted(folder / "data", "size=64k"):
        yield ("--offline",)


@contextmanager
def damaged_database(folder, server):
    """Overwrite the file of the database."""
    copied(server.credentials)
    damaged(folder)
    yield ("--offline",)


@contextmanager
def unknown_setting(_folder, server):
    """Write a setting that does not exist, and a value that is none."""
    copied(server.credentials)
    with Path("voxlake.toml").open("a") as file:
        file.write('output = "xml"\njob = 8\n')
    yield ()


BROKEN = {
    "the key was replaced": (wrong_key, ()),
    "a role is missing": (missing_role, ()),
    "others may read the key": (open_key, ()),
    "nobody listens at the address": (no_network, ()),
    "the clock is two hours ahead": (as_it_should_be, ("clock_behind=7200",)),
    "the disk is mounted read-only": (read_only, ()),
    "the disk is full": (full_disk, ()),
    "the database was overwritten": (damaged_database, ()),
    "settings that do not exist": (unknown_setting, ()),
}
"""What is broken, with the habits of the sandbox that belong to it."""


def write_settings(server):
    """Write the file of settings with which every set-up begins into the working directory."""
    Path("voxlake.toml").write_text(SETTINGS.format(url=server.url))
