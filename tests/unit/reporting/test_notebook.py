"""What a database shows of itself in a notebook: whole, escaped, and of nothing but itself."""

import re
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

import duckdb
import pytest

from voxlake.reporting import Gaps, Scope, draw_overview
from voxlake.reporting.gaps import Age, Stretch
from voxlake.reporting.scope import KnownAccount

NOW = datetime(2026, 1, 30, 3, tzinfo=UTC)
OWN = "<script>alert(1)</script> & Söhne"
BAD = date(2025, 12, 22)
_DAYS = """
CREATE TABLE days AS
SELECT 11 AS account_id, 'sms' AS stream, range::DATE AS date, 3::BIGINT AS row_count,
    CASE
        WHEN range IN (DATE '2025-12-22', DATE '2026-01-01') THEN 'missing'
        WHEN range = DATE '2026-01-06' THEN 'unverified'
        WHEN range < DATE '2026-01-27' THEN 'final'
        ELSE 'open'
    END AS state
FROM range(DATE '2024-12-26', DATE '2026-01-30', INTERVAL 1 DAY)
UNION ALL
SELECT 12, stream, DATE '2026-01-28', 0, state FROM (VALUES ('sms', 'final'), ('a2p', 'retained')) AS v(stream, state)
UNION ALL
SELECT 12, 'a2p', range::DATE, 0, 'final' FROM range(DATE '2026-01-05', DATE '2026-01-08', INTERVAL 1 DAY)
"""


@pytest.fixture(scope="module")
def page():
    """Return what is shown of 400 days of two accounts, one of which has few, as it stands and as a tree."""
    accounts = (KnownAccount(11, OWN, "EUR", None), KnownAccount(12, None, None, "Europe/Berlin"))
    lack = (Stretch(11, OWN, "sms", BAD, BAD),)
    gaps = Gaps(NOW, of_one_account=False, missing=lack, settling=lack, ages=(Age(11, OWN, NOW - timedelta(hours=2)),))
    with duckdb.connect() as connection:
        connection.execute(_DAYS)
        html = draw_overview(connection, Scope(accounts, accounts), gaps, name="data/voxlake.duckdb")
    return html, ET.fromstring(html.replace("&nbsp;", " ").replace("<br>", "<br/>"))


def test_what_it_says(page):
    """Span, trouble, accounts, and the days of each stream in numbers are there as text."""
    html, tree = page
    said = " ".join("".join(tree.itertext()).split())
    assert said.startswith(
        "data/voxlake.duckdb: 1,200 messages, 2024-12-26 to 2026-01-29; the newest export ended well on"
        f" 2026-01-30 01:00 UTCMissing: 2025-12-22 of sms of {OWN} (11); run 'voxlake export'."
        f"Settling: 2025-12-22 of sms of {OWN} (11); their figures may still change."
    )
    assert f"11{OWN}EUR2024-12-262026-01-291,200" in said
    assert "12Europe/Berlin2026-01-052026-01-280" in said
    assert "sms: 394 final, 3 open, 1 unverified, 2 missing" in said
    assert "earlier, 2024-12-26 to 2025-01-26: 32 final" in said
    assert "a2p: 3 final" in said
    assert "<script" not in html


def test_what_it_draws(page):
    """Each day of the last year is drawn once, in the shape of its worst state, below the months."""
    _, tree = page
    sms, a2p, *legend = tree.iter("svg")
    drawn = {path.find("title").text: path.get("d").count("M") for path in sms.iter("path")}
    assert drawn == {"final: 362 days": 362, "open: 3 days": 3, "unverified: 1 day": 1, "missing: 2 days": 2}
    assert sms.get("aria-label").startswith("sms: 394 final")
    months = [text.text for text in sms.iter("text")][4:]
    assert months == ["Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "2026"]
    assert [text.text for text in a2p.iter("text")][4:] == ["2026"]
    assert len(legend) == 4


def test_it_stands_alone(page):
    """It loads nothing, sets no style for the page around it, and its texts have the colour of the notebook."""
    html, tree = page
    assert not re.search(r"https?:|url\(|<style|<link|<img|@import", html)
    assert {text.get("fill") for text in tree.iter("text")} == {"currentColor"}
    assert len(html) < 16_000
