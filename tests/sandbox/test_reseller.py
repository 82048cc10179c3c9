"""A reseller: a parent and its children, each with a world, a currency and a key of its own."""

import functools
import json
import sys
from datetime import UTC, datetime

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from support.clock import CLOCK
from support.messages import command
from support.truth import truth

from voxlake.sandbox import Condition, Limits, Reseller, read_accounts
from voxlake.sandbox.limits import LimitExceeded

ASK = """
import os, urllib.request
url = os.environ["VOXIMPLANT_API_URL"].replace("platform_api", "sandbox/accounts")
headers = {"X-Sandbox-Token": os.environ["VOXLAKE_SANDBOX_TOKEN"]}
print(urllib.request.urlopen(urllib.request.Request(url, b"sums=1", headers)).read().decode())
"""
"""A program that asks a sandbox for its accounts."""


@functools.cache
def loaded(pem):
    """Load a private key: PyJWT would check it anew for each token."""
    return load_pem_private_key(pem.encode(), password=None)


def bearer(server, method, account_id=None, *, credentials=None, **parameters):
    """Call a method for an account with a token signed by the parent's key, or another; give the JSON."""
    held = json.loads((credentials or server.credentials).read_text())
    now = int(CLOCK.time())
    claims = {"iss": str(account_id or held["account_id"]), "iat": now - 5, "exp": now + 3000}
    token = jwt.encode(claims, loaded(held["private_key"]), algorithm="RS256", headers={"kid": held["key_id"]})
    headers = {"Authorization": f"Bearer {token}"}
    reply = requests.post(f"{server.url}/{method}", data=parameters, headers=headers, timeout=10)
    return reply.json() | {"Date": reply.headers["Date"]}


def code(reply):
    """Return the code of a reply's error, or 0."""
    return reply.get("error", {}).get("code", 0)


def listed(server, **parameters):
    """Return the ids that the parent's list holds."""
    return [row["account_id"] for row in bearer(server, "GetChildrenAccounts", **parameters)["result"]]


def test_each_account_is_its_own(sandbox):
    """Ids, names, keys and worlds differ, currencies are several, and all of it is the same for the same seed."""
    first, second = (sandbox(accounts=12, rows=100, days=5) for _ in range(2))
    profiles = [account.profile for account in first.accounts.values()]
    assert profiles == [account.profile for account in second.accounts.values()]
    for field in ("account_id", "name", "email", "api_key", "callback_salt"):
        assert len({getattr(profile, field) for profile in profiles}) == 13
    assert len({profile.currency for profile in profiles[1:4]}) == 3
    assert {profile.time_zone for profile in profiles} > {"Etc/GMT"}
    worlds = [truth(account, "sms") for account in first.accounts.values()]
    assert worlds == [truth(account, "sms") for account in second.accounts.values()]
    assert all(len(world) == 60 for world in worlds)
    assert len({str([row[1:10] for row in world]) for world in worlds}) == 13
    assert truth(sandbox(rows=100, days=5), "sms") == worlds[0]


def test_a_call_for_a_child(sandbox):
    """The parent's key speaks for its children, a child's for the child alone; each sees its own messages."""
    server = sandbox(accounts=2, rows=100, days=5, special=["2:rows=10"])
    one, two = server.children[1], server.children[2]
    assert bearer(server, "GetSmsHistory")["total_count"] == 60
    assert bearer(server, "GetSmsHistory", two.account_id)["total_count"] == 6
    found = bearer(server, "GetSmsHistory", one.account_id)["result"]
    assert [row["message_id"] for row in found] == [row["message_id"] for row in one.world.truth("sms")]
    assert (len(one.requests), len(two.requests)) == (1, 1)
    own = server.credentials_for(["Owner", "CallsSMS"], one.account_id)
    assert bearer(server, "GetSmsHistory", credentials=own)["total_count"] == 60
    for other in (two.account_id, server.account_id, 42):
        assert code(bearer(server, "GetSmsHistory", other, credentials=own)) == 100
    assert code(bearer(server, "GetSmsHistory", 42)) == 100
    assert code(bearer(server, "GetSmsHistory", "9" * 5000)) == 100
    for nobody in ({"account_id": "42"}, {"account_id": "9" * 5000}, {}):
        assert code(requests.post(f"{server.url}/GetSmsHistory", data=nobody, timeout=10).json()) == 100
    for api_key, expected in ((one.api_key, 0), (server.api_key, 100), (two.api_key, 100)):
        form = {"account_id": one.account_id, "api_key": api_key}
        assert code(requests.post(f"{server.url}/GetSmsHistory", data=form, timeout=10).json()) == expected


