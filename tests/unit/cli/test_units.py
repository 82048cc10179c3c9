"""The texts for systemd and cron: what they allow, and how they write odd paths."""

from pathlib import Path

import pytest

from voxlake.cli.units import NightlyRun, cron_line, service_unit, timer_unit
from voxlake.errors import SettingsError


def nightly(folder="/srv/sms", *, writable=None, program="/opt/voxlake/bin/voxlake", **more):
    """Return a nightly run in a folder."""
    command = [program, "export", "--config", f"{folder}/voxlake.toml"]
    return NightlyRun(command, Path(folder), writable or [Path(folder, "data")], "02:05", **more)


def lines(unit):
    """Return the settings of a unit by name."""
    return dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))


def test_what_a_service_may():
    """It writes to its data and nowhere else, gains nothing, and is tried again after exit code 75 alone."""
    its = lines(service_unit(nightly(user="sms"), for_user=False))
    assert its["ReadWritePaths"] == "/srv/sms/data"
    assert (its["ProtectSystem"], its["ProtectHome"], its["PrivateTmp"]) == ("strict", "true", "true")
    assert (its["NoNewPrivileges"], its["CapabilityBoundingSet"], its["User"]) == ("true", "", "sms")
    assert its["RestartPreventExitStatus"].split() == ["1", "2", "3", "4", "130", "143"]
    assert its["ExecStart"] == "/opt/voxlake/bin/voxlake export --config /srv/sms/voxlake.toml"


def test_where_data_lie_in_a_home_or_among_temporary_files():
    """They are not hidden from the service."""
    its = lines(service_unit(nightly("/home/ann/sms"), for_user=True))
    assert (its["ProtectHome"], "User" in its, "PrivateDevices" in its) == ("read-only", False, False)
    assert lines(service_unit(nightly("/tmp/sms"), for_user=False))["PrivateTmp"] == "false"


def test_the_timer():
    """It comes every night, also where the machine slept."""
    its = lines(timer_unit(nightly()))
    assert (its["OnCalendar"], its["Persistent"]) == ("*-*-* 02:05:00", "true")
    assert its["WantedBy"] == "timers.target"


def test_odd_paths():
    """Blanks, quotes, per cents and dollars mean themselves."""
    its = lines(service_unit(nightly("/srv/a b/50%/$x", writable=[Path('/srv/"q"'), Path("/srv/c")]), for_user=False))
    assert its["WorkingDirectory"] == "/srv/a b/50%%/$x"
    assert its["ExecStart"].endswith(' export --config "/srv/a b/50%%/$$x/voxlake.toml"')
    assert its["ReadWritePaths"] == '"/srv/\\"q\\"" /srv/c'
    assert cron_line(nightly("/srv/a b/50%"), Path("/srv/a b/50%/x.log")) == (
        "5 2 * * *  cd '/srv/a b/50\\%' && { date -u; /opt/voxlake/bin/voxlake export --config"
        " '/srv/a b/50\\%/voxlake.toml'; } >>'/srv/a b/50\\%/x.log' 2>&1"
        " || { echo \"voxlake: exit code $?\"; tail -n 40 '/srv/a b/50\\%/x.log'; }"
    )
    with pytest.raises(SettingsError, match="a character that neither cron nor systemd can be given"):
        nightly("/srv/a\nb")
