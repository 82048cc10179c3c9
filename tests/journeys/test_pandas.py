"""pandas is imported when it is needed, in whichever thread that is."""

import subprocess
import sys

import pytest

THREADS = """
import threading
from datetime import UTC, datetime
import sys
import pyarrow as pa
from voxlake.model import Window
from voxlake.transform import SMS, load_pandas, normalise

assert "pandas" not in sys.modules, "imported before it is needed"
window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
table = SMS.wire.empty_table()
together, done = threading.Barrier(8), []

def work(first):
    together.wait()
    first()
    done.append(normalise([table], stream=SMS, window=window).schema == SMS.schema)

# Arrow imports pandas by itself at the first value that it converts, whoever else is importing it.
firsts = [load_pandas, lambda: pa.array([1]), lambda: None, lambda: pa.scalar("a")] * 2
threads = [threading.Thread(target=work, args=(first,)) for first in firsts]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert done == [True] * 8, done
"""


@pytest.mark.sample(1)
@pytest.mark.parametrize("_n", range(3))
def test_threads_import_pandas_together(_n):
    """Threads that all need pandas for the first time, at once, get it; it is not imported with the package."""
    subprocess.run([sys.executable, "-c", THREADS], check=True, timeout=60)
