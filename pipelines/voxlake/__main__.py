"""Let `python -m voxlake` do what the command `voxlake` does."""

from voxlake.cli import main

if __name__ == "__main__":
    main()
