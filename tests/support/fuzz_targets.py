"""What `make fuzz` tries: each target draws one input and asserts what holds of every input.

A target fails by an exception that the program does not promise, by an assertion, by a crash of the interpreter, or by
taking longer than its turn.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
from hypothesis import strategies as st

from support.clock import CLOCK
from support.index import make_old
from support.lakes import ACCOUNT, FIRST, Hand, row
from voxlake.cli import commands, main
from voxlake.errors import VoxlakeError
from voxlake.lake import Lake, Manifest
from voxlake.model import DayKey, Window
from voxlake.transform import STREAMS, BrokenReplyError, decode_csv, normalise, page_of, pages_of_json, parse_json

# What readers of text trip over: signs that end, join, quote, escape or hide others.
_ODD = [
    "",
    "\0",
    "\x1b[2J",
    "\x85",
    "\ud800",
    "\u202e",
    "\ufeff",
    '"',
    '""',
    "\\",
    "\\u0000",
    ";",
    ",",
    "|",
    "\t",
    "\n",
]
_NUMBERS = [
    "0", "-1", "1.5", "1e5", "1e1000000", "-1e-1000000", "9" * 400, "9223372036854775808", "0x10", "NaN", "Infinity",
    "1,234", "1.234,56", "1 234", "+5", "00", "true", "null", '"7"', '"1,5"', "[]", "{}", "[[[[[[[[[]]]]]]]]]",
]  # fmt: skip
_TEXTS = st.one_of(st.sampled_from(_ODD), st.text(max_size=12), st.just("x" * 5000))
_VALUES = st.one_of(st.sampled_from(_NUMBERS), _TEXTS.map(json.dumps), _TEXTS.map(lambda text: f'"{text}"'))
_DATES = ["2026-03-10 12:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "2026-02-30 00:00:00", "2026-03-10"]

EVER = Window(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))


def _names(stream):
    return st.sampled_from([*stream.by_sent_name, "extra", "status", "result", "x"])


@st.composite
def _rows(draw, stream):
    """Draw the text of a JSON row: a usual one, with fields replaced, added or sent twice."""
    fields = {
        "message_id": str(draw(st.integers(1, 5))),
        "processed_date": json.dumps(draw(st.sampled_from(_DATES[:1] * 5 + _DATES))),
        "source_number": '"4930111222"',
        "cost": draw(st.sampled_from(["0.01", '"0,01"', "1"])),
        "fragments": "1",
    }
    pairs = list(fields.items()) + draw(st.lists(st.tuples(_names(stream), _VALUES), max_size=3))
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in draw(st.permutations(pairs))) + "}"


@st.composite
def _mangled(draw, body):
    """Draw what a connection, a proxy or a bad day makes of some bytes; mostly nothing."""
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 3]))):
        at = draw(st.integers(0, len(body)))
        end = draw(st.integers(at, min(len(body), at + 40)))
        body = body[:at] + draw(st.one_of(st.just(b""), st.just(body[at:end] * 2), st.binary(max_size=4))) + body[end:]
    return body


def replies(data):
    """Check that what the fast reader of JSON reads, the exact one reads alike, and that nothing else is raised."""
    stream = STREAMS[data.draw(st.sampled_from(sorted(STREAMS)))]
    rows = data.draw(st.lists(_rows(stream), max_size=4))
    total = data.draw(st.one_of(st.just(str(len(rows))), st.sampled_from(_NUMBERS)))
    text = f'{{"result": [{", ".join(rows)}], "total_count": {total}}}'
    body = data.draw(_mangled(text.encode(errors="surrogatepass")))
    fast = pages_of_json([body], stream)
    try:
        exact = page_of(parse_json(body), stream)
    except BrokenReplyError:
        assert fast is None, "the fast reader took what the exact one refuses"
        return
    normalise([exact.table], stream=stream, window=EVER)
    if fast is not None:
        assert fast[0].table.equals(exact.table)
        assert (fast[0].total, fast[0].rejects) == (exact.total, exact.rejects)


def csv_dialects(data):
    """Check that a csv reply is read, or refused as broken."""
    stream = STREAMS[data.draw(st.sampled_from(sorted(STREAMS)))]
    mark = data.draw(st.sampled_from([";", ",", "\t", "|", ":"]))
    names = ["message_id", "processed_date", *data.draw(st.lists(_names(stream), max_size=4))]
    quote = data.draw(st.sampled_from([lambda text: text, lambda text: f'"{text}"', json.dumps]))
    value = st.one_of(_TEXTS, st.sampled_from(_NUMBERS), st.sampled_from(_DATES)).map(quote)
    first = st.tuples(st.integers(1, 9).map(str), st.sampled_from(_DATES[:1] * 5 + _DATES))
    lines = data.draw(st.lists(st.tuples(first, st.lists(value, min_size=len(names) - 2, max_size=4)), max_size=4))
    ends = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    top = data.draw(st.sampled_from(["", "", "", "sep=;" + ends, "\ufeff"]))
    text = top + ends.join(mark.join(line) for line in [names, *([*head, *tail] for head, tail in lines)]) + ends
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8", "utf-16", "cp1251"]))
    body = data.draw(_mangled(text.encode(encoding, errors="replace")))
    with contextlib.suppress(BrokenReplyError):
        page = decode_csv(body, stream)
        normalise([page.table], stream=stream, window=EVER)


_TOML = st.recursive(
    st.one_of(_VALUES, st.sampled_from(['"json"', "4", "2026-01-01", "1.5", "inf", "''"])),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=4,
)
_SETTING_NAMES = ["data_dir", "api_url", "credentials", "output", "jobs", "patience", "timeout", "keep_raw", "x", "a.b"]


def settings(data):
    """Check that settings of a file and of the environment are taken, or refused in one sentence."""
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(_SETTING_NAMES), _TOML), max_size=3))
    text = "\n".join(f"{name} = {value}" for name, value in pairs).encode(errors="surrogatepass")
    variables = data.draw(
        st.dictionaries(
            st.sampled_from(["VOXLAKE_DATA_DIR", "VOXLAKE_JOBS", "VOXIMPLANT_API_URL", "VOXIMPLANT_ACCOUNT_ID"]),
            _TEXTS.filter(lambda text: "\0" not in text),
            max_size=2,
        )
    )
    with _folder() as folder:
        Path("voxlake.toml").write_bytes(data.draw(_mangled(text)))
        _run(["status", "--data-dir", str(folder / "data")], variables)


def command_lines(data):
    """Check that a command line ends in a documented exit code, with a sentence where something is wrong."""
    words = data.draw(st.lists(st.one_of(st.sampled_from(_words()), _TEXTS), max_size=6))
    arguments = [word for word in words if "\0" not in word]
    chosen = data.draw(st.sampled_from([name for name in commands.list_commands(None) if name != "sandbox"]))
    with _folder() as folder:
        _run([chosen, *(word for word in arguments if word != "sandbox")], {"VOXLAKE_DATA_DIR": str(folder / "data")})


def manifests(data):
    """Check that an index that says anything at all never costs a day."""
    with _folder() as folder:
        lake = _lake(folder)
        if data.draw(st.booleans()):
            path, stored = lake.layout.old_index, make_old(lake)
            good = path.read_bytes()
            for _ in range(data.draw(st.integers(0, 2))):
                _poke(data, stored)
            good = data.draw(st.sampled_from([good, json.dumps(stored).encode()]))
        else:
            path = lake.layout.index
            good = path.read_bytes()
        body = data.draw(_mangled(good))
        path.write_bytes(data.draw(st.sampled_from([body, body, b"[" * 100_000, b""])))
        with contextlib.suppress(VoxlakeError):
            manifest = Manifest(lake)
            assert {day_file.key for day_file in manifest} | set(manifest.damaged) == set(lake.day_keys())
            manifest.save()
            assert list(Manifest(lake)) == list(manifest)


def day_files(data):
    """Check that a day's file that is not what was written is damaged, or holds what its footer says."""
    with _folder() as folder:
        lake = _lake(folder)
        key = DayKey(ACCOUNT, "sms", FIRST)
        path = lake.path(key)
        path.write_bytes(data.draw(_mangled(path.read_bytes())))
        lake.layout.index.unlink()
        with contextlib.suppress(VoxlakeError):
            manifest = Manifest(lake)
            if key in manifest:
                lake.damage(manifest[key])
                rows = sum(table.num_rows for table in lake.read_rows(key))
                assert rows == manifest[key].row_count


