"""What a sandbox holds, and what a database holds, as rows that can be compared."""

import duckdb

from voxlake.transform import STATUSES, STREAMS

# The billed segments by their former name, which databases of earlier versions have, too.
COLUMNS = (
    "message_id, source_number, destination_number, fragments, cost, status_id, status, error_message, processed_at,"
    " transaction_id, text"
)


def truth(server, stream):
    """Return the sandbox's rows as the database should hold them."""
    own = STREAMS[stream].own
    return sorted(
        (
            *(
                row[name]
                for name in ("message_id", "source_number", "destination_number", "fragments", "cost", "status_id")
            ),
            STATUSES.get(row["status_id"], "unknown"),
            row["error_message"],
            row["processed_at"].replace(tzinfo=None),
            row["transaction_id"],
            row["text"],
            row[own],
            server.account_id,
            row["processed_at"].date(),
        )
        for row in server.world.truth(stream)
    )


def held(path, stream):
    """Return the database's rows."""
    with duckdb.connect(str(path), read_only=True) as connection:
        query = f"SELECT {COLUMNS}, {STREAMS[stream].own}, account_id, date FROM {STREAMS[stream].table}"
        return sorted(connection.execute(query).fetchall())
