"""MeasureReport against its Measure: scores only where the measure has them."""

from collections.abc import Mapping
from typing import Any

from trucyte.fhir.packages.library import Library
from trucyte.fhir.profiles.rules import MEASURE_SCORE
from trucyte.fhir.profiles.scope import Scope, Terminology
from trucyte.fhir.profiles.special.walk import codings, objects, texts
from trucyte.fhir.validation.fault import Found, fault, joined

_SCORING = "http://terminology.hl7.org/CodeSystem/measure-scoring"


def measure_report_faults(
    resource: Mapping[str, Any], scope: Scope, library: Library, terminology: Terminology
) -> Found:
    """A cohort has no score (R4 Measure.scoring)."""
    measure = library.find(texts(resource, "measure"), "Measure")
    if measure is None or (_SCORING, "cohort") not in codings(measure.get("scoring")):
        return None
    found: Found = None
    for step, group in objects(resource, "group"):
        if "measureScore" in group:
            more = fault(MEASURE_SCORE, scoring="cohort")
            found = joined(found, more, f"{step}.measureScore")
    return found
