"""The second floor: the leanest program we could write that makes daily Parquet files and a DuckDB database.

It verifies nothing, retries nothing, sorts nothing, and trusts the order and the types of the reply.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq
import urllib3

PAGE = 1000
STREAMS = {"GetSmsHistory": ("direction", "processed_date"), "A2PGetSmsHistory": ("delivery_status", "processing_date")}


def schema(own: str, at: str) -> pa.Schema:
    """Say what a reply looks like."""
    row = pa.struct(
        [
            ("message_id", pa.int64()),
            ("source_number", pa.string()),
            ("destination_number", pa.string()),
            (own, pa.string()),
            ("fragments", pa.int32()),
            ("cost", pa.decimal128(18, 6)),
            ("status_id", pa.string()),
            ("error_message", pa.string()),
            (at, pa.timestamp("us")),
            ("transaction_id", pa.int64()),
            ("text", pa.string()),
        ]
    )
    return pa.schema([("result", pa.list_(row)), ("total_count", pa.int64())])


def page(pool: urllib3.PoolManager, url: str, method: str, offset: int) -> tuple[pa.Array, int]:
    """Fetch one page as columns."""
    body = pool.request("GET", f"{url}/{method}?count={PAGE}&offset={offset}").data
    reply = pj.read_json(
        pa.BufferReader(body),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema(*STREAMS[method])),
    )
    return reply["result"].chunk(0).flatten(), reply["total_count"][0].as_py()


def main(url: str, folder: str, jobs: str = "4") -> None:
    """Fetch, write, load."""
    pool = urllib3.PoolManager(maxsize=int(jobs))
    database = duckdb.connect(f"{folder}/leanest.duckdb")
    with ThreadPoolExecutor(int(jobs)) as threads:
        for method, (_, at) in STREAMS.items():
            _, total = page(pool, url, method, 0)
            pages = threads.map(lambda offset, method=method: page(pool, url, method, offset)[0], range(0, total, PAGE))
            table = pa.Table.from_struct_array(pa.chunked_array(list(pages)))
            runs = pc.run_end_encode(table[at].cast(pa.date32()).combine_chunks())
            start = 0
            for end, day in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
                path = Path(folder, method, f"date={day}", "part.parquet")
                path.parent.mkdir(parents=True)
                pq.write_table(table.slice(start, end - start), path, compression="zstd")
                start = end
            database.execute(f"CREATE TABLE {method} AS FROM read_parquet('{folder}/{method}/*/part.parquet')")
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
