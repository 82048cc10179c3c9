"""The wheel is the product: it works without the checkout and without anything that only developers have."""

import subprocess
import sys
import venv
import zipfile

import pytest
from support.paths import ROOT

from voxlake.sql import promise, statements

KINDS = ("tables", "macros", "views", "reports", "checks", "warnings", "dashboard")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_wheel_has_the_sql_of_the_tree(wheel):
    """Every statement of the tree travels in the wheel, and no other."""
    tree = {f"voxlake/sql/{path.relative_to(ROOT / 'sql')}" for path in (ROOT / "sql").rglob("*.sql")}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("voxlake/sql/")}
    assert tree == packed


def test_wheel_has_the_style_sheet(wheel):
    """What the code reads beside itself travels with it."""
    tree = {str(path.relative_to(ROOT / "pipelines")) for path in (ROOT / "pipelines").rglob("*.css")}
    assert tree
    assert tree <= set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.system_clock
def test_wheel_works_in_an_empty_environment(wheel, tmp_path):
    """Installed into an empty environment, with nothing but its own dependencies, the wheel exports from elsewhere."""
    home = tmp_path / "env"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([*install, "-r", ROOT / "requirements.lock", wheel], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [home / "bin" / "voxlake", "sandbox", "run", "--rows", "500", "--days", "5", "--"]
    done = subprocess.run(
        [*command, home / "bin" / "voxlake", "export"], cwd=elsewhere, check=True, capture_output=True, text=True
    )
    assert "verified" in done.stderr
    ask = [home / "bin" / "voxlake", "query", "SELECT count(*) AS n FROM messages", "--format", "csv"]
    assert subprocess.run(ask, cwd=elsewhere, check=True, capture_output=True, text=True).stdout == "n\n500\n"


@pytest.mark.parametrize("kind", KINDS)
def test_statements_promise(kind):
    """Every statement stands alone in its file, under a comment that says what it promises."""
    assert statements(kind)
    for name, statement in statements(kind).items():
        assert statement.startswith("-- "), name
        assert promise(statement).endswith("."), name
        assert statement.count(";") == 1, name
        assert statement.endswith(";\n"), name


def test_lock_files_name_no_host():
    """The lock files hold exact versions and nothing of the machine that wrote them."""
    for path in ROOT.glob("requirements*.lock"):
        lines = path.read_text().splitlines()
        assert lines
        assert all("==" in line and "//" not in line and "@" not in line for line in lines), path
