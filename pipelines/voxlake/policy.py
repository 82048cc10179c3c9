"""What becomes of numbers and texts before they are written: kept, dropped, masked, or replaced by keyed digests.

Every treatment leaves alone what a treatment has already made, so that rows can be treated again.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from voxlake.errors import SettingsError
from voxlake.phones import is_number, normal_number
from voxlake.regions import UNKNOWN, country_of
from voxlake.segments import BASIC, EXTENSION

if TYPE_CHECKING:
    from voxlake.privacy import PrivacyKey

Treatment = Literal["keep", "drop", "mask", "hash"]
KEEP, DROP, MASK, HASH = TREATMENTS = ("keep", "drop", "mask", "hash")
PARTS: Final = ("source", "destination", "text", "error_text", "unknown_fields")
"""What is treated, each on its own: the numbers of both ends, the text, texts of errors, and fields of `extra`."""
DIGITS: Final = 32
"""Hexadecimal digits of a digest that stands in the place of a value: 128 bits, so that no two are the same."""
NOBODY: Final = "***"
"""What masks a sender or recipient that is not an international number."""

_TREATED = re.compile(rf"(?:[A-Z]{{2}})?#[0-9a-f]{{{DIGITS}}}|[A-Z]{{2}}\*\*\*[0-9]{{2}}|\*\*\*", re.ASCII)
_DIGEST = re.compile(rf"#[0-9a-f]{{{DIGITS}}}", re.ASCII)
# What a treatment has made, or five digits or more that belong together, with a few marks between them.
_RUN = re.compile(rf"(?P<done>{_TREATED.pattern})|\+?\(?\d(?:[-.()/\s]{{0,3}}\d){{4,}}")
_LEAST, _LEAST_APART, _WHOLE = 5, 7, 9
"""Digits that are treated at all, those with blanks among them, and digits without that are a number of their own."""
_WORD = re.compile(rf"(\+?\(?\d(?:[-.()/]{{0,2}}\d){{{_WHOLE - 1},}})")


class _Masked(dict[int, str]):
    """What masks a character, by its code: another one of the same size in a segment; blanks stay."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character.isspace():
            mask = character
        elif character in BASIC:
            mask = "x"
        elif character in EXTENSION:
            mask = "€"
        else:
            mask = "ж" if code <= 0xFFFF else "\U0001f600"  # noqa: PLR2004 - the end of the basic plane
        self[code] = mask
        return mask


_MASKS: Final = _Masked()


