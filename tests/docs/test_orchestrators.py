"""The files of contrib/ for Airflow and Dagster in their own local runners: `make orchestrators`."""

import os
import subprocess

import pytest
from support.clock import SYSTEM
from support.paths import ROOT

from voxlake.api import children
from voxlake.library import connect

RUNNERS = {
    "airflow": """
import pathlib, subprocess, sys
airflow = pathlib.Path(sys.executable).with_name("airflow")
subprocess.run([airflow, "db", "migrate"], check=True, capture_output=True)
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("contrib/airflow_dag.py")
assert not bag.import_errors, bag.import_errors
run = bag.dags["sms_history"].test()
assert run.state == "success", run.state
assert [task.map_index for task in run.get_task_instances() if task.task_id == "export"] == [0, 1, 2]
""",
    "dagster": """
import sys
sys.path.insert(0, "contrib")
import dagster, dagster_asset
for key in dagster_asset.ACCOUNTS.get_partition_keys():
    assert dagster.materialize([dagster_asset.sms_history], partition_key=key).success
""",
}


@pytest.mark.slow
@pytest.mark.system_clock
@pytest.mark.parametrize("name", RUNNERS)
def test_every_account_is_exported(sandbox, tmp_path, name):
    """A mapped task, or a partition, an account: each is in the lake afterwards."""
    python = ROOT / ".venv-orchestrators" / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{name} is not installed: 'make orchestrators' installs it")
    server = sandbox("children_filter=optional", rows=300, days=3, accounts=3, clock=SYSTEM)
    ids = [child.account_id for child in children(connect(str(server.credentials), api_url=server.url).api()).found]
    environ = os.environ | {
        "PYTHONPATH": str(ROOT / "pipelines"),
        "VOXIMPLANT_CREDENTIALS": str(server.credentials),
        "VOXIMPLANT_API_URL": server.url,
        "VOXLAKE_ACCOUNTS": ",".join(map(str, ids)),
        "VOXLAKE_DATA_DIR": str(tmp_path / "data"),
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "contrib"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    command = [python, "-c", RUNNERS[name]]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert {path.name for path in (tmp_path / "data" / "lake" / "sms_history").iterdir()} == {
        f"account_id={number}" for number in ids
    }
