"""contrib/: the image and its schedule are built and run where there is a builder, and read closely everywhere."""

import os
import re
import shutil
import subprocess

import pytest
from support.paths import ROOT

CONTRIB = ROOT / "contrib"
DOCKERFILE = (CONTRIB / "Dockerfile").read_text()
COMPOSE = (CONTRIB / "compose.yaml").read_text()


def instructions():
    """Return the instructions of the Dockerfile, a tuple of name and arguments each."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def stages():
    """Return the instructions of each stage."""
    found = []
    for name, arguments in instructions():
        if name == "FROM":
            found.append([])
        found[-1].append((name, arguments))
    return found


def test_the_image():
    """It is slim, has no root, keeps its data in a volume, and everything installed is pinned by its hash."""
    build, final = stages()
    assert all(stage[0][1].split()[0] == "python:3.13-slim" for stage in (build, final))
    final = dict(final)
    assert int(final["USER"].partition(":")[0]) >= 1000
    assert (final["VOLUME"], final["WORKDIR"]) == ("/data", "/data")
    assert (final["ENTRYPOINT"], final["CMD"]) == ('["voxlake"]', '["export"]')
    assert "VOXLAKE_DATA_DIR=/data" in final["ENV"]
    names = [name for name, _ in instructions()]
    assert "ADD" not in names
    assert names.index("USER") > max(n for n, name in enumerate(names) if name == "RUN")
    installs = re.findall(r"pip (?:install|wheel) (.*?)(?= &&|$)", " \n".join(its for _, its in build), re.MULTILINE)
    assert len(installs) == 4
    assert all("--require-hashes" in its or "--no-deps" in its for its in installs)


def test_what_is_copied_into_the_image():
    """Every path exists and passes the list of what the builder sees, which has no key and no data."""
    copied = [
        path
        for name, arguments in instructions()
        if name == "COPY" and not arguments.startswith("--from")
        for path in arguments.split()[:-1]
    ]
    seen = re.findall(r"^!(.*)", (CONTRIB / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert sorted(copied) == sorted(seen)
    assert all((ROOT / path).exists() for path in copied)
    assert (CONTRIB / "Dockerfile.dockerignore").read_text().splitlines()[1] == "*"


def block(name):
    """Return what stands below a key of the service, without its indentation."""
    found = re.search(rf"^    {name}:(.*)\n((?:      .*\n)*)", COMPOSE, re.MULTILINE)
    return found[1].strip() or re.sub(r"^      ", "", found[2], flags=re.MULTILINE)


def test_the_service():
    """Its root is read-only, it may nothing, its log rotates, and its key is a secret."""
    assert (block("read_only"), block("init"), block("restart")) == ("true", "true", "unless-stopped")
    assert block("cap_drop") == "- ALL\n"
    assert block("security_opt") == "- no-new-privileges:true\n"
    assert block("volumes") == "- data:/data\n"
    assert "max-size: 10m" in block("logging")
    assert "VOXIMPLANT_CREDENTIALS: /run/secrets/credentials" in block("environment")
    assert '"status", "--check"' in block("healthcheck")


def test_the_schedule(tmp_path):
    """An export at the start, the next at the hour, and after exit code 75 one in twenty minutes."""
    script = re.sub(r"^    ", "", block("command").partition("- |\n")[2], flags=re.MULTILINE).replace("$$", "$")
    programs = {
        "voxlake": 'echo "$@" >>ran; [ "$(wc -l <ran)" != 1 ] || exit 75',
        "sleep": 'echo "$1" >>slept; [ "$(wc -l <slept)" != 3 ] || kill "$PPID"',
        # Noon of a day, so that today's hour has passed.
        "date": 'case "$*" in +%s) echo 43200;; *today*) echo 11700;; *tomorrow*) echo 98100;; *) exit 1;; esac',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o700)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "NIGHTLY_AT": "03:15"}
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (tmp_path / "ran").read_text() == "export\n" * 3, done
    assert (tmp_path / "slept").read_text().split() == ["1200", "54900", "54900"]
    assert done.stdout.splitlines()[:2] == ["voxlake: exit code 75", "voxlake: exit code 0"]


def test_the_log_rotates():
    """The log of the cron line in README.md is what logrotate looks after, by time and by size."""
    text = (CONTRIB / "logrotate.conf").read_text()
    assert re.search(r"^/srv/sms/voxlake\.log \{\n(?:    .*\n)+\}$", text, re.MULTILINE)
    assert {"rotate 12", "maxsize 10M", "missingok"} <= set(map(str.strip, text.splitlines()))
    assert ">>/srv/sms/voxlake.log 2>&1" in (ROOT / "README.md").read_text()


def has_builder():
    """Return whether images can be built here."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not has_builder(), reason="no builder of images is at work here")
def test_the_image_is_built_and_runs():
    """It runs with a read-only root and without any right, and writes to its volume."""
    build = ["docker", "build", "--quiet", "-f", "contrib/Dockerfile", "-t", "voxlake-test", "."]
    subprocess.run(build, cwd=ROOT, check=True)
    run = ["docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "voxlake-test"]
    done = subprocess.run(
        [*run, "sandbox", "run", "--rows", "50", "--days", "3", "--", "voxlake", "export"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "verified" in done.stderr) == (0, True), done.stderr
