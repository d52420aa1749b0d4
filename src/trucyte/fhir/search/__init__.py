"""Search values: what R4's search parameters find a resource by. Pure."""

from trucyte.fhir.search.custom import CompiledParameter, compile_parameter
from trucyte.fhir.search.extractor import Extractor
from trucyte.fhir.search.fold import fold
from trucyte.fhir.search.values import SearchValues

__all__ = ["CompiledParameter", "Extractor", "SearchValues", "compile_parameter", "fold"]
