"""A csv that cannot be read with certainty is asked for as JSON; what is in the lake was never guessed at."""

import pytest
from support.clients import client
from support.dates import days_ago
from support.in_process import connect
from support.truth import held, truth

from voxlake.model import Window
from voxlake.transform import SMS

DIALECTS = [
    "csv_delimiter=|",
    "csv_encoding=windows-1251",
    "csv_first_line=sep",
    "csv_header=none",
    "csv_quotes=backslash",
    "csv_totals=on",
    "csv_null=NULL",
]


def pages(server, output):
    """Return the rows of two pages of one day, with the API that was asked."""
    history = connect(client(server, output=output), server)
    window = Window.of_days(days_ago(3), days_ago(1))
    found = [history.page(SMS, window, offset=offset, count=200) for offset in (0, 200)]
    history.close()
    return [(page.table.to_pylist(), page.rejects) for page in found], history


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_that_is_not_certain_is_asked_for_as_json(sandbox, dialect):
    """The rows are those of JSON, none is rejected; after the first page, csv is not asked for any more."""
    server = sandbox(dialect)
    expected, _ = pages(server, "json")
    asked = len(server.requests)
    found, history = pages(server, "csv")
    assert found == expected
    assert history.unreadable_csv is not None
    outputs = [request.parameters["output"] for request in server.requests[asked:]]
    assert outputs in (["csv", "csv", "json", "json"], ["csv", "json", "json"])


@pytest.mark.parametrize("dialect", ["csv_delimiter=,", "csv_bom=on", "csv_header=title", "csv_newline=crlf"])
def test_a_dialect_that_is_certain_stays_csv(sandbox, dialect):
    """What can be read is read."""
    server = sandbox(dialect)
    found, history = pages(server, "csv")
    assert found == pages(server, "json")[0]
    assert history.unreadable_csv is None


def test_an_export_says_it_once(sandbox, voxlake):
    """Every day of every stream is verified, and one sentence says what was wrong with the csv."""
    server = sandbox("csv_first_line=sep")
    done = voxlake("export", "--since", days_ago(12), "--output", "csv", server=server)
    assert done.stderr.count("the API's csv cannot be read with certainty") == 1
    for stream in ("sms", "a2p"):
        assert truth(server, stream) == held(voxlake.folder / "data" / "voxlake.duckdb", stream)
