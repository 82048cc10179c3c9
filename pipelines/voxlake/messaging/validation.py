"""What the API takes of a send, checked before a byte travels, and what its refusals mean."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from voxlake.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST, LONGEST_A2P, MOST_NUMBERS = 765, 1600, 100
"""Characters of a text for SendSmsMessage and for A2PSendSms, and numbers in one request, by the vendor's reference."""

ADVICE = {
    14: "the SMS gateway is in trouble: look into the history before you send it again",
    121: "the number is none of this account's: 'voxlake sms numbers' lists them",
    385: "the message was not taken on: look at the number",
    386: "SMS is off for the number: 'voxlake sms control NUMBER enable' switches it on",
    422: "the sender must be a number that the account has rented: 'voxlake sms numbers' lists them",
    423: "the recipient must be a number in international form, digits only",
    477: f"the text must have {LONGEST} characters at most",
    484: "the API takes it for an automatic resend, because the same was sent a moment ago: look into the history"
    " whether it went out, and wait some minutes before you send the same again",
    496: "the API does not take a parameter: mend it",
    499: f"the text must have {LONGEST} characters at most",
    506: "no route leads to the number: check it, and ask the vendor's support whether its country is open to you",
    507: "the SenderID is not installed for this account: the vendor's support installs it",
    508: f"the text must have 1 to {LONGEST_A2P} characters",
    509: "A2P messages are switched off for the number: ask the vendor's support",
    528: "the number cannot do SMS: 'voxlake sms numbers' lists those that can",
}
_NAMED = 5
_DIGITS = re.compile(r"[0-9]{3,15}", re.ASCII)


def check_text(text: str, *, longest: int) -> None:
    """Refuse a text that the API would refuse, or that is none."""
    if not text.strip():
        raise SettingsError("The text is empty, or nothing but white space: give one.")
    if len(text) > longest:
        raise SettingsError(f"The text has {len(text)} characters, {len(text) - longest} more than the API takes.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise SettingsError("The text is not UTF-8: save it as UTF-8, or type it in a terminal that speaks it.")


def check_sender(source: str) -> None:
    """Refuse a SenderID that can be none."""
    if not source.strip() or ";" in source:
        raise SettingsError("The SenderID is empty or holds a semicolon: give one that the vendor has installed.")


def checked_number(number: str) -> str:
    """Give a number as the API writes it, digits without a plus, or say what is wrong with it."""
    plain = number.strip().removeprefix("+")
    if not _DIGITS.fullmatch(plain):
        raise SettingsError(f"{number!r} is no number: give 3 to 15 digits in international form, like 447700900123.")
    return plain


def checked_numbers(numbers: Iterable[str]) -> list[str]:
    """Check each number, and that none is listed twice."""
    plain = [checked_number(number) for number in numbers]
    twice = [number for number, times in Counter(plain).items() if times > 1]
    if twice:
        more = f" (and {len(twice) - _NAMED:,} more)" if twice[_NAMED:] else ""
        verb = "are" if twice[1:] else "is"
        raise SettingsError(f"{', '.join(twice[:_NAMED])}{more} {verb} listed twice: list each number once.")
    if not plain:
        raise SettingsError("There is nobody to send to: give numbers with --to or --to-file.")
    return plain