@dataclass(frozen=True, slots=True)
class PrivacyPolicy:
    """How each part of a message is treated before it touches the disk; `key` makes the digests of `hash`.

    It can be pickled, and its texts name no secret.
    """

    source: Treatment = "keep"
    destination: Treatment = "keep"
    text: Treatment = "keep"
    error_text: Treatment = "keep"
    unknown_fields: Treatment = "keep"
    key: PrivacyKey | None = None

    def __post_init__(self) -> None:
        for part in PARTS:
            if (how := getattr(self, part)) not in TREATMENTS:
                raise SettingsError(f"{part} in [privacy] is {how!r}: use {', '.join(TREATMENTS)}.")
        if self.hashes and self.key is None:
            raise SettingsError(
                f"There is no privacy key, and {' and '.join(self.hashes)} in [privacy] say hash: make one with"
                " 'voxlake privacy init'."
            )

    @property
    def hashes(self) -> tuple[str, ...]:
        """The parts that are replaced by digests."""
        return tuple(part for part in PARTS if getattr(self, part) == HASH)

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is treated."""
        return all(getattr(self, part) == KEEP for part in PARTS)

    @property
    def label(self) -> str:
        """What a day file says of how it was treated, empty where nothing is: no secret, and only the id of the key."""
        treated = [f"{part}={getattr(self, part)}" for part in PARTS if getattr(self, part) != KEEP]
        if self.hashes and self.key is not None:
            treated.append(f"key={self.key.id}")
        return ",".join(treated)

    def number(self, part: str, value: str | None) -> str | None:
        """Return what is written in the place of a number or SenderID, of the part `source` or `destination`."""
        return self._number(getattr(self, part), value)

    def words(self, value: str | None) -> str | None:
        """Return what is written in the place of the text of a message."""
        return self._words(self.text, value)

    def error(self, value: str | None) -> str | None:
        """Return what is written in the place of an error's text: each number in it is treated for itself."""
        return self.numbers_within(self.error_text, value)

    def without_sender(self, error: str, sender: str) -> str:
        """Return the text of an error in which a SenderID stands as it is treated; numbers are left to `error`."""
        if self.source == KEEP or sender not in error or is_number(normal_number(sender)):
            return error
        named = re.compile(rf"(?<!\w){re.escape(sender)}(?!\w)")
        return named.sub(self._number(self.source, sender) or NOBODY, error)

    def numbers_within(self, how: Treatment, value: str | None) -> str | None:
        """Return a text in which each run of digits that looks like a phone number is treated."""
        if value is None or how == DROP:
            return None
        return value if how == KEEP else _RUN.sub(functools.partial(self._run, how), value)

    def unknown(self, how: Treatment, value: object) -> object:
        """Return what is written in the place of a value of JSON: texts at any depth, and whole numbers like phones'.

        The keys of objects stay.
        """
        if how in (KEEP, DROP):
            return value if how == KEEP else None
        if isinstance(value, dict):
            return {name: self.unknown(how, its) for name, its in value.items()}
        if isinstance(value, list | tuple):
            return [self.unknown(how, its) for its in value]
        text = str(abs(value)) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(text, str) and (is_number(normal_number(text)) or _TREATED.fullmatch(text)):
            return self._number(how, text)
        return self._words(how, value) if isinstance(value, str) else value

    def _number(self, how: Treatment, value: str | None) -> str | None:
        if value is None or how == DROP:
            return None
        if how == KEEP or _TREATED.fullmatch(value):
            return value
        normal = normal_number(value)
        country = (country_of(normal) or UNKNOWN) if is_number(normal) else ""
        if how == MASK:
            return f"{country}***{normal[-2:]}" if country else NOBODY
        return f"{country}#{self._digest(normal)}"

    def _words(self, how: Treatment, value: str | None) -> str | None:
        if value is None or how == DROP:
            return None
        if how == KEEP or _DIGEST.fullmatch(value):
            return value
        return value.translate(_MASKS) if how == MASK else f"#{self._digest(value)}"

    def _digest(self, text: str) -> str:
        if self.key is None:
            raise SettingsError("There is no privacy key: make one with 'voxlake privacy init'.")
        return self.key.digest(text)[:DIGITS]

    def _run(self, how: Treatment, found: re.Match[str]) -> str:
        """Return what stands in the place of digits that may be one number with blanks in it, or several numbers."""
        run = found[0]
        if found["done"]:
            return run
        longest = max(sum(character.isdigit() for character in word) for word in run.split())
        if is_number(normal_number(run)) and (run.startswith("+") or longest < _WHOLE or len(run.split()) == 1):
            return self._number(how, run) or ""
        return "".join(self._beside(how, piece) for piece in _WORD.split(run))

    def _beside(self, how: Treatment, piece: str) -> str:
        """Return what stands in the place of one of several numbers, or of digits between them."""
        bare = piece.strip()
        if sum(character.isdigit() for character in bare) < (_LEAST_APART if len(bare.split()) > 1 else _LEAST):
            return piece
        return piece.replace(bare, self._number(how, bare) or "")


KEEP_ALL: Final = PrivacyPolicy()


def is_treated(value: str) -> bool:
    """Whether a value is what a treatment has made of a number or SenderID."""
    return _TREATED.fullmatch(value) is not None


def treatments_of(label: str) -> dict[str, str]:
    """Return how each part was treated by the label of a day file."""
    said = dict(each.split("=", 1) for each in label.split(",") if "=" in each)
    return {part: said.get(part, KEEP) for part in PARTS}


def key_of(label: str) -> str | None:
    """Return the id of the key by the label of a day file; None where it has no digests."""
    return dict(each.split("=", 1) for each in label.split(",") if "=" in each).get("key")


def reach(stored: str, wanted: str) -> str:
    """Return what becomes of a part that was treated in one way, under a policy that wants another.

    Only what was kept can be treated in any way; whatever is there can be dropped.
    """
    return wanted if stored == KEEP or wanted == DROP else stored


def digest_of(policy_key: PrivacyKey, number: str) -> str:
    """Return what `hash` makes of a number or SenderID, however it is written."""
    return dataclasses.replace(KEEP_ALL, destination="hash", key=policy_key).number("destination", number) or ""
