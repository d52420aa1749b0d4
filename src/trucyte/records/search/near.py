"""Places near a place: `Location.near` (R4 Location, Search Parameters).

A position is one row of `records.quantity`: its latitude and its longitude stand where a
number has its lower and its upper end, so the index leads to a band of latitudes. A box
around the circle comes first, then the distance on the sphere, both in SQL.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# Mean radius of the earth in metres (IUGG); a sphere is within 0.6 % of WGS84.
RADIUS: Final = 6_371_008.8
# Where the caller names no distance the server decides.
METRES_DEFAULT: Final = 10_000.0
METRES_MAX: Final = math.pi * RADIUS
_METRES: Final = {
    "": 1000.0,
    "km": 1000.0,
    "m": 1.0,
    "mi": 1609.344,
    "[mi_i]": 1609.344,
    "[mi_us]": 1609.347218694,
}
_DOUBLE: Final = "double precision"
# `metres_between` in SQL, of a row `q` with latitude and longitude in `low` and `high`.
_METRES_SQL: Final = (
    f"{2 * RADIUS!r} * asin(sqrt(least(1, sin(radians(q.low - {{latitude}}) / 2) ^ 2"
    " + cos(radians({latitude})) * cos(radians(q.low))"
    " * sin(radians(q.high - {longitude}) / 2) ^ 2)))"
)
# A little more than the circle, so that rounding excludes nobody from the box.
_MARGIN: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Circle:
    """Whatever is within `metres` of a place, in degrees of WGS84."""

    latitude: float
    longitude: float
    metres: float

    def has(self, latitude: float, longitude: float) -> bool:
        """Say whether a place is within the circle."""
        return metres_between(self.latitude, self.longitude, latitude, longitude) <= self.metres

    def latitudes(self) -> tuple[float, float]:
        """Return the lowest and the highest latitude of the circle."""
        reach = math.degrees(self.metres / RADIUS) + _MARGIN
        return self.latitude - reach, self.latitude + reach

    def longitudes(self) -> list[tuple[float, float]]:
        """Return the ranges of longitudes of the circle; two where it meets the date line."""
        angle = self.metres / RADIUS
        latitude = math.radians(self.latitude)
        if abs(latitude) + angle >= math.pi / 2 - _MARGIN:
            return [(-180.0, 180.0)]  # a pole is inside
        reach = math.degrees(math.asin(math.sin(angle) / math.cos(latitude))) + _MARGIN
        west, east = self.longitude - reach, self.longitude + reach
        if west < -180:
            return [(-180.0, east), (west + 360, 180.0)]
        if east > 180:
            return [(west, 180.0), (-180.0, east - 360)]
        return [(west, east)]


def read_circle(parts: tuple[str, ...]) -> Circle:
    """Read latitude, longitude, and where there are any distance and unit.

    Units are km (also where there is none), m, mi and UCUM's [mi_i], [mi_us].

    Raises:
        ValueError: it is no place on the earth, no distance, or a unit of another kind.
    """
    if not 2 <= len(parts) <= 4:
        raise ValueError("not latitude|longitude|distance|units")
    latitude, longitude = _number(parts[0], 90), _number(parts[1], 180)
    distance = parts[2] if len(parts) > 2 else ""
    unit = parts[3] if len(parts) > 3 else ""
    if unit not in _METRES:
        raise ValueError("not a unit of distance")
    if not distance:
        return Circle(latitude, longitude, METRES_DEFAULT)
    metres = _number(distance, METRES_MAX) * _METRES[unit]
    if metres < 0:
        raise ValueError("not a distance")
    return Circle(latitude, longitude, min(metres, METRES_MAX))


def metres_between(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Return the great-circle distance of two places in metres (haversine)."""
    north, other_north = math.radians(latitude), math.radians(other_latitude)
    rise = math.sin((other_north - north) / 2) ** 2
    turn = math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    share = rise + math.cos(north) * math.cos(other_north) * turn
    return 2 * RADIUS * math.asin(math.sqrt(min(1.0, share)))


def near_condition(circle: Circle, parameter: int, add: Callable[[float, str], str]) -> str:
    """Return the condition that a row `e` of the index has a place in the circle.

    `parameter` is the number of the parameter in the side tables; `add` keeps a value with
    its SQL type and returns its place in the text.
    """
    places = {
        "latitude": add(circle.latitude, _DOUBLE),
        "longitude": add(circle.longitude, _DOUBLE),
    }
    south, north = (add(end, _DOUBLE) for end in circle.latitudes())
    boxes = " or ".join(
        f"q.high between {add(west, _DOUBLE)} and {add(east, _DOUBLE)}"
        for west, east in circle.longitudes()
    )
    return (
        f"e.seq in (select q.seq from records.quantity q"
        f" where q.parameter = {add(parameter, 'integer')}"
        f" and q.low between {south} and {north} and ({boxes})"
        f" and {_METRES_SQL.format(**places)} <= {add(circle.metres, _DOUBLE)})"
    )


def _number(text: str, most: float) -> float:
    if len(text) > 40 or not text.isascii() or "_" in text:
        raise ValueError("not a number")
    number = float(text)
    if not abs(number) <= most:
        raise ValueError("out of range")
    return number