def test_account_info(sandbox):
    """The reply has everything that the reference lists, secrets too; the key only for those who used it."""
    server = sandbox(accounts=1, rows=0)
    child = server.children[1]
    info = bearer(server, "GetAccountInfo", child.account_id)["result"]
    profile = child.profile
    assert (info["account_id"], info["account_name"]) == (child.account_id, profile.name)
    assert (info["currency"], info["location"]) == (profile.currency, profile.time_zone)
    assert (info["active"], info["frozen"]) == (True, False)
    assert info["live_balance"] == info["balance"] == float(profile.balance)
    assert "live_balance" not in bearer(server, "GetAccountInfo", child.account_id, return_live_balance="0")["result"]
    assert [secret for secret in profile.secrets if secret not in str(info)] == [profile.api_key]
    form = {"account_id": child.account_id, "api_key": child.api_key}
    with_key = requests.post(f"{server.url}/GetAccountInfo", data=form, timeout=10).json()["result"]
    assert with_key == info | {"api_key": child.api_key}


def test_an_account_without_a_currency(sandbox):
    """What the API does not report of an account is missing from both replies."""
    server = sandbox("children_all=accepted", accounts=1, rows=0, special=["0-1:currency=none,time_zone=none"])
    infos = [bearer(server, "GetAccountInfo", account)["result"] for account in server.accounts]
    infos += bearer(server, "GetChildrenAccounts", child_account_id="all")["result"]
    assert [{"currency", "location", "balance"} & set(info) for info in infos] == [{"balance"}] * 3


def test_roles_of_the_account_methods(sandbox):
    """Only an Owner may list; who may ask for an account is a switch."""
    for switch, expected in (("every", 0), ("owner", 100)):
        server = sandbox(f"account_info={switch}", accounts=1, rows=0)
        name = server.children[1].profile.name
        other = server.credentials_for(["Supervisor"])
        assert code(bearer(server, "GetAccountInfo", credentials=other)) == expected
        assert code(bearer(server, "GetAccountInfo")) == 0
        assert code(bearer(server, "GetChildrenAccounts", credentials=other, child_account_name=name)) == 100
        assert code(bearer(server, "GetChildrenAccounts", child_account_name=name)) == 0


def test_children(sandbox):
    """The list has the documented filters, orders, pages and three sizes of rows."""
    server = sandbox("children_filter=optional", accounts=25, rows=0, special=["3:frozen", "4:inactive", "5:unlisted"])
    children = {number: child.account_id for number, child in server.children.items()}
    reply = bearer(server, "GetChildrenAccounts")
    assert (reply["count"], reply["total_count"], len(reply["result"])) == (20, 24, 20)
    names = [row["account_name"] for row in reply["result"]]
    assert names == sorted(names)
    assert {row["api_key"] for row in reply["result"]} <= {child.api_key for child in server.children.values()}
    ids = [*listed(server, order_by="child_account_id"), *listed(server, order_by="child_account_id", offset="20")]
    assert ids == sorted(set(children.values()) - {children[5]})
    assert listed(server, frozen="true") == [children[3]]
    assert listed(server, active="False") == [children[4]]
    two = f"{children[1]};{children[2]};"
    assert sorted(listed(server, child_account_id=two)) == [children[1], children[2]]
    for missing in (children[5], server.account_id, "x"):
        wrong = {"child_account_id": f"{two}{missing}"}
        assert code(bearer(server, "GetChildrenAccounts", **wrong)) == 194
        assert len(listed(server, **wrong, ignore_invalid_accounts="true")) == 2
    profile = server.children[1].profile
    brief = {"account_id": profile.account_id}
    medium = brief | {"account_name": profile.name, "account_email": profile.email}
    for chosen, row in (("brief_output", brief), ("medium_output", medium)):
        flags = {chosen: "1", "child_account_email": profile.email}
        assert bearer(server, "GetChildrenAccounts", **flags)["result"] == [row]
    assert bearer(server, "GetChildrenAccounts", children[1])["result"] == []
    for wrong in ({"order_by": "name"}, {"count": "x"}):
        assert code(bearer(server, "GetChildrenAccounts", **wrong)) == 101


def test_what_lists_all_children_is_a_switch(sandbox):
    """By default a filter must be there, and must be exact."""
    strict = sandbox(accounts=3, rows=0)
    assert code(bearer(strict, "GetChildrenAccounts")) == 101
    assert code(bearer(strict, "GetChildrenAccounts", child_account_id="all")) == 194
    assert listed(strict, child_account_email="@") == []
    lenient = sandbox("children_all=accepted", "children_match=part", "children_envelope=bare", accounts=3, rows=0)
    assert len(listed(lenient, child_account_id="all")) == len(listed(lenient, child_account_email="@")) == 3
    assert "total_count" not in bearer(lenient, "GetChildrenAccounts", child_account_id="all")


