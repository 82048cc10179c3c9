"""Every help has an example, and every example is a command line that the command understands."""

import shlex

import click
import pytest
from support.clock import CLOCK

from voxlake.cli import commands
from voxlake.errors import SettingsError

NOT_HERE = "does not exist"
"""What is said of files that an example names."""


def every(command=commands, path=("voxlake",), parent=None):
    """Yield each command with the words that call it, groups included."""
    yield path, command
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=path[-1], parent=parent)
        for name in command.list_commands(ctx):
            yield from every(command.get_command(ctx, name), (*path, name), ctx)


EVERY = {" ".join(path): command for path, command in every()}


def examples(command):
    """Return the command lines below the options of a help."""
    text = click.Context(command, info_name="x").get_help() if command.epilog is None else command.epilog
    _, _, below = text.partition("Examples:\n")
    return [line.strip() for line in below.splitlines()]


def words_of(line):
    """Return what follows `voxlake` in an example, without what is the shell's."""
    line = line.removeprefix('eval "$(').removesuffix(')"')
    words = shlex.split(line, comments=True)
    assert words[0] == "voxlake"
    end = next((n for n, word in enumerate(words) if word in {"<", ">", "|", "&&"}), len(words))
    return words[1:end]


def parse(command, words, path=("voxlake",), parent=None):
    """Parse words as the program does, and return the path of the command that they call; nothing is run."""
    ctx = command.make_context(path[-1], list(words), parent=parent, obj=CLOCK)
    if isinstance(command, click.Group):
        name, below, rest = command.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
        return parse(below, rest, (*path, name), ctx)
    return path


def called(line):
    """Return the path of the command that an example calls; of a file that is not here, what the line says."""
    try:
        return " ".join(parse(commands, words_of(line)))
    except (click.UsageError, SettingsError) as error:
        if NOT_HERE not in str(error):
            raise
        return line


@pytest.mark.parametrize("name", EVERY)
def test_examples(name, tmp_path, monkeypatch):
    """A help shows at least one line that calls the command, or one below it; options and values are right."""
    monkeypatch.chdir(tmp_path)
    lines = examples(EVERY[name])
    assert lines
    assert "Examples:" in EVERY[name].get_help(click.Context(EVERY[name], info_name=name))
    for line in lines:
        assert called(line).startswith(name), line


def test_a_wrong_example_is_found():
    """The parser of this test is strict."""
    for line in ("voxlake export --frob", "voxlake report daily --format xml", "voxlake nothing", "voxlake backfill"):
        with pytest.raises((click.UsageError, click.exceptions.Exit)):
            parse(commands, words_of(line))
