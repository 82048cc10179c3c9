"""Every code block of docs/python.md does what the page says, on a sandbox."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest
from support.clock import SYSTEM
from support.dates import days_ago
from support.paths import DOCS

from voxlake.sandbox import Behaviour, Faults, Sandbox, World

pytestmark = pytest.mark.system_clock

PAGE = DOCS / "python.md"
BLOCKS = re.findall(r"^```(\w+)(?: needs=(\w+))?\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
RUN = {
    "airflow": "sms_history().test()",
    "dagster": "assert dg.materialize([sms_history]).success",
    "prefect": "assert sms_history()['exit_code'] == 0",
}
"""How the program of each orchestrator is run once."""


@pytest.fixture(scope="module")
def environ(tmp_path_factory):
    """Serve a history, and return what the page's programs find in their environment."""
    world = World(rows=600, days=8, seed=1, until=days_ago(0, SYSTEM))
    folder = tmp_path_factory.mktemp("server")
    with Sandbox(world, behaviour=Behaviour.parse([]), faults=Faults.parse(""), directory=folder) as server:
        yield {"VOXIMPLANT_API_URL": server.url, "VOXIMPLANT_CREDENTIALS": str(server.credentials)}


def run(text, folder, environ):
    """Run a program in a folder, with warnings as errors where nothing of others runs, and return what it printed."""
    program = folder / "program.py"
    program.write_text(text)
    done = subprocess.run(
        [sys.executable, program], cwd=folder, env=os.environ | environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_page(tmp_path, environ):
    """The programs run one after the other, each in a process of its own, silent where they do not print."""
    printed = [run(text, tmp_path, environ) for language, needs, text in BLOCKS if language == "python" and not needs]
    assert len(printed) == len(BLOCKS) - len(RUN)
    assert {done.stderr for done in printed} == {""}
    assert "sms: " in printed[0].stdout
    assert "decimal128(18, 6)[pyarrow] timestamp[us][pyarrow]" in "".join(done.stdout for done in printed)
    assert all(done.stdout for done in printed)


@pytest.mark.parametrize("name", RUN)
def test_orchestrators(tmp_path, environ, name):
    """The program of an orchestrator runs where that is installed."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    (text,) = (text for _, needs, text in BLOCKS if needs == name)
    own = {"AIRFLOW_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path), "PREFECT_HOME": str(tmp_path)}
    run(f"{text}\n\n{RUN[name]}\n", tmp_path, environ | own | {"DATA_DIR": str(tmp_path / "data")})
    assert (tmp_path / "data" / "voxlake.duckdb").exists()
