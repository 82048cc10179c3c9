"""The version of voxlake, in a module of its own so that every room can write it into its files."""

__version__ = "0.2.0"
