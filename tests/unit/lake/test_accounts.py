"""What is known of accounts outlives runs, and each other's runs."""

import json
from datetime import UTC, date, datetime

import pytest

from voxlake.errors import SettingsError
from voxlake.lake import AccountFacts, AccountRegistry, Lake

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
FULL = AccountFacts(
    account_id=7,
    name="Pâtisserie №1",
    parent_id=1,
    currency="EUR",
    time_zone="Europe/Berlin",
    active=True,
    frozen=False,
    confirmed=("currency",),
    said=("time_zone unknown",),
    refreshed_at=AT,
    refused_at=AT,
    vanished_at=AT,
    last_good_run=AT,
    exported_since={"sms": date(2026, 1, 1)},
    older_messages={"sms": 9283, "a2p": None},
)


@pytest.fixture
def lake(tmp_path):
    """Return a locked lake in an empty folder."""
    lake = Lake(tmp_path / "data")
    with lake.locked(holder="a test"):
        yield lake


def stored(lake, *facts):
    """Put facts and save them."""
    registry = AccountRegistry(lake)
    for its in facts:
        registry.put(its)
    registry.save()


def test_everything_comes_back(lake):
    """Every field survives; what nobody knows is not written, and an account has a line of its own."""
    stored(lake, FULL, AccountFacts(account_id=3))
    found = AccountRegistry(lake)
    assert found.all() == [AccountFacts(account_id=3), FULL]
    lines = lake.layout.accounts.read_text().splitlines()
    assert lines[1] == '{"account_id": 3},'
    assert len(lines) == 3
    assert lake.layout.accounts.parent == lake.root / "lake"


def test_two_writers(lake):
    """What another run has saved meanwhile stays, in other accounts and in other fields of the same."""
    first, second = AccountRegistry(lake), AccountRegistry(lake)
    first.put(AccountFacts(account_id=1, currency="USD"))
    second.put(AccountFacts(account_id=1, exported_since={"sms": date(2026, 1, 1)}))
    second.put(AccountFacts(account_id=2, name="two"))
    first.save()
    second.save()
    one, two = AccountRegistry(lake).all()
    assert (one.currency, one.exported_since, two.name) == ("USD", {"sms": date(2026, 1, 1)}, "two")
    assert second.get(1) == one


def test_no_news_is_not_written(lake):
    """A file is written only where something changed."""
    stored(lake, FULL)
    before = lake.store.stamp(lake.layout.accounts)
    stored(lake, FULL)
    assert lake.store.stamp(lake.layout.accounts) == before
    stored(lake)
    assert not (lake.tmp / "accounts.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1, "accounts": [{"name": "x"}]}', "[" * 100_000])
def test_a_damaged_file(lake, content):
    """Nothing is known then, and the file is kept aside when something is saved."""
    lake.layout.lake.mkdir()
    lake.layout.accounts.write_text(content)
    assert AccountRegistry(lake).all() == []
    stored(lake, FULL)
    assert AccountRegistry(lake).all() == [FULL]
    assert (lake.root / "rejects/stray/lake/accounts.json").read_text() == content


def test_a_newer_file(lake):
    """What a newer version wrote is not overwritten by halves."""
    lake.layout.lake.mkdir()
    lake.layout.accounts.write_text(json.dumps({"version": 2, "accounts": []}))
    with pytest.raises(SettingsError, match=r"accounts\.json has version 2"):
        AccountRegistry(lake)


def test_children(lake):
    """The children of an account are those that have not vanished."""
    stored(lake, FULL, AccountFacts(account_id=8, parent_id=1), AccountFacts(account_id=9, parent_id=2))
    assert [facts.account_id for facts in AccountRegistry(lake).children_of(1)] == [8]


def test_roubles_of_an_earlier_version(lake):
    """A file that has the vendor's name of roubles is read with that of ISO."""
    stored(lake, AccountFacts(account_id=1, currency="RUB"), AccountFacts(account_id=2, currency="RUR"))
    assert "RUR" in lake.layout.accounts.read_text()
    assert [facts.currency for facts in AccountRegistry(lake).all()] == ["RUB", "RUB"]