TARGETS = {f.__name__: f for f in (replies, csv_dialects, settings, command_lines, manifests, day_files)}


def _poke(data, value):
    """Replace something deep inside what was parsed from JSON."""
    while isinstance(value, Mapping | list) and value:
        key = data.draw(st.sampled_from(sorted(value) if isinstance(value, Mapping) else range(len(value))))
        if not isinstance(value[key], Mapping | list) or data.draw(st.booleans()):
            value[key] = data.draw(st.sampled_from([None, [], {}, -1, 1e300, True, "", "x", "2026-01-01", [[]]]))
            return
        value = value[key]


@contextlib.contextmanager
def _folder():
    """Work in a folder that goes away."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="voxlake-fuzz-") as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def _lake(folder):
    """Write a lake of two days, with its index."""
    hand = Hand(folder)
    for n in (0, 1):
        hand.put(FIRST.replace(day=n + 1), [row(10 * n + m, FIRST.replace(day=n + 1)) for m in range(1, 4)])
    lake = Lake(folder)
    Manifest(lake).save()
    return lake


def _words():
    """List what command lines are made of: commands, options, and values of every kind."""
    found = {"--", "-", "-h", "1", "0", "2026-03-01", "csv", "json", "sms", "a2p", "daily", "SELECT 1", "--help", "=x"}
    context = click.Context(commands)
    pending = [commands.get_command(context, name) for name in commands.list_commands(context) if name != "sandbox"]
    while pending:
        command = pending.pop()
        found.update(option for parameter in command.params for option in parameter.opts)
        if isinstance(command, click.Group):
            found.update(command.commands)
            pending.extend(command.commands.values())
    return sorted(found)


def _run(arguments, variables):
    """Run a command in this process; its end must be one that is documented."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace") for _ in range(2))
    own = {"VOXIMPLANT_API_URL": "http://127.0.0.1:1", "VOXLAKE_PATIENCE": "0", "VOXLAKE_TIMEOUT": "5"}
    saved, saved_stdin = dict(os.environ), sys.stdin
    os.environ.update(own | {name: _plain(value) for name, value in variables.items()})
    sys.stdin = io.TextIOWrapper(io.BytesIO())
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main([_plain(argument) for argument in arguments], prog_name="voxlake", clock=CLOCK)
    except SystemExit as end:
        code = end.code or 0
    finally:
        os.environ.clear()
        os.environ.update(saved)
        sys.stdin = saved_stdin
    err.flush()
    said = err.buffer.getvalue().decode(errors="replace")
    assert "Traceback" not in said, said
    assert code in (0, 2, 3, 4, 75), (code, said)
    assert code == 0 or said.strip(), "an error without a sentence"


def _plain(text):
    """Make of any text one that an operating system can pass on."""
    return text.encode("utf-8", "surrogateescape" if text.isprintable() else "replace").decode("utf-8", "replace")
