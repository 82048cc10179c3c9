"""`voxlake.report`: exact rows in one call, from the newest database."""

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from support.lakes import FIRST, Hand, row

import voxlake
from voxlake.model import DAY


def test_a_report(tmp_path, monkeypatch):
    """It is of `data` unless another directory is named, and sees what was published since the last call."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(voxlake.SettingsError, match="There is no data directory data"):
        voxlake.report("daily")
    hand = Hand(tmp_path / "data")
    hand.put(FIRST, [row(1, cost=Decimal("0.1")), row(2, cost=Decimal("0.2"))])
    hand.publish()
    found = voxlake.report("daily", tz="Europe/Berlin")
    frame = found.to_pandas()
    assert (len(found), frame["cost"].item(), frame["date"].item()) == (1, Decimal("0.300000"), FIRST)
    assert isinstance(frame.dtypes["cost"], pd.ArrowDtype)
    assert pa.types.is_decimal(found.to_arrow().schema.field("cost").type)
    assert repr(found).startswith("<voxlake.Report 'daily': 1 rows of date, ")
    assert found.gaps[0].startswith("Stale: ")
    assert "run &#x27;voxlake export&#x27;" in found._repr_html_()
    frame.loc[0, "messages"] = 7
    hand.put(FIRST + DAY, [row(3, FIRST + DAY)])
    hand.publish()
    assert list(found.to_pandas()["messages"]) == [2]
    assert list(voxlake.report("daily", "data", since=FIRST + DAY).to_pandas()["messages"]) == [1]
    assert len(voxlake.report("daily", until=FIRST)) == 0
