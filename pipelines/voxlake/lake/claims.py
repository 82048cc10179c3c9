"""Which run works for which accounts: a file for each run in `locks/`, locked as long as the run lives.

One file names all accounts of a run, so that a thousand of them cost one open file, and it is seen in one moment
whether any is taken. A run that was killed leaves a file that nobody holds: the next one removes it, with what the dead
one had in the making, and never anything of a run that lives.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from voxlake.errors import AlreadyRunning
from voxlake.files import make, storage
from voxlake.lake.layout import TEMPORARY
from voxlake.locks import is_held, is_locked_by_file, waiting
from voxlake.spill import is_in_use, remove_left

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from voxlake.lake.layout import Layout

_RUN: Final = re.compile(r"run-[0-9]+-[0-9a-f]{12}")


class _Content(NamedTuple):
    """What the file of a run says."""

    holder: str
    account_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """The accounts that a run has for itself; `run` is its name. `taken` says of the others who has them."""

    run: str
    account_ids: tuple[int, ...]
    taken: Mapping[int, AlreadyRunning] = field(default_factory=dict)


@contextmanager
def claim_accounts(layout: Layout, account_ids: Collection[int], *, holder: str) -> Iterator[Claim]:
    """Claim accounts for the length of the block, and make the folder `tmp/` of the run; the directory is shared.

    Raises:
        AlreadyRunning: other runs have all of these accounts.
        StorageFull: the folder cannot be written.

    """
    run = f"run-{os.getpid()}-{secrets.token_hex(6)}"
    path, folder = layout.locks / run, layout.tmp / run
    with waiting(layout.locks / "claims"), storage(layout.root):
        living = _living(layout)
        owners = {account: content.holder for content in living.values() for account in content.account_ids}
        free = tuple(account for account in account_ids if account not in owners)
        taken = {account: _taken(layout, account, owners[account]) for account in account_ids if account in owners}
        if taken and not free:
            raise next(iter(taken.values()))
        file = _opened(path, _Content(holder, free))
        try:
            empty(layout.tmp, but=living)
            make(folder)
        except BaseException:
            path.unlink(missing_ok=True)
            file.close()
            raise
    try:
        yield Claim(run, free, taken)
    finally:
        with suppress(OSError):
            shutil.rmtree(folder, ignore_errors=True)
            path.unlink(missing_ok=True)
        file.close()


def working(layout: Layout) -> str | None:
    """Return a sentence about a run of accounts that is at work; None where there is none."""
    for path in _claims(layout):
        content = _read(path) if is_held(path) else None
        if content is not None:
            holder, accounts = content
            which = f"account {accounts[0]}" if len(accounts) == 1 else f"{len(accounts):,} accounts"
            return f"Another run is working in {layout.root} on {which} ({holder}): wait until it ends."
    return None


def others_work(layout: Layout) -> bool:
    """Return whether other runs of accounts are at work beside this one, so that files may change any time."""
    return any(path.name != layout.run and is_held(path) for path in _claims(layout))


def empty(tmp: Path, *, but: Collection[str] = ()) -> None:
    """Make the folder of files in the making anew, but for those of runs that live.

    Where it is a link, nothing of anybody else's is removed.
    """
    make(tmp)
    if tmp.is_symlink():
        left = [path for pattern in TEMPORARY for path in tmp.glob(pattern) if not path.is_dir()]
        left += [path for path in tmp.glob("run-*") if _RUN.fullmatch(path.name)]
        remove_left(tmp)
    else:
        left = list(tmp.iterdir())
    for path in left:
        if path.name in but or is_in_use(path):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _living(layout: Layout) -> dict[str, _Content]:
    """Return what runs that live have claimed, by their names, and forget those that died."""
    found = {}
    for path in _claims(layout):
        if is_held(path):
            found[path.name] = _read(path) or _Content("unknown", ())
        else:
            path.unlink(missing_ok=True)
    return found


def _claims(layout: Layout) -> list[Path]:
    try:
        return sorted(path for path in layout.locks.iterdir() if _RUN.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read(path: Path) -> _Content | None:
    try:
        content = json.loads(path.read_bytes())
        return _Content(str(content["holder"]), tuple(int(account) for account in content["account_ids"]))
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _opened(path: Path, content: _Content) -> IO[bytes]:
    """Write a claim, and hold it; where the file system has no locks, nobody else is there to see it."""
    file = path.open("xb", buffering=0)
    try:
        if not is_locked_by_file(path.parent.parent):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(json.dumps(content._asdict()).encode())
    except BaseException:
        file.close()
        path.unlink(missing_ok=True)
        raise
    return file


def _taken(layout: Layout, account_id: int, holder: str) -> AlreadyRunning:
    return AlreadyRunning(
        f"Another run is working in {layout.root} on account {account_id} ({holder}): wait until it ends."
    )
