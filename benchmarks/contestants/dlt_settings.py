"""dlt's rest_api source at the best that its settings alone give: both resources in parallel, workers, large files."""

import os
import sys

import dlt
from dlt_default import source


def main(url: str, folder: str) -> None:
    """Fetch, normalise, load."""
    os.environ |= {"EXTRACT__WORKERS": "4", "NORMALIZE__WORKERS": "2", "LOAD__WORKERS": "2"}
    os.environ |= {"DATA_WRITER__BUFFER_MAX_ITEMS": "50000", "DATA_WRITER__FILE_MAX_ITEMS": "50000"}
    pipeline = dlt.pipeline(
        "histories", pipelines_dir=folder, destination=dlt.destinations.duckdb(f"{folder}/dlt.duckdb")
    )
    pipeline.run(source(url, parallel=True), loader_file_format="parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
