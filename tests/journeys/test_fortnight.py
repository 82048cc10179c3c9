"""Fourteen nights with what goes wrong in a year: what each ends with, and what is said in the morning."""

import os

import pytest
from support.fortnight import PAGE, fortnight

pytestmark = [pytest.mark.slow, pytest.mark.dateless]

NIGHTS = {
    1: (0, 0), 2: (0, 0), 3: (3, 4), 4: (3, 4), 5: (0, 0), 6: (75, 5), 7: (0, 0), 8: (75, 4), 9: (None, 4), 10: (0, 0),
    11: (0, 0), 12: (0, 0), 13: (0, 0), 14: (0, 0),
}  # fmt: skip
"""What the export ends with, and `status --check` in the morning."""


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small file system needs root")
def test_fourteen_nights():
    """Every bad night is seen in the morning and mended by the next good one; who was forgotten stays so."""
    with fortnight() as nights:
        nights.play()
        assert {night: (codes.get("export"), codes["status"]) for night, codes in nights.codes.items()} == NIGHTS
        assert nights.codes[12]["forget"] == 0
        events = [its["event"] for its in nights.notices.taken]
        assert (events.count("start"), events.count("success"), events.count("failure")) == (13, 9, 4)
        assert not any(nights.number in str(its) for its in nights.notices.taken)
        headings = [line for line in nights.text.splitlines() if line.startswith("#")]
    assert headings == [line for line in PAGE.read_text().splitlines() if line.startswith("#")]
