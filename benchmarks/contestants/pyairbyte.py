"""PyAirbyte with a low-code (declarative) source, offset increment, typed schema, into its DuckDB cache."""

import os
import sys

PAGE = 1000
STREAMS = {"GetSmsHistory": ("direction", "processed_date"), "A2PGetSmsHistory": ("delivery_status", "processing_date")}


def stream(url: str, method: str, own: str, at: str) -> dict:
    """Declare a history."""
    text = {"type": ["null", "string"]}
    return {
        "type": "DeclarativeStream",
        "name": method.lower(),
        "primary_key": ["message_id"],
        "retriever": {
            "type": "SimpleRetriever",
            "requester": {"type": "HttpRequester", "url_base": url, "path": f"/{method}", "http_method": "GET"},
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": ["result"]},
            },
            "paginator": {
                "type": "DefaultPaginator",
                "page_size_option": {
                    "type": "RequestOption",
                    "inject_into": "request_parameter",
                    "field_name": "count",
                },
                "page_token_option": {
                    "type": "RequestOption",
                    "inject_into": "request_parameter",
                    "field_name": "offset",
                },
                "pagination_strategy": {"type": "OffsetIncrement", "page_size": PAGE},
            },
        },
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {
                "type": "object",
                "properties": {
                    "message_id": {"type": ["null", "integer"]},
                    "source_number": text,
                    "destination_number": text,
                    own: text,
                    "fragments": {"type": ["null", "integer"]},
                    "cost": {"type": ["null", "number"]},
                    "status_id": text,
                    "error_message": text,
                    at: text,
                    "transaction_id": {"type": ["null", "integer"]},
                    "text": text,
                },
            },
        },
    }


def manifest(url: str) -> dict:
    """Declare the source."""
    return {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["getsmshistory"]},
        "streams": [stream(url, method, own, at) for method, (own, at) in STREAMS.items()],
        "spec": {
            "type": "Spec",
            "connection_specification": {"type": "object", "properties": {}, "additionalProperties": True},
        },
    }


def main(url: str, folder: str) -> None:
    """Read, and leave the cache as it is: a DuckDB database."""
    os.environ |= {"AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1", "AIRBYTE_LOGGING_ROOT": folder}
    import airbyte

    source = airbyte.get_source("source-sms-history", config={}, source_manifest=manifest(url))
    source.select_all_streams()
    cache = airbyte.DuckDBCache(db_path=f"{folder}/airbyte.duckdb", cache_dir=folder, schema_name="main")
    source.read(cache=cache)


if __name__ == "__main__":
    main(*sys.argv[1:])
