"""The unit of work travels: an export whose windows are read in other processes gives the same lake."""

import multiprocessing
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from support.clients import client
from support.clock import CLOCK
from support.contexts import FINALITY, StandingClock, running
from support.dates import days_ago

from voxlake.api import ApiKey, read_credentials
from voxlake.events import Emitter, Kind
from voxlake.pipeline import DayRange, export
from voxlake.transform import STREAMS

pytestmark = pytest.mark.dateless


def lake(root):
    """Return the rows of every file, and what its footer proves."""
    return {
        path.relative_to(root): (pq.read_table(path).to_pylist(), pq.read_metadata(path).metadata[b"voxlake"])
        for path in sorted((root / "lake").rglob("*.parquet"))
    }


@pytest.mark.sample(1)
@pytest.mark.parametrize("kind", ["key", "service account"])
def test_windows_are_read_in_other_processes(sandbox, tmp_path, kind):
    """With threads and with processes, by either credentials, files and events are the same to the last proof."""
    clock = StandingClock(CLOCK.now().replace(microsecond=0))
    server = sandbox(rows=9_000, days=4, world_now=clock.time)
    heard = {}
    days = DayRange(days_ago(4), days_ago(0) + timedelta(days=1))
    processes = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver"))
    for root, executor in ((tmp_path / "threads", None), (tmp_path / "processes", processes)):
        if kind == "key":
            credentials = ApiKey(server.account_id, server.api_key)
        else:
            credentials = read_credentials(server.credentials, clock=clock)
        events = Emitter(clock, heard.setdefault(root.name, []).append)
        history = client(server, clock, credentials=credentials, jobs=4, random=random.random, events=events)
        before = len(server.requests)
        with running(history, root, clock, executor=executor, finality=FINALITY) as context:
            result = export(context, list(STREAMS.values()), days)
        assert result.requests == len(server.requests) - before
        assert result.exit_code == 0, str(result)
        assert sum(stream.rows for stream in result.streams) > 8_000
    assert lake(tmp_path / "threads") == lake(tmp_path / "processes")
    # What happens in other processes is heard here. Only requests differ: one more asks for the API's time.
    threads, processes = (
        Counter(event.message for event in events if event.kind not in {Kind.REQUEST, Kind.RUN_ENDED})
        for events in heard.values()
    )
    assert threads == processes
    assert {event.kind for event in heard["processes"]} >= {"request", "window-read", "surveyed", "day-verified"}
