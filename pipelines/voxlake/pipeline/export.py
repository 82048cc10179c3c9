"""The story of an export: gather the days of the account, publish the database once, report."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from voxlake.pipeline import announce
from voxlake.pipeline.database import EarlyBuild
from voxlake.pipeline.finish import finish
from voxlake.pipeline.gather import gather, gather_again

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from voxlake.pipeline.context import Context
    from voxlake.pipeline.plan import DayRange
    from voxlake.pipeline.result import ExportResult
    from voxlake.transform import Stream


def export(context: Context, streams: Sequence[Stream], days: DayRange, *, force: bool = False) -> ExportResult:
    """Bring every day of a range that is not final into the lake, and publish the database.

    With `force`, final days are read again, and the API's word is taken for messages that it does not report any more.
    Trouble with one window never stops the others; a refusal stops its stream. Neither is raised: the result names
    what was not done.

    Raises:
        SettingsError: this machine's clock and the API's are years apart, so that no day can be planned.

    """
    with announce.run(context.events, "export", lambda: context.history.requests) as ending:
        with closing(EarlyBuild(context)) as database:
            gathered = gather(context, streams, days, database, force=force)
            result = finish(context, gathered, database, force=force)
        ending.exit_code = result.exit_code
    return result


def reread(context: Context, days: Mapping[Stream, Sequence[date]]) -> ExportResult:
    """Read days again whatever is known of them, take the API's word for them, and rebuild the database."""
    with closing(EarlyBuild(context, rebuild=True)) as database:
        return finish(context, gather_again(context, days, database), database, force=True)
