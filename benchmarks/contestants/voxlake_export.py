"""voxlake as its users run it, everything on."""

import os
import sys
from datetime import UTC, datetime, timedelta


def main(url: str, folder: str, jobs: str = "4", days: str = "60", output: str = "json") -> None:
    """Become the command."""
    since = datetime.now(tz=UTC).date() - timedelta(days=int(days))
    environ = os.environ | {"VOXIMPLANT_ACCOUNT_ID": "1", "VOXIMPLANT_API_KEY": "key", "VOXIMPLANT_API_URL": url}
    command = ["voxlake", "export", "--data-dir", folder, "--since", str(since), "--jobs", jobs, "--output", output]
    os.execvpe(command[0], command, environ)


if __name__ == "__main__":
    main(*sys.argv[1:])
