"""The accounts that a data directory knows, for whatever only reads; nothing that speaks HTTP is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.lake import AccountRegistry, exported_accounts
from voxlake.library.selection import select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlake.lake import Lake
    from voxlake.library.sections import Section
    from voxlake.library.selection import Known


def account_ids(lake: Lake, wanted: Sequence[str], sections: Mapping[str, Section]) -> list[int] | None:
    """Return the numbers of the accounts that are wanted of a data directory, without the API; None where all are.

    They are known by the names in `lake/accounts.json` and of sections, and by the folders of the lake.

    Raises:
        SettingsError: a name, number or pattern means no account; the nearest is named.

    """
    return select(wanted, known_accounts(lake, sections)) if wanted else None


def known_accounts(lake: Lake, sections: Mapping[str, Section]) -> list[Known]:
    """Return the accounts of a data directory with their names; one may be there under two."""
    there = exported_accounts(lake)
    known: list[Known] = [(number, None) for number in sorted(there)]
    known += [(facts.account_id, facts.name) for facts in AccountRegistry(lake).all()]
    known += [(section.account_id, section.name) for section in sections.values() if section.account_id is not None]
    return known
