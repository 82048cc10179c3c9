"""The value of the setting that says whose workers read the windows."""

from __future__ import annotations

from typing import Any

import click

from voxlake.cli.types import origin, shown
from voxlake.errors import SettingsError
from voxlake.text import scheduler_address


class SchedulerAddress(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click alone
    """The address of a Dask scheduler."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address with its port. Raises SettingsError for anything else."""
        found = scheduler_address(value)
        if found is None:
            raise SettingsError(
                f"{origin(param, ctx)} is {shown(value)}: give the address of a Dask scheduler as dask://HOST:8786."
            )
        return found
