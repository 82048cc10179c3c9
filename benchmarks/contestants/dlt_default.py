"""dlt's rest_api source with the offset paginator, as its documentation shows it."""

import sys

import dlt
from dlt.sources.rest_api import rest_api_source


def source(url: str, *, selector: str = "result", parallel: bool = False):
    """Describe both histories."""
    paginator = {
        "type": "offset",
        "limit": 1000,
        "limit_param": "count",
        "offset_param": "offset",
        "total_path": "total_count",
    }
    return rest_api_source(
        {
            "client": {"base_url": url, "paginator": paginator},
            "resource_defaults": {"endpoint": {"data_selector": selector}, "parallelized": parallel},
            "resources": [
                {"name": "sms_history", "endpoint": {"path": "GetSmsHistory"}},
                {"name": "a2p_sms_history", "endpoint": {"path": "A2PGetSmsHistory"}},
            ],
        }
    )


def main(url: str, folder: str) -> None:
    """Fetch, normalise, load."""
    pipeline = dlt.pipeline(
        "histories", pipelines_dir=folder, destination=dlt.destinations.duckdb(f"{folder}/dlt.duckdb")
    )
    pipeline.run(source(url), loader_file_format="parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
