"""What stands below the help of every command: examples, which a test reads with the command's own parser."""

from __future__ import annotations


def examples(*lines: str) -> str:
    """Return the epilog with some command lines, each as it is typed; click leaves their lines as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
