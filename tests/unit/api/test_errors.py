"""What the codes of the API mean for the one who asked."""

import pytest

from voxlake.api.errors import ACCOUNT, CREDENTIALS, INTERNAL, STALE_TOKEN, TOO_FAST, ApiAnswerError, checked, refusal
from voxlake.errors import ApiRejected, CredentialsRefused, Refused


@pytest.mark.parametrize(
    ("code", "kind", "advice"),
    [
        *((code, CredentialsRefused, "Owner, Admin") for code in sorted(CREDENTIALS)),
        *((code, Refused, "control panel") for code in (104, 115, 127, 131, 137, 281, 282, 317, 339)),
        *((code, ApiRejected, "the vendor's reference") for code in (101, 123, 497, 569, 999)),
    ],
)
def test_every_answer_says_what_to_do(code, kind, advice):
    """A code becomes the error of what the operator does next, in one sentence that quotes it and gives advice."""
    error = refusal(ApiAnswerError(code, "told"), "GetSmsHistory", ("Owner", "Admin"))
    assert type(error) is kind
    assert f"error {code}: told" in str(error)
    assert advice in str(error)
    assert str(error).endswith(".")


def test_no_code_is_two_things():
    """What is waited out is never a refusal, but for the token that ended."""
    assert not (TOO_FAST | INTERNAL) & (CREDENTIALS | ACCOUNT)
    assert STALE_TOKEN <= CREDENTIALS
    assert not CREDENTIALS & ACCOUNT


@pytest.mark.parametrize("reply", [{"error": {"msg": "m", "code": 7}}, {"errors": [{"code": "7", "msg": "m"}]}])
def test_both_shapes_of_an_error(reply):
    """One error or a list of them, the code as a number or as text, is the same."""
    with pytest.raises(ApiAnswerError) as answer:
        checked(reply)
    assert answer.value.code == 7


def test_what_an_error_says_is_one_line():
    """Neither a line break nor half a character nor an escape of the API's reaches a terminal, or a file of texts."""
    with pytest.raises(ApiAnswerError) as answer:
        checked({"error": {"code": 7, "msg": "a\n b\ud83d \x1b[31mred ü"}})
    assert str(answer.value) == "error 7: a b\ufffd \ufffd[31mred ü"
