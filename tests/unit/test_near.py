"""Circles on the earth: the box has whatever the circle has, and distances are right."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trucyte.records.search.near import METRES_MAX, Circle, metres_between, read_circle

LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)

KNOWN = [
    ((0, 0, 0, 180), math.pi * 6371.0088),
    ((90, 0, -90, 77), math.pi * 6371.0088),
    ((0, 0, 0, 1), math.radians(1) * 6371.0088),
    ((0, 179.5, 0, -179.5), math.radians(1) * 6371.0088),
    ((21.0285, 105.8542, 10.8231, 106.6297), 1137.8),  # Hà Nội to Hồ Chí Minh City
    ((5, 5, 5, 5), 0),
]


@pytest.mark.parametrize(("places", "kilometres"), KNOWN)
def test_a_distance_is_along_the_great_circle(places: tuple, kilometres: float) -> None:
    assert metres_between(*places) / 1000 == pytest.approx(kilometres, abs=1)


@pytest.mark.parametrize(("parts", "metres"), [
    (("1", "2", "3", "km"), 3000), (("1", "2", "3"), 3000), (("1", "2", "3", ""), 3000),
    (("1", "2", "3", "m"), 3), (("1", "2", "3", "mi"), 4828.032),
    (("1", "2", "3", "[mi_i]"), 4828.032), (("1", "2", "3", "[mi_us]"), 4828.041656),
    (("1", "2"), 10_000), (("1", "2", "", "km"), 10_000), (("1", "2", "1e7", "km"), METRES_MAX),
])  # fmt: skip
def test_a_distance_is_in_kilometres_where_no_unit_says_otherwise(
    parts: tuple[str, ...], metres: float
) -> None:
    assert read_circle(parts).metres == pytest.approx(metres)


@pytest.mark.parametrize("parts", [
    ("1",), ("", ""), ("x", "1"), ("nan", "1"), ("inf", "1"), ("91", "1"), ("1", "181"),
    ("1", "2", "-1"), ("1", "2", "nan"), ("1", "2", "1", "KM"), ("1", "2", "1", "s"),
    ("1_0", "2"), ("١", "2"), ("1" * 50, "2"), ("1", "2", "3", "km", ""),
])  # fmt: skip
def test_what_is_no_circle_is_refused(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"not|out"):
        read_circle(parts)


@example(0, -179.9, 50_000, 0, 179.9)
@example(0, 179.9, 50_000, 0, -179.9)
@example(80, 0, 2_000_000, 80, 180)
@given(LATITUDES, LONGITUDES, st.floats(0, METRES_MAX), LATITUDES, LONGITUDES)
def test_the_box_has_whatever_the_circle_has(
    latitude: float, longitude: float, metres: float, other_latitude: float, other_longitude: float
) -> None:
    circle = Circle(latitude, longitude, metres)
    if circle.has(other_latitude, other_longitude):
        south, north = circle.latitudes()
        assert south <= other_latitude <= north
        assert any(west <= other_longitude <= east for west, east in circle.longitudes())
