"""The saved queries as table macros of a connection, so that an interactive shell can ask them by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.reporting.saved_queries import SavedQuery

_PARAMETERS = {
    "from": "coalesce(since::DATE, DATE '0001-01-01')",
    "to": "coalesce(until::DATE, DATE '9999-12-31')",
    "number": "of_number",
    "accounts": "coalesce(account_ids, (SELECT list(account_id) FROM accounts))",
    "tz": "coalesce(tz, 'UTC')",
}
"""The parameters of saved queries, in those of the macros; `number` is the name of a column in reports."""
_SIGNATURE = "since := NULL, until := NULL, of_number := NULL, account_ids := NULL, tz := NULL"


def report_macros(queries: Iterable[SavedQuery]) -> dict[str, str]:
    """Return the statement that makes each report a temporary table macro, by the macro's name, such as `report_daily`.

    Their parameters are those of `messages_of`: `since`, `until` (excluded), `of_number`, `account_ids` and `tz`. A
    report that cannot be used is left out.
    """
    return {
        name: f"CREATE OR REPLACE TEMP MACRO {name}({_SIGNATURE}) AS TABLE {_body(query.sql)};"
        for query in queries
        if query.problem is None and re.fullmatch(r"[\w-]+", query.name)
        for name in [f"report_{query.name.replace('-', '_')}"]
    }


def _body(sql: str) -> str:
    """Return a query whose parameters are those of its macro; comments go, for the shell reads some of them itself."""
    lines = (line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    query = "\n".join(lines).strip().rstrip(";")
    return re.sub(r"\$(from|to|number|accounts|tz)\b", lambda match: _PARAMETERS[match[1]], query)
