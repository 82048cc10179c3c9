"""The architecture page and its picture agree with the code."""

from support.architecture import PICTURE, draw, layers
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
