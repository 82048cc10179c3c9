"""`voxlake shell`: ask the database interactively, in DuckDB's own shell or in a small prompt."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
import duckdb

from voxlake.cli.answer import say_gaps
from voxlake.cli.examples import examples
from voxlake.cli.options import DATA
from voxlake.cli.output import give, say, screen
from voxlake.cli.settings import settings_options
from voxlake.errors import SettingsError
from voxlake.reporting import load_saved_queries, query_text, report_macros
from voxlake.sql import interrupt_queries
from voxlake.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from voxlake.cli.settings import Settings

MOST = 1000
"""Rows that the small prompt shows of an answer."""
HELP = (
    "A statement ends with a semicolon. SHOW TABLES; lists tables and views, DESCRIBE messages; describes one.\n"
    "Reports are table macros, such as FROM report_daily(since := DATE '2026-01-01'); and .reports lists them.\n"
    f"At most {MOST:,} rows of an answer are shown; 'voxlake query' has them all. End with .quit or Ctrl-D."
)
_READY, _MORE = "voxlake> ", "    ...> "


@click.command(
    epilog=examples(
        "voxlake shell",
        "voxlake shell --plain --data-dir data",
    )
)
@click.option("--plain", is_flag=True, help="The small prompt, also where DuckDB's own shell is installed.")
@settings_options(*DATA, "reports_dir")
def shell(settings: Settings, *, plain: bool) -> None:
    """Ask the database interactively, read-only.

    It is DuckDB's own shell where that is installed (pip install duckdb-cli), else a small prompt.

    Every report is there as a table macro, such as report_daily(since := DATE '2026-01-01').
    """
    macros = report_macros(load_saved_queries(settings.reports_dir).values())
    warehouse = Warehouse(settings.data_dir)
    program = None if plain else _program()
    if program is not None:
        # Whatever keeps a reader out is said in voxlake's words.
        with warehouse.reader() as connection:
            say_gaps(connection, settings)
        sys.exit(_run(program, warehouse.path, macros.values()))
    with warehouse.reader() as connection:
        if sys.stdin.isatty():
            say_gaps(connection, settings)
        for statement in macros.values():
            with suppress(duckdb.Error):
                connection.execute(statement)
        _prompt(connection, macros)


def _program() -> str | None:
    """Return the path of DuckDB's own shell: on the PATH, or where voxlake is installed; None where there is none."""
    return shutil.which("duckdb") or shutil.which("duckdb", path=str(Path(sys.executable).parent))


def _run(program: str, database: Path, statements: Iterable[str]) -> int:
    """Run DuckDB's shell on a database, read-only, and return its exit code; Ctrl-C is its own."""
    begin = "\n".join(["SET TimeZone = 'UTC';", *statements, ""])
    with tempfile.NamedTemporaryFile("w", prefix="voxlake-", suffix=".sql", encoding="utf-8") as file, _left_to_it():
        file.write(begin)
        file.flush()
        # With -init, the user's own ~/.duckdbrc would not be read.
        command = [program, "-readonly", "-cmd", f".read '{file.name}'", str(database)]
        return subprocess.run(command, check=False).returncode


@contextmanager
def _left_to_it() -> Iterator[None]:
    """Leave Ctrl-C to a program that is run meanwhile."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _prompt(connection: duckdb.DuckDBPyConnection, macros: Mapping[str, str]) -> None:
    """Answer statement after statement; what comes from a file or a pipe ends with the first one that fails."""
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        with suppress(ImportError):
            import readline  # noqa: F401, PLC0415 - lines can be edited once it is imported, where there is one
        say(f"DuckDB {duckdb.__version__}, read-only. .help helps, .quit ends.")
    with _interrupting():
        for statement in _statements(_typed if is_terminal else _piped):
            if statement in (".quit", ".exit"):
                return
            try:
                _answer(connection, statement, macros)
            except SettingsError as error:
                if not is_terminal:
                    raise
                say(f"voxlake: {error}")
            except (KeyboardInterrupt, RuntimeError):
                if not is_terminal:
                    raise
                say("The query was stopped.")


def _answer(connection: duckdb.DuckDBPyConnection, statement: str, macros: Mapping[str, str]) -> None:
    if statement == ".help":
        give(HELP)
    elif statement == ".reports":
        give("\n".join(macros))
    elif statement == ".tables":
        give(query_text(connection, "SHOW TABLES", {}, form="table", limit=None, screen=screen()), nl=False)
    elif statement.startswith("."):
        raise SettingsError(
            f"There is no command {statement.split(maxsplit=1)[0]!r}: use .help, .reports, .tables or .quit."
        )
    else:
        give(query_text(connection, statement, {}, form="table", limit=MOST, screen=screen()), nl=False)


def _statements(read: Callable[[str], str | None]) -> Iterator[str]:
    """Yield commands, which are a line that begins with a dot, and statements, which end with a semicolon.

    `read` returns the next line for a prompt, and None after the last one.
    """
    begun = ""
    while (line := read(_MORE if begun else _READY)) is not None:
        if not begun and (not line.strip() or line.startswith(".")):
            if line.strip():
                yield line.strip()
            continue
        begun += f"{line.rstrip()}\n"
        if line.rstrip().endswith(";") and is_whole(begun):
            yield begun
            begun = ""
    if begun:
        yield begun


def is_whole(sql: str) -> bool:
    """Whether a text that ends with a semicolon is a statement, and not within a string or a comment of one."""
    try:
        duckdb.extract_statements(sql)
    except duckdb.ParserException as error:
        return "unterminated" not in str(error)
    return True


def _typed(prompt: str) -> str | None:
    """Return a line that is typed; Ctrl-C begins it anew."""
    while True:
        try:
            return input(prompt)
        except EOFError:
            say("")
            return None
        except KeyboardInterrupt:
            say("")


def _piped(_prompt: str) -> str | None:
    """Return a line from a file or a pipe."""
    return sys.stdin.readline() or None


@contextmanager
def _interrupting() -> Iterator[None]:
    """Make Ctrl-C end the query that runs, or the line that is typed, and not the prompt."""

    def stop(_number: int, _frame: object) -> None:
        interrupt_queries()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
