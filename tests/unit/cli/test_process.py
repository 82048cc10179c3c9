"""What the program sets for its own process."""

import os
from pathlib import Path

import pytest

from voxlake.cli.process import some_home


def test_without_a_home_directory(monkeypatch):
    """Altair looks for a home directory when it is imported; a user without one gets the dashboard all the same."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with some_home():
        assert Path.home()
    with pytest.raises(RuntimeError):
        Path.home()
    assert "HOME" not in os.environ
