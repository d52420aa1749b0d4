"""Rules of single resource types that neither structure nor invariants can say."""

from collections.abc import Callable, Mapping
from typing import Any

from trucyte.fhir.packages.library import Library
from trucyte.fhir.profiles.scope import Scope, Terminology
from trucyte.fhir.profiles.special.answers import questionnaire_response_faults
from trucyte.fhir.profiles.special.measures import measure_report_faults
from trucyte.fhir.profiles.special.operations import operation_faults
from trucyte.fhir.profiles.special.questionnaires import questionnaire_faults
from trucyte.fhir.profiles.special.searches import (
    capability_statement_faults,
    search_parameter_faults,
)
from trucyte.fhir.profiles.special.structures import structure_faults
from trucyte.fhir.profiles.special.value_sets import value_set_faults
from trucyte.fhir.validation.fault import Found

Special = Callable[[Mapping[str, Any], Scope, Library, Terminology], Found]

_SPECIAL: dict[str, Special] = {
    "CapabilityStatement": capability_statement_faults,
    "MeasureReport": measure_report_faults,
    "OperationDefinition": operation_faults,
    "Questionnaire": questionnaire_faults,
    "QuestionnaireResponse": questionnaire_response_faults,
    "SearchParameter": search_parameter_faults,
    "StructureDefinition": structure_faults,
    "ValueSet": value_set_faults,
}


def special_faults(
    resource: Mapping[str, Any], scope: Scope, library: Library, terminology: Terminology
) -> Found:
    """Return what is wrong by the rules of a resource's own type; never raises for its shape."""
    special = _SPECIAL.get(resource["resourceType"])
    return None if special is None else special(resource, scope, library, terminology)
