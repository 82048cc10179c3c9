"""Delta tables beside the lake that they were made of: what each holds, in one form, row by row."""

import pyarrow as pa
from deltalake import DeltaTable

from support.lakes import SETTLING
from voxlake.lake import Lake, Manifest
from voxlake.transform import STREAMS
from voxlake.warehouse.state import day_table


def lake_rows(root):
    """Return the rows of a lake by stream, as its own reader gives them: account, day and the columns of today."""
    lake, found = Lake(root), {name: [] for name in STREAMS}
    for key in lake.day_keys():
        for table in lake.read_rows(key):
            found[key.stream] += [(key.account_id, key.date, *its.values()) for its in table.to_pylist()]
    return {name: sorted(rows, key=lambda its: its[:3]) for name, rows in found.items()}


def delta_rows(uri, *, options=None, versions=None):
    """Return the rows of Delta tables by stream, in the same form; `versions` are of earlier ones, by stream."""
    found = {}
    for name, stream in STREAMS.items():
        delta = DeltaTable(f"{uri}/{stream.table}", storage_options=options, version=(versions or {}).get(name))
        names = ["account_id", "date", *stream.schema.names]
        rows = delta.to_pyarrow_table().select(names).to_pylist()
        found[name] = sorted((tuple(its.values()) for its in rows), key=lambda its: its[:3])
    return found


def coverage_of(uri, *, options=None):
    """Return what the Delta table `coverage` says, in the order of the database's."""
    table = DeltaTable(f"{uri}/coverage", storage_options=options).to_pyarrow_table().drop_columns(["checksum"])
    return sorted(tuple(its.values()) for its in table.to_pylist())


def coverage_in(root):
    """Return what the files of a lake say of their days, as the database's table `coverage` has it."""
    table = day_table(list(Manifest(Lake(root))), finality=SETTLING)
    at = table.schema.get_field_index("exported_at")
    zoned = table["exported_at"].cast(pa.timestamp("us", tz="UTC"))
    rows = table.set_column(at, "exported_at", zoned).drop_columns(["checksum"]).to_pylist()
    return sorted(tuple(its.values()) for its in rows)
