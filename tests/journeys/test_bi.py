"""The database in tools that connect by SQLAlchemy: what they list, what they say of it, and when they see news."""

from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool
from support.lakes import FIRST, Hand, row

from voxlake.model import DAY

COUNT = sa.text("SELECT count(*), sum(cost) FROM messages")


@pytest.fixture
def hand(tmp_path):
    """Publish one day."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1, cost=Decimal("0.1")), row(2, cost=Decimal("0.2"))])
    hand.publish()
    return hand


def engine(path, pool):
    """Return an engine as docs/bi.md says, with a pool."""
    return sa.create_engine(f"duckdb:///{path}?access_mode=read_only", poolclass=pool)


def ask(engine, statement=COUNT):
    """Return what a connection of an engine answers."""
    with engine.connect() as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.filterwarnings("ignore:.*reflection on indices")
def test_what_a_tool_lists(hand, tmp_path):
    """Tables and views have their comments, under the same names after each publish, in a copy, too."""
    hand.warehouse.write_copy(tmp_path / "voxlake.duckdb")
    for path in (hand.warehouse.path, hand.publish(anew=True).path, tmp_path / "voxlake.duckdb"):
        of_pool = engine(path, NullPool)
        inspector = sa.inspect(of_pool)
        assert {"voxlake.main", "voxlake.meta"} <= set(inspector.get_schema_names())
        for schema in ("main", "voxlake.main"):
            assert {"sms_history", "coverage"} <= set(inspector.get_table_names(schema))
            assert {"messages", "daily", "days"} <= set(inspector.get_view_names(schema))
            assert inspector.get_table_comment("messages", schema)["text"].startswith("Every message of both streams")
        columns = sa.text("SELECT comment FROM duckdb_columns() WHERE table_name = 'messages' AND column_name = 'cost'")
        assert ask(of_pool, columns) == [("In the currency of the account.",)]
    # As docs/bi.md says: duckdb-engine 0.17 lists the columns with SQLAlchemy 1.4 and 2.0.
    if sa.__version__.startswith("2.1."):
        with pytest.raises(DBAPIError, match="pg_collation"):
            inspector.get_columns("messages")


def test_a_file_that_is_replaced(hand):
    """Without a pool, the next question sees what was published; a pool sees it once its connections are new."""
    alone, pooled = engine(hand.warehouse.path, NullPool), engine(hand.warehouse.path, QueuePool)
    assert ask(alone) == ask(pooled) == [(2, Decimal("0.300000"))]
    with alone.connect() as before:
        assert before.execute(COUNT).fetchall() == [(2, Decimal("0.300000"))]
        hand.put(FIRST + DAY, [row(3, FIRST + DAY, cost=Decimal("0.4"))])
        hand.publish()
        assert before.execute(COUNT).fetchall() == [(2, Decimal("0.300000"))]
        assert ask(alone) == [(3, Decimal("0.700000"))]
    assert ask(pooled) == [(2, Decimal("0.300000"))]
    pooled.dispose()
    assert ask(pooled) == [(3, Decimal("0.700000"))]
    with pytest.raises(DBAPIError, match="read-only"):
        ask(alone, sa.text("DELETE FROM sms_history"))
    pooled.dispose()
