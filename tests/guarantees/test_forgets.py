"""Nothing of a person is left anywhere once she was forgotten, whoever is killed on the way and whenever."""

import hashlib
import json
import stat

import pytest
from support.forgets import (
    ACCOUNT,
    DAYS,
    KEY,
    NUMBER,
    OTHER,
    SPELLED,
    campaign,
    certificates,
    content,
    forget,
    holders,
    make,
)
from support.lakes import LAYOUTS

from voxlake import library
from voxlake.errors import SettingsError
from voxlake.lake import Lake, Manifest
from voxlake.messaging import open_journal
from voxlake.privacy import PrivacyKey


@pytest.mark.parametrize(
    ("kills", "days"), [(2, 4), pytest.param(400, DAYS, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_kills_at_any_step(tmp_path, kills, days):
    """Right after each kill a glob finds each row once; the same command ends the work, and nothing is found then."""
    tally = campaign(tmp_path, kills=kills, seed=1, days=days)
    print(tally)  # noqa: T201 - the figures are wanted: pytest -s -m slow
    assert tally["kills"] + tally["ends"] == kills
    assert tally["kills"] > kills / 2


@pytest.mark.parametrize("database", LAYOUTS)
def test_nothing_is_left(tmp_path, database):
    """Not in day files, months, generations, row files, replies, rejects, the journal, pages; and counts prove days."""
    root = tmp_path / "data"
    make(root, database=database)
    before, sums = holders(root), {its.key: its.counted for its in Manifest(Lake(root))}
    kinds = ("lake/", "warehouse/", "raw/", "rejects/gone/", "rejects/sms_history", "outbox", "dashboard", "notes")
    assert all(any(name.startswith(kind) for name in before) for kind in kinds)
    digests = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in before}
    done = forget(root, database=database)
    assert (done.exit_code, done.rows, done.mentions, done.left) == (0, 37, 54, ())
    assert holders(root) == []
    after = list(Manifest(Lake(root)))
    assert {its.key: its.counted for its in after} == sums
    assert all(its.verified for its in after)
    assert sum(its.forgotten for its in after) == 37
    assert library.status(root).exit_code == 0
    (certificate,) = certificates(root)
    assert certificate == done.text
    assert certificate["rows"] == 37
    assert certificate["searched"]["found"] == 0
    changed = {its["path"]: its for its in certificate["files"]}
    assert changed.keys() == {name for name in before if not name.startswith("warehouse/")}
    for name, its in changed.items():
        assert its["before"] == digests[name]
        assert its["after"] == hashlib.sha256((root / name).read_bytes()).hexdigest()
    path = next((root / "certificates").iterdir())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(list((root / "warehouse").glob("**/*.duckdb*"))) == 1
    again = forget(root, database=database)
    assert (again.nothing, again.exit_code, again.certificate) == (True, 0, None)
    with open_journal(root) as journal:
        assert [entry.number for entry in journal.entries()] == [OTHER]


def test_a_dry_run_changes_nothing(tmp_path):
    """It says what would be done."""
    root = tmp_path / "data"
    make(root, days=4, compacted=False)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    done = forget(root, dry_run=True)
    assert (done.exit_code, done.rows, done.mentions) == (0, 5, 6)
    assert set(done.files) == set(holders(root))
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_anonymous_rows_stay(tmp_path):
    """With their money and status, and without the number; nothing else of her is left."""
    root = tmp_path / "data"
    hand = make(root, days=4, compacted=False)
    before = content(root)
    done = forget(root, anonymise=True)
    assert (done.exit_code, done.rows) == (0, 5)
    assert content(root) == before
    assert holders(root) == []
    hers = "destination_number IS NULL OR source_number IS NULL"
    assert hand.ask(f"SELECT count(*), count(text), sum(cost)::VARCHAR FROM sms_history WHERE {hers}") == [
        (3, 0, "0.030000")
    ]
    assert not any(its.forgotten for its in Manifest(Lake(root)))
    assert forget(root).nothing


def test_what_is_refused(tmp_path):
    """No key, what is no number, and another key than that of earlier erasures."""
    root = tmp_path / "data"
    make(root, days=4, compacted=False)
    with pytest.raises(SettingsError, match=r"^A privacy key is needed, .* run 'voxlake privacy init'\.$"):
        library.forget(root, NUMBER, privacy_key=None)
    for number in ("Shop", "123456", "", "4" * 16):
        with pytest.raises(SettingsError, match=r"^--number is not a phone number"):
            library.forget(root, number, privacy_key=KEY)
    forget(root)
    text = (root / "lake" / "forgotten.json").read_text()
    assert json.loads(text)["numbers"][0]["done"] is True
    assert KEY.digest(NUMBER) in text
    with pytest.raises(
        SettingsError, match=r"forgotten under the privacy key \w{8}, and with \w{8} their messages would"
    ):
        library.forget(root, OTHER, privacy_key=PrivacyKey(bytes(32)))
    with pytest.raises(SettingsError, match="and without it their messages would come back"):
        library.replay(root)


def test_what_cannot_be_rewritten_is_named(tmp_path):
    """A file of somebody else's that holds the number stays, and the command ends with 4 until it is gone."""
    root = tmp_path / "data"
    make(root, days=4, compacted=False)
    foreign = root / "photo.bin"
    foreign.write_bytes(b"\xff\xfe" + SPELLED.replace("(0)", "").encode())
    done = forget(root)
    assert done.exit_code == 4
    assert [line for line in done.left if "photo.bin" in line]
    assert holders(root) == ["photo.bin"]
    foreign.unlink()
    assert (forget(root).exit_code, forget(root).nothing) == (0, True)
    assert [its["rows"] for its in certificates(root)][-1] == 5


def test_a_damaged_day_is_named(tmp_path):
    """Nobody knows what it holds."""
    root = tmp_path / "data"
    make(root, days=4, compacted=False)
    lake = Lake(root)
    path = lake.path(next(its.key for its in Manifest(lake) if its.key.stream == "a2p"))
    path.write_bytes(path.read_bytes()[:-20])
    before = list(lake.day_keys())
    with pytest.raises(Exception, match="is damaged"):
        forget(root)
    assert list(lake.day_keys()) == before
    assert Manifest(lake).of(ACCOUNT, "sms")[before[0].date].forgotten == 2
