"""Messages of unknown outcome, and the rows of a scripted history that settle them or not."""

from datetime import UTC, datetime, timedelta

import pytest

from voxlake.messaging import A2P_SEND, FAILED, SEND, SENT, UNKNOWN, HistoryRow, open_journal, resolve_unknown

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBER = "447700900123"


def row(message_id, *, source="Voxlake", text=None, status="success", error_message=None):
    """Return a row of a history."""
    return HistoryRow(message_id, source, NUMBER, 1, None, status, error_message, AT, None, text)


class ScriptedHistories:
    """A client whose histories hold the same rows, whatever is asked."""

    account_id = 7

    def __init__(self, *rows):
        self.rows, self.asked = rows, []

    def sms_history(self, start, end, *, destination):
        """Yield the rows."""
        self.asked.append((SEND, start, end, destination))
        yield from self.rows

    def a2p_sms_history(self, start, end, *, destination):
        """Yield the rows."""
        self.asked.append((A2P_SEND, start, end, destination))
        yield from self.rows


@pytest.fixture
def journal(tmp_path):
    """Open a journal."""
    with open_journal(tmp_path) as opened:
        yield opened


def lose(journal, text="hello", *, method=A2P_SEND, account_id=7, at=AT):
    """Record a request without an outcome, and return the key of its message."""
    message = journal.message_key(account_id, method, "Voxlake", text)
    journal.record_intent(message, [NUMBER], at=at)
    return message


def resolved(journal, *rows):
    """Look for what is unknown among rows."""
    return resolve_unknown(ScriptedHistories(*rows), journal, now=lambda: AT + timedelta(hours=2))


def state(journal, message):
    """Return the entry of the one number of a message."""
    return journal.known(message)[NUMBER]


def test_one_row_settles_it(journal):
    """Found alone, the message was sent, with the id of the row."""
    message = lose(journal)
    (resolution,) = resolved(journal, row(5))
    assert resolution.row.message_id == 5
    assert (state(journal, message).state, state(journal, message).message_id) == (SENT, 5)
    assert resolved(journal, row(5)) == []


def test_a_row_that_ended_in_an_error_is_a_failure(journal):
    """Accepted and not sent is failed, so that the next run tries it again."""
    message = lose(journal)
    resolved(journal, row(5, status="error", error_message="no credit"))
    assert (state(journal, message).state, state(journal, message).reason) == (FAILED, "no credit")


@pytest.mark.parametrize("rows", [[], [row(5), row(6)], [row(5, source="Stranger")], [row(5, text="another text")]])
def test_what_is_not_certain_stays_unknown(journal, rows):
    """No row, several, another sender or another text settle nothing."""
    message = lose(journal)
    (resolution,) = resolved(journal, *rows)
    assert resolution.row is None
    assert state(journal, message).state == UNKNOWN


def test_a_stored_text_tells_messages_apart(journal):
    """Among several rows the one with the text is the message."""
    message = lose(journal)
    (resolution,) = resolved(journal, row(5, text="another"), row(6, text="hello"), row(7))
    assert resolution.row.message_id == 6
    assert state(journal, message).message_id == 6


def test_a_row_is_one_message(journal):
    """A row that is another message's already, sent or failed, is not taken for a second one."""
    lose(journal)
    message = lose(journal, "another", at=AT + timedelta(minutes=1))
    first, second = resolved(journal, row(5))
    assert (first.row.message_id, second.row) == (5, None)
    (third,) = resolved(journal, row(5))
    assert third.entry.message == message
    assert third.row is None


def test_a_failed_row_is_one_message_too(journal):
    """Also a row that ended in an error belongs to one message alone."""
    lose(journal)
    lose(journal, "another", at=AT + timedelta(minutes=1))
    first, second = resolved(journal, row(5, status="error"))
    assert (first.row.message_id, second.row) == (5, None)


@pytest.mark.parametrize("method", [SEND, A2P_SEND])
def test_the_history_of_its_method_is_asked_about_that_time(journal, method):
    """From minutes before the request to an hour after it, for its number; other accounts are left alone."""
    lose(journal, method=method)
    lose(journal, method=method, account_id=8)
    histories = ScriptedHistories()
    resolve_unknown(histories, journal, now=lambda: AT)
    assert histories.asked == [(method, AT - timedelta(minutes=5), AT + timedelta(hours=1), NUMBER)]
