"""Search values: what a resource can be found by, as plain tuples.

The first member of every tuple is the number of its parameter within the resource
type. Values are as the resource has them; folding and hashing belong to the index.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# (parameter, system, code, display). No system: None. The system that an element of
# type `code` implies: "". A text alone has neither system nor code.
Token = tuple[int, str | None, str | None, str | None]
# (parameter, system, value, type codings as (system, code), type text)
Identifier = tuple[int, str | None, str | None, tuple[tuple[str | None, str | None], ...], str]
# (parameter, type, id, url, identifier system, identifier value); what is absent is None
Reference = tuple[int, str | None, str | None, str | None, str | None, str | None]
# (parameter, low, high): microseconds since 1970, half open
DateRange = tuple[int, int, int]
Text = tuple[int, str]
# (parameter, low, high, system, code, unit): closed; numbers have no unit
Quantity = tuple[int, float, float, str | None, str | None, str | None]
Uri = tuple[int, str]
# (parameter, latitude, longitude) in degrees
Position = tuple[int, float, float]


@dataclass(slots=True)
class SearchValues:
    """All values of one resource."""

    tokens: list[Token] = field(default_factory=list)
    identifiers: list[Identifier] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    dates: list[DateRange] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    quantities: list[Quantity] = field(default_factory=list)
    uris: list[Uri] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    # (parameter, the values of each component; their parameter is the component's place)
    composites: list[tuple[int, "SearchValues"]] = field(default_factory=list)

    def extend(self, other: "SearchValues") -> None:
        """Add all of another's values."""
        for name in self.__slots__:
            getattr(self, name).extend(getattr(other, name))


Json = Mapping[str, Any]
