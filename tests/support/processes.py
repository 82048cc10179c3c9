"""Where the tests fork their processes from: a server that has the imports behind it.

There is one such server in a test run, and one list of what it imports: a second list would replace this one.
"""

import multiprocessing
import os

from support.keys import KEPT, pem
from voxlake.cli import TABLE

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "pandas",
        "altair",
        "phonenumbers.geodata",
        "pyarrow.pandas_compat",
        *(where.partition(":")[0] for where, _ in TABLE.values()),
        "voxlake.library.offline",
        "voxlake.library.online",
        "voxlake.pipeline",
        "voxlake.reporting.dashboard",
        "voxlake.reporting.formats",
        "voxlake.reporting.query",
        # The server finds modules in the folder where tests are started.
        "tests.support.prepared",
    ]
)
# The server of processes checks the key of all sandboxes once for all.
os.environ[KEPT] = pem().decode()
