"""The privacy policy that a caller names: as a value, or as a mapping with the keys of the table `[privacy]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxlake.errors import SettingsError
from voxlake.policy import KEEP_ALL, PARTS, PrivacyPolicy
from voxlake.privacy import read_key
from voxlake.text import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.privacy import PrivacyKey

    Privacy = PrivacyPolicy | Mapping[str, Any]

_KEYS = (*PARTS, "key_file")


def find_policy(privacy: Privacy | None, data_dir: Path) -> PrivacyPolicy:
    """Return the policy that is meant; None keeps everything as it came.

    Raises:
        SettingsError: it says what cannot be, or needs a key and names none that may be used.

    """
    if privacy is None:
        return KEEP_ALL
    if isinstance(privacy, PrivacyPolicy):
        return privacy
    unknown = sorted(set(privacy) - set(_KEYS))
    if unknown:
        raise SettingsError(f"privacy has no key {unknown[0]!r}: {did_you_mean(unknown[0], _KEYS)}")
    path = privacy.get("key_file")
    key = None if path is None else find_key(Path(path), data_dir)
    return PrivacyPolicy(**{part: privacy[part] for part in PARTS if part in privacy}, key=key)


def find_key(path: Path, data_dir: Path) -> PrivacyKey:
    """Return the key in a file; raises SettingsError where there is none, or one that must not be used."""
    key = read_key(path, data_dir=data_dir)
    if key is None:
        raise SettingsError(f"There is no privacy key {path}: make one with 'voxlake privacy init'.")
    return key