@pytest.mark.parametrize(
    ("condition", "switch", "sms", "a2p"),
    [
        ("frozen", "131", 131, 131),
        ("frozen", "100", 100, 100),
        ("frozen", "answered", 0, 0),
        ("inactive", "131", 131, 131),
        ("refused", "131", 100, 100),
        ("gone", "131", 100, 100),
        ("code=340", "131", 340, 340),
        ("no-role", "131", 100, 100),
        ("role=Supervisor", "131", 0, 100),
        ("role=Supervisor+Admin", "131", 0, 0),
    ],
)
def test_one_account_is_in_trouble(sandbox, condition, switch, sms, a2p):
    """What is wrong with one account is wrong with that one alone, and can be mended while the sandbox runs."""
    server = sandbox(f"frozen_account={switch}", accounts=2, rows=10, special=[f"2:{condition}"])
    one, two = server.children[1].account_id, server.children[2].account_id
    codes = [code(bearer(server, method, two)) for method in ("GetSmsHistory", "A2PGetSmsHistory")]
    assert codes == [sms, a2p]
    assert code(bearer(server, "A2PGetSmsHistory", one)) == 0
    assert command(server, "condition", account=two, condition="normal").json()["frozen"] is False
    assert code(bearer(server, "A2PGetSmsHistory", two)) == 0


def test_one_account_is_out_of_reach(sandbox):
    """A gateway may let no call for one account through, and one account may be slow."""
    server = sandbox(accounts=2, rows=0, special=["1:http=503,slow=0.01"])
    statuses = []
    for account in server.accounts.values():
        form = {"account_id": account.account_id, "api_key": account.api_key}
        statuses.append(requests.post(f"{server.url}/GetSmsHistory", data=form, timeout=10).status_code)
    assert statuses == [200, 503, 200]
    assert server.children[1].condition.slow == 0.01


