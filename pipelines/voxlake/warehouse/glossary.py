"""The words of the database, one for each thing, and those that older queries may have for them."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """A word, what it means, and its `former` names, which are there until the version `gone`."""

    word: str
    meaning: str
    former: tuple[str, ...] = ()
    gone: str = ""


WORDS = (
    Word("stream", "One of the two histories of an account, `sms` or `a2p`.", ("channel",), "0.4"),
    Word("message", "A row of a history, one text to one number, known by account, stream and `message_id`."),
    Word(
        "segments", "Pieces of a text that were billed, each a message to the network.", ("fragments", "parts"), "0.4"
    ),
    Word("segments_expected", "Segments that the stored text needs, null where no text is stored."),
    Word("source_number, destination_number", "Who sent a message and who it was sent to, as the API gives it."),
    Word("source, destination", "The same in the normal form: digits with the country code; another text as it is."),
    Word("number", "A `source` or `destination`, ours or not. A SenderID counts as one."),
    Word("sender", "The `source` of an outgoing message: a number, or a SenderID, which is a name."),
    Word("sent, received", "Messages with the direction OUT, which are all of a2p, and with IN."),
    Word("succeeded", "Messages with the status `success`, of either stream. `success_pct` is of all but `waiting`."),
    Word(
        "delivered", "Messages of a2p with the delivery status DELIVERED, null for sms. `delivered_pct` is of settled."
    ),
    Word("arrived", "Delivered of a2p, succeeded of sms: the best that is known of each."),
    Word("settled", "Whether the status of a message can no longer change, null where the API gave none."),
    Word("moving", "Still on its way: the status `waiting`, or QUEUED or DISPATCHED. `moving_pct` is of all."),
    Word("cost", "In the `currency` of the account; nothing adds up two currencies."),
    Word(
        "cost_per_arrived",
        "What those that are not moving cost, for each that arrived.",
        ("cost_per_delivered",),
        "0.4",
    ),
    Word("date", "The UTC day of `processed_at`, the one time that the API gives of a message."),
    Word("coverage", "What is proved of a day: see the view `days` for its states."),
)
"""The words in the order in which a reader meets them."""


def glossary() -> str:
    """Return the words as a section of a page."""
    rows = "".join(f"| {_quoted(its.word)} | {its.meaning} | {_former(its)} |\n" for its in WORDS)
    return (
        "## Glossary\n\nOne word for one thing, in tables, views, macros, reports and on this page. Former names answer"
        " in queries until\nthe version that is named; the files of the lake keep the vendor's field `fragments`.\n\n"
        f"| word | meaning | former names |\n|---|---|---|\n{rows}"
    )


def _former(word: Word) -> str:
    return f"{_quoted(', '.join(word.former))}, gone in {word.gone}" if word.former else ""


def _quoted(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))
