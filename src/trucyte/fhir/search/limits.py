"""What a SearchParameter lets callers do with it, where its author says so.

An element that is absent says nothing, so everything that its type allows is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMES_MAX = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Modifiers and comparators that may be used (None: all), and how often values may."""

    modifiers: frozenset[str] | None = None
    comparators: frozenset[str] | None = None
    multiple_or: bool = True
    multiple_and: bool = True


ALL_ALLOWED = Limits()


def read_limits(resource: Mapping[str, Any]) -> Limits:
    """Read the limits of a SearchParameter; raises ValueError with the element's name."""
    return Limits(
        modifiers=_names(resource, "modifier"),
        comparators=_names(resource, "comparator"),
        multiple_or=_flag(resource, "multipleOr"),
        multiple_and=_flag(resource, "multipleAnd"),
    )


def _names(resource: Mapping[str, Any], element: str) -> frozenset[str] | None:
    names = resource.get(element)
    if names is None:
        return None
    is_list = isinstance(names, list) and len(names) <= NAMES_MAX
    if not is_list or not all(isinstance(name, str) for name in names):
        raise ValueError(element)
    return frozenset(names)


def _flag(resource: Mapping[str, Any], element: str) -> bool:
    value = resource.get(element, True)
    if not isinstance(value, bool):
        raise ValueError(element)
    return value
