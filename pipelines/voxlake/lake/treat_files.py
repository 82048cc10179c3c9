"""Treat what lies beside the days by the policy of a lake: rejected rows, and files that were kept aside."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.files import storage
from voxlake.lake.rewrite import reject_lines
from voxlake.model import Reject
from voxlake.transform import STREAMS, treat, treat_rejects

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.lake.directory import Lake
    from voxlake.transform import Stream


def treat_kept(lake: Lake, *, dry_run: bool) -> tuple[int, list[str]]:
    """Treat all of `rejects/`; returns how many files change, and a sentence about each that cannot be treated."""
    rejects = lake.layout.root / "rejects"
    if lake.policy.keeps_all:
        return 0, []
    changed, left = 0, []
    for path in map(lake.store.fetch, lake.store.files(rejects)):
        place = path.relative_to(rejects).parts
        stream = next((its for its in STREAMS.values() if its.table in place), None)
        if place[0] == "stray" or stream is None or path.suffix not in {".jsonl", ".parquet"}:
            left.append(f"{path} is not a file of voxlake's and was not treated: look into it, and remove it.")
            continue
        write = _write_lines if path.suffix == ".jsonl" else _write_rows
        try:
            changed += write(lake, path, stream, dry_run=dry_run)
        except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, RecursionError):
            left.append(f"{path} cannot be read and was not treated: remove it.")
    return changed, left


def _write_lines(lake: Lake, path: Path, stream: Stream, *, dry_run: bool) -> bool:
    text = path.read_text(encoding="utf-8")
    found = [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
    rejects = [Reject(its["raw"], its["reason"]) for its in found]
    treated = reject_lines(treat_rejects(rejects, lake.policy, stream))
    if treated == text:
        return False
    if not dry_run:
        lake.store.write_text(path, treated, aside=lake.tmp / f"treated-{path.name}")
    return True


def _write_rows(lake: Lake, path: Path, stream: Stream, *, dry_run: bool) -> bool:
    file = pq.ParquetFile(path)
    rows = file.read()
    treated = treat(rows, lake.policy)
    if treated.equals(rows):
        return False
    if not dry_run:
        aside = lake.tmp / f"treated-{stream.name}.parquet"
        with storage(lake.root):
            with pq.ParquetWriter(aside, file.schema_arrow, compression="zstd") as writer:
                writer.write_table(treated)
            lake.store.put(aside, path)
    return True
