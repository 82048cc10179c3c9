"""Each room has one door: its `__init__` exports what `__all__` lists, and others take nothing else."""

import ast
import importlib

import pytest
from support.paths import ROOT

PACKAGE = ROOT / "pipelines" / "voxlake"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
DOORS = [room for room in ROOMS if room != "cli"]


def exported(room):
    """Return the public names that a room's `__init__` defines, or imports from its modules."""
    tree = ast.parse((PACKAGE / room / "__init__.py").read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("voxlake."):
            names |= {alias.asname or alias.name for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def imported(room):
    """Return what the modules of a room import from below the door of another, as `file module`."""
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                parts = module.split(".")
                if len(parts) > 2 and parts[0] == "voxlake" and parts[1] in ROOMS and parts[1] != room:
                    yield f"{path.relative_to(PACKAGE)} {module}"


@pytest.mark.parametrize("room", DOORS)
def test_a_door_exports_what_it_lists(room):
    """`__all__` is what the door imports for others, sorted by ruff, and each name is there."""
    door = importlib.import_module(f"voxlake.{room}")
    assert set(door.__all__) == exported(room)
    assert all(hasattr(door, name) for name in door.__all__)


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_entered_by_the_door(room):
    """No room imports a module of another room."""
    assert list(imported(room)) == []
