"""Real servers of object stores, each started once for a session of tests and stopped at its end."""

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path

import obstore
import pytest
import requests
from obstore.store import AzureStore, S3Store

from support.paths import ROOT

SERVERS = ROOT / ".venv-servers" / "bin"
BUCKET = "tests"
"""The bucket that there is on each server."""
KEY, SECRET, REGION = "AKIAVOXLAKE", "secret-of-tests", "us-east-1"
AZURITE = ROOT / "tests" / "azure" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
ACCOUNT, ACCOUNT_KEY = "voxlaketests", base64.b64encode(b"secret-of-tests!" * 4).decode()
_PATIENCE = 60


def free_port():
    """Return a port that nobody listens on, so low that a port 10,000 above it exists."""
    while True:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            port = trial.getsockname()[1]
        candidate = 20_000 + port % 25_000
        with socket.socket() as trial, socket.socket() as other:
            try:
                trial.bind(("127.0.0.1", candidate))
                other.bind(("127.0.0.1", candidate + 10_000))
            except OSError:
                continue
            return candidate


def _program(name):
    found = SERVERS / name
    path = str(found) if found.exists() else shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: pip install -r requirements-servers.lock into .venv-servers")
    return path


@contextmanager
def _running(arguments, folder, **environment):
    with (Path(folder) / "server.log").open("wb") as log:
        server = subprocess.Popen(
            arguments, stdout=log, stderr=log, cwd=folder, env=os.environ | environment, start_new_session=True
        )
        try:
            yield server
        finally:
            # It would wait for its own timeouts, and nothing of it is kept.
            server.kill()
            server.wait()


def environment(endpoint):
    """Return what tells the tools of S3 where a server of ours is, and who asks."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": REGION,
    }


def raw_store(endpoint, bucket):
    """Return a bucket as obstore sees it, without anything of ours."""
    return S3Store(
        bucket, endpoint=endpoint, access_key_id=KEY, secret_access_key=SECRET, region=REGION,
        client_options={"allow_http": True}, retry_config={"max_retries": 0},
    )  # fmt: skip


def _wait(server, ready):
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return ready()
        except Exception:
            if server.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)


@contextmanager
def moto():
    """Run moto's server, and yield its address."""
    program, port = _program("moto_server"), free_port()
    with (
        tempfile.TemporaryDirectory(prefix="moto-") as folder,
        _running([program, "-H", "127.0.0.1", "-p", str(port)], folder) as server,
    ):
        endpoint = f"http://127.0.0.1:{port}"
        _wait(server, lambda: make_bucket(endpoint, BUCKET))
        yield endpoint


@contextmanager
def seaweedfs():
    """Run SeaweedFS with its S3 gateway, and yield its address."""
    for left in reversed(range(3)):
        with ExitStack() as stack:
            try:
                endpoint = stack.enter_context(_seaweedfs())
            except requests.ConnectionError:
                # Somebody has taken one of its ports in the meantime.
                if not left:
                    raise
                continue
            yield endpoint
            return


@contextmanager
def _seaweedfs():
    program = _program("weed")
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    with tempfile.TemporaryDirectory(prefix="weed-") as folder:
        arguments = [
            program, "-logtostderr", "server", "-s3", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=20",
            "-master.volumeSizeLimitMB=64",
            *(f"-{name}.port={port}" for name, port in ports.items()),
        ]  # fmt: skip
        with _running(arguments, folder, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET, HOME=folder) as server:
            endpoint = f"http://127.0.0.1:{ports['s3']}"
            _wait(server, lambda: make_bucket(endpoint, BUCKET))
            yield endpoint
    for port in ports.values():
        for number in (port, port + 10_000):
            for left in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):
                left.unlink(missing_ok=True)


def make_bucket(endpoint, bucket):
    """Make a bucket, by an address that is signed as one for an object without a name would be."""
    store = raw_store(endpoint, bucket)
    requests.put(obstore.sign(store, "PUT", "", timedelta(minutes=5)), timeout=5).raise_for_status()
    obstore.put(store, "ready", b"1")
    obstore.delete(store, "ready")
    return bucket


@contextmanager
def azurite():
    """Run Microsoft's emulator of Azure's store, and yield the address of an account of its own there."""
    if not AZURITE.exists():
        pytest.skip("azurite is not installed: run 'make slow', or 'npm ci --ignore-scripts' in tests/azure")
    port = free_port()
    arguments = [
        "node", str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence",
        "--disableTelemetry", "--silent", "--skipApiVersionCheck",
    ]  # fmt: skip
    with (
        tempfile.TemporaryDirectory(prefix="azurite-") as folder,
        _running(arguments, folder, AZURITE_ACCOUNTS=f"{ACCOUNT}:{ACCOUNT_KEY}") as server,
    ):
        endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
        _wait(server, lambda: make_container(endpoint, BUCKET))
        yield endpoint


def make_container(endpoint, name):
    """Make a container by a request that is signed by hand: obstore makes none."""
    said = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    lines = ["PUT", *[""] * 11, *(f"{key}:{value}" for key, value in said.items())]
    signed = "\n".join([*lines, f"/{ACCOUNT}/{ACCOUNT}/{name}", "restype:container"])
    digest = hmac.digest(base64.b64decode(ACCOUNT_KEY), signed.encode(), hashlib.sha256)
    said["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    requests.put(f"{endpoint}/{name}?restype=container", headers=said, timeout=5).raise_for_status()


def azure_environment(endpoint):
    """Return what tells the tools of Azure's store where a server of ours is, and who asks."""
    return {
        "AZURE_STORAGE_ENDPOINT": endpoint,
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
    }


def raw_container(endpoint, name):
    """Return a container as obstore sees it, without anything of ours."""
    return AzureStore(
        name, endpoint=endpoint, account_name=ACCOUNT, account_key=ACCOUNT_KEY,
        client_options={"allow_http": True}, retry_config={"max_retries": 0},
    )  # fmt: skip


SERVERS_OF_S3 = {"seaweedfs": seaweedfs, "moto": moto}
SERVERS_OF_TESTS = SERVERS_OF_S3 | {"azurite": azurite}
"""How each server is run, by its name."""
