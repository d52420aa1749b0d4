"""Numbers people are known by, names folded, days counted."""

from datetime import date

import pytest

from trucyte.vietnam import calendar
from trucyte.vietnam.numbers import read_number
from trucyte.vietnam.numbers.card import is_social_number, parse_card
from trucyte.vietnam.numbers.personal import inconsistencies, parse_personal_number
from trucyte.vietnam.numbers.phone import phone_kind
from trucyte.vietnam.parameters import base_salary
from trucyte.vietnam.people.fold import composed, family_name, folded, given_name, plain
from trucyte.vietnam.people.frequencies import draw_minority_name, draw_name, era_of, load_names


@pytest.mark.parametrize(
    ("number", "sex", "year"),
    [
        ("001085000001", "1", 1985),
        ("079190123456", "2", 1990),
        ("048203000001", "1", 2003),
        ("096326000001", "2", 2026),
        ("001499000001", "1", 2199),
    ],
)
def test_a_personal_number_says_sex_and_year(number: str, sex: str, year: int) -> None:
    parsed = parse_personal_number(number)
    assert parsed is not None
    assert (parsed.sex, parsed.birth_year) == (sex, year)


@pytest.mark.parametrize("number", ["", "00108500001", "0010850000011", "00108500000a", "٠" * 12])
def test_what_is_no_personal_number_is_none(number: str) -> None:
    assert parse_personal_number(number) is None
    assert read_number(number).kind != "personal" or number == "00108500001"


def test_a_personal_number_that_disagrees_says_where() -> None:
    number = "001085000001"
    assert inconsistencies(number, sex="1", birth_year=1985) == []
    assert inconsistencies(number, sex="2", birth_year=1986) == ["sex", "birth-year"]
    assert inconsistencies("997085000001", sex="1", birth_year=1985) == ["province"]
    assert inconsistencies(number, sex="3", birth_year=None) == []
    assert inconsistencies("123456789", sex="1", birth_year=1985) == ()


def test_a_card_has_four_parts() -> None:
    card = parse_card("GD4000000000001")
    assert card is not None
    assert (card.group, card.benefit, card.unit, card.social_number) == (
        "GD",
        "4",
        "00",
        "0000000001",
    )
    assert parse_card("GD900000000001") is None
    assert parse_card("GD6000000000001") is None


def test_social_numbers_are_ten_digits_and_not_all_zero() -> None:
    assert is_social_number("0000000001")
    assert not is_social_number("0000000000")
    assert not is_social_number("123")


@pytest.mark.parametrize(
    ("phone", "kind"),
    [
        ("0912 345 678", "mobile"),
        ("+84912345678", "mobile"),
        ("024.3825.1234", "fixed"),
        ("0600000001", "sample"),
        ("912345678", ""),
        ("không có", ""),
    ],
)
def test_phones_have_kinds(phone: str, kind: str) -> None:
    assert phone_kind(phone) == kind


@pytest.mark.parametrize(
    ("old", "new"),
    [("Hòa", "Hoà"), ("Thúy", "Thuý"), ("KHỎE", "khoẻ"), ("xòe  ra", "xoè ra"), ("Quý", "quý")],
)
def test_old_and_new_places_of_tones_meet(old: str, new: str) -> None:
    assert plain(old) == plain(new)


@pytest.mark.parametrize("word", ["hoàng", "toán", "huỳnh", "hoài", "nguyễn", "thuỷ", "quỳnh"])
def test_words_with_one_place_for_the_tone_stay(word: str) -> None:
    assert plain(word) == word


def test_folding_takes_every_mark_and_the_barred_d() -> None:
    assert folded("ĐỖ  THỊ HƯỜNG") == "do thi huong"
    assert folded("Đ\u1ed7") == folded("ĐO\u0302\u0303") == "do"
    assert composed("  a\u0301 \n b ") == "á b"
    assert (given_name("Nguyễn Văn Mẫu"), family_name("Nguyễn Văn Mẫu")) == ("Mẫu", "Nguyễn")


def test_names_go_with_era_and_sex() -> None:
    assert [era_of(year) for year in (1950, 1975, 2000)] == ["old", "middle", "new"]
    name = draw_name(lambda: 0.0, sex="2", birth_year=1950, surname="Nguyễn")
    assert name == "Nguyễn Thị Lan"


def test_peoples_are_named_in_their_own_way() -> None:
    for ethnicity in load_names().minority:
        for sex in "12":
            assert " " in draw_minority_name(lambda: 0.5, ethnicity=ethnicity, sex=sex, family=None)
    name = draw_minority_name(lambda: 0.0, ethnicity="12", sex="1", family="Niê")
    assert name == "Y Thịnh Niê"


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 1),
        date(2026, 2, 17),
        date(2026, 4, 26),
        date(2026, 4, 30),
        date(2026, 5, 1),
        date(2026, 9, 1),
        date(2026, 9, 2),
        date(2027, 9, 3),
        date(2024, 2, 10),
        date(2028, 1, 26),
        date(2026, 7, 5),
    ],
)
def test_days_off(day: date) -> None:
    assert not calendar.is_working_day(day)


@pytest.mark.parametrize(
    ("day", "amount"),
    [
        (date(2010, 1, 1), 1_490_000),
        (date(2023, 6, 30), 1_490_000),
        (date(2023, 7, 1), 1_800_000),
        (date(2026, 1, 1), 2_340_000),
    ],
)
def test_the_base_salary_goes_by_the_day(day: date, amount: int) -> None:
    assert base_salary(day) == amount


@pytest.mark.parametrize("day", [date(2026, 9, 3), date(2026, 7, 6), date(2026, 2, 23)])
def test_working_days(day: date) -> None:
    assert calendar.is_working_day(day)


def test_working_days_are_counted_over_weekends_and_holidays() -> None:
    assert calendar.add_working_days(date(2026, 4, 29), 1) == date(2026, 5, 4)
    assert calendar.add_working_days(date(2026, 7, 3), 2) == date(2026, 7, 7)
    assert calendar.add_working_days(date(2026, 7, 3), 0) == date(2026, 7, 3)
    assert calendar.last_working_day(date(2026, 5, 3)) == date(2026, 4, 29)
