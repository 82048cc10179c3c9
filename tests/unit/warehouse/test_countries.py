"""The country of a number is what the library phonenumbers says, for every numbering plan there is."""

import random
from pathlib import Path

import duckdb
import phonenumbers
import pyarrow as pa
import pytest
from phonenumbers import PhoneMetadata, PhoneNumberType
from support import numbering_plans

from voxlake import numbering
from voxlake.regions import country_of
from voxlake.warehouse.countries import country, digits_of
from voxlake.warehouse.derived_columns import prepare

KINDS = [getattr(PhoneNumberType, name) for name in dir(PhoneNumberType) if name.isupper()]


def asked(numbers):
    """Return the countries of numbers, as a load asks for them."""
    with duckdb.connect() as connection:
        prepare(connection)
        connection.register("numbers", pa.table({"n": range(len(numbers)), "destination_number": numbers}))
        digits = digits_of("normal_number(destination_number)")
        rows = connection.execute(
            f"SELECT {country('digits')} FROM (SELECT n, {digits} AS digits FROM numbers)"
            " LEFT JOIN calling_codes ON prefix = left(digits, 3) ORDER BY n"
        ).fetchall()
    return [code for (code,) in rows]


def parsed(number):
    """Read a number with the library; None where it cannot."""
    try:
        return phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return None


def told(number):
    """Return the country that the library names; it has a code of its own for services without one."""
    region = parsed(number) and phonenumbers.region_code_for_number(parsed(number))
    return None if region == "001" else region


def repaired(number):
    """Whether the library takes a national prefix out: with one inside, a number is not international."""
    read = parsed(number)
    return read is not None and number != f"{read.country_code}{phonenumbers.national_significant_number(read)}"


def examples():
    """Give numbers of every kind of every country, and neighbours of them, as people dial them from abroad."""
    draw = random.Random(1)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in KINDS:
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            digits = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)[1:]
            yield digits
            for changed in range(2, 8):
                yield digits[:-changed] + "".join(draw.choice("0123456789") for _ in range(changed))


def test_every_plan():
    """Thousands of numbers of all countries, at the seams of shared calling codes too, are told as the library does."""
    numbers = [number for number in examples() if 7 <= len(number) <= 15 and not repaired(number)]
    shared = [n for n in numbers if len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(n[:1]), ())) > 1]
    assert len(numbers) > 5000
    assert len(shared) > 500
    assert asked(numbers) == [told(number) for number in numbers]
    assert [country_of(number) for number in numbers] == asked(numbers)
    assert len(set(asked(numbers))) > 240


@pytest.mark.parametrize("before", ["", "+", "00", "+ ", "\u202a+", "(", "\u0660\u0660"])
def test_ways_to_write(before):
    """However it is written it is the same number."""
    numbers = ["447400123456", "14165550123", "77012345678", "79161234567", "493012345678"]
    assert asked([before + number for number in numbers]) == ["GB", "CA", "KZ", "RU", "DE"]


@pytest.mark.parametrize(
    "number",
    [None, "", "Voxlake", "12345", "0800123", "+", "4474001234567890", "21012345678"],
)
def test_no_country(number):
    """A SenderID, a short code, a national number, and what no plan knows have no country."""
    assert asked([number]) == [None]


def test_patterns_know_no_more_than_we_use():
    """The kinds of numbers that the library tells apart are those that we ask it for."""
    plan = PhoneMetadata.metadata_for_region("GB")
    kinds = {name for name in dir(plan) if hasattr(getattr(plan, name), "national_number_pattern")}
    assert kinds <= {
        "general_desc", "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan",
        "voicemail", "fixed_line", "mobile", "emergency", "no_international_dialling", "short_code", "standard_rate",
        "carrier_specific", "sms_services",
    }  # fmt: skip


def test_the_plans_are_those_of_the_library():
    """What was written down for speed is what the library that is installed says: else `make numbering`."""
    assert numbering_plans.module() == Path(numbering.__file__).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1[2-4]|5", r"1\d|5\d?", True),
        (r"1\d{2,3}", r"1\d\d", False),
        ("(?:12)?3", "3", False),
        ("3", "(?:12)?3", True),
    ],
)
def test_one_pattern_implies_another(one, other, expected):
    """What is left out of the plans is proved to say nothing new."""
    assert numbering_plans.implies(one, other) is expected
