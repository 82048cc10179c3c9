"""The code keeps the one import rule, and the architecture page and its picture agree with it."""

import ast
import importlib

from support.architecture import PICTURE, ROOMS, draw, layers, room_of
from support.paths import DOCS


def test_picture():
    """The committed picture is the one that `make picture` draws."""
    assert draw() == PICTURE.read_text(), (
        "The imports have changed: run 'make picture' and commit docs/architecture.svg."
    )


def test_every_room_is_described():
    """The page has an entry for each room that the import contract knows."""
    page = (DOCS / "architecture.md").read_text()
    rooms = [room for row in layers() for room in row]
    assert rooms
    assert [room for room in rooms if f"\n- **{room}**" not in page] == []


def foreign_imports():
    """Yield (module, line, imported module, names) for every import that a room makes of another room."""
    for path in sorted(ROOMS.rglob("*.py")):
        room = path.relative_to(ROOMS).parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: a relative import"
                found = [(node.module or "", [alias.name for alias in node.names])]
            elif isinstance(node, ast.Import):
                found = [(alias.name, []) for alias in node.names]
            else:
                continue
            for module, names in found:
                other = room_of(module)
                if other is not None and other != room:
                    yield f"{path.relative_to(ROOMS)}:{node.lineno}", module, names


def test_rooms_are_entered_by_their_doors():
    """Across rooms, a module imports from a room's `__init__`, and only what its `__all__` lists."""
    found = list(foreign_imports())
    assert len(found) > 50
    assert [(place, module) for place, module, _ in found if module.count(".") > 1] == []
    doors = {module: set(importlib.import_module(module).__all__) for _, module, _ in found}
    hidden = [(place, name) for place, module, names in found for name in names if name not in doors[module]]
    assert hidden == []


def test_the_sandbox_imports_nothing():
    """The sandbox shares no code with the client, so that one misreading cannot hide on both sides."""
    for path in (ROOMS / "sandbox").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("voxlake"):
                assert node.module.startswith("voxlake.sandbox"), path


def test_no_module_is_long():
    """A module has at most 300 lines; the numbering plans are data."""
    long = [path.name for path in ROOMS.rglob("*.py") if len(path.read_text().splitlines()) > 300]
    assert set(long) <= {"numbering.py"}
