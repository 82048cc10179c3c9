"""Run the Singer tap into target-duckdb, at its default settings."""

import json
import subprocess
import sys
from pathlib import Path


def main(url: str, folder: str) -> None:
    """Join both by a pipe, as Singer has it."""
    here, where = Path(__file__).parent, Path(folder)
    (where / "tap.json").write_text(json.dumps({"url": url}))
    (where / "target.json").write_text(json.dumps({"path": f"{folder}/singer.duckdb", "default_target_schema": "main"}))
    tap = subprocess.Popen(
        [sys.executable, here / "singer_tap.py", "--config", where / "tap.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    target = Path(sys.executable).parent / "target-duckdb"
    subprocess.run(
        [target, "--config", where / "target.json"],
        stdin=tap.stdout,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    if tap.wait():
        raise SystemExit("the tap failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
