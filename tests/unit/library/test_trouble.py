"""What a database lacks is logged once; in an interactive session it is shown, too."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from voxlake.library.trouble import log_answer, log_database, log_sentence
from voxlake.reporting import Gaps
from voxlake.reporting.gaps import Age, Stretch

NOW = datetime(2026, 1, 10, 3, tzinfo=UTC)
DAY = Stretch(11, "North", "sms", date(2026, 1, 5), date(2026, 1, 5))
WHOLE = Gaps(NOW, of_one_account=True)
STALE = (Age(11, "North", NOW - timedelta(days=3)),)


def test_news(caplog, monkeypatch):
    """The same trouble again is no news, however old it gets; what was mended and comes again is."""
    monkeypatch.setattr("voxlake.library.trouble._LOGGED", {})
    folder = Path("data")
    missing = replace(WHOLE, missing=(DAY,), stale=STALE)
    for gaps in (missing, replace(missing, now=NOW + timedelta(days=1)), WHOLE, missing):
        log_database(folder, gaps)
    assert [record.message.split()[0] for record in caplog.records] == ["Stale:", "Missing:"] * 2
    log_answer(folder, missing)
    log_database(Path("elsewhere"), replace(WHOLE, missing=(DAY,)))
    log_answer(folder, replace(WHOLE, before=(DAY,)))
    log_database(folder, missing)
    log_answer(folder, replace(WHOLE, before=(DAY,)))
    log_sentence(folder, "An old one.")
    log_sentence(folder, "An old one.")
    assert [record.message.split()[0] for record in caplog.records[4:]] == ["Missing:", "Missing:", "An"]


def test_an_interactive_session(monkeypatch):
    """It shows them as warnings, which name no file."""
    monkeypatch.setattr("voxlake.library.trouble._LOGGED", {})
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    with pytest.warns(UserWarning, match="^Missing: 2026-01-05 of sms") as caught:
        log_database(Path("data"), replace(WHOLE, missing=(DAY,)))
    assert [warning.filename for warning in caught] == ["voxlake"]
