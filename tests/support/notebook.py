"""Run docs/notebook.ipynb without a browser: `PYTHONPATH=tests python -m support.notebook FOLDER OUT`.

The cells run in FOLDER, and OUT is the notebook with what it shows then; `make notebook` keeps it for `data/demo`. It
is a program of its own since what talks to a kernel leaves sockets to the end of the process.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient

from support.paths import DOCS

PAGE = DOCS / "notebook.ipynb"


def run(folder):
    """Return the notebook as it is after a run in a folder; raises where a cell fails."""
    page = nbformat.read(PAGE, as_version=4)
    # The file itself says no more of the kernel than which language it speaks.
    about = page.metadata.copy()
    # A socket has a short path, whatever folder the tests run in; and nobody's own settings count.
    with tempfile.TemporaryDirectory(prefix="notebook-") as own:
        os.environ |= dict.fromkeys(("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"), own)
        kernel = AsyncKernelManager(transport="ipc", ip=str(Path(own) / "kernel"))
        resources = {"metadata": {"path": str(folder)}}
        try:
            NotebookClient(page, km=kernel, resources=resources, record_timing=False).execute()
        finally:
            run_sync(kernel.shutdown_kernel)(now=True)
    page.metadata = about
    return page


if __name__ == "__main__":
    nbformat.write(run(Path(sys.argv[1])), sys.argv[2])
