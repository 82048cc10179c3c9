"""The DuckDB database, a projection of the lake: built from day files, checked, installed, opened for readers."""

from voxlake.warehouse.access import restrict, set_today
from voxlake.warehouse.build import DatabaseBuild
from voxlake.warehouse.clone import shares_blocks
from voxlake.warehouse.ddl import markdown
from voxlake.warehouse.delta import LEAST_DAYS, DeltaCopy, copy_to_delta, make_delta_tables, vacuum_delta
from voxlake.warehouse.examine import Examination
from voxlake.warehouse.postgres import PostgresCopy, copy_to_postgres
from voxlake.warehouse.publish import DatabaseUpdate, Warehouse

__all__ = [
    "LEAST_DAYS",
    "DatabaseBuild",
    "DatabaseUpdate",
    "DeltaCopy",
    "Examination",
    "PostgresCopy",
    "Warehouse",
    "copy_to_delta",
    "copy_to_postgres",
    "make_delta_tables",
    "markdown",
    "restrict",
    "set_today",
    "shares_blocks",
    "vacuum_delta",
]
