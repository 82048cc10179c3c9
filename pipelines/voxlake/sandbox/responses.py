"""Replies, and errors as the API reports them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import simplejson

JSON = "application/json; charset=utf-8"


class ApiError(Exception):
    """An API error: HTTP 200 with a code and a sentence in the body."""

    def __init__(self, code: int, message: str, *, field_name: str | None = None) -> None:
        super().__init__(message)
        self.code, self.field_name = code, field_name


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply; `ahead` is by how many seconds the account's clock is wrong."""

    body: bytes
    content_type: str = JSON
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ahead: int = 0


def json_reply(content: Any) -> Reply:
    """Return a JSON reply; decimals keep their digits."""
    return Reply(simplejson.dumps(content, use_decimal=True, separators=(",", ":")).encode())


def error_reply(error: ApiError, shape: str) -> Reply:
    """Return an error reply in one of the two known shapes: `error` or `errors`."""
    fields: dict[str, Any] = {"code": error.code, "msg": str(error)}
    if error.field_name is not None:
        fields["field_name"] = error.field_name
    return json_reply({"error": fields} if shape == "error" else {"errors": [fields]})
