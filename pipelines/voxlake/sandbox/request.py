"""Parse requests in every form that the vendor's SDKs send."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from voxlake.sandbox.responses import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH = re.compile(r"/*(?:platform_api/*)?(?P<method>[A-Za-z0-9]*)/*")


@dataclass(frozen=True, slots=True)
class Request:
    """A call: the method's name, its parameters as text, and the Authorization header."""

    method: str
    parameters: dict[str, str]
    authorization: str | None


def read_request(target: str, headers: Mapping[str, str], body: bytes) -> Request | None:
    """Return the call with its method (from the path or `cmd`) and parameters (query and body), or None off the API.

    Source: the Python and Node SDKs send `cmd`, the documentation uses a path, the .NET SDK sends both.

    Raises:
        ApiError: no method is named.

    """
    url = urlsplit(target)
    path = _PATH.fullmatch(url.path)
    if path is None:
        return None
    parameters = read_form(url.query, headers, body)
    method = path["method"] or parameters.get("cmd", "")
    if not method or method == "platform_api":
        method = parameters.get("cmd", "")
    if not method:
        raise ApiError(102, "Missing 'cmd' parameter")
    return Request(method, parameters, headers.get("Authorization"))


def read_form(query: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Return the parameters of query and body as text; the body wins."""
    return dict(parse_qsl(query, keep_blank_values=True)) | _form(headers.get("Content-Type", ""), body)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if not body:
        return {}
    if content_type.lower().startswith("multipart/form-data"):
        whole = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
        form = {}
        for part in whole.iter_parts():
            name = part.get_param("name", header="content-disposition")
            payload = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(payload, bytes):
                form[name] = payload.decode("utf-8", "replace")
        return form
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
