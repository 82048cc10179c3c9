"""What the server of processes does once, so that no process that is forked from it has to; see `processes.py`.

It is what any process keeps after the first time: the statements, the file of an empty database, the checked key.
"""

import os
import tempfile
from pathlib import Path

import duckdb

from voxlake.api.auth import ServiceAccount
from voxlake.clock import SYSTEM
from voxlake.warehouse.countries import calling_codes
from voxlake.warehouse.empty import write_empty
from voxlake.warehouse.state import fingerprint

fingerprint()
calling_codes()
with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
    write_empty(connection, Path(folder, "empty.duckdb"), linked=False)
ServiceAccount(account_id=1, key_id="", private_key=os.environ["TESTS_KEY"], clock=SYSTEM)
