"""What a user meets: exit codes, one sentence, no traceback, no secret."""

import fcntl
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.clock import CLOCK
from support.dates import days_ago
from support.paths import DOCS
from support.program import PROGRAM

from voxlake.cli import TABLE
from voxlake.errors import AlreadyRunning, SettingsError
from voxlake.lake import Lake

VOXLAKE = str(Path(sys.executable).parent / "voxlake")


def sentence(done):
    """Return what the command said on stderr, which must be one sentence."""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(("voxlake: ", "error: "))]
    return line


@pytest.mark.dateless
@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["export"], "VOXIMPLANT_CREDENTIALS"),
        (["export", "--credentials", "nowhere.json"], "nowhere.json"),
        (["export", "--since", "tomorrow"], "--since"),
        (["export", "--since", "2026-01-02", "--until", "2026-01-02"], "--until"),
        (["backfill", "--from", "2026-01-02", "--to", "2026-01-01"], "--to"),
        (["backfill", "--from", "2999-01-01", "--to", "2999-02-01"], "--from"),
        (["backfill", "--from", "0999-01-01", "--to", "2026-01-05"], "--from"),
        (["export", "--jobs", "0"], "--jobs"),
        (["export", "--output", "xml"], "--output"),
        (["publish"], "voxlake export"),
        (["query", "SELECT 1"], "voxlake export"),
        (["report", "nothing"], "daily"),
        (["sandbox", "run", "--", "no-such-command"], "no-such-command"),
        (["sandbox", "run", "--switch", "order=up", "--", "true"], "order"),
    ],
)
def test_bad_input(voxlake, arguments, names):
    """What cannot be used is answered with one sentence that names it, and exit code 2."""
    done = voxlake(*arguments, code=2)
    assert names in sentence(done)
    assert done.stdout == ""


@pytest.mark.dateless
@pytest.mark.parametrize("arguments", ["export mms", "export --sinc x", "frob", "backfill", "--frob", "sms frob"])
def test_usage(voxlake, arguments):
    """A wrong command line ends with 2, and one sentence that names the help."""
    (line,) = voxlake(*arguments.split(), code=2).stderr.splitlines()
    assert line.startswith("voxlake: ")
    assert line.endswith("--help'.")


def test_wrong_credentials(sandbox, voxlake):
    """A key that the API does not know ends at once with 3, and what to check."""
    server = sandbox()
    env = {
        "VOXIMPLANT_ACCOUNT_ID": str(server.account_id),
        "VOXIMPLANT_API_KEY": "s3cret-key",
        "VOXIMPLANT_API_URL": server.url,
    }
    done = voxlake("export", env=env, code=3)
    assert "check the credentials" in done.stderr
    assert "sms: none of 31 days could be read" in done.stderr
    assert "s3cret-key" not in done.stderr
    assert len(server.requests) <= 2


def test_legacy_pair(sandbox, voxlake):
    """The legacy pair works, and its key is in no file."""
    server = sandbox()
    env = {
        "VOXIMPLANT_ACCOUNT_ID": str(server.account_id),
        "VOXIMPLANT_API_KEY": server.api_key,
        "VOXIMPLANT_API_URL": server.url,
    }
    voxlake("export", env=env)
    for path in (voxlake.folder / "data").rglob("*"):
        assert not path.is_file() or server.api_key.encode() not in path.read_bytes()


def test_roles_of_the_sandbox(voxlake):
    """A service account of one's own choice rehearses a missing role; a role that there is not is said."""
    export = (*PROGRAM, "export", "--since", str(days_ago(1)))
    done = voxlake("sandbox", "run", "--rows", "50", "--days", "2", "--role", "Supervisor", "--", *export, code=3)
    assert "Owner, Admin, CallsSMS" in done.stderr
    assert "Supervisor" in sentence(voxlake("sandbox", "run", "--role", "Boss", "--", "true", code=2))


