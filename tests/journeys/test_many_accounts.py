"""Many accounts: named in voxlake.toml, listed by the API, asked what they are, and told apart."""

import gzip
import json
import tomllib

import pytest
from support.clock import CLOCK
from support.dates import days_ago
from support.truth import truth

from voxlake.errors import Refused, SettingsError
from voxlake.lake import AccountRegistry, Lake
from voxlake.library import append_sections, connect, connect_all, export, read_sections, sections_text
from voxlake.library.discovery import Discovered
from voxlake.sandbox import Condition

LISTS = "children_filter=optional"
ALL = '[accounts.rest]\nparent = "main"\nchildren = "all"\n'


def main(server):
    """Return the section of the parent."""
    return f'[accounts.main]\ncredentials = "{server.credentials}"\n'


@pytest.fixture
def accounts_of(tmp_path):
    """Connect the accounts of a file with these sections, for the folder `data`."""

    def connected(server, text, *wanted):
        path = tmp_path / "voxlake.toml"
        path.write_text(f'api_url = "{server.url}"\n' + main(server) + text)
        return connect_all(path, accounts=wanted, data_dir=tmp_path / "data", clock=CLOCK)

    return connected


def names(accounts):
    """Return the names of accounts by number."""
    return {account.account_id: account.name for account in accounts}


def listed(server, *numbers):
    """Return what the API calls the children of these numbers."""
    return {server.children[n].account_id: server.children[n].profile.name for n in numbers}


def test_all_children(sandbox, accounts_of):
    """The parent and every child; one with a section has what that says, and one that is switched off is left out."""
    server = sandbox(LISTS, rows=0, accounts=4)
    one, two, three, four = (server.children[n].account_id for n in (1, 2, 3, 4))
    own = f'[accounts.shop]\nparent = "main"\naccount_id = {one}\njobs = 2\n'
    off = f'[accounts.off]\nparent = "main"\naccount_id = {two}\nenabled = false\n'
    found = accounts_of(server, own + off + ALL)
    assert names(found) == {server.account_id: "main", one: "shop"} | listed(server, 3, 4)
    assert {account.account_id: account.jobs for account in found} == {server.account_id: 4, one: 2, three: 4, four: 4}
    assert [account.parent_id for account in found] == [None, *[server.account_id] * 3]
    before = len(server.requests)
    assert names(accounts_of(server, own + off + ALL, "SHOP", "main")) == {server.account_id: "main", one: "shop"}
    assert len(server.requests) == before
    pattern = listed(server, 3)[three][:-1] + "?"
    assert names(accounts_of(server, own + off + ALL, pattern)) == listed(server, 3)


def test_a_child_is_exported_with_its_parents_key(sandbox, accounts_of, tmp_path):
    """Its rows are its own, and what the API says of it is remembered."""
    server = sandbox(rows=50, days=3, accounts=1, special=["1:rows=20,currency=KZT,time_zone=Asia/Almaty"])
    child = server.children[1]
    (account,) = accounts_of(server, f'[accounts.shop]\nparent = "main"\nchildren = [{child.account_id}]', "14*")
    result = export(account, tmp_path / "data", since=days_ago(4))
    assert (result.exit_code, sum(stream.rows for stream in result.streams)) == (0, 20)
    facts = AccountRegistry(Lake(tmp_path / "data")).get(child.account_id)
    assert (facts.name, facts.currency, facts.time_zone) == (child.profile.name, "KZT", "Asia/Almaty")
    assert facts.parent_id == server.account_id
    assert CLOCK.now() >= facts.last_good_run >= facts.refreshed_at
    assert [request.method for request in child.requests].count("GetAccountInfo") == 1
    export(account, tmp_path / "data", streams="sms")
    assert [request.method for request in child.requests].count("GetAccountInfo") == 1


