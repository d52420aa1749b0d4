"""Hours of lists become days and times; addresses tell the unit of a day."""

from datetime import date
from typing import Any

import pytest

from trucyte.shared.identity.registers.communes import coded, commune_code, full_name, lies_in
from trucyte.shared.identity.registers.files.hours import available_time, opening, read_hours

WEEK = ("mon", "tue", "wed", "thu", "fri")
BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)
TODAY = "Phường Hai Bà Trưng, Thành phố Hà Nội"
FORMER = "Phường Phố Huế, Thành phố Hà Nội"


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Thứ 2–6: 07:00–16:30", [(WEEK, "07:00:00", "16:30:00")]),
        (
            "Thứ 2 - Thứ 6: 7h30 - 16h30; T7: 7h-11h",
            [(WEEK, "07:30:00", "16:30:00"), (("sat",), "07:00:00", "11:00:00")],
        ),
        (
            "T2-T6 07:00-11:30; 13:00-16:30",
            [(WEEK, "07:00:00", "11:30:00"), (WEEK, "13:00:00", "16:30:00")],
        ),
        ("Thứ 2, 4, CN: 8:00-11:00", [(("mon", "wed", "sun"), "08:00:00", "11:00:00")]),
        ("24/7", [((*WEEK, "sat", "sun"), "", "")]),
    ],
)
def test_hours_are_read(text: str, spans: list[tuple[Any, ...]]) -> None:
    assert [tuple(one) for one in read_hours(text)] == spans


@pytest.mark.parametrize(
    "text",
    ["", "thứ hai", "7h-16h", "Thứ 2–6: 25:00–26:00", "Thứ 2–6: 16:00–07:00", "Thứ 6-2: 7h-9h",
     "Thứ 2–6: 07:00–16:30; khi có hẹn", "thu 2-" * 60, "2" * 5000, "Thứ 8: 07:00-08:00"],
)  # fmt: skip
def test_what_is_not_understood_whole_gives_no_hours(text: str) -> None:
    assert not read_hours(text)
    assert available_time(text) is opening(text) is None


def test_hours_of_a_service_and_of_a_place_are_named_apart() -> None:
    days = list(WEEK)
    assert available_time("T2-6: 7h-16h") == [
        {"daysOfWeek": days, "availableStartTime": "07:00:00", "availableEndTime": "16:00:00"}
    ]
    assert opening("T2-6: 7h-16h") == [
        {"daysOfWeek": days, "openingTime": "07:00:00", "closingTime": "16:00:00"}
    ]


@pytest.mark.parametrize(
    ("address", "before", "after"),
    [
        ({"extension": [coded("00262")]}, FORMER, TODAY),
        ({"text": "12 Phố Huế, phường Phố Huế, quận Hai Bà Trưng", "state": "Hà Nội"}, FORMER,
         TODAY),
        ({"extension": [coded("99999")]}, "", ""),
        ({"text": "Xã Mẫu", "state": "Tỉnh Mẫu"}, "", ""),
        ({}, "", ""),
    ],
)  # fmt: skip
def test_a_merged_commune_is_the_unit_of_the_day(
    address: dict[str, Any], before: str, after: str
) -> None:
    for day, expected in ((BEFORE, before), (AFTER, after)):
        found = [(full_name(one.unit), one.share) for one in lies_in(address, day)]
        assert found == ([(expected, "whole")] if expected else [])


def test_a_unit_of_today_was_several_before() -> None:
    found = lies_in({"extension": [coded("00256")]}, BEFORE)
    assert len(found) > 1 and {one.share for one in found} == {"part"}


def test_a_list_names_a_commune_by_code_or_by_name() -> None:
    assert commune_code("262", "") == "00262"
    assert commune_code("Phường Hai Bà Trưng", "Hà Nội") == "00256"
    assert commune_code("Xã Mẫu", "") == commune_code("99999", "") == ""