def test_missing_role(sandbox, voxlake):
    """Where one stream's role is missing, the other is exported, and the roles are named."""
    server = sandbox()
    env = {
        "VOXIMPLANT_CREDENTIALS": str(server.credentials_for(roles=["Supervisor"])),
        "VOXIMPLANT_API_URL": server.url,
    }
    done = voxlake("export", env=env, code=3)
    assert "Owner, Admin, CallsSMS" in done.stderr
    sms, a2p = json.loads(voxlake("status", "--format", "json").stdout)["streams"]
    assert (sms["unverified"], a2p["unverified"]) == (0, 31)
    assert "Owner, Admin, CallsSMS" in a2p["unverified_days"][str(days_ago(0))]
    covered = "SELECT DISTINCT stream, verified, total_count IS NULL AS nothing FROM coverage ORDER BY stream"
    assert json.loads(voxlake("query", covered, "--format", "json").stdout) == [
        {"stream": "a2p", "verified": False, "nothing": True},
        {"stream": "sms", "verified": True, "nothing": False},
    ]
    answer = voxlake("query", "SELECT count(*) > 0 AS some FROM sms_history", "--format", "json").stdout
    assert json.loads(answer) == [{"some": True}]


def test_days_that_cannot_be_read_are_named(sandbox, voxlake):
    """Where the API gives no usable answer, coverage and status name every day that was asked for; later it heals."""
    server = sandbox(rows=300, days=3, faults="html=1")
    span = ("--from", days_ago(3), "--to", days_ago(0))
    done = voxlake("backfill", *span, "--patience", "0", server=server, code=75)
    assert "sms: none of 3 days could be read" in done.stderr
    for stream in json.loads(voxlake("status", "--format", "json").stdout)["streams"]:
        assert list(stream["unverified_days"]) == [str(days_ago(n)) for n in (3, 2, 1)]
    count = "SELECT count(*) AS n FROM coverage WHERE NOT verified AND total_count IS NULL"
    assert json.loads(voxlake("query", count, "--format", "json").stdout) == [{"n": 6}]
    server.faults.rates.clear()
    assert "180 new" in voxlake("backfill", *span, server=server).stderr
    assert json.loads(voxlake("query", count, "--format", "json").stdout) == [{"n": 0}]


def test_nested_credentials(sandbox, voxlake):
    """The file of the Go SDK, nested under `result`, works too."""
    server = sandbox()
    nested = voxlake.folder / "nested.json"
    nested.write_text(json.dumps({"result": json.loads(server.credentials.read_text())}))
    voxlake("export", "--credentials", nested, "--api-url", server.url)


@pytest.mark.dateless
@pytest.mark.parametrize("content", ["", "[]", "{}", '{"account_id": 1, "key_id": "k", "private_key": "s3cret"}'])
def test_bad_credentials_file(voxlake, content):
    """A file that is no credentials file is named, and not quoted."""
    (voxlake.folder / "bad.json").write_text(content)
    done = voxlake("export", "--credentials", "bad.json", code=2)
    assert "credentials file" in done.stderr
    assert "s3cret" not in done.stderr


@pytest.mark.dateless
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"key_id": None}, "lacks key_id:"),
        ({"key_id": "", "private_key": None}, "lacks key_id and private_key:"),
        ({"account_id": "mine"}, "account_id in the credentials file bad.json is not a number"),
        ({"account_id": [1]}, "account_id in the credentials file bad.json is not a number"),
        ({"private_key": "EC"}, "not an RSA key"),
    ],
)
def test_credentials_that_lack_something(sandbox, voxlake, change, told):
    """What is wrong in a credentials file is named, also a key of another kind."""
    server = sandbox()
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()  # fmt: skip
    content = json.loads(server.credentials.read_text()) | change
    if content["private_key"] == "EC":
        content["private_key"] = key
    bad = voxlake.folder / "bad.json"
    bad.touch(mode=0o600)
    bad.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    assert told in sentence(voxlake("export", "--credentials", "bad.json", "--api-url", server.url, code=2))