def test_a_refused_list(sandbox, accounts_of, tmp_path, caplog):
    """Without a list, the children known from earlier runs are taken, and numbers in the file always."""
    server = sandbox(rows=0, accounts=3)
    one = server.children[1].account_id
    (shop,) = accounts_of(server, f'[accounts.shop]\nparent = "main"\naccount_id = {one}', "shop")
    export(shop, tmp_path / "data", streams="sms", since=days_ago(2))
    assert names(accounts_of(server, ALL)) == {server.account_id: "main", one: "shop"}
    assert "The children of 'main' could not be listed (The API declined GetChildrenAccounts" in caplog.text
    assert "1 child account known from earlier runs is taken." in caplog.text
    with pytest.raises(SettingsError, match="There is no account '5'"):
        accounts_of(server, ALL, "5")
    with pytest.raises(SettingsError, match="No account is enabled"):
        accounts_of(server, "enabled = false\n")


def test_a_child_that_vanished(sandbox, accounts_of, tmp_path, caplog):
    """It is named once, keeps what was exported, and is back when the list has it again."""
    server = sandbox(LISTS, rows=5, days=2, accounts=3)
    gone = server.children[2]
    data = tmp_path / "data"
    for account in accounts_of(server, ALL, gone.profile.name):
        export(account, data, streams="sms", since=days_ago(2))
    gone.condition = Condition(listed=False)
    assert gone.account_id not in names(accounts_of(server, ALL))
    assert f"1 account vanished from the list of 'main': {gone.profile.name}; what was exported stays" in caplog.text
    assert AccountRegistry(Lake(data)).get(gone.account_id).vanished_at is not None
    assert any(data.glob(f"lake/*/account_id={gone.account_id}/*/part.parquet"))
    caplog.clear()
    accounts_of(server, ALL)
    assert caplog.text == ""
    gone.condition = Condition()
    assert gone.account_id in names(accounts_of(server, ALL))
    assert AccountRegistry(Lake(data)).get(gone.account_id).vanished_at is None


def test_two_parents_with_one_child(sandbox, accounts_of, tmp_path):
    """A child that two keys claim is refused, and so is a key that is there twice."""
    server = sandbox(LISTS, rows=0, accounts=2)
    again = main(server).replace("main", "again")
    with pytest.raises(SettingsError, match=rf"Account {server.account_id} is in \[accounts\.main\].* and again in"):
        accounts_of(server, again)
    other = tmp_path / "other.json"
    other.write_text(json.dumps(json.loads(server.credentials.read_text()) | {"account_id": 9}))
    second = f'[accounts.nine]\ncredentials = "{other}"\n[accounts.x]\nparent = "nine"\n'
    one = server.children[1].account_id
    with pytest.raises(SettingsError, match=rf"Account {one} is in \[accounts\.x\].* and again in \[accounts\.rest\]"):
        accounts_of(server, second + f"account_id = {one}\n" + ALL)
    with pytest.raises(SettingsError, match=rf"Account {server.account_id} is in \[accounts\.main\]"):
        accounts_of(server, second + f"account_id = {server.account_id}\n")
    assert server.requests[0].method == "GetChildrenAccounts"
    assert len(server.requests) == 1


def test_files_that_cannot_be_used(sandbox, accounts_of, tmp_path):
    """The section is named whose key cannot be read, or whose first day has not come."""
    server = sandbox(rows=0)
    with pytest.raises(
        SettingsError, match=r"\[accounts\.b\] in voxlake\.toml cannot be used.*nowhere\.json cannot be"
    ):
        accounts_of(server, '[accounts.b]\ncredentials = "nowhere.json"')
    with pytest.raises(SettingsError, match=r"since of \[accounts\.main\] in voxlake\.toml is .*, in the future"):
        accounts_of(server, "since = 2199-01-01")
    for name, content, sentence in (("a", "x = [", "cannot be read"), ("b", "jobs = 1", "names no account")):
        (tmp_path / name).write_text(content)
        with pytest.raises(SettingsError, match=sentence):
            connect_all(tmp_path / name)
    with pytest.raises(SettingsError, match=r"credentials\.json in place of an api_key"):
        connect((1, "key"), child=2)


