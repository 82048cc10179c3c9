"""What the rest of voxlake may import from `reporting` is what its door names."""

from voxlake import reporting


def test_every_name_is_there():
    """The lazy names, the list of names and the names that type checkers see are the same."""
    lazy = [name for names in reporting._MODULES.values() for name in names]
    assert sorted(lazy) == sorted(reporting.__all__)
    assert all(getattr(reporting, name).__module__.startswith("voxlake.") for name in lazy if not name.isupper())
    assert reporting.GLYPHS.keys() == reporting.ASCII_GLYPHS.keys()
