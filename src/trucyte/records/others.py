"""Leave out what belongs to others too, where persons were chosen.

A resource may lie in the records of several Patients (an Appointment of two, a List or a
Group). Whoever asked for one of them learns of no other by it: the Bulk Data IG (2.0, export,
`patient`) says that what lies in the compartment of a Patient outside the list shall not be
given. The Patients who were chosen are given, whoever they are linked to.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trucyte.fhir.parse import parse
from trucyte.records.index import SearchIndex

_PATIENT = "Patient"
_NAMED = re.compile(rb'"([^"]*Patient/[^"]*)"')


class Others:
    """Looks for Patients besides those who were chosen."""

    def __init__(self, index: SearchIndex, persons: frozenset[int]) -> None:
        """Choose `persons`, by their keys."""
        self._extractor = index.extractor
        self._person = index.hasher.person
        self._chosen = persons
        self._numbers: dict[str, frozenset[int]] = {}

    def has(self, resource_type: str, body: bytes) -> bool:
        """Say whether a resource lies in the record of somebody else as well."""
        if resource_type == _PATIENT:
            return False
        if resource_type == "Group":
            return not all(map(self._is_chosen, _members(parse(body))))
        # Most name one Patient, the chosen one: that is seen without parsing.
        if b"\\" not in body and all(self._is_chosen(n) for n in _named_in(body)):
            return False
        numbers = self._within(resource_type)
        if not numbers:
            return False
        found = self._extractor.values_of(parse(body), numbers).references
        return any(
            not self._is_chosen(url or f"{type_name}/{id_}")
            for _, type_name, id_, url, _, _ in found
            if type_name == _PATIENT
        )

    def _is_chosen(self, reference: str | None) -> bool:
        return reference is not None and self._person(reference) in self._chosen

    def _within(self, resource_type: str) -> frozenset[int]:
        """Return whose values place a resource of a type in the record of a Patient."""
        numbers = self._numbers.get(resource_type)
        if numbers is None:
            codes = self._extractor.compartments[_PATIENT].resources.get(resource_type, ())
            numbers = frozenset(
                source
                for parameter in self._extractor.parameters(resource_type)
                if parameter.code in codes and parameter.type == "reference"
                for source in parameter.sources
            )
            self._numbers[resource_type] = numbers
        return numbers


def _named_in(body: bytes) -> Iterator[str]:
    for match in _NAMED.finditer(body):
        yield match[1].decode("utf-8", "replace")


def _members(group: Mapping[str, Any]) -> Iterator[str | None]:
    """Yield how each member is named: None for one of whom nothing is known."""
    for member in group.get("member", ()):
        reference = member.get("entity", {}).get("reference")
        yield reference if isinstance(reference, str) else None
