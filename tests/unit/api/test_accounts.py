"""What the two methods of accounts may answer, and what is taken of it."""

import pytest

from voxlake.api import AccountInfo, Child, Children, account_info, children, with_states
from voxlake.errors import ApiRejected
from voxlake.transform import BrokenReplyError

SECRETS = {"api_key": "s3cret", "callback_salt": "s3cret", "account_email": "s3cret@example.com"}


class Scripted:
    """A client that answers from a function of method and parameters, and remembers what was asked."""

    def __init__(self, answer):
        self.answer, self.asked, self.private = answer, [], set()

    def ask(self, method, parameters, read, *, roles, private, patience=None):
        """Read an answer, or raise it."""
        assert roles
        assert patience is None or patience <= 10
        self.asked.append((method, parameters))
        self.private.add(private)
        found = self.answer(parameters)
        if isinstance(found, Exception):
            raise found
        return read(found)


def info(**fields):
    """Return what is read of a reply to GetAccountInfo."""
    client = Scripted(lambda _: {"result": SECRETS | fields, "api_address": "s3cret"})
    found = account_info(client)
    assert client.asked == [("GetAccountInfo", {"return_live_balance": "false"})]
    assert client.private == {True}
    return found


def test_account_info():
    """Six fields are taken by name, in whatever type they come, and nothing else."""
    full = info(account_id="7", account_name="shop", currency="RUR", location="Etc/GMT-8", active=1, frozen="false")
    assert full == AccountInfo(7, "shop", "RUB", "Etc/GMT-8", active=True, frozen=False)
    assert "s3cret" not in repr(full)


@pytest.mark.parametrize(
    "fields", [{}, {"currency": "euro", "location": "Berlin; DROP", "active": "perhaps", "account_name": ""},
               {"currency": 978, "location": None, "active": None, "frozen": [], "account_name": {}}]
)  # fmt: skip
def test_what_cannot_be_used(fields):
    """A field in another form is one that is not known."""
    assert info(account_id=7, **fields) == AccountInfo(7)


@pytest.mark.parametrize("reply", [{}, {"result": 1}, {"result": SECRETS}, {"result": SECRETS | {"account_id": "s3"}}])
def test_what_is_not_an_account(reply):
    """A reply without an account is broken, and not quoted."""
    with pytest.raises(BrokenReplyError) as caught:
        account_info(Scripted(lambda _: reply))
    assert "s3" not in str(caught.value)


def rows(numbers):
    """Return rows of a list, with what else they may hold."""
    return [SECRETS | {"account_id": number, "account_name": f"n{number}"} for number in numbers]


def pages(numbers, *, largest, total=True):
    """Return a function that answers with pages of a list."""

    def answer(parameters):
        offset, count = int(parameters["offset"]), min(int(parameters["count"]), largest)
        page = {"result": rows(numbers[offset : offset + count])}
        return page | ({"total_count": len(numbers)} if total else {})

    return answer


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("largest", [20, 100])
@pytest.mark.parametrize("length", [0, 1, 100, 137])
def test_pages(length, largest, total):
    """All pages are read, however long the API makes them; only a total that agrees proves that they are all."""
    numbers = list(range(1, length + 1))
    client = Scripted(pages(numbers, largest=largest, total=total))
    found = children(client)
    assert [child.account_id for child in found.found] == numbers
    assert found.whole is total
    assert {parameters["medium_output"] for _, parameters in client.asked} == {"true"}
    assert client.private == {True}
    assert "s3cret" not in repr(found)


def test_an_endless_list():
    """An API that ignores the offset is asked twice."""
    client = Scripted(lambda _: {"result": rows([1, 2]), "total_count": 5})
    found = children(client)
    assert (len(client.asked), len(found.found), found.whole) == (2, 2, False)


def test_some_children():
    """A list of ids is asked for in pieces, and one that is not a child is left out."""
    client = Scripted(lambda its: {"result": rows([int(n) for n in its["child_account_id"].split(";") if n != "5"])})
    numbers = list(range(1, 302))
    found = children(client, numbers)
    assert [child.account_id for child in found.found] == [number for number in numbers if number != 5]


REFUSED = ApiRejected("The API declined GetChildrenAccounts (error 101)", code=101)


@pytest.mark.parametrize("with_all", ["works", "is refused", "is an id"])
def test_a_list_that_wants_a_filter(with_all):
    """Where a filter is required, the word for all of them is tried; what that finds, if not nothing, is the list."""

    def answer(parameters):
        if "child_account_id" not in parameters:
            return REFUSED
        return {"works": {"result": rows([1]), "total_count": 1}, "is refused": REFUSED}.get(
            with_all, {"result": [], "total_count": 0}
        )

    if with_all == "works":
        assert children(Scripted(answer)).whole
    else:
        with pytest.raises(ApiRejected, match="101"):
            children(Scripted(answer))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("work", [(True, False), (False, True)]),
        ("are ignored", [(None, None), (None, None)]),
        ("are refused", [(None, None), (None, None)]),
    ],
)
def test_states(flags, expected):
    """Who is active and who frozen is known by filters, where those work."""
    states = {1: {"active": "true", "frozen": "false"}, 2: {"active": "false", "frozen": "true"}}

    def answer(parameters):
        asked = {name: value for name, value in parameters.items() if name in ("active", "frozen")}
        if asked and flags == "are refused":
            return REFUSED
        chosen = [n for n, its in states.items() if flags != "work" or asked.items() <= its.items()]
        return {"result": rows(chosen), "total_count": len(chosen)}

    client = Scripted(answer)
    found = with_states(client, children(client)).found
    assert [(child.active, child.frozen) for child in found] == expected


def test_states_that_are_known_are_not_asked_for():
    """A list that says it needs no filter."""
    listed = Children((Child(1, active=True, frozen=False),), 1)
    assert with_states(Scripted(None), listed) == listed
