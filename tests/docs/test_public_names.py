"""The public Python door: what `voxlake` exports is listed, exists, and costs nothing until it is used."""

import re
import subprocess
import sys

import pytest
from support.paths import ROOT

import voxlake

pytestmark = pytest.mark.dateless


def test_public_names():
    """Exactly these names are public; removing or renaming one breaks somebody's program."""
    assert " ".join(voxlake.__all__) == (
        "Account ApiRejected AuditResult Client CompactResult DataError Database DeltaCopy Event ExportResult"
        " OutcomeUnknown PublishResult RecordedRun Refused ReplayResult Report SettingsError Status TryAgain"
        " VoxlakeError __version__ audit backfill compact connect connect_all export open publish publish_delta"
        " replay report runs status"
    )
    assert [name for name in voxlake.__all__ if not hasattr(voxlake, name)] == []


def test_every_name_is_type_checked():
    """The program that mypy checks strictly uses every public name."""
    program = (ROOT / "tests" / "docs" / "typed_program.py").read_text()
    assert [name for name in voxlake.__all__ if not re.search(rf"\bvoxlake\.{name}\b", program)] == []


def test_a_library_keeps_to_itself():
    """Only the command line, and a program of its own, print, handle signals, read variables or end the process."""
    own = re.compile(r"\b(print\(|signal\.signal|sys\.exit|os\._exit|os\.environ|os\.getenv|gc\.|atexit|basicConfig)")
    programs = ("cli", "sandbox", "__main__.py")
    package = ROOT / "pipelines" / "voxlake"
    found = {
        (str(path.relative_to(package)), match.group())
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in programs
        for match in own.finditer(path.read_text())
    }
    # Proxies and authorities are what requests takes from there, too, and credentials what the tools of a store do.
    assert found == {("api/environment.py", "os.environ"), ("remote/connect.py", "os.environ")}


def test_unknown_names():
    """Any other name is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="Clint"):
        _ = voxlake.Clint


def test_importing_voxlake_is_cheap():
    """Importing the package imports none of its rooms."""
    code = "import sys, voxlake; print([m for m in sys.modules if m.startswith('voxlake.')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == "['voxlake.version']\n"
