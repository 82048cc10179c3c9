"""What becomes of a batch, against a scripted client: the journal is a real one, no request leaves."""

from datetime import UTC, datetime, timedelta

import pytest

from voxlake.errors import ApiRejected, CredentialsRefused, OutcomeUnknown, SettingsError, Unavailable
from voxlake.messaging import (
    A2P_SEND,
    FAILED,
    SEND,
    SENT,
    SKIPPED,
    UNKNOWN,
    UNSENT,
    A2PReceipt,
    RefusedNumber,
    SmsReceipt,
    checked_order,
    open_journal,
    send,
)

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBERS = [str(447700900000 + n) for n in range(250)]


class ScriptedClient:
    """A client that accepts every number but those with a `fate`: a code of theirs, or an error of the request."""

    account_id = 7

    def __init__(self, fates=None, *, whole=()):
        self.fates, self.whole, self.requests = dict(fates or {}), set(whole), []

    def a2p_send(self, source, destinations, text, *, store_body):
        """Send to many."""
        assert (source, text, store_body) == ("Voxlake", "hello", False)
        self.requests.append(list(destinations))
        fates = {number: self.fates[number] for number in destinations if number in self.fates}
        for fate in fates.values():
            if isinstance(fate, Exception):
                raise fate
            if fate in self.whole:
                raise ApiRejected("The API declined A2PSendSms", code=fate)
        sent = {number: int(number) for number in destinations if number not in fates}
        failed = tuple(RefusedNumber(number, code, "refused") for number, code in fates.items() if code is not None)
        return A2PReceipt(sent | {"999": 1}, failed, (), 1)

    def send_sms(self, source, destination, text, *, store_body):
        """Send to one."""
        assert (source, text, store_body) == ("12345678111", "hello", False)
        self.requests.append([destination])
        return SmsReceipt(int(destination), 1)


@pytest.fixture
def journal(tmp_path):
    """Open a journal."""
    with open_journal(tmp_path) as opened:
        yield opened


def sent_to(client, journal, numbers=NUMBERS, *, method=A2P_SEND, **options):
    """Send to numbers, and return the result."""
    source = "Voxlake" if method == A2P_SEND else "12345678111"
    return send(
        client,
        journal,
        checked_order(method, source, numbers, "hello", store_body=False),
        now=lambda: AT,
        **options,
    )


def states(result):
    """Return the states by number."""
    return {number.number: number.state for number in result.results}


def test_a_hundred_numbers_in_a_request(journal):
    """Everybody is sent to once, in the order of the list; the result has an entry for each."""
    client, done = ScriptedClient(), []
    result = sent_to(client, journal, progress=done.append)
    assert [len(numbers) for numbers in client.requests] == [100, 100, 50]
    assert [number for numbers in client.requests for number in numbers] == NUMBERS
    assert states(result) == dict.fromkeys(NUMBERS, SENT)
    assert [number.message_id for number in result.results] == [int(number) for number in NUMBERS]
    assert (result.exit_code, result.error, done) == (0, None, [0, 100, 100, 50])


def test_who_got_it_is_skipped(journal):
    """A second run sends to nobody but new numbers; `again` sends to all of them."""
    sent_to(ScriptedClient(), journal, NUMBERS[:3])
    client = ScriptedClient()
    result = sent_to(client, journal, NUMBERS[:4])
    assert client.requests == [NUMBERS[3:4]]
    assert [number.state for number in result.results] == [SKIPPED] * 3 + [SENT]
    assert result.results[0].reason == "it got this text at 2026-03-01 12:00:00 UTC"
    sent_to(client, journal, NUMBERS[:4], again=True)
    assert client.requests[1:] == [NUMBERS[:4]]


def test_a_refused_number_is_tried_again_by_the_next_run(journal):
    """A code of one number is its result alone, with advice, and no reason to leave it out later."""
    bad = NUMBERS[1]
    result = sent_to(ScriptedClient({bad: 506}), journal, NUMBERS[:3])
    assert states(result) == {NUMBERS[0]: SENT, bad: FAILED, NUMBERS[2]: SENT}
    assert (result.results[1].code, result.exit_code) == (506, 4)
    assert "no route" in result.results[1].reason
    client = ScriptedClient()
    sent_to(client, journal, NUMBERS[:3])
    assert client.requests == [[bad]]


def test_a_lost_reply_ends_the_run(journal):
    """The numbers of that request are unknown and stay so, the rest is unsent; `resend_unknown` takes the risk."""
    lost = OutcomeUnknown("A2PSendSms may or may not have been executed.")
    result = sent_to(ScriptedClient({NUMBERS[100]: lost}), journal)
    assert [number.state for number in result.results] == [SENT] * 100 + [UNKNOWN] * 100 + [UNSENT] * 50
    assert (result.error, result.exit_code, result.count(UNKNOWN)) == (lost, 75, 100)
    client = ScriptedClient()
    assert sent_to(client, journal).count(UNKNOWN) == 100
    assert client.requests == [NUMBERS[200:]]
    sent_to(client, journal, resend_unknown=True)
    assert client.requests[1:] == [NUMBERS[100:200]]


def test_a_number_that_the_reply_does_not_name_is_unknown(journal):
    """What the API says nothing of may have been sent."""
    result = sent_to(ScriptedClient({NUMBERS[0]: None}), journal, NUMBERS[:2])
    assert states(result) == {NUMBERS[0]: UNKNOWN, NUMBERS[1]: SENT}
    assert result.results[0].reason == "the reply does not name it"


