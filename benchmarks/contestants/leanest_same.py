"""The second floor once more, with the same tables as voxlake's: every column of it, with comments and views.

It is `leanest` with our schemas and our SQL, because another way to the same columns would be another contest; it
verifies nothing, retries nothing, sorts nothing, and trusts the order and the types of the reply.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import urllib3
from leanest import PAGE, page

from voxlake.transform import STATUSES, STREAMS
from voxlake.warehouse.ddl import create
from voxlake.warehouse.derived_columns import prepare, table_rows


def main(url: str, folder: str, jobs: str = "4") -> None:
    """Fetch, write, load."""
    # Arrow imports pandas at the first value that it converts; the leanest program does without.
    sys.modules["pandas"] = None
    with suppress(ImportError, AttributeError):
        pa.array([])
    pool = urllib3.PoolManager(maxsize=int(jobs))
    database = duckdb.connect()
    database.execute(f"ATTACH '{folder}/leanest.duckdb' AS same (STORAGE_VERSION 'v1.2.0')")
    database.execute("USE same")
    prepare(database)
    create(database)
    numbers, names = pa.array(list(STATUSES), pa.int8()), pa.array(STATUSES.values(), pa.string())
    with ThreadPoolExecutor(int(jobs)) as threads:
        for stream in STREAMS.values():
            _, total = page(pool, url, stream.method, 0)
            pages = threads.map(lambda offset, m=stream.method: page(pool, url, m, offset)[0], range(0, total, PAGE))
            table = pa.Table.from_struct_array(pa.chunked_array(list(pages)))
            table = table.rename_columns(["processed_at" if n.startswith("process") else n for n in table.column_names])
            ids = table["status_id"].cast(pa.int8())
            table = table.append_column("status", names.take(pc.index_in(ids, value_set=numbers)))
            table = table.append_column("extra", pa.nulls(len(table), pa.string()))
            table = table.select(stream.schema.names).cast(stream.schema)
            runs = pc.run_end_encode(table["processed_at"].cast(pa.timestamp("us")).cast(pa.date32()).combine_chunks())
            start = 0
            for end, day in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
                path = Path(folder, stream.table, "account_id=1", f"date={day}", "part.parquet")
                path.parent.mkdir(parents=True)
                pq.write_table(table.slice(start, end - start), path, compression="zstd")
                start = end
            files = [str(path) for path in Path(folder, stream.table).glob("*/*/part.parquet")]
            database.execute(f"INSERT INTO {stream.table} BY NAME {table_rows(stream.name)}", [files])
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
