"""What the API says of an account, what the settings say, and how often it is asked."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from voxlake.api import Ceiling
from voxlake.errors import ApiRejected, CredentialsRefused
from voxlake.lake import AccountFacts, AccountRegistry, Lake
from voxlake.library.sections import usable_currency
from voxlake.pipeline import Identity
from voxlake.pipeline.accounts import is_due, learn_facts, note_good_run

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Client:
    """A client whose account is what `says` holds; it counts how often it is asked."""

    says: object = None
    asked: int = 0
    client: object = None
    ceiling: Ceiling = field(default_factory=Ceiling)

    def ask(self, _method, _parameters, read, **_):
        """Read an answer, or raise it."""
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return read({"result": {"account_id": 7} | self.says})


@dataclass
class Run:
    """As much of a run's context as this needs."""

    identity: Identity
    history: object
    at: datetime = AT

    def now(self):
        """Return the time."""
        return self.at


@dataclass
class Account:
    """An account over several nights: what the API says, what settings state."""

    lake: Lake
    says: object = field(default_factory=dict)
    asked: int = 0

    def night(self, at=AT, *, ask=True, **stated):
        """Run once; returns the facts and what was said."""
        client = Client(self.says)
        client.client = client
        registry = AccountRegistry(self.lake)
        run = Run(Identity(AccountFacts(account_id=7, **stated), registry), client, at)
        said = learn_facts(run, ask=ask)
        note_good_run(run)
        registry.save()
        self.asked += client.asked
        return AccountRegistry(self.lake).get(7), said


@pytest.fixture
def account(tmp_path):
    """Return an account with a lake of its own."""
    lake = Lake(tmp_path)
    with lake.locked(holder="a test"):
        yield Account(lake)


def test_the_api_knows(account):
    """What the API says is taken, the settings' name and parent beside it."""
    account.says = {"account_name": "n7", "currency": "USD", "location": "Etc/GMT-8", "active": True, "frozen": True}
    facts, said = account.night(name="shop", parent_id=1)
    assert (facts.name, facts.parent_id, facts.currency, facts.time_zone) == ("shop", 1, "USD", "Etc/GMT-8")
    assert (facts.active, facts.frozen, facts.refreshed_at, facts.last_good_run, said) == (True, True, AT, AT, ())
    assert account.night()[0].name == "shop"
    assert account.asked == 1


def test_the_settings_are_wrong(account):
    """The API's currency counts, which is said once, and again for another wrong one."""
    account.says = {"currency": "USD", "location": "Etc/GMT-8"}
    facts, said = account.night(name="shop", currency="EUR", time_zone="Etc/GMT-8")
    assert facts.currency == "USD"
    assert len(said) == 1
    assert said[0].startswith("the currency of shop is USD by the API, and EUR by the settings: the API's counts, so")
    assert account.night(AT + DAY, name="shop", currency="EUR") == (replace(facts, last_good_run=AT + DAY), ())
    assert account.night(AT + 2 * DAY, name="shop", currency="GBP")[1]


def test_roubles_have_one_name(account):
    """The vendor's RUR is ISO's RUB: the settings may say either, and nothing is said of it."""
    account.says = {"currency": "RUR", "location": "Etc/GMT-8"}
    facts, said = account.night(name="shop", currency=usable_currency("RUB", "currency"))
    assert (facts.currency, said) == ("RUB", ())
    assert account.night(AT + DAY, name="shop", currency=usable_currency("RUR", "currency"))[1] == ()


def test_the_api_does_not_say(account):
    """The settings count then, today's and not yesterday's; what is not in them either is said once."""
    account.says = CredentialsRefused("no role")
    facts, said = account.night(name="shop", currency="EUR")
    assert (facts.currency, facts.time_zone, facts.refused_at) == ("EUR", None, AT)
    assert said == (
        "the time zone of shop is not known, because the API does not say: write time_zone into its section",
    )
    facts, said = account.night(name="shop", currency="GBP", time_zone="Europe/London")
    assert (facts.currency, facts.time_zone, said) == ("GBP", "Europe/London", ())
    facts, said = account.night(name="shop")
    assert (facts.currency, len(said)) == (None, 2)
    assert account.night(name="shop")[1] == ()
    # Of an account without a section, nothing is asked of its user.
    assert account.night()[1] == ()
    assert account.asked == 1


def test_what_the_api_said_stays(account):
    """An API that does not answer any more takes nothing back."""
    account.says = {"currency": "USD"}
    account.night()
    account.says = ApiRejected("gone", code=103)
    facts, said = account.night(AT + 8 * DAY, currency="EUR")
    assert (account.asked, facts.currency, len(said)) == (2, "USD", 1)


def test_an_answer_about_another_account(account):
    """The parent's currency is not the child's."""
    account.says = {"account_id": 1, "currency": "USD"}
    facts, _ = account.night(currency="EUR")
    assert (facts.currency, facts.refreshed_at, facts.refused_at) == ("EUR", None, AT)


def test_a_run_in_trouble_asks_nothing(account):
    """Where the histories fail, the account is not asked for; the settings are known all the same."""
    facts, _ = account.night(ask=False, currency="EUR")
    assert (account.asked, facts.currency) == (0, "EUR")


def test_how_often():
    """Once a week, each account on a day of its own; a week after a refusal; never twice on one day."""
    nights = [AT + n * DAY for n in range(60)]
    weekdays = set()
    for number in range(1, 15):
        facts, asked = AccountFacts(account_id=number), []
        for night in nights:
            if is_due(facts, night):
                facts = replace(facts, refreshed_at=night)
                asked.append(night)
        assert asked[0] == nights[0]
        gaps = {(second - first).days for first, second in pairwise(asked[1:])}
        assert gaps == {7}
        weekdays.add(asked[-1].weekday())
    assert len(weekdays) == 7
    refused = AccountFacts(account_id=1, refused_at=AT)
    assert [is_due(refused, AT + n * DAY) for n in (0, 1, 6, 7)] == [False, False, False, True]
