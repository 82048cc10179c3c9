"""The DuckDB database, a projection of the lake: built from day files, checked, installed, opened for readers."""

from voxlake.warehouse.build import DatabaseBuild
from voxlake.warehouse.ddl import markdown
from voxlake.warehouse.publish import PublishResult, Warehouse, restrict

__all__ = ["DatabaseBuild", "PublishResult", "Warehouse", "markdown", "restrict"]