def test_no_secret_stays(sandbox, voxlake):
    """Of what GetAccountInfo and GetChildrenAccounts reply, no key, salt, name or address lies in any file or log."""
    server = sandbox(LISTS, rows=20, days=2, accounts=2)
    (voxlake.folder / "voxlake.toml").write_text(main(server) + ALL)
    child = server.children[1]
    env = {"VOXIMPLANT_API_URL": server.url}
    said = ""
    for command in (
        ["accounts", "discover", "-vv", "--write"],
        ["export", "--account", child.profile.name, "--keep-raw", "-vv", "--since", str(days_ago(3))],
        ["export", "--account", "main", "--keep-raw", "-vv", "--log-format", "json", "--since", str(days_ago(1))],
        ["accounts"],
    ):
        done = voxlake(*command, env=env)
        said += done.stdout + done.stderr
    assert {request.method for request in (*server.requests, *child.requests)} >= {
        "GetAccountInfo",
        "GetChildrenAccounts",
    }
    stored = [path.read_bytes() for path in voxlake.folder.rglob("*") if path.is_file()]
    assert len(stored) > 10
    secrets = [text for account in server.accounts.values() for text in account.profile.secrets]
    assert len(secrets) == 18
    for secret in secrets:
        assert secret not in said
        assert not any(secret.encode() in content for content in stored)
    raw = [gzip.decompress(path.read_bytes()) for path in voxlake.folder.rglob("*.gz")]
    assert raw
    assert not any(secret.encode() in content for secret in secrets for content in raw)
    assert not any(b"GetAccountInfo" in content for content in raw)


def test_the_list(sandbox, voxlake):
    """`voxlake accounts` says what is known of each account without network, also of one that was never exported."""
    server = sandbox(rows=30, days=3, accounts=2, special=["1:currency=GBP"])
    one, two = (server.children[n].account_id for n in (1, 2))
    sections = f'[accounts.shop]\nparent = "main"\naccount_id = {one}\n[accounts.other]\nparent = "main"\n'
    (voxlake.folder / "voxlake.toml").write_text(main(server) + sections + f"account_id = {two}\nenabled = false\n")
    voxlake("export", "--account", "shop", "--since", str(days_ago(5)), env={"VOXIMPLANT_API_URL": server.url})
    before = len(server.requests)
    found = json.loads(voxlake("accounts", "--format", "json").stdout)
    assert [row["account"] for row in found] == ["main", "other", "shop"]
    shop = found[2]
    newest = max(row[8] for stream in ("sms", "a2p") for row in truth(server.children[1], stream))
    assert (shop["account_id"], shop["currency"], shop["missing"], shop["unverified"]) == (one, "GBP", 0, 0)
    assert shop["newest_message"] == f"{newest:%Y-%m-%d %H:%M:%S}"
    assert shop["last_good_run"].startswith(f"{CLOCK.now():%Y-%m-%d}")
    assert [row["remark"] for row in found] == ["not exported yet", "switched off (enabled = false)", None]
    assert voxlake("accounts", "list", "--account", "sh*", "--format", "csv").stdout.count("\n") == 2
    assert "There is no account 'shp' (did you mean 'shop'?)" in voxlake("accounts", "--account", "shp", code=2).stderr
    assert len(server.requests) == before


def test_discover(sandbox, voxlake):
    """The children are shown, nothing is written without --write, and with it nothing but sections is added."""
    server = sandbox(LISTS, rows=0, accounts=3, special=["2:frozen"])
    path, env = voxlake.folder / "voxlake.toml", {"VOXIMPLANT_API_URL": server.url}
    before = f"# mine\r\njobs = 2 # two\r\n{main(server)}# the end"
    path.write_bytes(before.encode())
    path.chmod(0o640)
    done = voxlake("accounts", "discover", "--format", "json", env=env)
    assert {row["name"]: row["frozen"] for row in json.loads(done.stdout)} == {
        name: n == 2 for n in (1, 2, 3) for name in listed(server, n).values()
    }
    assert "3 accounts of these have no section: --write adds them" in done.stderr
    assert path.read_bytes() == before.encode()
    done = voxlake("accounts", "discover", "--parent", "main", "--write", env=env)
    assert "3 sections added to voxlake.toml" in done.stderr
    assert path.read_bytes().startswith(before.encode() + b"\r\n\r\n[accounts.")
    assert path.stat().st_mode & 0o777 == 0o640
    again = voxlake("accounts", "discover", "--write", env=env)
    assert "There is nothing to add." in again.stderr
    assert len(json.loads(voxlake("accounts", "--format", "json", env=env).stdout)) == 4
    assert (
        "no account 'mian' with a key: name one with --parent, main"
        in voxlake("accounts", "discover", "--parent", "mian", env=env, code=2).stderr
    )


