"""The sandbox listens to programs of its user, and to no page in a browser."""

import pytest
import requests
from support.messages import FROM, METHODS, TO, ask, command

from voxlake.sandbox.guard import HEADER, find_token, is_loopback, leave_token, refuse, remove_token


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "[::1"},
    ],
)
@pytest.mark.parametrize("target", ["/platform_api/SendSmsMessage?text=x", "/sandbox/advance"])
def test_pages_are_refused(headers, target):
    """A page of another site neither sends nor pulls a lever, even if it knew the token."""
    assert refuse("POST", target, {HEADER: "secret"} | headers, token="secret").status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000", "127.0.0.7"])
def test_this_machine_is_answered(host):
    """Programs, and pages of this machine, are answered; levers with the token alone, and by POST alone."""
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-site"}
    assert refuse("GET", "/platform_api/GetSmsHistory", headers, token="secret") is None
    assert refuse("POST", "/sandbox/inbound", headers | {HEADER: "secret"}, token="secret") is None
    assert refuse("GET", "/sandbox/inbound", headers | {HEADER: "secret"}, token="secret").status == 405
    for wrong in ({}, {HEADER: ""}, {HEADER: "secre\u0142"}):
        assert refuse("POST", "/sandbox/inbound", headers | wrong, token="secret").status == 403


def test_no_resolver_is_asked():
    """A name that points to this machine is not this machine."""
    assert not any(map(is_loopback, ("http://localtest.me", "http://0.0.0.0", "http://[::1", "", "file:///etc")))


def test_the_token_is_its_users(tmp_path, monkeypatch):
    """The file is private, takes the place of an older one, and follows no link that somebody has planted."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    leave_token(1, "old")
    (left,) = tmp_path.glob("voxlake-*")
    left.unlink()
    left.symlink_to(victim)
    assert find_token(1) is None
    leave_token(1, "new")
    assert (victim.read_text(), find_token(1), left.stat().st_mode & 0o777) == ("theirs", "new", 0o600)
    remove_token(1)
    assert find_token(1) is None
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    leave_token(1, "lost")
    assert find_token(1) is None


def test_over_http(sandbox):
    """What is refused has not happened; callbacks asked for by a request go to this machine alone."""
    server = sandbox(rows=0)
    data = {"account_id": server.account_id, "api_key": server.api_key} | METHODS["SendSmsMessage"]
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        reply = requests.post(f"{server.url}/SendSmsMessage", data=data, headers=headers, timeout=10)
        assert reply.status_code == 403
    url = f"{server.url.removesuffix('/platform_api')}/sandbox/advance"
    assert requests.get(url, params={"seconds": "1"}, timeout=10).status_code == 405
    assert requests.post(url, data={"seconds": "1"}, timeout=10).status_code == 403
    message = {"source_number": TO, "destination_number": FROM, "sms_body": "x"}
    elsewhere = command(server, "inbound", callback_url="http://192.0.2.1/", **message)
    assert (elsewhere.status_code, "--callback-url" in elsewhere.text) == (400, True)
    assert ask(server, "GetSmsHistory")["total_count"] == 0


def test_the_state_is_private(sandbox, tmp_path):
    """Nobody else reads the state file, also one that was readable before."""
    state = tmp_path / "state.jsonl"
    state.touch(mode=0o644)
    sandbox(rows=0, state=state)
    assert state.stat().st_mode & 0o777 == 0o600
