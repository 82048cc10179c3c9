"""What is typed becomes a value, or one sentence about it."""

from datetime import date

import pytest

from voxlake.cli.types import ApiUrl, UtcDay
from voxlake.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "end", "expected"),
    [
        ("2026-01-02", False, date(2026, 1, 2)),
        ("2026-01-02", True, date(2026, 1, 2)),
        ("2026-01-02 23:59:59", False, date(2026, 1, 2)),
        ("2026-01-02 00:00:01", True, date(2026, 1, 3)),
        ("2026-01-02 00:00:00", True, date(2026, 1, 2)),
    ],
)
def test_days_are_rounded_out(text, end, expected):
    """A time is rounded out to whole UTC days."""
    assert UtcDay(end=end)(text) == expected


@pytest.mark.parametrize(
    "text", ["", "today", "2026-13-01", "01.02.2026", "2026-01-02T00:00:00", "9999-12-31 00:00:01"]
)
def test_no_day(text):
    """What is no day is answered with the form that is."""
    with pytest.raises(SettingsError, match="YYYY-MM-DD"):
        UtcDay(end=True)(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/platform_api"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/platform_api"),
        ("https://gateway.example/vox/", "https://gateway.example/vox"),
    ],
)
def test_an_address_without_a_path(text, expected):
    """A host alone stands for the vendor's path on it; any other path stays as it is."""
    assert ApiUrl()(text) == expected
