"""Try the versions that pyproject.toml declares, each set in an environment of its own: the lowest, the newest, others.

`matrix.py [PYTHON ...]`, by default 3.11 to 3.15, which have to be on the machine; needs uv. A set passes if the unit
tests do, and if an export from the sandbox, a publish, a query, a report and a page answer as they should.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv-matrix"
TOOLS = ["hatchling", "hypothesis", "openpyxl", "pytest", "pytest-xdist", "smsutil", "tzdata"]
SETS = {
    "newest": [],
    "lowest": ["--resolution", "lowest-direct"],
    "duckdb-1.5": ["--constraint", "duckdb<2"],
    "pandas-3.0": ["--constraint", "pandas<3.1"],
}
"""What to install beside voxlake's own declarations: the newest versions, or these."""
LEFT = "not test_every_plan and not test_the_plans_are_those_of_the_library"
"""The numbering plans in the code are those of the newest phonenumbers, whatever version is installed."""
ASK = "SELECT count(*) AS n, sum(cost) > 0 AS paid FROM messages"


def main(*pythons):
    """Try every set with the first Python, and the newest versions with each other; give the exit code."""
    found = pythons or [f"3.{minor}" for minor in range(11, 16)]
    failed = []
    for number, python in enumerate(found):
        for name in SETS if number == 0 else ("newest",):
            try:
                print(f"{Path(python).name}, {name}: {tried(python, name)}", flush=True)
            except subprocess.CalledProcessError as error:
                failed.append(f"{python}, {name}")
                print(f"{failed[-1]} failed: {error.cmd}\n{error.stdout or ''}{error.stderr or ''}", flush=True)
    return 1 if failed else 0


def tried(python, name):
    """Install a set, run the tests and the program with it, and give the versions that it had."""
    home = FOLDER / f"{Path(python).name}-{name}"
    run("uv", "venv", "--quiet", "--clear", "--python", python, home)
    options, kept = SETS[name], FOLDER / f"{home.name}.txt"
    if options[:1] == ["--constraint"]:
        kept.write_text(options[1] + "\n")
        options = ["--constraint", kept]
    install = ["uv", "pip", "install", "--quiet", "--python", home / "bin" / "python"]
    run(*install, *options, "--editable", f"{ROOT}[all]")
    run(*install, *TOOLS)
    run(
        home / "bin" / "python",
        "-m",
        "pytest",
        "-q",
        "-n",
        "2",
        "-p",
        "no:cacheprovider",
        "tests/unit",
        "-k",
        LEFT,
        cwd=ROOT,
    )
    with tempfile.TemporaryDirectory() as folder:

        def voxlake(*arguments):
            return run(home / "bin" / "voxlake", *arguments, cwd=folder)

        voxlake("sandbox", "run", "--rows", "3000", "--days", "10", "--", home / "bin" / "voxlake", "export")
        voxlake("publish")
        assert voxlake("query", ASK, "--format", "csv") == "n,paid\n3000,True\n"
        assert voxlake("report", "daily", "--format", "csv").count("\n") > 10
        voxlake("report", "daily", "--out", "daily.xlsx")
        voxlake("dashboard")
    versions = run("uv", "pip", "freeze", "--quiet", "--python", home / "bin" / "python").splitlines()
    wanted = ("altair", "click", "cryptography", "duckdb", "numpy", "pandas", "phonenumbers", "pyarrow", "pyjwt")
    wanted += ("requests", "simplejson", "urllib3", "vl-convert-python", "xlsxwriter")
    return "passed with " + ", ".join(line for line in versions if line.partition("==")[0] in wanted)


def run(*command, cwd=None):
    """Run a program and give what it prints."""
    command = [str(part) for part in command]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, env=os.environ).stdout


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    sys.exit(main(*sys.argv[1:]))
