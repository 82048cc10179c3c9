"""Serve the two histories."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Callable

    from .switches import Switches
    from .world import World

METHODS = {"GetSmsHistory": ("sms", "processed_date"), "A2PGetSmsHistory": ("a2p", "processing_date")}


class Sandbox:
    """The server."""

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        switches: Switches,
        directory: Path,
        now: Callable[[], float] = time.time,
        world_now: Any = None,
    ) -> None:
        self.world, self.switches, self.now = world, switches, now
        self.account_id, self.api_key = 1234567, "sandbox-api-key"
        self.requests: list[Any] = []
        self.directory = directory
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.roles = {"owner": ["Owner"]}
        self.credentials = self._write("owner")
        sandbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                reply = sandbox.answer(self.path.rstrip("/").rpartition("/")[2], dict(parse_qsl(body)), self.headers)
                raw = json.dumps(reply, default=float).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/platform_api"

    def _write(self, kid: str) -> Path:
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.directory / f"credentials-{kid}.json"
        path.write_text(
            json.dumps(
                {
                    "account_email": "a@example.com",
                    "account_id": self.account_id,
                    "key_id": kid,
                    "private_key": pem.decode(),
                }
            )
        )
        path.chmod(0o600)
        return path

    def credentials_for(self, roles: list[str]) -> Path:
        kid = "-".join(roles)
        self.roles[kid] = roles
        return self._write(kid)

    def answer(self, method: str, params: dict[str, str], headers: Any) -> dict[str, Any]:
        self.requests.append(method)
        if params.get("api_key") != self.api_key:
            try:
                token = headers["Authorization"].removeprefix("Bearer ")
                jwt.decode(token, self.key.public_key(), algorithms=["RS256"])
                roles = self.roles[jwt.get_unverified_header(token)["kid"]]
            except Exception:
                return {"error": {"code": 100, "msg": "Authorization failed"}}
            if method == "A2PGetSmsHistory" and roles == ["Supervisor"]:
                return {"error": {"code": 100, "msg": "Authorization failed"}}
        stream, date_field = METHODS[method]
        start, end = (datetime.fromisoformat(params[n]).replace(tzinfo=UTC) for n in ("from_date", "to_date"))
        found = sorted(
            (r for r in self.world.truth(stream) if start <= r["processed_at"] <= end), key=lambda r: r["processed_at"]
        )
        o, c = int(params["offset"]), int(params["count"])
        rows = []
        for r in found[o : o + c]:
            row = {k: v for k, v in r.items() if v is not None and k != "processed_at"}
            row[date_field] = f"{r['processed_at']:%Y-%m-%d %H:%M:%S}"
            row["status_id"] = str(row["status_id"])
            rows.append(row)
        return {"result": rows, "total_count": len(found)}

    def __enter__(self) -> Sandbox:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
