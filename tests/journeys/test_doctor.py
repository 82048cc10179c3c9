"""`voxlake doctor`: set-ups that are broken in one way each, what is said of them, and with which exit code."""

import json
import os
import shutil
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.broken import damaged, mounted
from support.clock import CLOCK
from support.dates import days_ago
from support.lakes import FIRST, Hand, row
from support.terminal import run

SENDING = {"SendSmsMessage", "A2PSendSms", "ControlSms"}
NOBODY = 65534


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Stand in an empty folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def doctor(place, monkeypatch, capfd):
    """Run `voxlake doctor`, and return its exit code and its checks by name."""

    def examine(*arguments, server=None, credentials=None):
        if server is not None:
            monkeypatch.setenv("VOXIMPLANT_API_URL", server.url)
            monkeypatch.setenv("VOXIMPLANT_CREDENTIALS", str(credentials or server.credentials))
        code = run("doctor", "--format", "json", *arguments)
        found = json.loads(capfd.readouterr().out)
        assert found["exit_code"] == code
        examine.checks = found["checks"]
        return code, {check["name"]: check for check in found["checks"]}

    return examine


def failed(checks):
    """Return what failed, in one line each."""
    assert all(check["mend"] for check in checks.values() if check["state"] == "failed")
    return {name: f"{its['text']}: {its['mend']}." for name, its in checks.items() if its["state"] == "failed"}


def states(checks, state):
    """Return the names of the checks in a state."""
    return {name for name, check in checks.items() if check["state"] == state}


def changed(credentials, folder, **fields):
    """Write a copy of a credentials file in which some fields are others."""
    path = folder / "changed.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(json.loads(credentials.read_text()) | fields))
    return path


def test_nothing_is_wrong(place, sandbox, doctor, capfd):
    """A line each, and an exit code of 0; each method was called once, and nothing was sent or is left behind."""
    server = sandbox(rows=20, days=3)
    code, checks = doctor(server=server)
    assert (code, failed(checks)) == (0, {})
    assert states(checks, "skipped") == set()
    notes = {name for name in states(checks, "note") if not name.startswith("extra ")}
    # The tests may lie in memory, which is a note, too.
    assert notes - {"file system"} == {"settings", "data directory", "lake"}
    assert [request.method for request in server.requests] == [
        "GetAccountInfo", "GetSmsHistory", "A2PGetSmsHistory", "SendSmsMessage", "A2PSendSms", "ControlSms",
    ]  # fmt: skip
    sent = [request for request in server.requests if request.method in SENDING]
    assert all(not request.parameters for request in sent)
    assert list(place.iterdir()) == []
    assert run("export", "--since", days_ago(2)) == 0
    capfd.readouterr()
    before = sorted(place.rglob("*"))
    code, checks = doctor()
    assert code == 0
    assert {"lake", "database", "lock", "disk", "write", "locks"} <= states(checks, "ok")
    assert sorted(place.rglob("*")) == before


def test_without_network(place, sandbox, doctor):
    """With --offline nothing is asked, and nothing is tried."""
    server = sandbox(rows=0)
    code, checks = doctor("--offline", server=server)
    assert (code, server.requests, states(checks, "skipped")) == (0, [], {"network"})


def test_the_text(place, sandbox, monkeypatch, capfd):
    """Each check is one line with its state and name; no secret is in any of them."""
    server = sandbox(rows=0)
    monkeypatch.setenv("VOXIMPLANT_API_URL", server.url)
    monkeypatch.setenv("VOXIMPLANT_ACCOUNT_ID", str(server.account_id))
    monkeypatch.setenv("VOXIMPLANT_API_KEY", server.api_key)
    monkeypatch.setenv("VOXLAKE_DATADIR", "elsewhere")
    Path("voxlake.toml").write_text('jobs = 8\n[notify]\nurl = "https://hooks.example/s3cret"\n')
    assert run("doctor", "--timeout", "20") == 0
    said = capfd.readouterr()
    assert server.api_key not in said.out + said.err
    assert "s3cret" not in said.out + said.err
    meaningless = "VOXLAKE_DATADIR is set, which means nothing to voxlake"
    for line in (
        "ok        jobs             8 (voxlake.toml).",
        "ok        timeout          20 (flag --timeout).",
        "ok        api_key          is set (variable VOXIMPLANT_API_KEY).",
        "ok        [notify] url     is set (voxlake.toml).",
        f"ok      credentials        number and key of account {server.account_id}, from the environment.",
        f"note    variable           {meaningless}: use VOXLAKE_DATA_DIR, or unset it.",
    ):
        assert line in said.out.splitlines()
    assert said.err == "Nothing is wrong.\n"


