"""What the API accepts of a send, checked before a request leaves, and what its refusals mean."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from voxlake.errors import SettingsError
from voxlake.phones import normal_number

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_CHARACTERS, MAX_CHARACTERS_A2P, MAX_NUMBERS = 765, 1600, 100
"""Characters of a text for SendSmsMessage and for A2PSendSms, and numbers in one request. Source: the vendor's
reference of both methods."""

ADVICE = {
    14: "the SMS gateway has a fault: check the history before you send it again",
    121: "the number does not belong to this account: 'voxlake sms numbers' lists those that do",
    385: "the message was not accepted: check the number",
    386: "SMS is off for the number: 'voxlake sms control NUMBER enable' switches it on",
    422: "the sender must be a number that the account has rented: 'voxlake sms numbers' lists them",
    423: "the recipient must be a number in international form, digits only",
    477: f"the text must have {MAX_CHARACTERS} characters at most",
    484: "the API takes it for an automatic resend, because the same was sent a moment ago: check the history whether"
    " it went out, and wait some minutes before you send the same again",
    496: "the API does not accept a parameter: correct it",
    499: f"the text must have {MAX_CHARACTERS} characters at most",
    506: "no route leads to the number: check it, and ask the vendor's support whether its country is open to you",
    507: "the SenderID is not installed for this account: the vendor's support installs it",
    508: f"the text must have 1 to {MAX_CHARACTERS_A2P} characters",
    509: "A2P messages are switched off for the number: ask the vendor's support",
    528: "the number cannot do SMS: 'voxlake sms numbers' lists those that can",
}
"""What to do about a code, without the full stop. Source: the vendor's list of errors."""

_NAMED = 5
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")
_DIGITS = re.compile(r"[0-9]{3,15}", re.ASCII)


def check_text(text: str, *, longest: int) -> None:
    """Raise SettingsError for a text that the API would refuse: empty, longer than `longest`, or not Unicode."""
    if not text.strip():
        raise SettingsError("The text is empty or nothing but white space: write one.")
    if len(text) > longest:
        raise SettingsError(
            f"The text has {len(text)} characters, {len(text) - longest} more than the API accepts: shorten it."
        )
    if _HALF_A_CHARACTER.search(text):
        raise SettingsError("The text is not UTF-8: save it as UTF-8, or type it in a terminal that uses UTF-8.")


def check_sender(source: str) -> None:
    """Raise SettingsError for what cannot be a SenderID."""
    if _HALF_A_CHARACTER.search(source):
        raise SettingsError("The SenderID is not UTF-8: type it in a terminal that uses UTF-8.")
    if not source.strip() or ";" in source:
        raise SettingsError("The SenderID is empty or holds a semicolon: use one that the vendor has installed.")


def checked_number(number: str) -> str:
    """Return a number as the API writes it, in its normal form: digits without a plus or `00`.

    Raises:
        SettingsError: it is not 3 to 15 digits.

    """
    digits = number.strip().removeprefix("+")
    if not _DIGITS.fullmatch(digits):
        raise SettingsError(
            f"{number!r} is not a number: write 3 to 15 digits in international form, like 447700900123."
        )
    return normal_number(digits)


def checked_numbers(numbers: Iterable[str]) -> list[str]:
    """Return numbers as the API writes them, in their order.

    Raises:
        SettingsError: one is not a number, one is listed twice, or there are none.

    """
    checked = [checked_number(number) for number in numbers]
    twice = [number for number, times in Counter(checked).items() if times > 1]
    if twice:
        more = f" (and {len(twice) - _NAMED:,} more)" if twice[_NAMED:] else ""
        verb = "are" if twice[1:] else "is"
        raise SettingsError(f"{', '.join(twice[:_NAMED])}{more} {verb} listed twice: list each number once.")
    if not checked:
        raise SettingsError("There is nobody to send to: name numbers with --to or --to-file.")
    return checked
