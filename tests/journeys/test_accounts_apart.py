"""What is wrong with one account of a run is its own: its clock, and how fast the API lets it ask."""

import duckdb
import pytest
from support.clock import CLOCK
from support.dates import days_ago

from voxlake.api import child_of
from voxlake.library import connect, export, status
from voxlake.sandbox import Limits
from voxlake.transform import STREAMS

DAY = 86_400


def family(server):
    """Connect the children of a sandbox, by number."""
    own = connect(server.credentials, api_url=server.url, clock=CLOCK).credentials
    return [
        connect(child_of(own, child.account_id), api_url=server.url, clock=CLOCK, name=f"shop{n}")
        for n, child in server.children.items()
    ]


def there(child):
    """Return the ids that the world of a child has, by stream."""
    return {name: {row["message_id"] for row in child.world.truth(name)} for name in STREAMS}


def held(folder, child):
    """Return the ids that the database has of a child, by stream, and how many of its days are verified and final."""
    ids = "SELECT message_id FROM messages WHERE account_id = $1 AND stream = $2"
    days = "SELECT count_if(verified)::INT, count_if(final)::INT FROM coverage WHERE account_id = $1"
    with duckdb.connect(str(folder / "voxlake.duckdb"), read_only=True) as connection:
        found = {
            name: {row[0] for row in connection.execute(ids, [child.account_id, name]).fetchall()} for name in STREAMS
        }
        return found, connection.execute(days, [child.account_id]).fetchone()


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("days", "code", "told"),
    [
        (400, 2, "set the clock, then run the same command again"),
        (-400, 2, "set the clock, then run the same command again"),
        (9, 0, "8 days behind the API's, and the earlier one counted"),
        (-9, 0, "9 days ahead of the API's, and the earlier one counted"),
    ],
)
def test_a_wrong_clock_of_one_account(sandbox, tmp_path, days, code, told):
    """The others are exported whole and their days are as final as ever; the one is told once, in a line of its own."""
    server = sandbox(rows=60, days=12, accounts=3, special=[f"2:clock={days * DAY}"])
    folder = tmp_path / "data"
    result = export(family(server), folder, since=days_ago(12))
    assert [its.exit_code for its in result.accounts] == [0, code, 0]
    assert result.exit_code == code
    assert [line.partition(" ")[0] for line in str(result).splitlines() if told in line] == ["shop2"]
    states = {its.account_id: its for its in status(folder, clock=CLOCK).streams if its.stream == "sms"}
    for n in (1, 3):
        child = server.children[n]
        found, (verified, final) = held(folder, child)
        assert found == there(child)
        assert (verified, final) == (2 * 13, 2 * states[child.account_id].final)
        assert final > 0
    # No day of the one is final that is not over by its own clock.
    its = server.children[2]
    assert its.account_id not in states if code else states[its.account_id].final == (9 if days > 0 else 0)


class OneIsTooFast(Limits):
    """Limits by which an account is too fast until each of the others has sent its last request."""

    def admit(self, account_id, now):
        """Refuse the one account, and admit the others."""
        others = [child for child in self.family.values() if child.account_id != self.busy]
        is_over = all(any(its.method == "GetAccountInfo" for its in child.requests) for child in others)
        self.account_rate = 0 if account_id == self.busy and not is_over else None
        self.admitted += [account_id] if self.account_rate is None else []
        return super().admit(account_id, now)


def test_one_account_that_asks_too_fast(sandbox, tmp_path):
    """It slows down alone: the others send each request once, and end while it is still refused."""
    limits, folder = OneIsTooFast(), tmp_path / "data"
    server = sandbox(rows=40, days=3, accounts=5, limits=limits)
    limits.family, limits.busy, limits.admitted = server.children, server.children[1].account_id, []
    result = export(family(server), folder, since=days_ago(3))
    assert (result.exit_code, str(result).splitlines()[0][:25]) == (0, "5 accounts: 200 rows in 4")
    busy, *others = server.children.values()
    assert set(limits.refused) == {busy.account_id}
    last = max(at for at, number in enumerate(limits.admitted) if number != busy.account_id)
    assert busy.account_id not in limits.admitted[:last]
    for child in others:
        sent = [(its.method, tuple(sorted(its.parameters.items()))) for its in child.requests]
        assert len(set(sent)) == len(sent) <= 12
    assert all(held(folder, child)[0] == there(child) for child in server.children.values())
