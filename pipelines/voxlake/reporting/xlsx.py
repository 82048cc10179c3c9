"""Write an answer as an Excel workbook that holds only data: no text in it is ever taken for a formula."""

from __future__ import annotations

import io
import math
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxlake import extras
from voxlake.errors import SettingsError
from voxlake.files import temporary

if TYPE_CHECKING:
    from collections.abc import Sequence

# Excel's limits: https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
_MAX_ROWS = 1_048_576
_MAX_TEXT = 32_767
# A cell's number is a double: one with more digits is written as text, so that it stays exact.
_MAX_DIGITS = 15
_FIRST_YEAR = 1900
_MAX_WIDTH = 60
_ROWS_MEASURED = 1000
"""How many rows decide the width of a column."""


def write_workbook(path: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write rows on one sheet below their column names, which are frozen and have filters; times are UTC.

    Raises:
        SettingsError: the rows or a text exceed what a sheet can hold.
        OSError: the file, or XlsxWriter's temporary one, cannot be written.

    """
    _require_room(rows)
    # Fails here, before any work, where the folder cannot be written.
    path.touch()
    # Assembled in memory: a zip archive that does not fit on the disk raises once more when it is destroyed.
    archive = io.BytesIO()
    try:
        with temporary(_make_folder(path)) as folder:
            _write_archive(archive, names, rows, folder)
    except extras.load("xlsxwriter.exceptions").FileCreateError as error:
        raise OSError(*error.args[0].args) from error
    path.write_bytes(archive.getbuffer())


def _make_folder(path: Path) -> Path:
    """Make a folder for XlsxWriter's own files: among the temporary files, or where there is no place, beside ours."""
    try:
        return Path(tempfile.mkdtemp(prefix="voxlake-"))
    except FileNotFoundError:
        return Path(tempfile.mkdtemp(prefix=".voxlake-", dir=path.parent))


def _require_room(rows: Sequence[Sequence[Any]]) -> None:
    if len(rows) >= _MAX_ROWS:
        raise SettingsError(
            f"A sheet holds at most {_MAX_ROWS - 1:,} rows, and the answer has {len(rows):,}: use --limit, or write"
            " .csv or .parquet."
        )
    texts = (str, list, dict, bytes)
    longest = max((len(str(value)) for row in rows for value in row if isinstance(value, texts)), default=0)
    if longest > _MAX_TEXT:
        raise SettingsError(
            f"A cell holds at most {_MAX_TEXT:,} characters, and the answer has a text of {longest:,}: write .csv or"
            " .parquet."
        )


def _write_archive(file: io.BytesIO, names: Sequence[str], rows: Sequence[Sequence[Any]], folder: Path) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "tmpdir": str(folder)}
    with extras.load("xlsxwriter").Workbook(file, options) as book:
        formats = {
            "head": book.add_format({"bold": True, "bottom": 1, "quote_prefix": True}),
            # The mark that Excel sets for a leading apostrophe: the cell stays text, even when somebody edits it.
            "text": book.add_format({"quote_prefix": True}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        sheet = book.add_worksheet("voxlake")
        sheet.freeze_panes(1, 0)
        for number, name in enumerate(names):
            widths = [len(name), *(len(str(row[number])) for row in rows[:_ROWS_MEASURED])]
            sheet.set_column(number, number, min(max(widths) + 2, _MAX_WIDTH))
            sheet.write_string(0, number, name, formats["head"])
        for place, row in enumerate(rows, start=1):
            for number, value in enumerate(row):
                _write(sheet, place, number, value, formats)
        if rows:
            sheet.autofilter(0, 0, len(rows), len(names) - 1)


def _write(sheet: Any, row: int, column: int, value: Any, formats: dict[str, Any]) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float | Decimal) and _exact(value):
        sheet.write_number(row, column, value)
    elif isinstance(value, date) and value.year >= _FIRST_YEAR:
        at = value.replace(tzinfo=None) if isinstance(value, datetime) else value
        sheet.write_datetime(row, column, at, formats["time" if isinstance(value, datetime) else "date"])
    else:
        sheet.write_string(row, column, str(value), formats["text"])


def _exact(value: float | Decimal) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return len(Decimal(value).normalize().as_tuple().digits) <= _MAX_DIGITS
