"""What is written in the place of numbers and texts."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.errors import SettingsError
from voxlake.phones import normal_number
from voxlake.policy import KEEP_ALL, PARTS, PrivacyPolicy, digest_of, key_of, reach, treatments_of
from voxlake.privacy import PrivacyKey
from voxlake.segments import segment_count

KEY = PrivacyKey(bytes(range(32)))
HASHED = PrivacyPolicy(**dict.fromkeys(PARTS, "hash"), key=KEY)
MASKED = PrivacyPolicy(**dict.fromkeys(PARTS, "mask"))
DROPPED = PrivacyPolicy(**dict.fromkeys(PARTS, "drop"))
ALL = [HASHED, MASKED, DROPPED]
NUMBERS = st.from_regex(r"(\+|00)?[1-9][0-9]{6,14}", fullmatch=True) | st.text(max_size=14)


@pytest.mark.parametrize("number", ["447400792548", "+44 7400 792548", "00447400792548"])
def test_a_number(number):
    """Its country and two digits are left, or a digest that is the same however it is written."""
    assert MASKED.number("destination", number) == "GB***48"
    assert HASHED.number("source", number) == f"GB#{KEY.digest('447400792548')[:32]}" == digest_of(KEY, number)
    assert DROPPED.number("source", number) is None
    assert KEEP_ALL.number("source", number) == number


@pytest.mark.parametrize("name", ["INFO", "12345", "07400 792548"])
def test_what_is_no_number(name):
    """Of a SenderID or a short number nothing is left but a digest without a country."""
    assert MASKED.number("source", name) == "***"
    assert HASHED.number("source", f" {name}") == f"#{KEY.digest(name)[:32]}"


def test_a_number_of_no_country():
    """A number that no plan knows has none."""
    assert MASKED.number("source", "99912345678") == "ZZ***78"
    assert HASHED.number("source", "99912345678").startswith("ZZ#")


@pytest.mark.sample(1)
@pytest.mark.parametrize("policy", ALL)
@given(number=NUMBERS, text=st.text(max_size=40), value=st.recursive(st.text() | st.integers(), st.lists))
def test_treated_twice(policy, number, text, value):
    """To treat again what was treated changes nothing."""
    for treat, given_ in (
        (lambda its: policy.number("source", its), number),
        (policy.words, text),
        (policy.error, f"{text} {number} {text}"),
        (lambda its: policy.unknown(policy.unknown_fields, its), value),
    ):
        once = treat(given_)
        assert once is None or treat(once) == once


@given(st.text(max_size=400) | st.text("Aa1 €{\n\U0001f600ж", max_size=400))
def test_a_masked_text_has_as_many_segments(text):
    """What a text costs can be worked out from its mask, which is as long, and says nothing of it."""
    masked = MASKED.words(text)
    assert segment_count(masked) == segment_count(text)
    assert len(masked) == len(text)
    assert {character for character in masked if not character.isspace()} <= set("x€ж\U0001f600")


@given(NUMBERS.filter(lambda its: sum(map(str.isdigit, normal_number(its))) >= 7), st.sampled_from("hm"))
def test_no_number_is_left_in_an_error(number, how):
    """Whatever stands around it, its digits are gone."""
    policy = HASHED if how == "h" else MASKED
    digits = "".join(filter(str.isdigit, number))
    left = policy.error(f"Error send sms to {number} from INFO, code=1; x{number}y")
    assert number not in left
    assert digits[:-2] not in left


def test_an_error():
    """Each number is treated for itself; whatever else an error says stays."""
    error = "Error send sms to 447400792548 from +49 30 1234567, code = 385 (12 of 1024)"
    assert MASKED.error(error) == "Error send sms to GB***48 from DE***67, code = 385 (12 of 1024)"
    destination = HASHED.number("destination", "447400792548")
    assert f"to {destination} from DE#" in HASHED.error(error)
    assert MASKED.error("447400792548 4930123456789") == "GB***48 DE***89"
    assert MASKED.error("call 44 7400 792548 or 12345") == "call GB***48 or ***"
    assert DROPPED.error(error) is None


def test_unknown_fields():
    """Texts at any depth and whole numbers like phones' are treated; keys, and what is neither, stay."""
    sent = {
        "to": 447400792548,
        "more": [{"name": "Bob", "n": "+44 7400 792548"}],
        "n": 12,
        "x": 1.5,
        "y": None,
        "z": True,
    }
    masked = MASKED.unknown("mask", sent)
    assert masked == {
        "to": "GB***48",
        "more": [{"name": "xxx", "n": "GB***48"}],
        "n": 12,
        "x": 1.5,
        "y": None,
        "z": True,
    }
    hashed = HASHED.unknown("hash", sent)
    assert hashed["to"] == hashed["more"][0]["n"] == digest_of(KEY, "447400792548")
    assert hashed["more"][0]["name"] == f"#{KEY.digest('Bob')[:32]}"


def test_a_policy_needs_a_key_to_hash():
    """Without one it says how to make one; a treatment that does not exist is named."""
    with pytest.raises(SettingsError, match=r"no privacy key, and source and text .* say hash"):
        PrivacyPolicy(source="hash", text="hash")
    with pytest.raises(SettingsError, match=r"text in \[privacy\] is 'blur': use keep, drop, mask, hash"):
        PrivacyPolicy(text="blur")


def test_a_label():
    """It names treatments and the id of the key, and no secret."""
    policy = PrivacyPolicy(source="hash", text="drop", key=KEY)
    assert policy.label == f"source=hash,text=drop,key={KEY.id}"
    assert treatments_of(policy.label) == dict.fromkeys(PARTS, "keep") | {"source": "hash", "text": "drop"}
    assert (key_of(policy.label), key_of(DROPPED.label), KEEP_ALL.label) == (KEY.id, None, "")
    assert bytes(range(32)).hex()[:8] not in f"{policy!r} {policy.label}"
    assert pickle.loads(pickle.dumps(policy)) == policy


@pytest.mark.parametrize(
    ("stored", "wanted", "result"),
    [
        ("keep", "hash", "hash"), ("keep", "keep", "keep"), ("hash", "keep", "hash"), ("hash", "drop", "drop"),
        ("mask", "hash", "mask"), ("hash", "mask", "hash"), ("drop", "mask", "drop"), ("mask", "drop", "drop"),
    ],
)  # fmt: skip
def test_what_can_become_of_what(stored, wanted, result):
    """Only what was kept can be treated in any way; everything can be dropped."""
    assert reach(stored, wanted) == result
