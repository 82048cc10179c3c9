"""What lasts: a sandbox's state, keys and certificate; what comes in, and how the account's server is told."""

import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests
from support.clock import CLOCK
from support.dates import days_ago
from support.messages import FROM, TO, a2p, ask, command, found, send

from voxlake.sandbox import AccountConfig, World
from voxlake.sandbox.account_state import AccountState

VOXLAKE = str(Path(sys.executable).parent / "voxlake")


@pytest.fixture
def receiver():
    """Run the server of an account, which takes callbacks."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.taken, server.url = taken, f"http://127.0.0.1:{server.server_port}/sms"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def opened(state):
    """Open a state as a sandbox does."""
    world = World(rows=0, days=1, seed=1, until=days_ago(0))
    return AccountState(world, AccountConfig(), now=CLOCK.time, journal=state)


def test_state_lasts(sandbox, tmp_path):
    """A restart restores messages, statuses, balance, SMS settings and resends."""
    state = tmp_path / "state.jsonl"
    first = sandbox(rows=0, state=state)
    kept = send(first, store_body="1")["message_id"]
    batch = a2p(first, TO, "44770000385", "44770000001", text="a batch")
    ask(first, "ControlSms", phone_number="12345678112", command="enable")
    command(first, "inbound", source_number=TO, destination_number=FROM, sms_body="an answer")
    command(first, "advance", seconds="1000")
    expected = [ask(first, method)["result"] for method in ("GetSmsHistory", "A2PGetSmsHistory", "GetPhoneNumbers")]
    balance = first.account.balance
    first.__exit__(None, None, None)
    second = sandbox(rows=0, state=state)
    assert expected == [
        ask(second, method)["result"] for method in ("GetSmsHistory", "A2PGetSmsHistory", "GetPhoneNumbers")
    ]
    assert second.account.balance == balance < 1000
    assert send(second, sms_body="another")["message_id"] > max(kept, batch["result"][-1]["message_id"])
    command(second, "advance", seconds="1000")
    assert found(second, "GetSmsHistory", kept)["text"] == "hello"
    assert "a batch" not in state.read_text()


def test_a_torn_line_is_no_event(sandbox, tmp_path):
    """A crash in the middle of a line loses only what was never answered; nonsense elsewhere is said."""
    state = tmp_path / "state.jsonl"
    first = sandbox(rows=0, state=state)
    sent = send(first)["message_id"]
    first.__exit__(None, None, None)
    whole = state.read_bytes()
    state.write_bytes(whole + whole[: len(whole) // 2])
    second = sandbox(rows=0, state=state)
    assert [row["message_id"] for row in ask(second, "GetSmsHistory")["result"]] == [sent]
    with pytest.raises(ValueError, match="Another sandbox"):
        opened(state)
    second.__exit__(None, None, None)
    assert state.read_bytes() == whole
    for line, says in ((b"{}", "Line 1"), (b'{"kind": "sent"}', "cannot be read")):
        state.write_bytes(line + b"\n" + whole)
        with pytest.raises(ValueError, match=says):
            opened(state)


def test_a_stopped_sandbox_is_silent(sandbox, tmp_path, capfd):
    """What a thread still answers when the sandbox stops meets closed files, and that is no bug to be told."""
    server = sandbox(rows=0, state=tmp_path / "state.jsonl")
    answer, reached, let_go = server.answer, threading.Event(), threading.Event()

    def slow(*arguments):
        reached.set()
        let_go.wait(60)
        return answer(*arguments)

    server.answer = slow
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(send, server)
        assert reached.wait(60)
        server.__exit__(None, None, None)
        let_go.set()
        assert isinstance(sending.exception(), requests.exceptions.ConnectionError)
    assert capfd.readouterr().err == ""


def test_state_survives_kill(tmp_path):
    """What was answered is there after a kill -9, in a sandbox started by the command, with the same credentials."""
    state, keys = tmp_path / "state.jsonl", tmp_path / "keys"
    command = [VOXLAKE, "sandbox", "serve", "--rows", "0", "--state", state, "--directory", keys]
    ids, credentials = [], set()
    for text in ("one", "two"):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            url, path = (server.stdout.readline().strip().split("=", 1)[1] for _ in range(2))
            key = {"account_id": "1234567", "api_key": "00000000-sandbox-0000-0000-000000000000"}
            data = key | {"source": FROM, "destination": TO, "sms_body": text}
            ids.append(requests.post(f"{url}/SendSmsMessage", data=data, timeout=10).json()["message_id"])
            rows = requests.post(f"{url}/GetSmsHistory", data=key, timeout=10).json()["result"]
            assert [row["message_id"] for row in rows] == ids
            credentials.add(Path(path).read_text())
            os.kill(server.pid, signal.SIGKILL)
    assert len(credentials) == 1


@pytest.mark.parametrize("shape", ["nested", "array", "single", "flat"])
def test_inbound_messages_are_posted(sandbox, receiver, shape):
    """A message that comes in is in the history, and is posted in the documented envelope with the right hash."""
    config = AccountConfig(callback_url=receiver.url, callback_salt="pepper", store_inbound=shape == "flat")
    server = sandbox(f"callback_shape={shape}", rows=0, config=config)
    reply = command(server, "inbound", source_number=TO, destination_number=FROM, sms_body="Привет").json()
    assert reply["callback"] == {"url": receiver.url, "received": "HTTP 204"}
    (body,) = receiver.taken
    (callback,) = body["callbacks"]
    item = {"source_number": TO, "destination_number": FROM, "sms_body": "Привет"}
    held = {"nested": {"sms_inbound": item}, "array": [item], "single": item}.get(shape)
    assert callback.get("sms_inbound") == held
    assert shape != "flat" or item.items() <= callback.items()
    proof = f"pepper{server.account_id}{server.api_key}{callback['callback_id']}"
    assert callback["hash"] == hashlib.md5(proof.encode()).hexdigest()
    assert (callback["type"], callback["account_id"], callback["currency"]) == ("sms_inbound", 1234567, "USD")
    row = found(server, "GetSmsHistory", reply["message_id"])
    assert (row["direction"], row["status_id"], row["cost"]) == ("IN", "1", 0)
    assert row.get("text") == ("Привет" if shape == "flat" else None)


def test_inbound_needs_a_number_that_may(sandbox):
    """Nobody can write to a number that is not ours or not enabled; a receiver that is away is said."""
    server = sandbox(rows=0)
    for wrong in ({"destination_number": "12345678112"}, {"destination_number": "1"}, {"source_number": ""}):
        form = {"source_number": TO, "destination_number": FROM, "sms_body": "x"} | wrong
        assert command(server, "inbound", **form).status_code == 400
    assert ask(server, "GetSmsHistory")["total_count"] == 0
    reply = command(
        server,
        "inbound",
        source_number=TO,
        destination_number=FROM,
        sms_body="x",
        callback_url="http://127.0.0.1:9/",
    )
    assert "not received" in reply.json()["callback"]["received"]
    assert command(server, "nothing").status_code == 404
    assert command(server, "advance", seconds="soon").status_code == 400


def test_inbound_command(sandbox, voxlake, receiver):
    """`sandbox inbound` and `sandbox advance` act on a running sandbox, and on nothing else."""
    server = sandbox(rows=0)
    arguments = ["sandbox", "inbound", "--from", TO, "--to", FROM, "--text", "hi", "--callback-url", receiver.url]
    done = voxlake(*arguments, server=server)
    assert json.loads(done.stdout)["callback"]["received"] == "HTTP 204"
    assert len(receiver.taken) == 1
    voxlake("sandbox", "advance", "60", "--api-url", server.url)
    assert "12345678112" in voxlake(*arguments[:5], "12345678112", *arguments[6:], server=server, code=2).stderr
    assert "vendor" in voxlake("sandbox", "advance", "60", code=2).stderr
    assert "not a sandbox" in voxlake("sandbox", "advance", "60", "--api-url", f"{server.url}/v2", code=2).stderr
    assert "sandbox serve" in voxlake("sandbox", "advance", "60", "--api-url", "http://127.0.0.1:9", code=75).stderr


def test_tls(sandbox, voxlake, tmp_path):
    """Over TLS, those who trust the sandbox's authority can export; all others refuse."""
    server = sandbox(rows=100, tls=True)
    voxlake("export", server=server, env={"REQUESTS_CA_BUNDLE": str(server.ca)})
    denied = voxlake("export", server=server, env={"VOXLAKE_PATIENCE": "0"}, code=75)
    assert "certificate" in denied.stderr
    strict = ssl.create_default_context(cafile=server.ca)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    host = server.url.split("/")[2]
    served = ssl.get_server_certificate(tuple(host.split(":")), ca_certs=str(server.ca))
    again = sandbox(rows=0, tls=True)
    assert again.ca.read_bytes() != server.ca.read_bytes()
    assert served not in ssl.get_server_certificate(tuple(again.url.split("/")[2].split(":")))


def test_run_hands_the_certificate_on(voxlake):
    """`sandbox run --tls` tells its command which authority to trust."""
    command = 'test -f "$REQUESTS_CA_BUNDLE" && test -f "$NODE_EXTRA_CA_CERTS" && echo $VOXIMPLANT_API_URL'
    assert voxlake("sandbox", "run", "--rows", 0, "--tls", "--", "sh", "-c", command).stdout.startswith("https://")


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--phone", "12=on"], "12=on"),
        (["--balance", "much"], "much"),
        (["--balance", "1e999999999"], "1e999999999"),
        *((["--" + name, number], number) for name in ("delivery", "latency") for number in ("nan", "inf")),
        (["--state", "/"], "/"),
        (["--state", "voxlake.txt"], "voxlake.txt"),
    ],
)
def test_wrong_settings(voxlake, flags, names):
    """What cannot be used is said in a sentence."""
    (voxlake.folder / "voxlake.txt").write_text("a letter\n")
    assert names in voxlake("sandbox", "run", "--rows", 0, *flags, "--", "true", code=2).stderr
