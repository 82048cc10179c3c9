"""A bucket after exports that were killed at their requests to it, and after machines that began at once."""

import pytest
from support.buckets import BUCKET, campaign
from support.stores import environment, make_bucket

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("server", ["seaweedfs", "moto"])
def test_kills_and_races(stores, server, tmp_path, monkeypatch):
    """Whenever a run dies or two meet, each row is in the bucket once, and a next run has all that the API has."""
    endpoint = stores(server)
    for name, value in environment(endpoint).items():
        monkeypatch.setenv(name, value)
    make_bucket(endpoint, BUCKET)
    tally = campaign(tmp_path, endpoint, kills=4, races=3, seed=7)
    assert tally["rows"] > 0