def test_a_wrong_key(place, sandbox, doctor):
    """A key that signs nothing that the API believes looks as one without a role: both are named."""
    server = sandbox(rows=0)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    code, checks = doctor(server=server, credentials=changed(server.credentials, place, private_key=pem))
    assert code == 3
    assert failed(checks)["key"] == (
        "The API refuses every method (error 100: Authorization failed), which it answers to a wrong key and to a"
        f" missing role: check that the file is that of account {server.account_id} and its key still exists, then give"
        " the service account one of the roles Owner, Admin, CallsSMS."
    )
    assert set(failed(checks)) == {"key", "GetSmsHistory", "A2PGetSmsHistory"}


def test_a_key_that_was_deleted(place, sandbox, doctor):
    """Where the API does not know the key, roles are not spoken of."""
    server = sandbox(rows=0)
    code, checks = doctor(server=server, credentials=changed(server.credentials, place, key_id="gone"))
    assert code == 3
    assert failed(checks)["key"] == (
        "The API does not accept the key (error 433: Invalid key id.): make a new key in the vendor's control panel,"
        " and use its file."
    )


def test_a_role_is_missing(place, sandbox, doctor):
    """A method that is refused, where another answers with the same key, lacks a role; its roles are named."""
    server = sandbox(rows=0)
    code, checks = doctor(server=server, credentials=server.credentials_for(["Accountant"]))
    assert code == 3
    assert failed(checks) == {
        "A2PGetSmsHistory": "The key is right, and a role for this method is missing (error 100: Authorization failed):"
        " give its service account one of the roles Owner, Admin, CallsSMS in the vendor's control panel.",
    }
    assert {"SendSmsMessage", "A2PSendSms"} <= states(checks, "note")
    assert {"key", "GetSmsHistory", "ControlSms"} <= states(checks, "ok")
    # Who only exports needs no role that sends, and who exports one stream needs none for the other.
    code, checks = doctor(server=server, credentials=server.credentials_for(["Admin"]))
    assert (code, "which only who sends needs" in checks["A2PSendSms"]["text"]) == (0, True)
    Path("voxlake.toml").write_text(
        f'[accounts.main]\ncredentials = "{server.credentials_for(["Accountant"])}"\nstreams = ["sms"]\n'
    )
    code, checks = doctor()
    assert (code, "streams leave out" in checks["A2PGetSmsHistory [main]"]["text"]) == (0, True)


def test_others_may_read_the_key(place, sandbox, doctor):
    """The file's mode is shown, with the command that mends it."""
    server = sandbox(rows=0)
    server.credentials.chmod(0o644)
    code, checks = doctor(server=server)
    assert (code, failed(checks)) == (
        3,
        {"credentials": f"Others may read {server.credentials} (0644): chmod 600 {server.credentials}."},
    )


def test_nobody_listens(place, sandbox, doctor, monkeypatch):
    """A closed port is said at once, and no method is called."""
    server = sandbox(rows=0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    code, checks = doctor("--api-url", f"http://127.0.0.1:{port}/platform_api", server=server)
    assert (code, failed(checks)) == (
        2,
        {
            "network": f"There is no connection to 127.0.0.1:{port} (Connection refused): check the address, the"
            " network and the firewall, or set HTTPS_PROXY."
        },
    )
    assert states(checks, "skipped") == {"methods"}
    code, checks = doctor("--api-url", "https://nowhere.invalid")
    assert (code, failed(checks)["network"][:44]) == (2, "The name of nowhere.invalid:443 is not found")


def test_what_answers_is_not_the_api(place, sandbox, doctor):
    """The address of something else is a matter of settings."""
    server = sandbox(rows=0)
    code, checks = doctor("--api-url", server.url.replace("platform_api", "elsewhere"), server=server)
    assert code == 2
    assert "is not the API (HTTP 404): correct --api-url or VOXIMPLANT_API_URL." in failed(checks)["GetAccountInfo"]
    assert len(server.requests) <= 1


def test_the_certificate_is_not_trusted(place, sandbox, doctor, monkeypatch):
    """Which authorities are trusted is said; with the right one, all is well."""
    server = sandbox(rows=0, tls=True)
    code, checks = doctor(server=server)
    assert (code, set(failed(checks))) == (2, {"tls"})
    assert "name its file in REQUESTS_CA_BUNDLE" in failed(checks)["tls"]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca))
    code, checks = doctor()
    assert (code, checks["tls"]["state"]) == (0, "ok")
    assert str(server.ca) in checks["tls"]["text"]