def test_a_clock_of_its_own(sandbox):
    """A wrong clock shows in the Date header of one account's replies, errors too."""
    server = sandbox(accounts=1, rows=0, now=lambda: CLOCK.time() // 1, special=["1:clock=-7200"])
    dates = [
        datetime.strptime(reply["Date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC).timestamp()
        for reply in (
            bearer(server, "GetSmsHistory"),
            bearer(server, "GetSmsHistory", server.children[1].account_id),
            bearer(server, "GetSmsHistory", server.children[1].account_id, count="x"),
        )
    ]
    assert dates[1] - dates[0] == pytest.approx(-7200, abs=120)
    assert dates[2] - dates[1] == pytest.approx(0, abs=120)


def test_limits():
    """Each limit refuses what is too much, and counts what was in flight."""
    limits = Limits.parse("in_flight=3,account_in_flight=2")
    holding = [limits.admit(account, lambda: 0.0) for account in (1, 1, 2)]
    for one in holding:
        one.__enter__()
    for account in (1, 3):
        with pytest.raises(LimitExceeded), limits.admit(account, lambda: 0.0):
            pass
    holding[0].__exit__(None, None, None)
    with limits.admit(1, lambda: 0.0):
        assert (limits.peak, limits.peaks[1], limits.refused) == (3, 2, {1: 1, 3: 1})
    with pytest.raises(ValueError, match="account_rate"):
        Limits.parse("speed=1")


@pytest.mark.parametrize(("switch", "status"), [("340", 200), ("429-after", 429)])
def test_rates(sandbox, switch, status):
    """So many requests in a second are answered, for an account and for all."""
    time = [CLOCK.time()]
    limits = Limits.parse("rate=3,account_rate=2")
    server = sandbox(f"limit_reply={switch}", accounts=1, rows=0, limits=limits, now=lambda: time[0])
    accounts = list(server.accounts.values())

    def ask(account):
        form = {"account_id": account.account_id, "api_key": account.api_key}
        reply = requests.post(f"{server.url}/GetSmsHistory", data=form, timeout=10)
        return (reply.status_code, b"340" in reply.content)

    served, busy = (200, False), (status, status == 200)
    assert [ask(accounts[n]) for n in (1, 1, 1, 0, 0)] == [served, served, busy, served, busy]
    time[0] += 1
    assert ask(accounts[1]) == served


def test_the_accounts_of_a_running_sandbox(sandbox, voxlake):
    """The commands list the accounts with their truth, change one, and find it by id, number or name."""
    server = sandbox(accounts=2, rows=100, days=5)
    child = server.children[2]
    assert [one["account_id"] for one in command(server, "accounts").json()] == list(server.accounts)
    (one,) = json.loads(voxlake("sandbox", "accounts", "2", "--sums", server=server).stdout)
    rows = list(child.world.truth("a2p"))
    assert one["a2p"]["rows"] == len(rows) == 40
    assert one["a2p"]["cost"] == pytest.approx(float(sum(row["cost"] for row in rows)))
    voxlake("sandbox", "condition", child.profile.name, "frozen", "clock=60", server=server)
    assert child.condition == Condition(frozen=True, clock=60)
    assert "no-role" in voxlake("sandbox", "condition", "2", "tired", server=server, code=2).stderr
    assert "no account 7" in command(server, "accounts", account="7").text
    message = {"source_number": "447700900123", "destination_number": next(iter(child.state.phones)), "sms_body": "hi"}
    assert command(server, "inbound", account=child.account_id, **message).status_code == 200
    assert len(list(child.world.truth("sms"))) == len(list(server.world.truth("sms"))) + 1


def test_state_of_a_child_lasts(sandbox, tmp_path):
    """What a child has sent is there after a restart, beside the parent's state, for histories too."""
    form = {"source": "", "destination": "447700900123", "sms_body": "hello"}
    for expected in (1, 2):
        server = sandbox(accounts=1, rows=0, state=tmp_path / "state")
        child = server.children[1]
        key = {"account_id": child.account_id, "api_key": child.api_key}
        source = f"1555{child.account_id % 10**7:07d}"
        sent = form | key | {"source": source, "sms_body": f"hello {expected}"}
        before = requests.post(f"{server.url}/GetSmsHistory", data=key, timeout=10).json()["total_count"]
        assert before == expected - 1
        assert requests.post(f"{server.url}/SendSmsMessage", data=sent, timeout=10).json()["result"] == 1
        assert list(server.world.truth("sms")) == []
        server.__exit__(None, None, None)


def test_run_names_its_accounts(voxlake):
    """`sandbox run --accounts` gives its command what it needs to ask for the accounts, special ones too."""
    flags = ["--rows", 4, "--days", 2, "--accounts", 3, "--quiet-share", "0.34", "--account", "1:rows=7,currency=CHF"]
    told = json.loads(voxlake("sandbox", "run", *flags, "--", sys.executable, "-c", ASK).stdout)
    assert [one["sms"]["rows"] + one["a2p"]["rows"] for one in told] == [4, 7, 4, 2]
    assert told[1]["currency"] == "CHF"


@pytest.mark.dateless
@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("3", "NUMBER:SETTING"),
        ("x:frozen", "NUMBER:SETTING"),
        ("4:frozen", "no account 4"),
        ("1:sad", "sad"),
        ("1:rows=few", "rows"),
        ("0:rows=5", "--rows"),
        ("1:role=King", "King"),
        ("1:clock=late", "clock"),
        ("1:http=200", "http"),
        ("1:slow=very", "slow"),
    ],
)
def test_wrong_settings(setting, says):
    """What cannot be understood is said in a sentence."""
    with pytest.raises(ValueError, match=says):
        read_accounts([setting], children=3)


def test_a_thousand_accounts_cost_little(sandbox):
    """A long span of a quiet account is counted without making its rows, and quiet ones are spread evenly."""
    server = sandbox(accounts=1000, rows=100_000, days=365, quiet_share=0.9)
    busy = [number for number in server.children if server._reseller.rows_of(number) > 365]
    assert len(busy) == 100
    assert len({child.profile.name for child in server.children.values()}) == 1000
    child = server.children[5]
    reply = bearer(server, "GetSmsHistory", child.account_id, count="1")
    assert reply["total_count"] == 219
    assert len(child.world._days) == 1
    assert server.children[6]._world is None


def test_profiles_follow_the_vendors_rules():
    """Names have 5 to 20 lowercase letters, digits and hyphens, and ids rise and never meet."""
    reseller = Reseller(children=3000, rows=0, days=1, seed=7, until=datetime(2026, 1, 1, tzinfo=UTC).date())
    profiles = [reseller.profile(number) for number in range(1, 3001)]
    assert len({profile.name for profile in profiles}) == 3000
    assert all(5 <= len(p.name) <= 20 and p.name.replace("-", "").isalnum() and p.name.islower() for p in profiles)
    ids = [profile.account_id for profile in profiles]
    assert ids == sorted(set(ids))
