"""The command line: parse, build the things, call, echo, exit; by the clock that is handed in.

Exit codes: 0 done; 1 a bug; 2 usage or settings; 3 the API refused; 4 data that could not be read or verified;
75 try again later; 130 Ctrl-C, and 143 SIGTERM.
"""

from __future__ import annotations

import gc
import io
import os
import sys

import click

from voxlake import __version__
from voxlake.cli.audit import audit
from voxlake.cli.dashboard import dashboard
from voxlake.cli.export import backfill, export
from voxlake.cli.options import Group
from voxlake.cli.publish import publish
from voxlake.cli.query import query
from voxlake.cli.replay import replay
from voxlake.cli.report import report
from voxlake.cli.sandbox import sandbox
from voxlake.cli.schema import schema
from voxlake.cli.sms import sms
from voxlake.cli.status import status

# We multiply no matrices, and the threads that numpy would start for it take turns at waiting. Arrow's own allocator
# keeps a quarter more memory, for no gain in time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Export the SMS history of a Voximplant account, completely and provably."""
    # A run is imports, then columns, which hold no cycles: to look for some after every 700 objects took a sixth of it.
    gc.set_threshold(100_000, 20, 100)
    # A stream that the caller has closed is None: what is written there goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - open to the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    # As stderr does: an answer that holds a character too many for a terminal is an answer all the same.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


for command in (export, backfill, audit, publish, replay, status, report, query, schema, dashboard, sms, sandbox):
    main.add_command(command)
