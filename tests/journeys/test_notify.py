"""`[notify]`: a real server hears how runs begin and end, and whatever it does, the run is as it would have been."""

import http.server
import json
import threading
from datetime import UTC, datetime

import click
import pytest
from support.clock import CLOCK
from support.dates import days_ago
from support.lakes import FIRST, Hand, row

from voxlake.cli import commands
from voxlake.cli.notify import Notifier
from voxlake.cli.settings import settings_options
from voxlake.lake import RecordedRun
from voxlake.warehouse import Warehouse


@pytest.fixture
def hook():
    """Start a server that keeps what is posted to it, and answers as `status` says."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            server = self.server
            server.got.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            server.wait.wait(server.slow)
            self.send_response(server.status)
            self.send_header("Location", server.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.got, server.status, server.slow, server.wait = [], 200, 0, threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/s3cret"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.wait.set()
    server.shutdown()
    server.server_close()


def run(*arguments):
    """Run a command in this process; returns its exit code."""
    arguments = [str(each) for each in arguments]
    try:
        return commands.main(arguments, prog_name="voxlake", obj=CLOCK, standalone_mode=False) or 0
    except SystemExit as ended:
        return ended.code


def heard(hook):
    """Return the objects that were posted."""
    return [json.loads(body) for _, _, body in hook.got]


def test_an_export_is_told(sandbox, voxlake, hook):
    """Begin and success are posted to one address, with the run's figures, a sentence, and no phone's number."""
    server = sandbox(rows=60, days=3)
    (voxlake.folder / "voxlake.toml").write_text(f'[notify]\nurl = "{hook.url}"\n')
    voxlake("export", "--since", days_ago(3), server=server)
    begin, end = heard(hook)
    assert (begin["event"], begin["command"], begin["exit_code"]) == ("start", "export", None)
    assert begin["text"].endswith("begins.")
    assert (end["event"], end["exit_code"], end["rows_new"], end["accounts"]) == ("success", 0, 60, 1)
    assert (end["requests"], end["problem"], end["retries"]) == (len(server.requests), None, 0)
    assert f"succeeded: {end['days']} days, 60 new, 0 changed, 0 gone, {end['requests']} requests, " in end["text"]
    assert begin.keys() == end.keys()
    with Warehouse(voxlake.folder / "data").reader() as connection:
        numbers = connection.sql(
            "SELECT source_number FROM messages UNION SELECT destination_number FROM messages"
        ).fetchall()
    assert len(numbers) > 10
    assert not [number for (number,) in numbers if number and number in hook.got[1][2].decode()]
    path, headers, _ = hook.got[0]
    assert (path, headers["Content-Type"]) == ("/s3cret", "application/json")


def test_addresses_of_their_own(hook, tmp_path, monkeypatch):
    """A failure and a begin can have addresses of their own; commands that look or tidy up post nothing."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)])
    monkeypatch.setenv("VOXLAKE_NOTIFY_URL", hook.url)
    monkeypatch.setenv("VOXLAKE_NOTIFY_URL_FAILURE", f"{hook.url}/fail")
    monkeypatch.setenv("VOXLAKE_NOTIFY_URL_START", f"{hook.url}/start")
    assert run("publish", "--data-dir", hand.root) == 0
    assert run("publish", "--data-dir", tmp_path / "nothing") == 2
    assert run("compact", "--data-dir", hand.root) == 0
    assert run("status", "--data-dir", hand.root) == 0
    paths = [path for path, _, _ in hook.got]
    assert paths == ["/s3cret/start", "/s3cret", "/s3cret/start", "/s3cret/fail"]
    failure = heard(hook)[-1]
    assert (failure["event"], failure["exit_code"]) == ("failure", 2)
    assert failure["problem"] == "a setting or an argument cannot be used"
    assert failure["text"].endswith("failed with exit code 2: a setting or an argument cannot be used.")


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        (None, 500, "it answers with HTTP 500"),
        (None, 302, "it answers with a redirect (HTTP 302), which is not followed"),
        ("http://127.0.0.1:1/s3cret", 200, "no connection"),
        ("http://hooks.example.com/s3cret", 200, "it is plain http to another machine"),
        ("https://127.0.0.1:1/s3cret", 200, "no connection"),
    ],
)
def test_a_server_that_does_not_help(hook, tmp_path, monkeypatch, capsys, url, status, said):
    """It costs one line on stderr, without the address, and never the exit code."""
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1)])
    hook.status = status
    monkeypatch.setenv("VOXLAKE_NOTIFY_URL", url or hook.url)
    assert run("publish", "--data-dir", hand.root) == 0
    told = capsys.readouterr().err
    assert told.count("The address in [notify] was not notified: ") == 1
    assert said in told
    assert "s3cret" not in told
    assert len(hook.got) == (0 if url else 2)


def test_a_server_that_does_not_answer(hook, capsys, monkeypatch):
    """Nobody waits for it longer than a few seconds in all."""
    hook.slow = 600
    monkeypatch.setenv("VOXLAKE_NOTIFY_URL", hook.url)
    settings = click.command()(settings_options()(lambda settings: settings)).main([], standalone_mode=False)
    notifier = Notifier(settings, "export", seconds=0.2)
    notifier.begin()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    notifier.end(RecordedRun(started_at=at, finished_at=at, command="export", exit_code=0, seconds=1.0, version="9"))
    assert capsys.readouterr().err.count("The address in [notify] was not notified: ") == 1
