"""A program that uses every public name of voxlake: `make check` type-checks it, strictly, as a user's would be."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, assert_type

import pandas as pd

import voxlake

if TYPE_CHECKING:
    from pathlib import Path


def hear(event: voxlake.Event) -> None:
    """Hear of what happens."""
    json.dumps(event.to_json())


def nightly(folder: Path) -> tuple[int, str]:
    """Export, look after what was exported, and return an exit code and JSON."""
    account: voxlake.Account = voxlake.connect("credentials.json", jobs=8, output="csv")
    voxlake.connect({"account_id": 1, "key_id": "a", "private_key": "b"})
    voxlake.connect((1, "key"), api_url="https://api.voximplant.com/platform_api", patience=60, timeout=5)
    assert_type(voxlake.connect_all("voxlake.toml", accounts=["shop*"], data_dir=folder), list[voxlake.Account])
    voxlake.connect("credentials.json", child=414877, name="shop", currency="EUR", time_zone="Europe/Berlin")
    with ThreadPoolExecutor() as executor:
        done = voxlake.export(account, folder, streams=["sms"], since="2026-01-01", executor=executor, on_event=hear)
    assert_type(done, voxlake.ExportResult)
    backfilled = voxlake.backfill(account, folder, since=date(2025, 1, 1), until="2025-02-01", force=True)
    audited: voxlake.AuditResult = voxlake.audit(account, folder, repair=True)
    published: voxlake.PublishResult = voxlake.publish(folder, forget_missing=True)
    replayed: voxlake.ReplayResult = voxlake.replay(folder, raw=folder / "raw")
    found: voxlake.Status = voxlake.status(folder)
    compacted: voxlake.CompactResult = voxlake.compact(folder, dry_run=True)
    last: tuple[voxlake.RecordedRun, ...] = voxlake.runs(folder, limit=3)
    copied: voxlake.DeltaCopy = voxlake.publish_delta(folder, "s3://bucket/sms", vacuum_days=30)
    _ = copied.rows
    results = (done, backfilled, audited, published, replayed, found, compacted)
    lines = [result.to_json() for result in results] + [run.to_json() for run in last]
    text = json.dumps({voxlake.__version__: lines})
    return max(result.exit_code for result in results), text


def ask(folder: str) -> tuple[int, pd.DataFrame]:
    """Ask the published database."""
    with voxlake.open(folder) as database:
        assert_type(database, voxlake.Database)
        rows: list[tuple[object, ...]] = database.execute("SELECT ?", [1]).fetchall()
        columns: list[str] = database.sql("SELECT 1").columns
        promises: dict[str, str] = database.reports()
        database.cursor().close()
        messages = assert_type(database.messages(date(2026, 1, 1), "2026-02-01"), pd.DataFrame)
        exact: pd.DataFrame = database.frame("SELECT 1 AS one")
        found = len(exact) + len(rows) + len(columns) + len(promises) + len(messages)
        own: pd.DataFrame = database.report("daily", since="2026-01-01", number="4930111222")
    answer: voxlake.Report = voxlake.report("daily", folder, since="2026-01-01")
    return found + len(own), assert_type(answer.to_pandas(), pd.DataFrame)


def send(account: voxlake.Account) -> str:
    """Send a message, and answer each error."""
    try:
        with account.client() as client:
            assert_type(client, voxlake.Client)
            return str(client.send_sms("4930111222", "447911123456", "Hello"))
    except voxlake.ApiRejected as error:
        return f"{error.code}: {error.reason}"
    except (voxlake.SettingsError, voxlake.Refused, voxlake.DataError) as error:
        return str(error)
    except (voxlake.OutcomeUnknown, voxlake.TryAgain):
        return "unknown"
    except voxlake.VoxlakeError as error:
        return str(error.exit_code)
