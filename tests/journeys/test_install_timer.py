"""`voxlake install-timer`: what it writes is what systemd and cron can run."""

import os
import pwd
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from support.terminal import run

ODD = 'it\'s "50%" $HOME'
NAME = "voxlake-of-a-test"
SYSTEMD = shutil.which("systemd-analyze")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Stand in a folder with an odd name, with settings and a home of our own."""
    folder = tmp_path / ODD
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    (folder / "credentials.json").touch(mode=0o600)
    (folder / "voxlake.toml").write_text(
        'data_dir = "the data"\ncredentials = "credentials.json"\nnightly_at = "04:05"\n'
    )
    return folder


def printed(capfd, *arguments):
    """Return what a command writes to stdout, and that it went well."""
    assert run("install-timer", *arguments) == 0
    return capfd.readouterr().out


def units(text):
    """Return printed units by the names of their files."""
    pieces = re.split(r"^# (/.*\.(?:service|timer))\n", text, flags=re.MULTILINE)[1:]
    return {Path(name).name: unit for name, unit in zip(pieces[::2], pieces[1::2], strict=True)}


@pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("flags", [(), ("--user",)])
def test_systemd_understands_the_units(place, capfd, tmp_path, monkeypatch, flags):
    """`systemd-analyze verify` has nothing to say of them."""
    found = units(printed(capfd, "--print", *flags))
    assert set(found) == {"voxlake.service", "voxlake.timer"}
    assert {path.name for path in place.iterdir()} == {"credentials.json", "voxlake.toml"}
    for name, text in found.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    command = [SYSTEMD, *flags, "verify", "--man=no", *(tmp_path / name for name in found)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_what_is_installed(place, capfd, tmp_path):
    """Both files are there for everybody to read, and the data directory for its owner; again is the same."""
    for _ in range(2):
        said = printed(capfd, "--user", "--name", NAME)
    folder = tmp_path / "own" / ".config" / "systemd" / "user"
    assert sorted(path.name for path in folder.iterdir()) == [f"{NAME}.service", f"{NAME}.timer"]
    assert stat.S_IMODE((folder / f"{NAME}.timer").stat().st_mode) == 0o644
    assert stat.S_IMODE((place / "the data").stat().st_mode) == 0o700
    assert "OnCalendar=*-*-* 04:05:00" in (folder / f"{NAME}.timer").read_text()
    assert f"systemctl --user enable --now {NAME}.timer" in said or Path("/run/systemd/system").is_dir()
    (folder / f"{NAME}.timer").write_text("# mine")
    assert run("install-timer", "--user", "--name", NAME) == 2
    assert "was not written by voxlake" in capfd.readouterr().err
    assert (folder / f"{NAME}.timer").read_text() == "# mine"


def test_the_cron_line(place, capfd):
    """A shell runs it as cron does: all nights are in one log, and only one that failed says anything."""
    line = printed(capfd, "--cron")
    program = place / "bin" / "voxlake"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "night: $1 $2 $3" >&2\nexit $(cat code)\n')
    program.chmod(0o700)
    command = re.match(r"5 4 \* \* \*  (.*)\n", line)[1].replace("\\%", "%")
    before, _, after = command.partition("date -u; ")
    command = f"{before}date -u; bin/voxlake export{after.partition(' export')[2]}"
    for code in (0, 4):
        (place / "code").write_text(str(code))
        done = subprocess.run(["sh", "-c", command], cwd="/", capture_output=True, text=True, check=False)
        assert done.stderr == ""
    assert done.stdout.startswith("voxlake: exit code 4\n")
    assert done.stdout.count(f"night: export --config {place / 'voxlake.toml'}") == 2
    assert (place / "voxlake.log").read_text().count("night: ") == 2


def test_what_is_not_in_the_file(place, capfd, monkeypatch):
    """Flags and variables of now go into the command; a key in a variable cannot, and that is said."""
    text = printed(capfd, "--print", "--data-dir", "elsewhere", "--nightly-at", "23:59", "--name", "sms")
    assert re.search(r' --data-dir "[^ ]*/it\'s .*/elsewhere"\n', text)
    assert "OnCalendar=*-*-* 23:59:00" in text
    assert set(units(text)) == {"sms.service", "sms.timer"}
    Path("voxlake.toml").unlink()
    monkeypatch.setenv("VOXIMPLANT_ACCOUNT_ID", "7")
    monkeypatch.setenv("VOXIMPLANT_API_KEY", "s3cret")
    assert run("install-timer", "--user") == 2
    said = capfd.readouterr().err
    assert "VOXIMPLANT_API_KEY reaches neither cron nor systemd" in said
    assert run("install-timer", "--print") == 0
    both = capfd.readouterr()
    assert "reaches neither" in both.err
    assert "s3cret" not in said + both.out + both.err
    monkeypatch.delenv("VOXIMPLANT_API_KEY")
    assert run("install-timer", "--user") == 2
    assert "would have no credentials" in capfd.readouterr().err


def test_links_may_be_written_to(place, capfd, tmp_path):
    """Where a folder of the data is a link to another disk, the service may write there."""
    (place / "the data").mkdir()
    (tmp_path / "large").mkdir()
    (place / "the data" / "lake").symlink_to(tmp_path / "large")
    assert re.search(rf"^ReadWritePaths=.* {tmp_path}/large$", printed(capfd, "--print"), re.MULTILINE)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make somebody else's folder")
def test_who_runs_it(place, capfd):
    """It is the owner of the data, or who is named."""
    (place / "the data").mkdir()
    nobody = pwd.getpwuid(65534)
    os.chown(place / "the data", nobody.pw_uid, nobody.pw_gid)
    assert f"\nUser={nobody.pw_name}\n" in printed(capfd, "--print")
    assert "\nUser=daemon\n" in printed(capfd, "--print", "--run-as", "daemon")
    assert "\nUser=" not in printed(capfd, "--print", "--user")
    assert run("install-timer", "--print", "--run-as", "nobody-here") == 2
    assert "useradd --system nobody-here" in capfd.readouterr().err
    assert run("install-timer", "--print", "--name", "../x") == 2
