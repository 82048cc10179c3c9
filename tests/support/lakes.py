"""Lakes made by hand: days of chosen rows, written as an export writes them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from voxlake.clock import SYSTEM
from voxlake.lake import AccountFacts, AccountRegistry, Lake, Manifest
from voxlake.model import DayFile, DayKey, FinalityPolicy
from voxlake.modes import private
from voxlake.transform import STREAMS
from voxlake.warehouse import Warehouse

ACCOUNT = 4711
FIRST = date(2026, 1, 1)
LAYOUTS = ["portable", pytest.param("linked", marks=pytest.mark.slow)]
"""What a test of the database is tried with; the fast tests of a linked one are in `test_linked.py`."""
SETTLING = FinalityPolicy(timedelta(hours=72), timedelta(days=14))


def row(message_id, day=FIRST, /, hour=12, **fields):
    """Return a row that nothing is odd about; `fields` differ."""
    return {
        "message_id": message_id,
        "source_number": "4930111222",
        "destination_number": "447911123456",
        "direction": "OUT",
        "delivery_status": "DELIVERED",
        "fragments": 1,
        "cost": Decimal("0.01"),
        "status_id": 1,
        "status": "success",
        "processed_at": datetime.combine(day, time(hour), tzinfo=UTC),
        "text": "Hello",
    } | fields


def _is_view(connection, name):
    """Tell whether a name is that of a view."""
    return connection.execute("SELECT 1 FROM duckdb_views() WHERE view_name = $1", [name]).fetchall() == [(1,)]


@dataclass
class Hand:
    """A data directory that days are put into, and its database, of one layout."""

    root: object
    database: str = "auto"
    published: list = field(default_factory=list)
    clock: object = SYSTEM

    def put(self, day, rows, **known):
        """Write one day, of which `write` knows more."""
        lake = Lake(self.root)
        with private(group=False), lake.locked(holder="a test"):
            self.write(lake, day, rows, **known)

    def write(self, lake, day, rows, *, stream="sms", total=None, verified=True, exported_at=None, account=ACCOUNT):
        """Write one day into a lake whose lock is held."""
        draft = lake.writer(DayKey(account, stream, day))
        draft.add(pa.Table.from_pylist(rows, schema=STREAMS[stream].schema))
        lake.commit(
            draft,
            DayFile(
                key=DayKey(account, stream, day),
                row_count=0,
                total_count=len(rows) if total is None else total,
                verified=verified,
                moving=0,
                exported_at=exported_at or datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=30),
                checksum="",
            ),
        )

    def fill(self, rows, days, *, without, unverified, read_at):
        """Write every one of some days, read at one time, of rows by account and stream; not those days `without`."""
        lake = Lake(self.root)
        with private(group=False), lake.locked(holder="a test"):
            for (account, stream), its in rows.items():
                for day in days:
                    if (account, stream, day) not in without:
                        of_day = [each for each in its if each["processed_at"].date() == day]
                        known = {"stream": stream, "account": account, "exported_at": read_at}
                        if (account, stream, day) in unverified:
                            known |= {"verified": False, "total": len(of_day) + 1}
                        self.write(lake, day, of_day, **known)

    def know(self, account, **facts):
        """Write what is known of an account."""
        lake = Lake(self.root)
        with private(group=False), lake.locked(holder="a test"):
            registry = AccountRegistry(lake)
            registry.put(AccountFacts(account_id=account, **facts))
            registry.save()

    def publish(self, *, anew=False):
        """Publish what is there, and give the warehouse."""
        lake = Lake(self.root)
        with private(group=False), lake.locked(holder="a test"):
            warehouse = self.warehouse
            published = warehouse.publish(Manifest(lake).changes, lake, finality=SETTLING, rebuild=anew)
            self.published.append(published.changed)
        return warehouse

    def edit(self, *statements, checkpoint=True):
        """Write to the published database as its owner can; views that stand for tables become tables before."""
        generation = self.warehouse.path.resolve()
        generation.chmod(0o644)
        with duckdb.connect(str(generation)) as connection:
            if not checkpoint:
                connection.execute("PRAGMA disable_checkpoint_on_shutdown")
            for name in ("sms_history", "a2p_sms_history"):
                if any(name in its for its in statements) and _is_view(connection, name):
                    connection.execute(f"CREATE TABLE meta.{name} AS FROM {name}")
                    connection.execute(f"DROP VIEW {name}; CREATE TABLE {name} AS FROM meta.{name}")
            for statement in statements:
                connection.execute(statement)
        assert generation.with_name(f"{generation.name}.wal").exists() is not checkpoint

    @property
    def warehouse(self):
        """Return what was published last."""
        return Warehouse(self.root, database=self.database, clock=self.clock)

    def ask(self, sql, *bound):
        """Ask the published database."""
        with self.warehouse.reader() as connection:
            return connection.execute(sql, list(bound)).fetchall()
