"""Conditions in FHIR transactions: references by query, and create-unless-there.

They are asked of the search index, so they see what was committed before.
"""

import re
from collections.abc import Iterable

from trucyte.intake.tools import Finder
from trucyte.intake.unreadable import ReferenceUnresolved

_REFERENCE = re.compile(rb'"reference"\s*:\s*"([A-Z][A-Za-z]{2,40}\?[^"\\]{1,500})"')


def is_conditional(url: str) -> bool:
    """Say whether a URL or reference is a query."""
    return "?" in url


def split_condition(reference: str) -> tuple[str, str]:
    """Return type and query of "Practitioner?identifier=…"."""
    kind, _, query = reference.partition("?")
    return kind, query


def conditional_references(bodies: Iterable[bytes]) -> list[str]:
    """Return the different references of bodies that are queries, in their order."""
    found = (match[1] for body in bodies for match in _REFERENCE.finditer(body))
    return [reference.decode() for reference in dict.fromkeys(found)]


def resolve_references(bodies: Iterable[bytes], finder: Finder) -> dict[str, str]:
    """Return what each conditional reference means; raises ReferenceUnresolved unless it is one."""
    found: dict[str, str] = {}
    for reference in conditional_references(bodies):
        kind, query = split_condition(reference)
        ids = finder.find(kind, query)
        if len(ids) != 1:
            raise ReferenceUnresolved(matches=len(ids))
        found[reference] = f"{kind}/{ids[0]}"
    return found
