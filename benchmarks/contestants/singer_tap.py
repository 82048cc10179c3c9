"""A Singer tap on Meltano's SDK, piped into target-duckdb; run through singer.py."""

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BaseOffsetPaginator


class _Pages(BaseOffsetPaginator):
    def has_more(self, response) -> bool:
        return self.current_value + self._page_size < response.json()["total_count"]


class History(RESTStream):
    """One history."""

    records_jsonpath = "$.result[*]"
    primary_keys = ("message_id",)
    own, at = "", ""

    @property
    def url_base(self) -> str:
        return self.config["url"]

    @property
    def schema(self) -> dict:
        texts = ("source_number", "destination_number", "status_id", "error_message", "text", self.own)
        return th.PropertiesList(
            *(th.Property(name, th.IntegerType) for name in ("message_id", "fragments", "transaction_id")),
            *(th.Property(name, th.StringType) for name in texts),
            th.Property("cost", th.NumberType),
            th.Property(self.at, th.DateTimeType),
        ).to_dict()

    def get_new_paginator(self) -> BaseOffsetPaginator:
        return _Pages(start_value=0, page_size=1000)

    def get_url_params(self, _context, next_page_token) -> dict:
        return {"count": 1000, "offset": next_page_token or 0}


class Sms(History):
    """GetSmsHistory."""

    name, path, own, at = "sms_history", "/GetSmsHistory", "direction", "processed_date"


class A2P(History):
    """A2PGetSmsHistory."""

    name, path, own, at = "a2p_sms_history", "/A2PGetSmsHistory", "delivery_status", "processing_date"


class HistoryTap(Tap):
    """Both histories."""

    name = "tap-sms-history"
    config_jsonschema = th.PropertiesList(th.Property("url", th.StringType, required=True)).to_dict()

    def discover_streams(self) -> list[History]:
        return [Sms(tap=self), A2P(tap=self)]


if __name__ == "__main__":
    HistoryTap.cli()
