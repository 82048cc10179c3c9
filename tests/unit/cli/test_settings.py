"""Flag, then environment, then file, then default."""

import re
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from support.paths import ROOT

from voxlake import api
from voxlake.cli.settings import DECLARATIONS, NAMES, TABLES, Settings, settings_options
from voxlake.cli.types import API_URL
from voxlake.errors import SettingsError
from voxlake.library.arguments import finality
from voxlake.privacy import PrivacyKey, make_key


@pytest.fixture
def resolve(tmp_path, monkeypatch):
    """Resolve the settings of a command that takes all of them as flags, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def resolved(*arguments, **environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        command = click.command()(settings_options(*NAMES)(lambda settings: settings))
        return command.main(list(arguments), standalone_mode=False)

    return resolved


def test_defaults(resolve):
    """Nothing set is a usable setting."""
    assert api.API_URL == API_URL
    settings = resolve()
    assert settings == Settings(
        data_dir=Path("data"),
        work_dir=None,
        api_url=API_URL,
        insecure_http=False,
        credentials=None,
        output="json",
        jobs=4,
        executor=None,
        patience=180,
        timeout=60,
        keep_raw=False,
        compact=False,
        settle_hours=72,
        give_up_days=14,
        database="auto",
        delta=None,
        reports_dir=None,
        nightly_at="03:15",
        log_format=None,
        account_id=None,
        api_key=None,
        files_group=None,
        privacy_source="keep",
        privacy_destination="keep",
        privacy_text="keep",
        privacy_error_text="keep",
        privacy_unknown_fields="keep",
        privacy_key_file=None,
        privacy_key=None,
        retention_older_than=None,
        retention_texts_older_than=None,
        notify_url=None,
        notify_url_start=None,
        notify_url_failure=None,
    )
    assert (settings.settle_hours, settings.give_up_days) == (72, 14)


def test_precedence(resolve):
    """A flag beats the environment, which beats the file, which beats the default."""
    Path("voxlake.toml").write_text('data_dir = "file"\njobs = 2\noutput = "csv"\n')
    settings = resolve("--data-dir", "flag", VOXLAKE_DATA_DIR="env", VOXLAKE_JOBS="3")
    assert (str(settings.data_dir), settings.jobs, settings.output) == ("flag", 3, "csv")


@pytest.mark.parametrize(
    ("file", "variable", "flags", "kept"),
    [
        ("true", "", [], True),
        ("true", "no", [], False),
        ("true", "no", ["--keep-raw"], True),
        ("true", "", ["--no-keep-raw"], False),
        ('"off"', "", [], False),
        ("1", "", [], True),
    ],
)
def test_precedence_of_a_switch(resolve, file, variable, flags, kept):
    """A switch is turned on and off in the same order."""
    Path("voxlake.toml").write_text(f"keep_raw = {file}\n")
    assert resolve(*flags, VOXLAKE_KEEP_RAW=variable).keep_raw is kept


def test_empty_variable_is_not_set(resolve):
    """An empty variable counts as none."""
    empty = {declared.variable: "" for declared in DECLARATIONS.values()} | {"VOXLAKE_CONFIG": ""}
    assert resolve(**empty).data_dir == Path("data")


@pytest.mark.parametrize(
    ("arguments", "environ", "names"),
    [
        (["--jobs", "0"], {}, "--jobs is '0': give a whole number from 1 to 1000"),
        (["--jobs", "many"], {}, "--jobs"),
        ([], {"VOXLAKE_JOBS": "1.5"}, "VOXLAKE_JOBS"),
        (["--output", "xls"], {}, "--output is 'xls': use json or csv"),
        ([], {"VOXLAKE_KEEP_RAW": "perhaps"}, "VOXLAKE_KEEP_RAW is 'perhaps': use true or false"),
        (["--data-dir", ""], {}, "--data-dir is not a path"),
        (["--api-url", "api.voximplant.com"], {}, "--api-url"),
        (["--api-url", "https://user:secret@api.voximplant.com"], {}, "--api-url"),
        (["--api-url", "https://api.voximplant.com?key=secret"], {}, "--api-url"),
        (["--api-url", "http://localhost:port"], {}, "--api-url"),
        ([], {"VOXIMPLANT_ACCOUNT_ID": "mine"}, "VOXIMPLANT_ACCOUNT_ID"),
        (["--settle-hours", "99999999999"], {}, "--settle-hours"),
        ([], {"VOXLAKE_GIVE_UP_DAYS": "99999999999"}, "VOXLAKE_GIVE_UP_DAYS.* from 0 to 3650"),
        (["--patience", "9" * 20], {}, "--patience"),
        (["--timeout", "9" * 20], {}, "--timeout"),
        (["--nightly-at", "25:00"], {}, "--nightly-at is '25:00': give a time of day as HH:MM"),
        (["--jobs", "9" * 20], {}, "--jobs"),
        (["--config", "nowhere.toml"], {}, "nowhere.toml does not exist"),
        ([], {"VOXLAKE_CONFIG": "nowhere.toml"}, "nowhere.toml does not exist"),
    ],
)
def test_bad_values_name_their_place(resolve, arguments, environ, names):
    """A value that cannot be used is answered with the place where it was set."""
    with pytest.raises(SettingsError, match=names) as caught:
        resolve(*arguments, **environ)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "job = 3", "jobs = true", "jobs", "jobs = 'x'", "jobs = 3.0", "data_dir = 3", "output = true", "keep_raw = 2",
        "keep_raw = ''", "api_url = 3", "jobs = [1]", "api_key = 'x'",
    ],
)  # fmt: skip
def test_bad_file(resolve, content):
    """A file with an unknown or unusable setting is refused by name."""
    Path("voxlake.toml").write_text(content)
    with pytest.raises(SettingsError, match=r"voxlake\.toml"):
        resolve()


def test_an_unknown_setting_lists_the_known(resolve):
    """Who misspells a setting finds it in the list."""
    Path("voxlake.toml").write_text("job = 3")
    with pytest.raises(SettingsError, match=r"has no setting 'job' \(did you mean 'jobs'\?\): use .*jobs"):
        resolve()


def test_a_file_elsewhere(resolve):
    """`--config` names a file that takes the place of voxlake.toml, and is named in what is said about it."""
    Path("voxlake.toml").write_text("jobs = 2\ntimeout = 2\n")
    Path("other.toml").write_text("jobs = 7\n")
    settings = resolve("--config", "other.toml")
    assert (settings.jobs, settings.timeout) == (7, 60)
    Path("other.toml").write_text("jobs = 0\n")
    with pytest.raises(SettingsError, match=r"^jobs in other\.toml is 0: "):
        resolve(VOXLAKE_CONFIG="other.toml")


def test_values_of_the_file_as_they_stand_there(resolve):
    """A value is quoted as the file has it, and not as Python would."""
    Path("voxlake.toml").write_text("jobs = true")
    with pytest.raises(SettingsError, match="is true: give a whole number"):
        resolve()


def test_the_longest_times(resolve):
    """The greatest values that are taken do not break what is counted with them."""
    Path("voxlake.toml").write_text("settle_hours = 87600\ngive_up_days = 3650\n")
    settings = resolve()
    policy = finality(settings.settle_hours, settings.give_up_days)
    assert datetime(2026, 1, 1, tzinfo=UTC) + policy.time + policy.give_up


def test_key_is_in_no_repr(resolve):
    """The legacy key never shows."""
    settings = resolve(VOXIMPLANT_ACCOUNT_ID="1", VOXIMPLANT_API_KEY="s3cret")
    assert (settings.account_id, settings.api_key) == (1, "s3cret")
    assert "s3cret" not in repr(settings)


def test_a_setting_without_a_flag(tmp_path, monkeypatch):
    """A command takes every setting from environment and file, but as flags its own alone."""
    monkeypatch.chdir(tmp_path)
    command = click.command()(settings_options("jobs")(lambda settings: settings))
    monkeypatch.setenv("VOXLAKE_TIMEOUT", "7")
    assert command.main([], standalone_mode=False).timeout == 7
    monkeypatch.setenv("VOXLAKE_TIMEOUT", "0")
    with pytest.raises(SettingsError, match="VOXLAKE_TIMEOUT is '0'"):
        command.main([], standalone_mode=False)
    monkeypatch.setenv("VOXLAKE_TIMEOUT", "")
    with pytest.raises(click.NoSuchOption):
        command.main(["--timeout", "7"], standalone_mode=False)
    with click.Context(command) as context:
        assert "--jobs" in command.get_help(context)
        assert "--timeout" not in command.get_help(context)


def test_the_readme_lists_every_setting():
    """The table in README.md says what is declared: flag, variable, key and default."""
    rows = [
        [cell.strip().strip("`") for cell in line.replace("\\|", "/").strip("|").split("|")]
        for line in (ROOT / "README.md").read_text().splitlines()
        if line.startswith("| `--")
    ]
    written = {key: (flag.split("`")[0].split()[0], variable, default) for flag, variable, key, default in rows}
    words = {True: "yes", False: "no", None: "", API_URL: "the vendor's"}
    declared = {
        name: (
            f"--{name.replace('_', '-')}",
            DECLARATIONS[name].variable,
            words.get(DECLARATIONS[name].default, str(DECLARATIONS[name].default)),
        )
        for name in NAMES
    }
    in_tables = {
        (DECLARATIONS[name].variable, f"`{key}` in `[{table}]`", DECLARATIONS[name].default)
        for table, keys in TABLES.items()
        for key, name in keys.items()
    }
    page = (ROOT / "README.md").read_text()
    for variable, key, default in in_tables:
        (shown,) = re.findall(rf"^\| \| `{variable}`.*? \| {re.escape(key)} \| (.*?) \|$", page, re.MULTILINE)
        assert default in {None, shown.strip("`")}
    assert written.pop("") == ("--config", "VOXLAKE_CONFIG", "voxlake.toml")
    assert written == declared


def test_a_setting_of_a_table(resolve):
    """A table of the file has settings of its own; an unknown one, or what is not a table, is refused by name."""
    Path("voxlake.toml").write_text('[privacy]\nkey_file = "elsewhere.key"\n')
    assert resolve().key_path == Path("elsewhere.key")
    assert resolve(VOXLAKE_PRIVACY_KEY_FILE="other.key").key_path == Path("other.key")
    for content, problem in (
        (
            "[privacy]\nkeyfile = 'x'",
            r"^\[privacy\] in voxlake\.toml has no setting 'keyfile' \(did you mean 'key_file'",
        ),
        ("privacy = 3", r"^privacy in voxlake\.toml is not a table"),
        ("privacy_key_file = 'x'", "^voxlake.toml has no setting 'privacy_key_file'"),
    ):
        Path("voxlake.toml").write_text(content)
        with pytest.raises(SettingsError, match=problem):
            resolve()


def test_the_privacy_key(resolve):
    """It comes from the environment, else from a file beside that of the settings; it is never quoted."""
    assert resolve().find_key() is None
    Path("settings").mkdir()
    Path("settings/voxlake.toml").write_text("")
    made = make_key(Path("settings/privacy.key"), data_dir=Path("data"))
    assert resolve("--config", "settings/voxlake.toml").find_key() == made
    settings = resolve("--config", "settings/voxlake.toml", VOXLAKE_PRIVACY_KEY="ab" * 32)
    assert settings.find_key() == PrivacyKey(b"\xab" * 32) != made
    assert "abab" not in repr(settings)
    for value in ("s3cret", "s3cret\r"):
        with pytest.raises(SettingsError, match=r"^VOXLAKE_PRIVACY_KEY") as raised:
            resolve(VOXLAKE_PRIVACY_KEY=value)
        assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("value", ["s3cret-key", "0s3cret", "-3", "1.5"])
def test_what_stands_for_the_account_is_not_quoted(resolve, value):
    """A key that got into the variable of the account does not get to the terminal."""
    with pytest.raises(SettingsError, match="VOXIMPLANT_ACCOUNT_ID is not the number of an account") as raised:
        resolve(VOXIMPLANT_ACCOUNT_ID=value)
    assert value not in str(raised.value)


def test_the_address_of_a_webhook(resolve):
    """It may be in the file or the environment, is a secret of which the host alone is shown, and may be none."""
    Path("voxlake.toml").write_text('[notify]\nurl = "https://hooks.example.com/s3cret"\nurl_start = ""\n')
    settings = resolve(VOXLAKE_NOTIFY_URL_FAILURE="http://127.0.0.1:9/s3cret")
    assert settings.notify_url.url == "https://hooks.example.com/s3cret"
    assert not settings.notify_url_start
    assert str(settings.notify_url_failure) == "http://127.0.0.1/..."
    assert "s3cret" not in f"{settings!r} {settings.notify_url}"
    for value in ("s3cret", "ftp://s3cret", "https://", "https://a:s3cret", "https://s3cret\r"):
        with pytest.raises(SettingsError, match=r"^VOXLAKE_NOTIFY_URL") as raised:
            resolve(VOXLAKE_NOTIFY_URL=value)
        assert "s3cret" not in str(raised.value)
