"""A copy of the lake as Delta tables, which Spark, Polars, DuckDB and others read: at a local path or in a bucket.

Each history is a table that is partitioned by month, and beside them are `coverage`, `accounts` and `streams`. A commit
replaces the days that have changed since the one before, and says up to which change of the lake's index it goes.
"""

from voxlake.warehouse.delta.copy import DeltaCopy, copy_to_delta, make_delta_tables
from voxlake.warehouse.delta.vacuum import LEAST_DAYS, vacuum_delta

__all__ = ["LEAST_DAYS", "DeltaCopy", "copy_to_delta", "make_delta_tables", "vacuum_delta"]
