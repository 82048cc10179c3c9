"""The wheel is the product: it works without the checkout and without anything that only developers have."""

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile

import pytest
from support.paths import ROOT

from voxlake import __version__
from voxlake.sql import promise, statements

KINDS = ("tables", "macros", "views", "reports", "checks", "warnings", "dashboard")


def build(source, kind, out):
    """Build a wheel or an sdist of a source tree, without network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return next(out.glob("*.whl" if kind == "wheel" else "*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel."""
    return build(ROOT, "wheel", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Build the sdist and unpack it."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(ROOT, "sdist", folder)) as archive:
        archive.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def test_wheel_has_the_files_of_the_tree(wheel):
    """Every module, statement, template, style sheet and marker of the tree travels in the wheel, and nothing else."""
    tree = {f"voxlake/sql/{path.relative_to(ROOT / 'sql')}" for path in (ROOT / "sql").rglob("*.sql")}
    sources = (ROOT / "pipelines").rglob("*")
    kinds = {".py", ".css", ".html", ".typed"}
    tree |= {str(path.relative_to(ROOT / "pipelines")) for path in sources if path.suffix in kinds}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert tree == packed
    assert all(any(name.endswith(kind) for name in packed) for kind in kinds)


def test_wheel_of_the_sdist(wheel, unpacked, tmp_path):
    """The sdist holds licence, tests and documentation, and the wheel that is built from it is the same wheel."""
    assert {"LICENSE", "README.md", "CHANGELOG.md", "tests", "docs", "Makefile"} <= {p.name for p in unpacked.iterdir()}
    ours, theirs = (
        {entry.filename: entry.CRC for entry in zipfile.ZipFile(path).infolist()}
        for path in (wheel, build(unpacked, "wheel", tmp_path))
    )
    assert ours == theirs


@pytest.mark.slow
@pytest.mark.system_clock
def test_wheel_works_in_an_empty_environment(wheel, tmp_path):
    """Installed from the lock file's hashes, and with no extra, the wheel exports and answers from elsewhere."""
    home = tmp_path / "env"
    venv.create(home, with_pip=True)
    install = [
        home / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    subprocess.run([*install, "--require-hashes", "-r", ROOT / "requirements.lock"], check=True)
    subprocess.run([*install, "--no-deps", "--no-index", wheel], check=True)
    subprocess.run([home / "bin" / "python", "-m", "pip", "check"], check=True, capture_output=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    # Each start would compile its libraries anew.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def voxlake(*arguments, code=0):
        command = [home / "bin" / "voxlake", *arguments]
        done = subprocess.run(command, cwd=elsewhere, env=environ, check=False, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done

    assert voxlake("--version").stdout == f"voxlake {__version__}\n"
    run = ["sandbox", "run", "--rows", "500", "--days", "5", "--", home / "bin" / "voxlake", "export"]
    assert "verified" in voxlake(*run).stderr
    ask = ["query", "SELECT count(*) AS n FROM messages"]
    assert voxlake(*ask, "--format", "csv").stdout == "n\n500\n"
    voxlake("report", "daily", "--out", "daily.parquet")
    before = sorted(elsewhere.rglob("*"))
    for extra, command in (("excel", [*ask, "--out", "a.xlsx"]), ("dashboard", ["dashboard"])):
        refused = voxlake(*command, code=2).stderr
        assert refused.count("\n") == 1
        assert refused.endswith(f"install it with pip install 'voxlake[{extra}]'.\n")
    assert "--png" in voxlake("dashboard", "--help").stdout
    assert sorted(elsewhere.rglob("*")) == before


@pytest.mark.parametrize("kind", KINDS)
def test_statements_promise(kind):
    """Every statement stands alone in its file, under a comment that says what it promises."""
    assert statements(kind)
    for name, statement in statements(kind).items():
        assert statement.startswith("-- "), name
        assert promise(statement).endswith("."), name
        assert statement.count(";") == 1, name
        assert statement.endswith(";\n"), name


def test_lock_files():
    """The lock files hold exact versions with their hashes, and nothing of the machine that wrote them."""
    for path in (*ROOT.glob("requirements*.lock"), ROOT / "benchmarks" / "airbyte.lock"):
        entries = path.read_text().replace("\\\n", " ").splitlines()
        assert entries
        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries), path
        assert not any("//" in entry or "@" in entry for entry in entries), path


def test_lock_files_agree():
    """The whole lock file has the versions of the plain one, and the developers' those of both."""
    pins = [
        set(re.findall(r"^(\S+==\S+)", (ROOT / f"requirements{name}.lock").read_text(), re.MULTILINE))
        for name in ("", "-all", "-dev")
    ]
    assert pins[0]
    assert pins[0] < pins[1] < pins[2]