def test_a_proxy(place, sandbox, doctor, monkeypatch):
    """A variable that holds no proxy is named, and never its value."""
    sandbox(rows=0)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:s3cret@127.0.0.1:0")
    code, checks = doctor("--api-url", "https://api.example")
    assert (code, "HTTPS_PROXY is not the address of a proxy" in failed(checks)["network"]) == (2, True)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:s3cret@127.0.0.1:1")
    code, checks = doctor("--api-url", "https://api.example")
    assert "There is no connection to the proxy of HTTPS_PROXY" in failed(checks)["network"]
    assert "s3cret" not in json.dumps(doctor.checks)


@pytest.mark.parametrize(("seconds", "said"), [(7200, "120 minutes behind"), (-600, "10 minutes ahead of")])
def test_the_clock_is_off(place, sandbox, doctor, seconds, said):
    """By the Date headers of the API; tokens are made by its clock, so that everything else is known, too."""
    server = sandbox(rows=0, now=lambda: CLOCK.time() + seconds)
    code, checks = doctor(server=server)
    assert (code, failed(checks)) == (
        2,
        {
            "clock": f"This machine's clock is {said} the API's: set it, and keep it set with NTP"
            " (timedatectl set-ntp true)."
        },
    )
    assert "GetSmsHistory" in states(checks, "ok")


def test_no_clock_to_compare_with(place, sandbox, doctor):
    """Where replies have no date, that is said."""
    code, checks = doctor(server=sandbox("date_header=off", rows=0))
    assert (code, checks["clock"]["state"]) == (0, "note")


def test_settings_that_are_wrong(place, sandbox, doctor):
    """Every one is named, and all other checks are made, with the defaults in their place."""
    server = sandbox(rows=0)
    Path("voxlake.toml").write_text('job = 3\noutput = "xml"\nformat = 1\n[accounts]\nmain = 1\n')
    code, checks = doctor("--patience", "-1", server=server)
    assert code == 2
    assert sorted(its["text"] for its in doctor.checks if its["state"] == "failed") == [
        "--patience is '-1'",
        "[accounts.main] in voxlake.toml is not a section",
        "output in voxlake.toml is 'xml'",
        "voxlake.toml has no setting 'format' (did you mean 'log_format'?)",
        "voxlake.toml has no setting 'job' (did you mean 'jobs'?)",
    ]
    assert "GetSmsHistory" in states(checks, "ok")
    assert "give a whole number from 0 to 604800" in json.dumps(doctor.checks)


@pytest.mark.parametrize("content", ["jobs", "\x00", None])
def test_a_file_that_cannot_be_read(place, sandbox, doctor, content):
    """What is not TOML, or is a folder, is said, and the rest goes on."""
    server = sandbox(rows=0)
    Path("voxlake.toml").mkdir() if content is None else Path("voxlake.toml").write_text(content)
    code, checks = doctor(server=server)
    assert code == 2
    assert "voxlake.toml cannot be read" in next(its["text"] for its in doctor.checks if its["state"] == "failed")
    assert "GetSmsHistory" in states(checks, "ok")
    code, checks = doctor("--config", "none.toml")
    assert "none.toml does not exist" in next(its["text"] for its in doctor.checks if its["state"] == "failed")


def test_no_credentials(place, doctor):
    """Without any, that is the failure; a file that is not there is named."""
    code, checks = doctor("--offline")
    assert (code, set(failed(checks))) == (2, {"credentials"})
    code, checks = doctor("--offline", "--credentials", "none.json")
    assert (code, failed(checks)["credentials"]) == (
        2,
        "none.json is not a file: name the vendor's credentials.json.",
    )


def test_the_most_urgent_is_the_exit_code(place, sandbox, doctor):
    """Settings come before roles, and roles before data."""
    server = sandbox(rows=0)
    Path("voxlake.toml").write_text("job = 3\n")
    assert doctor(server=server, credentials=server.credentials_for(["Accountant"]))[0] == 2
    Path("voxlake.toml").unlink()
    damaged(place)
    assert doctor(server=server, credentials=server.credentials_for(["Accountant"]))[0] == 3
    assert doctor(server=server)[0] == 4


def test_a_damaged_database(place, sandbox, doctor):
    """It is said that it cannot be read, and what makes it anew; also where it is gone."""
    damaged(place)
    code, checks = doctor("--offline", "--credentials", sandbox(rows=0).credentials)
    assert (code, set(failed(checks))) == (4, {"database"})
    assert failed(checks)["database"].endswith(": run 'voxlake publish'.")
    (place / "data" / "voxlake.duckdb").unlink()
    _, checks = doctor("--offline")
    assert failed(checks)["database"] == "There is no database beside the lake: run 'voxlake publish'."


