"""Flag, then environment, then file, then default."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from voxlake.errors import SettingsError
from voxlake.settings import API_URL, day, resolve


def test_defaults(tmp_path):
    """Nothing set is a usable setting."""
    settings = resolve({}, {}, folder=tmp_path)
    assert (settings.data_dir, settings.api_url, settings.jobs) == (Path("data"), API_URL, 4)
    assert settings.finality.time == timedelta(hours=72)


def test_precedence(tmp_path):
    """A flag beats the environment, which beats the file, which beats the default."""
    (tmp_path / "voxlake.toml").write_text('data_dir = "file"\njobs = 2\noutput = "csv"\n')
    settings = resolve({"data_dir": "flag"}, {"VOXLAKE_DATA_DIR": "env", "VOXLAKE_JOBS": "3"}, folder=tmp_path)
    assert (str(settings.data_dir), settings.jobs, settings.output) == ("flag", 3, "csv")


def test_empty_variable_is_not_set(tmp_path):
    """An empty variable counts as none."""
    assert resolve({}, {"VOXLAKE_DATA_DIR": ""}, folder=tmp_path).data_dir == Path("data")


@pytest.mark.parametrize(
    ("flags", "environ", "names"),
    [
        ({"jobs": "0"}, {}, "--jobs"),
        ({"jobs": "many"}, {}, "--jobs"),
        ({}, {"VOXLAKE_JOBS": "1.5"}, "VOXLAKE_JOBS"),
        ({"output": "xls"}, {}, "--output"),
        ({"api_url": "api.voximplant.com"}, {}, "--api-url"),
        ({"api_url": "https://user:secret@api.voximplant.com"}, {}, "--api-url"),
        ({"api_url": "http://localhost:port"}, {}, "--api-url"),
        ({}, {"VOXIMPLANT_ACCOUNT_ID": "mine"}, "VOXIMPLANT_ACCOUNT_ID"),
        ({"settle_hours": "99999999999"}, {}, "--settle-hours"),
        ({}, {"VOXLAKE_GIVE_UP_DAYS": "99999999999"}, "VOXLAKE_GIVE_UP_DAYS.* from 0 to 3650"),
        ({"patience": "9" * 20}, {}, "--patience"),
        ({"timeout": "9" * 20}, {}, "--timeout"),
        ({"jobs": "9" * 20}, {}, "--jobs"),
    ],
)
def test_bad_values_name_their_place(tmp_path, flags, environ, names):
    """A value that cannot be used is answered with the place where it was set."""
    with pytest.raises(SettingsError, match=names) as caught:
        resolve(flags, environ, folder=tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", ["job = 3", "jobs = true", "jobs", "jobs = 'x'", "data_dir = 3"])
def test_bad_file(tmp_path, content):
    """A file with an unknown or unusable setting is refused by name."""
    (tmp_path / "voxlake.toml").write_text(content)
    with pytest.raises(SettingsError, match=r"voxlake\.toml"):
        resolve({}, {}, folder=tmp_path)


def test_values_of_the_file_as_they_stand_there(tmp_path):
    """A value is quoted as the file has it, and not as Python would."""
    (tmp_path / "voxlake.toml").write_text("jobs = true")
    with pytest.raises(SettingsError, match="is true: give a whole number"):
        resolve({}, {}, folder=tmp_path)


def test_the_longest_times(tmp_path):
    """The greatest values that are taken do not break what is counted with them."""
    (tmp_path / "voxlake.toml").write_text("settle_hours = 87600\ngive_up_days = 3650\n")
    finality = resolve({}, {}, folder=tmp_path).finality
    assert datetime(2026, 1, 1, tzinfo=UTC) + finality.time + finality.give_up


def test_key_is_in_no_repr(tmp_path):
    """The legacy key never shows."""
    environ = {"VOXIMPLANT_ACCOUNT_ID": "1", "VOXIMPLANT_API_KEY": "s3cret"}
    settings = resolve({}, environ, folder=tmp_path)
    assert settings.api_key == "s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "up", "expected"),
    [
        ("2026-01-02", False, date(2026, 1, 2)),
        ("2026-01-02", True, date(2026, 1, 2)),
        ("2026-01-02 23:59:59", False, date(2026, 1, 2)),
        ("2026-01-02 00:00:01", True, date(2026, 1, 3)),
        ("2026-01-02 00:00:00", True, date(2026, 1, 2)),
    ],
)
def test_days_are_rounded_out(text, up, expected):
    """A time is rounded out to whole UTC days."""
    assert day(text, "--since", up=up) == expected


@pytest.mark.parametrize(
    "text", ["", "today", "2026-13-01", "01.02.2026", "2026-01-02T00:00:00", "9999-12-31 00:00:01"]
)
def test_no_day(text):
    """What is no day is answered with the form that is."""
    with pytest.raises(SettingsError, match="YYYY-MM-DD"):
        day(text, "--since", up=True)
