"""The recipes of docs/engines.md, run on a lake, and what each engine found, in one form."""

import hashlib
import json
import os
import re
import sys
from contextlib import chdir
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path

from support.paths import DOCS

COLUMNS = (
    *("account_id", "date", "message_id", "source_number", "destination_number", "fragments", "cost", "status_id"),
    *("status", "processed_at", "text", "extra"),
)


def recipes():
    """Return the recipes of the page: what heads each, the lake's or the Delta tables', and its program."""
    page = (DOCS / "engines.md").read_text()
    found = []
    for part in ("Reading the lake itself", "Reading the Delta tables"):
        (text,) = re.findall(rf"^## {part}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        found += [
            (part.rpartition(" ")[2], *its) for its in re.findall(r"```python engine=(\w+)\n(.*?)```", text, re.DOTALL)
        ]
    ((spark,),) = [re.findall(r"`(sms = spark\.read\.format\(\"delta\"\).*?)`", page)]
    return [*found, ("tables", "Spark", spark)]


def run(program, data, **known):
    """Run a recipe where `data` is the data directory, and return its `sms`, and the other names."""
    names = dict(known)
    with chdir(data.parent):
        assert data.name == "data"
        exec(compile(program, "docs/engines.md", "exec"), names)
        return rows_of(names["sms"]), names


def rows_of(found):
    """Return the rows that an engine has, as values of Python: exact costs, and times in microseconds since 1970."""
    kind = type(found).__module__.partition(".")[0]
    if kind in ("_duckdb", "duckdb"):
        lines = found.select(*COLUMNS).to_arrow_table().to_pylist()
    elif kind == "polars":
        lines = (found.collect() if hasattr(found, "collect") else found).select(COLUMNS).to_dicts()
    elif kind == "pandas":
        arrow = import_module("pyarrow").Table.from_pandas(found[list(COLUMNS)], preserve_index=False)
        lines = arrow.to_pylist()
    elif kind == "pyspark":
        lines = _spark_rows(found)
    else:
        # The paths of compacted months say the last day alone, and a data set has no computed columns.
        lines = [its | {"date": its["processed_at"].date()} for its in found.to_table(list(COLUMNS)).to_pylist()]
    return sorted((tuple(_plain(line[name]) for name in COLUMNS) for line in lines), key=lambda its: (its[0], its[2]))


def total(rows):
    """Return the sum of the costs, to the last digit."""
    return sum((its[COLUMNS.index("cost")] or Decimal(0) for its in rows), Decimal(0))


def _spark_rows(found):
    """Return rows as dictionaries, with times that Python's own zone has not touched."""
    micros = import_module("pyspark.sql.functions").unix_micros("processed_at")
    its = found.select(*COLUMNS).withColumn("processed_at", micros)
    return [row.asDict() for row in its.collect()]


def _plain(value):
    if isinstance(value, datetime):
        # pandas has its own kind of time.
        whole = value.replace(tzinfo=None) - datetime(1970, 1, 1)  # noqa: DTZ001 - it was in UTC
        assert value.utcoffset() == timedelta(0)
        return (whole.days * 86_400 + whole.seconds) * 10**6 + whole.microseconds
    if isinstance(value, date):
        return str(value)
    return value


def digest(rows):
    """Return what two engines agree on if they have the same rows: how many, the sum of costs, and a checksum."""
    return {"rows": len(rows), "total": str(total(rows)), "sha256": hashlib.sha256(repr(rows).encode()).hexdigest()}


def _sail():
    """Return a session of Sail, which speaks Spark's protocol, and keep its server alive with it."""
    sail, sql = import_module("pysail.spark"), import_module("pyspark.sql")
    server = sail.SparkConnectServer()
    server.start()
    _, port = server.listening_address
    spark = sql.SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return server, spark


def main(arguments):
    """Write what the recipes of Spark find in a data directory: by Spark in the lake, by Sail in the Delta tables."""
    engine, data = arguments
    for place, name, program in recipes():
        if name != "Spark" or (place == "tables") is (engine == "spark"):
            continue
        server, spark = (None, None) if engine == "spark" else _sail()
        rows, _ = run(program, Path(data), spark=spark)
        sys.stdout.write(f"{json.dumps(digest(rows))}\n")
        if server is not None:
            # It does not always end when it is asked to.
            sys.stdout.flush()
            os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
