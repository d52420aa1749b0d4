"""Every function of FHIRPath 2.0 and of R4, by name."""

from collections.abc import Mapping
from typing import Final

from trucyte.fhir.path.code import Function
from trucyte.fhir.path.functions.boundaries import BOUNDARIES
from trucyte.fhir.path.functions.collections import COLLECTIONS
from trucyte.fhir.path.functions.conversions import CONVERSIONS
from trucyte.fhir.path.functions.definitions import DEFINITIONS
from trucyte.fhir.path.functions.elements import ELEMENTS
from trucyte.fhir.path.functions.loops import LOOPS
from trucyte.fhir.path.functions.mathematics import MATHEMATICS
from trucyte.fhir.path.functions.moments import MOMENTS
from trucyte.fhir.path.functions.strings import STRINGS
from trucyte.fhir.path.functions.utilities import UTILITIES

FUNCTIONS: Final[Mapping[str, Function]] = {
    **COLLECTIONS,
    **LOOPS,
    **CONVERSIONS,
    **STRINGS,
    **MATHEMATICS,
    **MOMENTS,
    **BOUNDARIES,
    **UTILITIES,
    **ELEMENTS,
    **DEFINITIONS,
}
