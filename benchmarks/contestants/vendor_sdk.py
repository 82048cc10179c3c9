"""The vendor's Python SDK in a script: its date bug patched, its https turned to the plain wire of the others."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from voximplant.apiclient import VoximplantAPI
from voximplant.apiclient import client as sdk

PAGE = 1000
METHODS = {"get_sms_history": "processed_date", "a2p_get_sms_history": "processing_date"}


def main(url: str, folder: str) -> None:
    """Fetch, write, load."""
    # Without this, the SDK raises "unconverted data remains" on every page.
    VoximplantAPI._api_date_to_py = lambda _self, text: datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    post = sdk.httpx.post
    sdk.httpx.post = lambda address, **rest: post(address.replace("https://", "http://"), **rest)
    credentials = Path(folder, "credentials.json")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    credentials.write_text(json.dumps({"account_id": 1, "key_id": "a", "private_key": pem}))
    api = VoximplantAPI(str(credentials), endpoint=url.removeprefix("http://"))
    database = duckdb.connect(f"{folder}/sdk.duckdb")
    for method, at in METHODS.items():
        rows: list[dict] = []
        while True:
            reply = getattr(api, method)(count=PAGE, offset=len(rows))
            rows += reply["result"]
            if len(rows) >= reply["total_count"]:
                break
        frame = pd.DataFrame(rows)
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
