"""The recipes of docs/engines.md: every engine finds the same rows, and the same costs to the last digit."""

import json
import os
import random
import shutil
import subprocess
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyarrow.dataset import dataset, partitioning
from support.clock import CLOCK
from support.engines import COLUMNS, digest, recipes, rows_of, run, total
from support.lakes import ACCOUNT, Hand, row
from support.paths import ROOT
from support.tables import lake_rows

from voxlake import library
from voxlake.lake import Lake, Manifest
from voxlake.modes import private
from voxlake.transform import STREAMS

pytestmark = pytest.mark.dateless
SPARK = ROOT / ".venv-spark" / "bin" / "python"
FIRST = date(2026, 1, 26)
LONG = 2**40
"""The number of an account that has more than 32 bits."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a data directory with days and compacted months of two accounts, and its Delta tables."""
    hand, draw = Hand(tmp_path_factory.mktemp("engines") / "data"), random.Random(1)
    for account in (ACCOUNT, LONG):
        for n in range(9):
            day = FIRST + timedelta(days=n)
            rows = [
                row(
                    100 * n + i, day, hour=5 * i, text=draw.choice([None, "", 'ü\n"x", \x00']),
                    cost=draw.choice([None, Decimal(draw.randint(-(10**9), 10**17)) / 10**6]),
                    source_number=draw.choice(["0049", "SHOP"]), delivery_status=None,
                )
                for i in range(5)
            ]  # fmt: skip
            hand.put(day, rows, account=account)
    with private(group=False), Lake(hand.root).locked(holder="a test"):
        Manifest(Lake(hand.root)).save()
    # January has ended; the days of February that follow have files of their own.
    assert len(library.compact(hand.root, clock=CLOCK).months) == 2
    library.publish_delta(hand.root, clock=CLOCK)
    return hand.root


@pytest.fixture(scope="module")
def wanted(data):
    """Return the rows of the lake as its own reader gives them."""
    names = ("account_id", "date", *STREAMS["sms"].schema.names)
    lines = [dict(zip(names, its, strict=True)) for its in lake_rows(data)["sms"]]
    epoch = {its["message_id"]: int(its["processed_at"].timestamp()) * 10**6 for its in lines}
    plain = [its | {"date": str(its["date"]), "processed_at": epoch[its["message_id"]]} for its in lines]
    return sorted((tuple(its[name] for name in COLUMNS) for its in plain), key=lambda its: (its[0], its[2]))


@pytest.mark.parametrize(
    ("place", "engine", "program"), [pytest.param(*its, id="-".join(its[:2])) for its in recipes() if its[1] != "Spark"]
)
def test_recipes(data, wanted, monkeypatch, place, engine, program):
    """What is written on the page finds every row as it is, wherever the reader lives."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    rows, _ = run(program, data)
    assert rows == wanted
    assert total(rows) == total(wanted) != 0


@pytest.mark.slow
@pytest.mark.skipif(not SPARK.exists() or shutil.which("java") is None, reason="no Spark: run 'make spark', with Java")
@pytest.mark.parametrize("engine", ["spark", "sail"])
def test_spark(data, wanted, engine):
    """A real Spark reads the lake, and Sail, by Spark's protocol, the Delta tables."""
    its = subprocess.run(
        [SPARK, "-m", "support.engines", engine, data], check=True, capture_output=True, text=True, timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests"), "TZ": "Asia/Tokyo", "PYSPARK_PYTHON": str(SPARK)},
    )  # fmt: skip
    assert [json.loads(line) for line in its.stdout.splitlines() if line.startswith("{")] == [digest(wanted)]


def test_pyarrow(data, wanted):
    """What the page says of pyarrow in passing: an Arrow data set of the lake, and of its Delta table."""
    paths = partitioning(pa.schema([("account_id", pa.int64()), ("date", pa.date32())]), flavor="hive")
    assert rows_of(dataset(data / "lake" / "sms_history", partitioning=paths)) == wanted
    assert rows_of(DeltaTable(data / "delta" / "sms_history").to_pyarrow_dataset()) == wanted


def test_the_page_has_every_engine():
    """The lake and its Delta tables are read by four engines each."""
    engines = {place: [its for where, its, _ in recipes() if where == place] for place in ("itself", "tables")}
    assert engines["itself"] == ["DuckDB", "Polars", "pandas", "Spark"]
    assert engines["tables"] == ["DuckDB", "Polars", "pandas", "Spark"]
