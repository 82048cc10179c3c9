"""Commands are loaded when they are called, and the table that stands for them says what they say."""

import click
import pytest

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
