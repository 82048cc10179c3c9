"""An answer as an Excel workbook that is only data: no text in it is ever taken for a formula."""

from __future__ import annotations

import io
import math
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from voxlake.errors import SettingsError
from voxlake.files import passing

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROWS = 1_048_576
_TEXT = 32_767
# A cell's number is a double: what has more digits is written as text, so that it stays exact.
_DIGITS = 15
_FIRST_YEAR = 1900
_WIDEST = 60


def save(path: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write rows under their names, frozen and filtered; numbers are numbers, times are UTC.

    Raises:
        SettingsError: a sheet cannot hold that much.

    """
    if len(rows) >= _ROWS:
        raise SettingsError(f"A sheet holds no {len(rows):,} rows: use --limit, or write .csv or .parquet.")
    long = (str, list, dict, bytes)
    longest = max((len(str(value)) for row in rows for value in row if isinstance(value, long)), default=0)
    if longest > _TEXT:
        raise SettingsError(f"A cell holds no text of {longest:,} characters: write .csv or .parquet.")
    path.touch()
    # Put together in memory: an archive that does not fit on the disk complains once more when it is destroyed.
    book = io.BytesIO()
    try:
        with passing(Path(tempfile.mkdtemp(prefix="voxlake-"))) as folder:
            _fill(book, names, rows, folder)
    except FileCreateError as error:
        raise OSError(*error.args[0].args) from error
    path.write_bytes(book.getbuffer())


def _fill(file: io.BytesIO, names: Sequence[str], rows: Sequence[Sequence[Any]], folder: Path) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "tmpdir": str(folder)}
    with xlsxwriter.Workbook(file, options) as book:
        formats = {
            "head": book.add_format({"bold": True, "bottom": 1, "quote_prefix": True}),
            # The mark that Excel itself sets for an apostrophe in front: text, even when somebody edits the cell.
            "text": book.add_format({"quote_prefix": True}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        sheet = book.add_worksheet("voxlake")
        sheet.freeze_panes(1, 0)
        for number, name in enumerate(names):
            widths = [len(name), *(len(str(row[number])) for row in rows[:1000])]
            sheet.set_column(number, number, min(max(widths) + 2, _WIDEST))
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
    return len(Decimal(value).normalize().as_tuple().digits) <= _DIGITS
