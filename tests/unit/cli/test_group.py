"""Commands are loaded when they are called, and the table that stands for them says what they say."""

import click
import pytest
from support.clock import CLOCK

from voxlake.cli import TABLE, commands


@pytest.mark.parametrize("name", TABLE)
def test_the_table_is_true(name):
    """The help of `voxlake` shows of each command what its own help begins with."""
    command = commands.get_command(click.Context(commands), name)
    assert command.name == name
    assert command.get_short_help_str(limit=200) == click.Command(name, help=TABLE[name][1]).get_short_help_str(
        limit=200
    )
    assert TABLE[name][1].rstrip(".") in " ".join(command.help.split())


def test_no_such_command(capsys):
    """A name that stands in no table is a mistake on the command line."""
    assert commands.main(["frob"], standalone_mode=False, prog_name="voxlake") == 2
    assert "'frob'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["reprot"], "No such command 'reprot' (did you mean 'report'?); see 'voxlake --help'."),
        (["sms", "nubmers"], "No such command 'nubmers' (did you mean 'numbers'?); see 'voxlake sms --help'."),
        (["report", "dialy"], "There is no report 'dialy' (did you mean 'daily'?): 'voxlake report' lists them."),
        (["report", "daily", "--format", "jsno"], "(did you mean 'json'?); see 'voxlake report --help'."),
        (["export", "smss"], "(did you mean 'sms'?); see 'voxlake export --help'."),
        (["export", "--output", "cvs"], "--output is 'cvs' (did you mean 'csv'?): use json or csv."),
        (["report", "xyzzy"], "There is no report 'xyzzy': use "),
        (["report", "daily", "yesterday"], "voxlake: DAY 'yesterday' is not a UTC day: use YYYY-MM-DD"),
        (["report", "daily", "--limit", "x"], "Invalid value for '--limit': 'x' is not a whole number; see"),
        (["--data-dir", "x", "status"], "No such option '--data-dir' before a command: write options after it; see"),
    ],
)
def test_what_was_nearly_named(capsys, arguments, near):
    """Who mistypes a name, a report, a format or a stream reads what was meant."""
    assert commands.main(arguments, standalone_mode=False, prog_name="voxlake", obj=CLOCK) == 2
    assert near in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "near"),
    [
        ('data-dir = "x"', "has no setting 'data-dir' (did you mean 'data_dir'?): use data_dir, "),
        ("Jobs = 3", "has no setting 'Jobs' (did you mean 'jobs'?): use "),
        ('[account.main]\ncredentials = "x"', "has no setting 'account' (did you mean 'accounts'?): use "),
    ],
)
def test_what_was_nearly_set(capsys, monkeypatch, tmp_path, content, near):
    """A setting that is nearly one of the file's is named with the one that was meant."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "voxlake.toml").write_text(content)
    assert commands.main(["status"], standalone_mode=False, prog_name="voxlake", obj=CLOCK) == 2
    assert near in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["report", "daily"], ["query", "SELECT 1"], ["report"]])
def test_more_rows_than_there_can_be(capsys, arguments):
    """A limit that no machine can count to is a mistake on the command line."""
    arguments = [*arguments, "--limit", "9" * 20]
    assert commands.main(arguments, standalone_mode=False, prog_name="voxlake", obj=CLOCK) == 2
    assert "'--limit'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "of", "told"),
    [
        (2**63, "variable", "VOXIMPLANT_ACCOUNT_ID is not the number of an account"),
        ("9" * 5000, "variable", "VOXIMPLANT_ACCOUNT_ID is not the number of an account"),
        (2**63, "account_id", "account_id of [accounts.shop] in voxlake.toml is not the number of an account"),
        (2**63, "children", "children of [accounts.shop] in voxlake.toml must be"),
        (10**20, "jobs", "jobs in voxlake.toml is 100000000000000000000: give a whole number from 1 to 1000"),
        ("1e999", "settle_hours", "settle_hours in voxlake.toml is inf: give a whole number from 0 to 87600"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_numbers_that_nothing_can_hold(capsys, monkeypatch, tmp_path, number, of, told):
    """A number of an account, or of a setting, that is too large for what has to hold it is one sentence."""
    monkeypatch.chdir(tmp_path)
    main = '[accounts.main]\ncredentials = "c.json"\n[accounts.shop]\nparent = "main"\n'
    if of == "variable":
        monkeypatch.setenv("VOXIMPLANT_ACCOUNT_ID", str(number))
        monkeypatch.setenv("VOXIMPLANT_API_KEY", "key")
    elif of == "children":
        (tmp_path / "voxlake.toml").write_text(f"{main}children = [1, {number}]\n")
    else:
        (tmp_path / "voxlake.toml").write_text(f"{main if of == 'account_id' else ''}{of} = {number}\n")
    assert commands.main(["export", "--dry-run"], standalone_mode=False, prog_name="voxlake", obj=CLOCK) == 2
    assert told in capsys.readouterr().err
