"""Every code block of docs/python.md does what the page says, on a sandbox."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.clock import SYSTEM
from support.dates import days_ago
from support.paths import DOCS

from voxlake.sandbox import Behaviour, Faults, Sandbox, World

pytestmark = pytest.mark.system_clock

PAGE = DOCS / "python.md"
BLOCKS = re.findall(r"^```(\w+)(?: needs=(\w+))?\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
RUN = {
    "airflow": "airflow db migrate && airflow dags reserialize && airflow dags test sms_history",
    "dagster": "python -c 'import dagster, program; assert dagster.materialize([program.sms_history]).success'",
    "prefect": "python -c 'import program; assert program.sms_history()[\"exit_code\"] == 0'",
}
"""How the program of each orchestrator, `program.py`, is run once."""


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


@pytest.mark.slow
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
    (tmp_path / "program.py").write_text(text)
    own = {f"{tool}_HOME": str(tmp_path) for tool in ("AIRFLOW", "DAGSTER", "PREFECT")}
    own |= {"AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = os.environ | environ | own | {"DATA_DIR": str(tmp_path / "data"), "PATH": path}
    subprocess.run(["sh", "-euc", RUN[name]], cwd=tmp_path, env=environ, check=True)
    assert (tmp_path / "data" / "voxlake.duckdb").exists()