@pytest.mark.parametrize(
    ("error", "exit_code", "reason"),
    [
        (CredentialsRefused("no"), 3, "the account was refused"),
        (Unavailable("no"), 75, "its request was not sent"),
        (ApiRejected("no", code=507), 4, "the SenderID is not installed"),
        (ApiRejected("no", code=999), 4, "the whole order was refused"),
    ],
)
def test_an_error_of_the_whole_marks_nobody(journal, error, exit_code, reason):
    """Nothing was sent, the run ends, and the next one sends to everybody."""
    result = sent_to(ScriptedClient({NUMBERS[5]: error}), journal)
    assert set(states(result).values()) == {UNSENT}
    assert (result.error, result.exit_code) == (error, exit_code)
    assert result.results[0].reason.startswith(reason)
    assert result.results[200].reason == "the run ended before it"
    client = ScriptedClient()
    sent_to(client, journal)
    assert sum(map(len, client.requests)) == len(NUMBERS)


def test_those_who_have_the_whole_refused_are_found_by_halves(journal):
    """Where one number spoils a request, the others get their message, in about two requests for each halving."""
    bad = {NUMBERS[17]: 506, NUMBERS[64]: 385}
    client = ScriptedClient(bad, whole={506, 385})
    result = sent_to(client, journal, NUMBERS[:100])
    assert {number for number, state in states(result).items() if state == FAILED} == set(bad)
    assert result.count(SENT) == 98
    assert len(client.requests) < 30
    accepted = [numbers for numbers in client.requests if not bad.keys() & set(numbers)]
    assert sorted(number for numbers in accepted for number in numbers) == sorted(set(NUMBERS[:100]) - set(bad))


def test_an_error_among_the_halves_ends_the_run(journal):
    """The halves before it are known, it is unknown, and the half after it is unsent."""
    lost = OutcomeUnknown("nobody knows")
    client = ScriptedClient({NUMBERS[0]: 506, NUMBERS[2]: lost}, whole={506})
    result = sent_to(client, journal, NUMBERS[:4])
    assert [number.state for number in result.results] == [FAILED, SENT, UNKNOWN, UNKNOWN]
    assert result.error is lost


def test_one_message_in_a_request(journal):
    """SendSmsMessage takes one number; other texts and senders are other messages."""
    client = ScriptedClient()
    assert sent_to(client, journal, NUMBERS[:2], method=SEND).count(SENT) == 2
    assert client.requests == [[NUMBERS[0]], [NUMBERS[1]]]
    assert sent_to(client, journal, NUMBERS[:2], method=SEND).count(SKIPPED) == 2
    assert sent_to(client, journal, NUMBERS[:2]).count(SENT) == 2


def test_the_journal_is_written_before_the_request(journal):
    """When a request leaves, its numbers already count as unknown; the text is in the file only where that is asked."""
    seen = []

    class Watching(ScriptedClient):
        def a2p_send(self, *arguments, **options):
            seen.extend((entry.number, entry.state) for entry in journal.entries())
            return super().a2p_send(*arguments, **options)

    sent_to(Watching(), journal, NUMBERS[:2])
    assert seen == [(number, UNKNOWN) for number in NUMBERS[:2]]
    assert "hello" not in journal._path.read_text()
    sent_to(Watching(), journal, NUMBERS[2:3], keep_text=True)
    assert "hello" in journal._path.read_text()


@pytest.mark.parametrize(
    ("method", "source", "numbers", "text"),
    [
        (SEND, "Voxlake", NUMBERS[:1], "x"),
        (SEND, "12345678111", NUMBERS[:1], "x" * 766),
        (A2P_SEND, "", NUMBERS[:1], "x"),
        (A2P_SEND, "a\udcff", NUMBERS[:1], "x"),
        (A2P_SEND, "Voxlake", [], "x"),
        (A2P_SEND, "Voxlake", NUMBERS[:1] * 2, "x"),
    ],
)
def test_an_order_keeps_the_limits(method, source, numbers, text):
    """What the API would refuse is not an order."""
    with pytest.raises(SettingsError):
        checked_order(method, source, numbers, text, store_body=False)


def test_times_are_those_of_the_clock(journal):
    """Entries are dated by the clock that is passed in, in UTC."""
    times = iter([AT, AT + timedelta(seconds=5)])
    order = checked_order(A2P_SEND, "Voxlake", NUMBERS[:1], "hello", store_body=False)
    send(ScriptedClient(), journal, order, now=lambda: next(times))
    (entry,) = journal.entries()
    assert entry.at == AT + timedelta(seconds=5)


def test_a_number_of_which_the_reply_says_two_things_is_unknown(journal):
    """It may have been sent, so the next run leaves it alone."""

    class Contradicting(ScriptedClient):
        def a2p_send(self, *arguments, **options):
            receipt = super().a2p_send(*arguments, **options)
            return (
                A2PReceipt({NUMBERS[1]: 1}, (), (), 1, doubtful=(NUMBERS[0],))
                if NUMBERS[0] in receipt.sent
                else receipt
            )

    result = sent_to(Contradicting(), journal, NUMBERS[:2])
    assert states(result) == {NUMBERS[0]: UNKNOWN, NUMBERS[1]: SENT}
    assert (result.results[0].reason, result.exit_code) == ("the reply does not say clearly whether it was sent", 75)
    client = ScriptedClient()
    assert sent_to(client, journal, NUMBERS[:2]).count(UNKNOWN) == 1
    assert client.requests == []
