"""Numbers and dates as people here read them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from trucyte.web import formats


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        ("1234567.8", "1.234.567,8", "1,234,567.8"),
        (Decimal("72.50"), "72,50", "72.50"),
        (0, "0", "0"),
        (-1200, "−1.200", "−1,200"),
        ("1E+3", "1.000", "1,000"),
        ("(+)", "(+)", "(+)"),
        ("<5", "<5", "<5"),
        ("NaN", "NaN", "NaN"),
    ],
)
def test_a_number_keeps_its_digits_and_is_grouped_as_the_language_does(value, vi, en) -> None:
    assert formats.number(value, "vi") == vi
    assert formats.number(value, "en") == en


@pytest.mark.parametrize(("value", "shown"), [("10.000", "10"), ("2.50", "2,5"), ("1000", "1.000")])
def test_a_count_is_never_read_as_thousands(value: str, shown: str) -> None:
    assert formats.number(value, "vi", is_count=True) == shown


def test_dong_are_shown_without_needless_decimals() -> None:
    assert formats.money(Decimal("3500.00"), "vi") == "3.500\N{NO-BREAK SPACE}₫"
    assert formats.money(Decimal("597626.90"), "vi") == "597.626,90\N{NO-BREAK SPACE}₫"
    assert formats.money("12.5", "en", currency="USD") == "12.5\N{NO-BREAK SPACE}USD"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1,0 kB"), (1_840_221, "1,8 MB"), (212 * 10**9, "212 GB")],
)
def test_sizes_are_in_units_of_a_thousand(count: int, shown: str) -> None:
    assert formats.size(count, "vi").replace("\N{NO-BREAK SPACE}", " ") == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1985", "1985"),
        ("1985-03", "03/1985"),
        ("1985-03-15", "15/03/1985"),
        ("2026-11-21T23:30:00Z", "22/11/2026"),
        (date(2026, 11, 22), "22/11/2026"),
        (datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "22/11/2026"),
        (None, ""),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_a_date_is_shown_as_far_as_it_is_known(value, shown: str) -> None:
    assert formats.day(value) == shown


def test_moments_are_shown_at_home() -> None:
    assert formats.moment("2026-11-22T02:12:00Z") == "22/11/2026 09:12"
    assert formats.moment(datetime(2026, 11, 22, 2, 12, tzinfo=UTC)) == "22/11/2026 09:12"
    assert formats.moment("2026-11-22") == "22/11/2026"
    assert formats.moment("2026-11-22Tbroken") == "2026-11-22Tbroken"
    assert formats.clock_time("2026-11-22T08:05:00+07:00") == "08:05"
    assert formats.clock_time("2026-11-22") == ""


def test_an_end_on_the_same_day_is_a_time_alone() -> None:
    start = "2026-11-22T08:00:00+07:00"
    assert formats.until(start, "2026-11-22T09:30:00+07:00") == "09:30"
    assert formats.until(start, "2026-11-24T09:30:00+07:00") == "24/11/2026 09:30"


@pytest.mark.parametrize(
    ("birth", "years"),
    [
        ("1985-03-15", 41),
        ("1985-11-22", 41),
        ("1985-11-23", 40),
        ("1985", 41),
        ("2026-11-23", None),
        ("?", None),
    ],
)
def test_an_age_is_in_completed_years(birth: str, years: int | None) -> None:
    assert formats.age(birth, date(2026, 11, 22)) == years


def test_a_window_title_holds_no_direction_marks_and_ends() -> None:
    assert formats.title("a\u202eb\nc") == "abc"
    assert len(formats.title("x" * 1000)) == 80
