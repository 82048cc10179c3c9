"""What is imported is declared, what an export does not need is an extra, and one that is missing is one sentence."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from support.paths import ROOT

from voxlake import extras
from voxlake.errors import SettingsError
from voxlake.extras import EXTRAS
from voxlake.reporting import choose_format

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PIPELINES = ROOT / "pipelines" / "voxlake"
DRAWN = PIPELINES / "reporting" / "dashboard"
WORKBOOK = PIPELINES / "reporting" / "xlsx.py"
DELTA = PIPELINES / "warehouse" / "delta"
POSTGRES = PIPELINES / "warehouse" / "postgres.py"
STORES = PIPELINES / "remote"


def declared(requirements):
    """Return the names of distributions, without versions and extras."""
    return {requirement.split("[")[0].split(">")[0].lower() for requirement in requirements}


def imported(path):
    """Return the packages of others that a module imports, also for its types alone, or loads by name."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "extras.load":
            names.add(ast.literal_eval(node.args[0]))
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"voxlake"}


def distributions(packages):
    """Return the distributions that packages come from, in lower case."""
    known = packages_distributions()
    return {name.lower() for package in packages for name in known[package]}


def test_what_is_imported_is_declared():
    """Each package that the program imports is declared, where it is needed, and nothing else is."""
    found = {path: imported(path) for path in PIPELINES.rglob("*.py")}
    plain = {
        package
        for path, its in found.items()
        if not {DRAWN, DELTA, STORES} & set(path.parents) and path not in (WORKBOOK, POSTGRES)
        for package in its
    }
    drawn = {package for path, its in found.items() if DRAWN in path.parents for package in its}
    assert distributions(plain) == declared(PROJECT["dependencies"])
    optional = PROJECT["optional-dependencies"]
    stored = {package for path, its in found.items() if STORES in path.parents for package in its}
    for extra in ("s3", "gcs", "azure"):
        assert distributions(stored - plain) == declared(optional[extra])
    assert distributions(drawn - plain) == declared(optional["dashboard"])
    tables = {package for path, its in found.items() if DELTA in path.parents for package in its}
    assert distributions(tables - plain) == declared(optional["delta"])
    assert distributions(found[WORKBOOK]) == declared(optional["excel"])
    assert distributions(found[POSTGRES] - plain) == declared(optional["postgres"])


def test_extras():
    """The code knows the extras that are declared, and `all` is every one of them."""
    optional = dict(PROJECT["optional-dependencies"])
    assert optional.pop("all") == [f"voxlake[{','.join(optional)}]"]
    assert {name: distributions(packages) for name, packages in EXTRAS.items()} == {
        name: declared(requirements) for name, requirements in optional.items()
    }


@pytest.mark.parametrize(("extra", "package"), [(extra, package) for extra in EXTRAS for package in EXTRAS[extra]])
def test_missing(monkeypatch, extra, package):
    """A package that cannot be imported is one sentence that says what to install, and exit code 2."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        SettingsError, match=rf"^The package {package} .*: install it with pip install 'voxlake\[{extra}\]'\.$"
    ) as caught:
        extras.require(extra)
    assert caught.value.exit_code == 2


def test_a_workbook_is_refused_before_any_work(monkeypatch, tmp_path):
    """Without the extra, the choice of the format fails, however it was chosen; other formats need none of it."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    for form, name in ((None, "a.xlsx"), ("xlsx", "a.xlsx"), (None, "A.XLSX"), ("xlsx", "a")):
        with pytest.raises(SettingsError, match=r"voxlake\[excel\]"):
            choose_format(form, tmp_path / name)
    assert choose_format(None, tmp_path / "a.parquet") == "parquet"
    assert choose_format("json", tmp_path / "a.json") == "json"
