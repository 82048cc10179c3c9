"""Which accounts a number, a name or a pattern means."""

import pytest

from voxlake.errors import SettingsError
from voxlake.library.selection import select

KNOWN = [(414877, "Shop-North"), (414878, "shop-south"), (7, None), (7, "main")]


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        (["414877"], [414877]),
        (["SHOP-north"], [414877]),
        (["shop*"], [414877, 414878]),
        (["41487?", "main"], [7, 414877, 414878]),
        (["*"], [7, 414877, 414878]),
        (["7", "7", " main "], [7]),
    ],
)
def test_what_is_meant(wanted, meant):
    """Names count in any case, patterns for names and numbers."""
    assert select(wanted, KNOWN) == meant


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("shop-nort", r"no account 'shop-nort' \(did you mean 'Shop-North'\?\): 'voxlake accounts' lists 4 accounts"),
        ("xyz*", r"no account 'xyz\*': use 7, Shop-North, main, shop-south, or a pattern"),
        ("", "no account '': use"),
    ],
)
def test_what_means_nothing(wanted, sentence):
    """The nearest is named, or what there is."""
    with pytest.raises(SettingsError, match=sentence):
        select(["main", wanted], KNOWN)
    with pytest.raises(SettingsError, match="nothing was exported yet"):
        select(["main"], [])
