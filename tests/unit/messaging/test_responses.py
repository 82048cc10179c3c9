"""Replies of the messaging methods, in the forms that versions of the API give them."""

from decimal import Decimal

import pytest

from voxlake.messaging import PhoneNumber, RefusedNumber, SmsReceipt
from voxlake.messaging.responses import read_a2p_receipt, read_phone_numbers, read_sms_receipt, read_success
from voxlake.transform import BrokenReplyError


def test_numbers_that_an_answer_forgets():
    """A number that is neither sent nor failed is not guessed about; what is not a list is not an answer."""
    answer = read_a2p_receipt({"result": [{"destination_number": 1111}], "fragments_count": "1"}, ["1111", "2222"])
    assert (answer.sent, answer.unanswered) == ({"1111": None}, ("2222",))
    for reply in ({}, {"result": 1}, {"result": ["x"]}, {"result": [{"message_id": "x", "destination_number": "1"}]}):
        with pytest.raises(BrokenReplyError):
            read_a2p_receipt(reply, ["1"])
    for reply in ({}, {"result": 0}, {"result": "x"}, {"result": 1, "message_id": "x"}):
        with pytest.raises(BrokenReplyError):
            read_sms_receipt(reply)


def test_what_an_answer_says_two_things_about():
    """Sent and failed at once, a fault of the gateway behind the API, or no code: nobody knows, so it is not failed."""
    numbers = ["1111", "2222", "3333", "4444", "5555"]
    failed = [
        {"destination_number": "1111", "error_code": 506},
        {"destination_number": "+2222", "error_code": 14},
        {"destination_number": 3333, "error_code": 2},
        {"destination_number": "4444"},
        {"destination_number": "5555", "error_code": "506", "error_description": "a\n\ud83d" + "b" * 1000},
    ]
    answer = read_a2p_receipt({"result": [{"destination_number": "1111", "message_id": 1}], "failed": failed}, numbers)
    assert (answer.sent, answer.unanswered, answer.doubtful) == ({}, (), tuple(numbers[:4]))
    ((number, code, description),) = ((one.number, one.code, one.description) for one in answer.failed)
    assert (number, code) == ("5555", 506)
    assert description == "a \ufffd" + "b" * 497 + "… (1,003 characters)"


@pytest.mark.parametrize("number", [Decimal("1e1000000"), Decimal("-1e999999999"), "1" * 5000, 1.5, [], {}])
def test_numbers_of_an_answer_that_are_none(number):
    """A number that nobody can write down makes the reply a broken one, wherever it is."""
    rows = [{"destination_number": "1111", "message_id": number}]
    failed = [{"destination_number": "1111", "error_code": number}]
    for reply in ({"result": rows}, {"failed": failed}, {"result": [], "fragments_count": number}):
        with pytest.raises(BrokenReplyError):
            read_a2p_receipt(reply, ["1111"])
    for reply in ({"result": number}, {"result": 1, "message_id": number}, {"result": True, "fragments_count": number}):
        with pytest.raises(BrokenReplyError):
            read_sms_receipt(reply)


@pytest.mark.parametrize(
    ("reply", "receipt"),
    [
        ({"result": 1, "message_id": 7, "fragments_count": 2}, SmsReceipt(7, 2)),
        ({"result": "1", "message_id": "7", "fragments_count": "2"}, SmsReceipt(7, 2)),
        ({"result": 1}, SmsReceipt(None, None)),
    ],
)
def test_receipts(reply, receipt):
    """Numbers may come as text, and replies of 2021 have no id."""
    assert read_sms_receipt(reply) == receipt


def test_partial_success():
    """Ids of those who were accepted, codes of those who were not; a plus is not part of a number."""
    receipt = read_a2p_receipt(
        {
            "result": [{"destination_number": "+1111", "message_id": 7}],
            "failed": [{"destination_number": 2222, "error_code": "506", "error_description": "no route"}],
            "fragments_count": 1,
        },
        ["1111", "2222"],
    )
    assert receipt.sent == {"1111": 7}
    assert receipt.failed == (RefusedNumber("2222", 506, "no route"),)
    assert (receipt.unanswered, receipt.fragments) == ((), 1)


def test_everybody_may_be_refused():
    """A reply with nobody but refused numbers is a reply."""
    receipt = read_a2p_receipt({"failed": [{"destination_number": "1", "error_code": 506}]}, ["1"])
    assert (receipt.sent, receipt.failed) == ({}, (RefusedNumber("1", 506, ""),))


def test_success_has_one_sign():
    """Nothing but a result of 1 is success."""
    read_success({"result": 1})
    for reply in ({}, {"result": 0}, {"result": None}, {"result": []}, {"result": "yes"}):
        with pytest.raises(BrokenReplyError):
            read_success(reply)


def test_phone_numbers():
    """A page has its numbers and the count of all; without a count, it is all there is."""
    row = {"phone_number": 15550000000, "is_sms_supported": True, "is_sms_enabled": False}
    phone = PhoneNumber("15550000000", sms_supported=True, sms_enabled=False, callback_url=None)
    assert read_phone_numbers({"result": [row], "total_count": "9"}) == ([phone], 9)
    assert read_phone_numbers({"result": [row]}) == ([phone], 1)
    assert read_phone_numbers({"result": []}) == ([], 0)
    with pytest.raises(BrokenReplyError):
        read_phone_numbers({"result": [], "total_count": "many"})
