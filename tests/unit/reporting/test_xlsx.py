"""A workbook holds exact values within Excel's limits, and no formula."""

from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest

from voxlake.errors import SettingsError
from voxlake.reporting import xlsx as sheet

FORMULAS = ["=1+1", "+49301112", "-2 points", "@SUM(A1)"]


def workbook(tmp_path, names, rows):
    """Save and load a workbook."""
    sheet.write_workbook(tmp_path / "a.xlsx", names, rows)
    return openpyxl.load_workbook(tmp_path / "a.xlsx").active


@pytest.mark.parametrize("text", FORMULAS)
def test_xlsx_without_formulas(tmp_path, text):
    """In a workbook a text is a text, unchanged, and marked as one for whoever edits the cell."""
    cells = workbook(tmp_path, [text], [(text,)])
    for cell in (cells["A1"], cells["A2"]):
        assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


def test_xlsx_values(tmp_path):
    """Amounts are numbers where a cell can hold them exactly, else exact text; dates and times are dates and times."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    row = (Decimal("-1.5"), 12345678901234567, 7, True, date(2026, 1, 2), at, None, "x", date(1800, 1, 1), float("nan"))
    cells = workbook(tmp_path, [f"c{n}" for n in range(len(row))], [row])
    values = [cell.value for cell in cells[2]]
    midnight = datetime(2026, 1, 2)  # noqa: DTZ001 - a cell has no zone
    assert values == [
        -1.5, "12345678901234567", 7, True, midnight, at.replace(tzinfo=None), None, "x", "1800-01-01", "nan",
    ]  # fmt: skip
    assert [cell.number_format for cell in (cells["E2"], cells["F2"])] == ["yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"]
    assert cells.auto_filter.ref == "A1:J2"


def test_xlsx_limits(tmp_path, monkeypatch):
    """What a sheet cannot hold is said before anything is lost."""
    with pytest.raises(SettingsError, match="32,768"):
        sheet.write_workbook(tmp_path / "a.xlsx", ["x"], [("x" * 32_768,)])
    with pytest.raises(SettingsError, match="at most 32,767"):
        sheet.write_workbook(tmp_path / "a.xlsx", ["x"], [([1000] * 10_000,)])
    monkeypatch.setattr(sheet, "_MAX_ROWS", 2)
    with pytest.raises(SettingsError, match="--limit"):
        sheet.write_workbook(tmp_path / "a.xlsx", ["x"], [(1,), (2,)])


def test_xlsx_at_the_limits(tmp_path, monkeypatch):
    """The longest text, the last row and the last exact digit still fit."""
    monkeypatch.setattr(sheet, "_MAX_ROWS", 3)
    rows = [("x" * 32_767, 999_999_999_999_999), ("", Decimal("-0.123456789012345"))]
    cells = workbook(tmp_path, ["text", "n"], rows)
    assert len(cells["A2"].value) == 32_767
    assert [cells["B2"].value, cells["B3"].value] == [999_999_999_999_999, -0.123456789012345]
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]
