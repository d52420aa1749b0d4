"""The CapabilityStatement, generated from what is really there (R4 §5.2).

Nothing is listed because it is planned: interactions are the routes of the API, search
parameters those the index holds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.fhir.types import RESOURCE_TYPES

INTERACTIONS = ("read", "vread", "history-instance", "history-type", "search-type")


def searchable(
    definitions: Definitions, extractor: Extractor
) -> Mapping[str, Sequence[tuple[str, str, str]]]:
    """Return (code, type, definition) of what the index can be asked, by resource type."""
    found: dict[str, Sequence[tuple[str, str, str]]] = {}
    for type_name in RESOURCE_TYPES:
        defined = definitions.search_parameters(type_name)
        found[type_name] = [
            (parameter.code, parameter.type, defined[parameter.code].url)
            for parameter in extractor.parameters(type_name)
        ]
    return found


def capability_statement(
    *,
    base: str,
    version: str,
    at: datetime,
    search_parameters: Mapping[str, Sequence[tuple[str, str, str]]],
) -> dict[str, Any]:
    """Return the statement; `search_parameters` gives (code, type, definition) by resource type."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": at.isoformat(timespec="seconds"),
        "kind": "instance",
        "software": {"name": "Trucyte", "version": version},
        "implementation": {"description": "Trục y tế: một nút / a node", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Read only. This machine only, until access control has landed.",
                "resource": [
                    _resource(type_name, parameters)
                    for type_name, parameters in sorted(search_parameters.items())
                ],
                "interaction": [{"code": "history-system"}],
            }
        ],
    }


def _resource(type_name: str, parameters: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": type_name,
        "interaction": [{"code": code} for code in INTERACTIONS],
        "versioning": "versioned",
        "readHistory": True,
    }
    if parameters:
        shown["searchParam"] = [
            {"name": code, "definition": definition, "type": kind}
            for code, kind, definition in parameters
        ]
    return shown
