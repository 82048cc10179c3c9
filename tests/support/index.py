"""Look into the index of a lake, and spoil it."""

import json
import sqlite3
from contextlib import closing

from voxlake.lake.entries import FACTS, SELECT


def ask(lake, statement, *bound):
    """Ask the index, or change it, and return the rows."""
    with closing(sqlite3.connect(lake.layout.index)) as connection, connection:
        return connection.execute(statement, bound).fetchall()


def make_old(lake, **more):
    """Put `ledger.json` of version 0.2 in the place of the index, and return what it says."""
    rows = ask(lake, f"{SELECT} WHERE state = 'held' ORDER BY account_id, stream, date")
    declared = ask(lake, "SELECT declared FROM accounts")
    parts = []
    for account_id, stream, day, _, _, stamp, _, least, greatest, _, *facts in rows:
        table = {"sms": "sms_history", "a2p": "a2p_sms_history"}[stream]
        path = f"lake/{table}/account_id={account_id}/date={day}/part.parquet"
        said = dict(zip(FACTS, facts, strict=False))
        ids = None if least is None else [least, greatest]
        parts.append({"path": path, "stamp": stamp, "ids": ids, **said, "verified": bool(said["verified"])})
    old = {"version": 1, "voxlake": "0.2.0", "declared": declared[0][0], "last_run": None, "parts": parts, "lost": []}
    old |= more
    lake.layout.index.unlink()
    lake.layout.old_index.write_text(json.dumps(old))
    return old