def test_discover_where_it_is_refused(sandbox, voxlake):
    """One sentence says what to write instead; without a section there is nothing to write into."""
    server = sandbox(rows=0, accounts=1)
    (voxlake.folder / "voxlake.toml").write_text(main(server))
    done = voxlake("accounts", "discover", "--write", env={"VOXIMPLANT_API_URL": server.url}, code=3)
    assert "The children of 'main' could not be listed (The API declined" in done.stderr
    assert "children = [414877, 414878]" in done.stderr
    (voxlake.folder / "voxlake.toml").unlink()
    done = voxlake("accounts", "discover", "--write", server=server, code=2)
    assert "has no section for the parent: write [accounts.main]" in done.stderr
    assert "'voxlake export' first" in voxlake("accounts", code=2).stderr


def test_which_account_is_meant(sandbox, voxlake):
    """Commands for one account ask which; a flag's credentials outweigh the file, and a file has them in one place."""
    server = sandbox(rows=0, accounts=1)
    one = server.children[1].account_id
    path = voxlake.folder / "voxlake.toml"
    path.write_text(main(server) + f'[accounts.shop]\nparent = "main"\naccount_id = {one}\nstreams = ["sms"]\n')
    env = {"VOXIMPLANT_API_URL": server.url}
    assert "choose one with --account, of main, shop" in voxlake("sms", "numbers", env=env, code=2).stderr
    voxlake("sms", "numbers", "--account", "shop", env=env)
    assert [request.method for request in server.children[1].requests] == ["GetPhoneNumbers"]
    voxlake("sms", "numbers", "--credentials", str(server.credentials), env=env)
    assert "exports sms alone" in voxlake("export", "a2p", "--account", "shop", env=env, code=2).stderr
    plan = voxlake("export", "--dry-run", "--account", "shop", env=env).stdout
    assert ("sms" in plan, "a2p" in plan) == (True, False)
    path.write_text(f'credentials = "x.json"\n{main(server)}')
    assert "has credentials beside its accounts" in voxlake("status", code=2).stderr
    path.write_text("[accounts.main]\n")
    assert "[accounts.main] in voxlake.toml says neither" in voxlake("status", code=2).stderr
    path.unlink()
    done = voxlake("sms", "numbers", "--account", "shop", server=server, code=2)
    assert f"There is no account 'shop': the credentials are those of {server.account_id}" in done.stderr


def child(number, name):
    """Return a child that was discovered."""
    return Discovered(number, name, None, None, None, None)


def test_names_in_the_file(tmp_path):
    """Whatever children are called, each section is one of TOML, and no two have one name."""
    named = ["plain", 'qu"ote', "two words", "Main", None, "7", "a*[b]?", "Ünïcode", "plain", "back\\slash", "]"]
    text = sections_text("main", [child(n, name) for n, name in enumerate(named, 1)], ["main"])
    path = tmp_path / "voxlake.toml"
    path.write_text('[accounts.main]\ncredentials = "a.json"\n')
    append_sections(path, text)
    sections = read_sections(tomllib.loads(path.read_text())["accounts"], "voxlake.toml")
    assert len(sections) == 12
    assert [section.account_id for section in sections.values()] == [None, *range(1, 12)]
    path.write_text('accounts = {main = {credentials = "a.json"}}\n')
    with pytest.raises(SettingsError, match="Sections cannot be appended"):
        append_sections(path, text)
    assert path.read_text() == 'accounts = {main = {credentials = "a.json"}}\n'


def test_nothing_known_and_nothing_listed(sandbox, accounts_of, tmp_path):
    """Where no account is known but by a list that fails, the run says why and what to do."""
    server = sandbox(rows=0, accounts=1)
    with pytest.raises(SettingsError, match=r"could not be listed.*write their numbers as children"):
        accounts_of(server, "enabled = false\n" + ALL)
    assert Refused.exit_code == 3
    assert not (tmp_path / "data").exists()
