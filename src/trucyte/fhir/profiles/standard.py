"""The full validator as a node uses it: one library, its codes, FHIRPath for its rules."""

from datetime import datetime

from trucyte.fhir.packages.codes import PackageTerminology
from trucyte.fhir.packages.library import Library
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.units.ucum import is_unit
from trucyte.fhir.profiles.invariants.evaluation import PathEvaluator
from trucyte.fhir.profiles.scope import Resolver, Terminology
from trucyte.fhir.profiles.validator import ProfileValidator


def full_validator(
    library: Library,
    *,
    terminology: Terminology | None = None,
    resolver: Resolver | None = None,
    now: datetime | None = None,
    unknown_extension_is_error: bool = True,
) -> ProfileValidator:
    """Return a validator that checks with all a library holds; make one and keep it.

    `terminology` answers for codes instead of the library's own lists. Without `now`,
    rules that ask for the time are not evaluated.
    """
    codes = terminology or PackageTerminology(library, is_unit)
    evaluator = PathEvaluator(Paths(library.core), codes, now=now)
    validator = ProfileValidator(
        library,
        codes,
        evaluator=evaluator,
        resolver=resolver,
        unknown_extension_is_error=unknown_extension_is_error,
    )
    evaluator.profiles = validator
    return validator