def test_locked(sandbox, voxlake):
    """A second run on the same data ends with 75 and names the holder; a dead one's lock does not block."""
    server = sandbox()
    data = voxlake.folder / "data"
    data.mkdir()
    with (data / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 4711 on there")
        lock.flush()
        for command in ("export", "publish", "audit"):
            assert "process 4711 on there" in sentence(voxlake(command, server=server, code=75))
    voxlake("export", server=server)


@pytest.mark.dateless
def test_a_run_beside_somebody_who_looks(tmp_path):
    """A command that finds an empty lake looks whether a run is at work, and is in no run's way."""
    stop, looks = threading.Event(), []

    def look():
        while not stop.is_set():
            with pytest.raises((SettingsError, AlreadyRunning)):
                Lake(tmp_path).require()
            looks.append(1)

    with ThreadPoolExecutor(2) as pool:
        watching = [pool.submit(look) for _ in range(2)]
        try:
            for n in range(300):
                with Lake(tmp_path).locked(holder=str(n)):
                    pass
        finally:
            stop.set()
    assert [done.result() for done in watching] == [None, None]
    assert looks


@pytest.mark.dateless
def test_no_network(voxlake, sandbox):
    """Without a server the run ends with 75; the patience is that of the client."""
    server = sandbox()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        env = {"VOXLAKE_PATIENCE": "1", "VOXIMPLANT_CREDENTIALS": str(server.credentials), "VOXIMPLANT_API_URL": url}
        done = voxlake("export", env=env, code=75)
    assert "no connection" in done.stderr


@pytest.mark.slow
def test_read_only_folder(sandbox, voxlake):
    """A data directory that lies in a file is said in one sentence that names the file."""
    (voxlake.folder / "file").write_text("")
    told = sentence(voxlake("export", "--data-dir", "file/data", server=sandbox(), code=2))
    assert told.startswith("voxlake: file is a file, not a folder")


@pytest.mark.dateless
@pytest.mark.parametrize("command", ["export", "publish", "status", "report daily", "query SELECT"])
def test_a_file_for_a_data_directory(sandbox, voxlake, command):
    """Every command says of a file that it is no folder, also those that only look."""
    (voxlake.folder / "file").write_text("ours")
    told = sentence(voxlake(*command.split(), "--data-dir", "file", server=sandbox(rows=0), code=2))
    assert "file is a file, not a folder" in told
    assert (voxlake.folder / "file").read_text() == "ours"


@pytest.mark.dateless
@pytest.mark.parametrize("command", ["publish", "audit", "report daily", "replay"])
def test_nothing_there_yet(sandbox, voxlake, command):
    """An empty data directory is like none: it is said to be, and nothing is put into it."""
    server = sandbox(rows=0)
    missing = sentence(voxlake(*command.split(), server=server, code=2))
    assert not (voxlake.folder / "data").exists()
    (voxlake.folder / "data").mkdir()
    assert sentence(voxlake(*command.split(), server=server, code=2)) == missing
    assert not list((voxlake.folder / "data").iterdir())
    assert "voxlake export" in missing


def test_publish_rebuilds(sandbox, voxlake):
    """The database can be thrown away and made again from the lake."""
    voxlake("export", "--since", days_ago(12), server=sandbox())
    count = voxlake("query", "SELECT count(*) FROM messages", "--format", "csv").stdout
    (voxlake.folder / "data" / "voxlake.duckdb").unlink()
    voxlake("publish")
    assert count == voxlake("query", "SELECT count(*) FROM messages", "--format", "csv").stdout


def test_query_is_read_only(sandbox, voxlake):
    """No query changes the database."""
    voxlake("export", server=sandbox())
    assert "read-only" in sentence(voxlake("query", "DELETE FROM sms_history", code=2))


def test_time_zone_of_the_machine(sandbox, voxlake):
    """The machine's own zone moves no day."""
    server = sandbox()
    answers = set()
    for zone in ("UTC", "Pacific/Kiritimati", "America/Los_Angeles"):
        voxlake(
            "export", "--since", days_ago(12), "--data-dir", zone.replace("/", "-"), server=server, env={"TZ": zone}
        )
        query = "SELECT min(processed_at), max(processed_at), max(date), count(DISTINCT date) FROM messages"
        answers.add(voxlake("query", query, "--data-dir", zone.replace("/", "-"), env={"TZ": zone}).stdout)
    assert len(answers) == 1


def test_sandbox_run_ends_with_the_commands_code(voxlake):
    """`sandbox run` sets the variables, and ends as its command does."""
    done = voxlake(
        "sandbox",
        "run",
        "--rows",
        10,
        "--",
        "sh",
        "-c",
        'test -f "$VOXIMPLANT_CREDENTIALS" && echo $VOXIMPLANT_API_URL; exit 7',
        code=7,
    )
    assert done.stdout.startswith("http://127.0.0.1:")


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sandbox_run_that_is_stopped_early(tmp_path, number):
    """Stopped at any moment, also before its command has begun, `sandbox run` leaves no key and no process behind."""
    command = [VOXLAKE, "sandbox", "run", "--rows", "10", "--", "sleep", "60"]
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environ) as run:
        # Python looks for a place with a file of its own, which is not ours to remove.
        while not list(tmp_path.glob("voxlake*")):
            assert run.poll() is None
        run.send_signal(number)
        run.communicate(timeout=30)
    assert run.returncode == 128 + number
    assert not list(tmp_path.iterdir())


