"""What the full language finds becomes the same values as generated code makes."""

from tests.support.fhirpath import PATIENT
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.path import Paths
from trucyte.fhir.search.by_path import add_values_by_path
from trucyte.fhir.search.extractor import Extractor
from trucyte.fhir.search.values import SearchValues


def test_the_first_entry_of_a_document_is_found_by_type_and_id(definitions: Definitions) -> None:
    paths = Paths(definitions)
    document = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Composition", "id": "c"}}],
    }
    parameter = definitions.search_parameters("Bundle")["composition"]
    out = SearchValues()
    path = paths.compile(parameter.expression, is_strict=False)
    add_values_by_path(out, 3, parameter.type, path, paths.resource(document))
    assert out.references == [(3, "Composition", "c", None, None, None)]


def test_both_ways_give_the_same_values(definitions: Definitions) -> None:
    paths = Paths(definitions)
    extractor = Extractor(definitions)
    wanted = extractor.values(PATIENT)
    parameter = next(p for p in extractor.parameters("Patient") if p.code == "birthdate")
    out = SearchValues()
    path = paths.compile("Patient.birthDate", is_strict=False)
    add_values_by_path(out, parameter.number, "date", path, paths.resource(PATIENT))
    assert out.dates == [one for one in wanted.dates if one[0] == parameter.number]
    assert out.dates
