"""Texts in drawings can be read, light and dark: an accessibility checker cannot tell what lies behind them."""

import pytest

from voxlake.reporting.dashboard.cells import STATES
from voxlake.reporting.dashboard.paint import DARK, LIGHT

TEXT, SHAPE = 4.5, 3
"""The contrast that WCAG 2 (AA) asks of small text, and of shapes that say something."""


def luminance(colour):
    """Return the relative luminance of a colour."""
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """Return the contrast of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("paint", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(paint):
    """Texts on cards, and dates and glyphs on the days of the calendar, have the contrast that small text needs."""
    for name in ("ink", "soft", "good", "bad"):
        assert contrast(getattr(paint, name), paint.card) >= TEXT, name
    for state in STATES:
        assert contrast(paint.onfinal, getattr(paint, state)) >= TEXT, state
    for name in ("sms", "a2p", "received", "bar", "final"):
        assert contrast(getattr(paint, name), paint.card) >= SHAPE, name
