"""The connections to DuckDB: quiet, and stopped by a signal."""

import threading

import duckdb
import pytest

from voxlake.sql import interrupt_queries, interruptible

ENDLESS = "SELECT count(*) FROM range(10_000_000_000) a, range(1_000) b WHERE a.range + b.range = 7"


def test_no_progress_bar():
    """A slow statement draws nothing on stdout, which belongs to the answer."""
    with interruptible(duckdb.connect()) as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)


def test_a_query_is_interrupted():
    """A query that would not end in this test's lifetime ends with DuckDB's own exception."""
    with interruptible(duckdb.connect()) as connection:
        timer = threading.Timer(0.1, interrupt_queries)
        timer.start()
        with pytest.raises(duckdb.InterruptException):
            connection.execute(ENDLESS).fetchall()
        timer.join()
