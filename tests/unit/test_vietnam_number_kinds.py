"""Any number is one of a few kinds; what was typed to get past a field tells nothing."""

from datetime import date

import pytest

from trucyte.vietnam.numbers import read_number
from trucyte.vietnam.numbers.facility import gln_check_digit, is_facility_code, is_gln
from trucyte.vietnam.numbers.number import KINDS
from trucyte.vietnam.numbers.personal import birthplace, inconsistencies
from trucyte.vietnam.numbers.phone import read_phone
from trucyte.vietnam.numbers.placeholder import is_dummy_day, is_placeholder


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("001085000001", "personal", "001085000001"),
        (" 001.085.000-001 ", "personal", "001085000001"),
        ("'001085000001", "personal", "001085000001"),
        ("000085000001", "personal", "000085000001"),
        ("151085000001", "personal", "151085000001"),
        ("010203045", "identity", "010203045"),
        ("C7654321", "passport", "C7654321"),
        ("P01234568", "passport", "P01234568"),
        ("EA1230789", "passport", "EA1230789"),
        ("gd4000000000001", "card", "GD4000000000001"),
        ("TE1017912345670", "card", "TE1017912345670"),
        ("TE1010000000012", "temporary", "TE1010000000012"),
        ("HG4010000000012", "temporary", "HG4010000000012"),
        ("7912345670", "social", "7912345670"),
        ("0000000001", "social", "0000000001"),
        ("01001.GCS.00012.26", "birth", "01001.GCS.00012.26"),
        ("0912 345 670", "phone", "0912345670"),
        ("+84 912 345 670", "phone", "0912345670"),
        ("0600000001", "phone", "0600000001"),
        ("01001", "facility", "01001"),
        ("8930000000019", "gln", "8930000000019"),
    ],
)
def test_a_number_has_a_kind_and_one_form(text: str, kind: str, value: str) -> None:
    number = read_number(text)
    assert (number.kind, number.value, number.usable) == (kind, value, True)


@pytest.mark.parametrize(
    "text",
    [
        "000000000000",
        "111111111111",
        "123456789012",
        "012345678901",
        "987654321098",
        "999999999",
        "123456789",
        "0000000000",
        "1111111111",
        "DN4010000000000",
        "DN4011234567890",
        "TE1010000000000",
        "B0000000",
        "C1234567",
        "0999999999",
        "0900000000",
        "0912345678",
    ],
)
def test_a_placeholder_is_of_nobody(text: str) -> None:
    number = read_number(text)
    assert number.kind in KINDS
    assert (number.usable, number.why) == (False, "placeholder")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("-", "empty"),
        ("1.2E+11", "form"),
        ("không có", "form"),
        ("00108500000", "form"),
        ("0010850000011", "form"),
        ("٠٠١٠٨٥٠٠٠٠٠١", "form"),
        ("9" * 3000, "form"),
        ("001485000001", "year"),
    ],
)
def test_what_is_broken_is_not_usable_and_says_why(text: str, why: str) -> None:
    number = read_number(text)
    assert (number.usable, number.why) == (False, why)


def test_ten_digits_are_what_is_expected() -> None:
    assert read_number("0312345670").kind == "phone"
    assert read_number("0312345670", expected="social").kind == "social"


def test_a_zero_that_a_spreadsheet_took_is_put_back() -> None:
    number = read_number("79190123456")
    assert (number.value, number.repaired, number.usable) == ("079190123456", True, True)
    assert read_number("98190123456").kind == ""  # no province 098


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0168 123 4560", "0381234560"),
        ("01201234560", "0701234560"),
        ("84 168 1234560", "0381234560"),
        ("01231234560", "0831234560"),
        ("01991234560", "0591234560"),
    ],
)
def test_phones_of_eleven_digits_became_ten(old: str, new: str) -> None:
    phone = read_phone(old)
    assert phone is not None
    assert phone.digits == new
    assert phone.is_converted
    assert read_number(old, expected="phone").recalled


def test_the_first_of_two_phones_counts() -> None:
    phone = read_phone("0912.345.670 / 024 3825 1234")
    assert phone is not None
    assert (phone.digits, phone.kind) == ("0912345670", "mobile")


@pytest.mark.parametrize("text", ["", "x", "113", "0", "0" * 30, "+84", "09123456789012"])
def test_what_is_no_phone_is_none(text: str) -> None:
    assert read_phone(text) is None


def test_the_check_digit_of_a_gln() -> None:
    assert gln_check_digit("629104150021") == "3"  # the example of GS1
    assert is_gln("6291041500213")
    assert not is_gln("6291041500214")
    assert not is_gln("629104150021")


@pytest.mark.parametrize(
    ("code", "is_one"),
    [("01001", True), ("79K83", True), ("00000", False), ("1001", False), ("A1001", False)],
)
def test_codes_of_facilities(code: str, is_one: bool) -> None:
    assert is_facility_code(code) is is_one


@pytest.mark.parametrize(
    ("prefix", "kind", "name"),
    [
        ("001", "province", "Hà Nội"),
        ("096", "province", "Cà Mau"),
        ("000", "sample", ""),
        ("003", "unknown", ""),
        ("151", "country", ""),
    ],
)
def test_where_a_birth_was_registered(prefix: str, kind: str, name: str) -> None:
    place = birthplace(prefix)
    assert (place.kind, place.name) == (kind, name)
    assert place.verified == (kind in ("province", "sample"))


def test_a_number_of_the_future_says_so() -> None:
    assert inconsistencies("001299000001", sex="1", birth_year=None, this_year=2026) == ["future"]
    assert inconsistencies("001285000001", sex="1", birth_year=2085, this_year=2100) == []


@pytest.mark.parametrize(
    ("day", "is_dummy"),
    [
        (date(1900, 1, 1), True),
        (date(1899, 5, 5), True),
        (date(2027, 1, 1), True),
        (date(1, 1, 1), True),
        (date(1950, 1, 1), False),
        (date(1985, 3, 2), False),
    ],
)
def test_days_of_birth_that_are_none(day: date, is_dummy: bool) -> None:
    assert is_dummy_day(day, today=date(2026, 11, 24)) is is_dummy


def test_short_digits_are_no_placeholder() -> None:
    assert not is_placeholder("11111")
    assert not is_placeholder("")
    assert is_placeholder("01234567890")
