"""What keeps a unit test a unit test: it starts neither a server nor a process, and opens no connection."""

import socket
import subprocess
from multiprocessing.process import BaseProcess

import pytest


@pytest.fixture(autouse=True)
def no_network_no_process(monkeypatch):
    """Fail a test that leaves its process; such a test belongs to `tests/journeys`."""

    def refuse(*_, **__):
        pytest.fail("A unit test starts no process and opens no connection: move it to tests/journeys.")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "listen", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(BaseProcess, "start", refuse)
