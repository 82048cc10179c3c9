"""Real servers of object stores, each started once for a session of tests and stopped at its end."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
import requests
from obstore.store import S3Store

from support.paths import ROOT

SERVERS = ROOT / ".venv-servers" / "bin"
BUCKET = "tests"
"""The bucket that there is on each server."""
KEY, SECRET, REGION = "AKIAVOXLAKE", "secret-of-tests", "us-east-1"
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


SERVERS_OF_TESTS = {"seaweedfs": seaweedfs, "moto": moto}
"""How each server is run, by its name."""
