"""What runs tell while they work: everything an operator wants to know, and nothing that is private."""

import json
import re
from datetime import date

import pytest
from support.clients import client
from support.contexts import running
from support.nights import with_faults

from voxlake.events import KINDS, Emitter
from voxlake.pipeline import DayRange, export
from voxlake.transform import SMS, STREAMS

NUMBERS = ("447946001122", "447946001123")
TEXT = "Nobody but us may read this."


@pytest.fixture
def night(tmp_path):
    """Start a server with faults that a client waits out."""
    night = with_faults(tmp_path, faults="reset=0.05,code-1=0.05,code-340=0.05,html=0.05,seed=3")
    with night.server:
        yield night


def private(server):
    """Return every number, text and id of the world, and every secret of the account."""
    for stream in STREAMS:
        for row in server.world.truth(stream):
            yield from (str(row["message_id"]), row["source_number"], row["destination_number"], row["text"])
    credentials = json.loads(server.credentials.read_text())
    yield from (server.api_key, credentials["private_key"], *credentials["private_key"].split("\n")[1:-2])
    yield from (TEXT, *NUMBERS)


@pytest.mark.slow
def test_nights_at_their_most_talkative(night, capfd):
    """The log of exports, an audit, a replay, a publish and a send has what it declares, and nothing private."""
    server, night.jobs = night.server, 4
    first, second, third, *_ = server.world.truth("sms")

    def change():
        server.world.remove("sms", first["message_id"])
        server.world.remove("sms", second["message_id"])
        server.world.insert("sms", third | {"message_id": 5_000_000_000_001})

    log = []
    for command in (
        ("export", "--keep-raw", "--since", "2026-03-08"),
        ("audit", "--pages", "2", "--seed", "1"),
        ("backfill", "sms", "--from", "2026-03-08", "--to", "2026-03-09"),
        ("backfill", "sms", "--from", "2026-03-08", "--to", "2026-03-09", "--force"),
        ("export",),
        ("publish",),
        ("replay", "--force"),
        ("sms", "a2p-send", "--from", "Sandbox", "--text", TEXT, "--to", *NUMBERS),
    ):
        if command[0] == "audit":
            change()
        night.run(*command, "-vv", "--log-format", "json")
        log += [line for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    events = [json.loads(line) for line in log]
    assert all(event["details"].keys() == set(KINDS[event["kind"]].details) for event in events)
    unheard = {"reread", "failed", "messages-moved", "days-doubted", "waiting", "compacted", "not-compacted"}
    assert KINDS.keys() - {event["kind"] for event in events} <= unheard
    reasons = {event["details"]["reason"] for event in events if event["kind"] == "retry"}
    assert reasons >= {"error 1", "error 340", "no connection", "the reply could not be read"}
    gone = [event["details"] for event in events if event["kind"] == "messages-gone"]
    assert gone == [{"day": "2026-03-08", "messages": 2, "kept": kept} for kept in (True, False)]
    runs = [event["details"]["run"] for event in events if event["kind"] == "run-ended"]
    assert runs == ["export", "audit", "export", "export", "export", "publish", "replay"]
    secrets = {secret for secret in private(server) if secret and len(secret) > 5}
    assert len(secrets) > 3_000
    text = "\n".join(log)
    assert not [secret for secret in secrets if secret in text]
    assert not re.search(r"eyJ|Bearer|BEGIN", text)


def test_a_listener_that_raises(night, tmp_path, caplog):
    """The export is what it would have been, other listeners hear all of it, and the log says it once."""
    heard = []

    def broken(_event):
        raise ZeroDivisionError

    history = client(night.server, night.clock, events=Emitter(night.clock, broken, heard.append))
    with running(history, tmp_path / "data", night.clock) as context:
        result = export(context, [SMS], DayRange(date(2026, 3, 8), date(2026, 3, 11)))
    assert (result.exit_code, result.streams[0].verified) == (0, 3)
    assert (heard[0].kind, heard[-1].kind) == ("run-started", "run-ended")
    assert [r.getMessage() for r in caplog.records if not hasattr(r, "event")] == [
        "A listener of events raised ZeroDivisionError; the run goes on."
    ]