def test_days_that_are_wrong(place, sandbox, doctor):
    """Missing, unverified and old days are said as `status --check` says them."""
    hand = Hand(place / "data")
    at = datetime(2026, 1, 7, tzinfo=UTC)
    for day in (1, 2, 4):
        on = FIRST.replace(day=day)
        hand.put(on, [row(day, on)], verified=day != 2, exported_at=at)
    hand.publish()
    code, checks = doctor("--offline", "--credentials", sandbox(rows=0).credentials)
    assert code == 4
    assert {"lake unverified", "lake stale"} <= set(failed(checks))
    assert "install-timer" in failed(checks)["lake stale"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_data_directory_that_is_not_ours(place, sandbox, doctor, tmp_path_factory):
    """Who it belongs to is said; root is warned of making files that their owner cannot replace."""
    shared = Path("/dev/shm") if Path("/dev/shm").is_dir() else place
    folder = shared / f"voxlake-doctor-{os.getpid()}"
    folder.mkdir(mode=0o755)
    server = sandbox(rows=0)
    try:
        (folder / "lake").mkdir()
        os.chown(folder, NOBODY, NOBODY)
        code, checks = doctor("--offline", "--credentials", server.credentials, "--data-dir", folder)
        assert (code, checks["permissions"]["state"]) == (0, "note")
        assert "root may write" in checks["permissions"]["text"]
        os.seteuid(NOBODY)
        _, checks = doctor("--offline", "--data-dir", folder)
        assert "/lake, which is root's" in failed(checks)["permissions"]
        os.seteuid(0)
        os.chown(folder, 0, 0)
        os.seteuid(NOBODY)
        code, checks = doctor("--offline", "--data-dir", folder)
        assert code == 2
        assert "cannot write to" in failed(checks)["permissions"]
        assert "Nothing can be written" in failed(checks)["write"]
    finally:
        os.seteuid(0)
        shutil.rmtree(folder)


def test_a_full_disk(place, sandbox, doctor):
    """Nothing can be written, and there is too little room; a file system that passes away is noted."""
    with mounted(place / "data", "size=64k"):
        code, checks = doctor("--offline", "--credentials", sandbox(rows=0).credentials)
    assert (code, set(failed(checks))) == (2, {"write", "disk"})
    assert (
        failed(checks)["write"] == f"Nothing can be written to {place / 'data'} (No space left on device): make room."
    )


def test_a_read_only_disk(place, sandbox, doctor):
    """Nobody may write there, not even root."""
    with mounted(place / "data", "size=256m"):
        credentials = sandbox(rows=0).credentials
        _, checks = doctor("--offline", "--credentials", credentials)
        assert checks["file system"]["state"] == "note"
        assert "empty after a restart" in checks["file system"]["text"]
        subprocess.run(["mount", "-o", "remount,ro", place / "data"], check=True)
        code, checks = doctor("--offline", "--credentials", credentials)
    assert (code, set(failed(checks))) == (2, {"permissions", "write"})
    assert "Read-only file system" in failed(checks)["write"]


def test_odd_places(place, sandbox, doctor):
    """A name that cannot be used, and a file in the place of the folder."""
    credentials = sandbox(rows=0).credentials
    code, checks = doctor("--offline", "--credentials", credentials, "--data-dir", "a*b")
    assert (code, "as a pattern: use another" in failed(checks)["data directory"]) == (2, True)
    Path("file").touch()
    code, checks = doctor("--offline", "--credentials", credentials, "--data-dir", "file")
    assert (code, "is a file, not a folder" in failed(checks)["data directory"]) == (2, True)
    Path("data").mkdir()
    Path("data", ".lock-by-file").touch()
    code, checks = doctor("--offline", "--credentials", credentials)
    assert (code, checks["locks"]["state"]) == (0, "note")
    Path("data", ".lock.held").write_text("process 1 on elsewhere")
    code, checks = doctor("--offline", "--credentials", credentials)
    assert (code, checks["lock"]["state"]) == (0, "note")
    assert "--break-lock" in checks["lock"]["mend"]


def test_a_reseller(place, sandbox, doctor):
    """Each account is called with its label; children are not asked to send, and many are not asked at all."""
    server = sandbox(rows=0, accounts=12)
    children = [account for account in server.accounts if account != server.account_id]
    Path("voxlake.toml").write_text(
        f'[accounts.main]\ncredentials = "{server.credentials}"\n[accounts.rest]\nparent = "main"\n'
        f"children = {children}\n"
    )
    code, checks = doctor("--api-url", server.url)
    assert code == 0
    assert "A2PSendSms [main]" in checks
    assert len([name for name in checks if name.startswith("GetSmsHistory")]) == 11
    assert "not called for 2 child accounts" in checks["methods"]["text"]
    assert {request.method for request in server.children[1].requests} == {
        "GetAccountInfo", "GetSmsHistory", "A2PGetSmsHistory",
    }  # fmt: skip
    _, checks = doctor("--api-url", server.url, "--account", str(children[11]))
    assert len([name for name in checks if name.startswith("GetSmsHistory")]) == 1
