"""Run the command `voxlake` as `python -m voxlake`."""

from voxlake.cli import main

if __name__ == "__main__":
    main()
