"""`-v` and `--log-format`: the log on stderr, wherever they stand."""

import json
from pathlib import Path

import click
import pytest
from support.contexts import StandingClock, noon

from voxlake.cli.log import log_is_shown
from voxlake.cli.settings import settings_options
from voxlake.cli.verbosity import log_format_option, verbose_option
from voxlake.errors import SettingsError
from voxlake.events import LOGGER, Emitter, Kind

CLOCK = StandingClock(noon(2026, 3, 10))


@click.group()
@log_format_option
@verbose_option
def program():
    """Stand for `voxlake`."""


@program.command()
@settings_options("log_format")
def work(settings):
    """Tell three things."""
    emitter = Emitter(CLOCK)
    emitter.emit(Kind.REQUEST, "a detail", status=200)
    emitter.emit(Kind.SPLIT, "a step", pieces=2)
    emitter.emit(Kind.RETRY, "trouble")
    if settings.jobs == 1:
        LOGGER.warning("A listener raised.")
    click.echo(f"bar: {not log_is_shown()}")


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Return a function that runs the program and returns stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        program.main(arguments, standalone_mode=False)
        return capsys.readouterr()

    return run


STEP = "2026-03-10T12:00:00.000Z INFO    a step\n2026-03-10T12:00:00.000Z WARNING trouble\n"


def test_silent(run):
    """Without a flag there is no log, and a progress bar may be drawn."""
    assert run("work") == ("bar: True\n", "")


@pytest.mark.parametrize("arguments", [("work", "-v"), ("-v", "work"), ("work", "--log-format", "text")])
def test_one_v(run, arguments):
    """One -v, or a format alone, shows steps and warnings with their times, and no bar."""
    assert run(*arguments) == ("bar: False\n", STEP)


@pytest.mark.parametrize("arguments", [("work", "-vv"), ("-vv", "work"), ("-v", "work", "-v")])
def test_two(run, arguments):
    """Two, together or apart, show details as well."""
    assert run(*arguments).err == f"2026-03-10T12:00:00.000Z DEBUG   a detail\n{STEP}"


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (("work", "--log-format", "json"), {}),
        (("--log-format", "json", "work"), {}),
        (("--log-format", "json", "work"), {"VOXLAKE_LOG_FORMAT": "text"}),
        (("--log-format", "text", "work", "--log-format", "json"), {}),
        (("work", "-v"), {"VOXLAKE_LOG_FORMAT": "json"}),
        (("work",), {"VOXLAKE_LOG_FORMAT": "json"}),
    ],
)
def test_json(run, arguments, environ):
    """One object a line, by the flag behind the command, before it, the environment, in this order."""
    step, trouble = map(json.loads, run(*arguments, **environ).err.splitlines())
    assert trouble["message"] == "trouble"
    assert step == {
        "time": "2026-03-10T12:00:00.000Z",
        "level": "info",
        "kind": "split",
        "message": "a step",
        "account_id": None,
        "stream": None,
        "details": {"pieces": 2},
    }


def test_the_file(run):
    """The settings file can ask for the log, and a word that it does not know is named."""
    Path("voxlake.toml").write_text('log_format = "json"\n')
    assert run("work").err.startswith('{"time"')
    Path("voxlake.toml").write_text('log_format = "xml"\n')
    with pytest.raises(SettingsError, match=r"log_format in voxlake\.toml is 'xml': use text or json"):
        run("work")


def test_nothing_stays_behind(run):
    """After the command, logging is as it was before."""
    before = list(LOGGER.handlers), LOGGER.level
    run("work", "-vv")
    assert (LOGGER.handlers, LOGGER.level) == before


def test_records_without_an_event(run):
    """What the logger says beside events has lines of the same form."""
    assert run("work", "-v", VOXLAKE_JOBS="1").err.endswith("Z WARNING A listener raised.\n")
    line = json.loads(run("--log-format", "json", "work", VOXLAKE_JOBS="1").err.splitlines()[-1])
    assert (line["kind"], line["level"], line["message"]) == ("log", "warning", "A listener raised.")