@pytest.mark.sample(1)
@pytest.mark.dateless
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sandbox_serve(voxlake, number):
    """`sandbox serve` prints its URL and a ready credentials file, and ends cleanly on a signal."""
    command = [*PROGRAM, "sandbox", "serve", "--rows", "100", "--days", "3"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=dict(os.environ)
    ) as server:
        # As a shell reads what is pasted into it.
        lines = [shlex.split(server.stdout.readline()) for _ in range(3)]
        assert {line[0] for line in lines} == {"export"}
        env = dict(line[1].split("=", 1) for line in lines)
        voxlake("export", env=env)
        server.send_signal(number)
        assert server.wait(20) == 0
    assert not Path(env["VOXIMPLANT_CREDENTIALS"]).exists()


def test_schema_needs_no_data(voxlake):
    """`voxlake schema` prints the page about the database, wherever it runs."""
    assert voxlake("schema").stdout == (DOCS / "schema.md").read_text()


def test_the_command_takes_the_time_from_its_clock(voxlake):
    """What has not come yet is judged by the clock that was handed in."""
    tomorrow = CLOCK.now().date() + timedelta(days=1)
    told = voxlake("export", "--since", tomorrow, code=2).stderr
    assert f"{tomorrow} is in the future: the last UTC day is {CLOCK.now().date()}." in told


def test_help_needs_no_library():
    """Help and version import no command, and none of the libraries that the commands need."""
    script = (
        "import sys\n"
        "from voxlake.cli import commands\n"
        "for flag in ('--help', '--version'):\n"
        "    commands.main([flag], prog_name='voxlake', standalone_mode=False)\n"
        "heavy = {'duckdb', 'pandas', 'pyarrow', 'requests', 'numpy', 'altair', 'simplejson', 'cryptography'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert all(f"\n  {name} " in done.stdout for name in TABLE)


def test_who_only_reads_speaks_no_http():
    """Reports and queries, of the command line and of a program, import nothing that speaks to the API or signs."""
    script = (
        "import sys, voxlake.cli.query, voxlake.cli.report, voxlake.library.database\n"
        "print(sorted({'requests', 'urllib3', 'jwt', 'cryptography', 'pandas'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
