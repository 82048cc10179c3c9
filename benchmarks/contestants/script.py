"""A good script by hand: requests, pandas, one to_parquet a day, DuckDB; one connection, as such scripts are."""

import sys
from pathlib import Path

import duckdb
import pandas as pd
import requests

PAGE = 1000
STREAMS = {"GetSmsHistory": "processed_date", "A2PGetSmsHistory": "processing_date"}


def rows(url: str, method: str) -> list[dict]:
    """Walk the pages until all rows are there."""
    found: list[dict] = []
    with requests.Session() as session:
        while True:
            reply = session.get(f"{url}/{method}", params={"count": PAGE, "offset": len(found)}, timeout=60).json()
            found += reply["result"]
            if len(found) >= reply["total_count"]:
                return found


def main(url: str, folder: str) -> None:
    """Fetch, write, load."""
    database = duckdb.connect(f"{folder}/script.duckdb")
    for method, at in STREAMS.items():
        frame = pd.DataFrame(rows(url, method))
        frame[at] = pd.to_datetime(frame[at], utc=True)
        for day, its in frame.groupby(frame[at].dt.date):
            path = Path(folder, method, f"date={day}", "part.parquet")
            path.parent.mkdir(parents=True)
            its.to_parquet(path, index=False)
        database.execute(
            f"CREATE TABLE {method} AS FROM read_parquet('{folder}/{method}/*/part.parquet', union_by_name = true)"
        )
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
