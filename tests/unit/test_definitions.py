"""What the compiled definitions say, held against the standard's own pages."""

import io
import json
import tarfile
from typing import Any

import pytest

from trucyte.fhir.definitions import Definitions, NotDefinitions
from trucyte.fhir.package import NotAPackage, compile_package
from trucyte.fhir.types import RESOURCE_TYPES

VS = "http://hl7.org/fhir/ValueSet/"
V3 = "http://terminology.hl7.org/ValueSet/"


def test_every_type_of_the_journal_is_a_resource_type_of_r4(definitions: Definitions) -> None:
    assert definitions.resource_types == set(RESOURCE_TYPES)
    assert (definitions.package, definitions.version) == ("hl7.fhir.r4.core", "4.0.1")


def test_every_type_an_element_names_is_defined(definitions: Definitions) -> None:
    for definition in definitions.types.values():
        for element in definition.elements.values():
            assert element.types, element.path
            assert all(name in definitions.types for name in element.types), element.path


def test_a_choice_lists_its_full_keys(definitions: Definitions) -> None:
    value = definitions.types["Observation"].elements["value"]
    assert (value.is_choice, value.is_array, value.min, value.max) == (True, False, 0, 1)
    assert value.choices["valueCodeableConcept"] == "CodeableConcept"
    assert len(value.choices) == 11
    keys = definitions.types["Observation"].keys
    assert keys["valueQuantity"] == (value, "Quantity")
    assert "value" not in keys and keys["status"][1] == "code"


def test_elements_carry_what_checks_and_search_need(definitions: Definitions) -> None:
    observation = definitions.types["Observation"].elements
    assert observation["subject"].targets == ("Patient", "Group", "Device", "Location")
    assert observation["focus"].targets == ()  # any resource
    assert observation["component"].types == ("Observation.component",)
    status = observation["status"]
    assert status.binding is not None
    assert (status.min, status.binding.strength, status.is_modifier, status.is_summary) == (
        1, "required", True, True,
    )  # fmt: skip
    assert definitions.types["Observation"].elements["id"].types == ("id",)
    assert definitions.types["Extension"].elements["url"].types == ("uri",)
    assert definitions.types["Element"].elements["id"].types == ("string",)


def test_a_content_reference_is_the_type_it_refers_to(definitions: Definitions) -> None:
    component = definitions.types["Observation.component"]
    assert component.elements["referenceRange"].types == ("Observation.referenceRange",)
    assert definitions.types["Questionnaire.item"].elements["item"].types == ("Questionnaire.item",)


def test_invariants_live_with_the_type_that_states_them(definitions: Definitions) -> None:
    def keys(name: str) -> set[str]:
        return {rule.key for rule in definitions.types[name].invariants}

    assert keys("Observation") == {"obs-6", "obs-7"}
    assert keys("DomainResource") == {"dom-2", "dom-3", "dom-4", "dom-5", "dom-6"}
    assert keys("Patient.contact") == {"pat-1"}
    assert definitions.bases("Observation") == ("DomainResource", "Resource")
    assert definitions.bases("positiveInt") == ("integer", "Element")


@pytest.mark.parametrize(
    ("url", "count", "some", "others"),
    [
        (VS + "observation-status|4.0.1", 8, {"final"}, {"bogus"}),
        (VS + "administrative-gender", 4, {"male", "other"}, {"m"}),
        (VS + "resource-types", 148, {"Patient"}, {"string"}),
        (VS + "all-types", 213, {"Patient", "string"}, {"patient"}),
        (VS + "condition-clinical", 6, {"relapse"}, set()),  # children of a hierarchy
        (V3 + "v3-ActEncounterCode", 11, {"AMB", "IMP"}, {"_ActEncounterCode", "CASH"}),  # excluded
    ],
)
def test_a_value_set_is_expanded(
    definitions: Definitions, url: str, count: int, some: set[str], others: set[str]
) -> None:
    codes = definitions.codes(url)
    assert codes is not None
    assert len(codes) == count
    assert some <= codes and not others & codes


@pytest.mark.parametrize("name", ["currencies", "mimetypes", "ucum-units", "languages"])
def test_what_cannot_be_listed_is_open_not_empty(definitions: Definitions, name: str) -> None:
    if name != "languages":  # a list of common ones, only preferred
        assert definitions.codes(VS + name) is None
        assert definitions.is_open(VS + name)
    assert definitions.codes(VS + "no-such-set") is None
    assert not definitions.is_open(VS + "no-such-set")


def test_a_code_system_knows_displays_and_parents(definitions: Definitions) -> None:
    system = definitions.code_system("http://terminology.hl7.org/CodeSystem/condition-clinical")
    assert system is not None
    by_code = {concept.code: concept for concept in system.concepts}
    assert by_code["recurrence"].display == "Recurrence"
    assert by_code["recurrence"].parents == ("active",)
    assert definitions.code_system("http://example.org/none") is None


def test_search_parameters_come_with_those_of_the_bases(definitions: Definitions) -> None:
    parameters = definitions.search_parameters("Observation")
    assert {"code", "_id", "_lastUpdated", "patient", "value-quantity"} <= parameters.keys()
    assert parameters["code"].type == "token"
    composite = parameters["code-value-quantity"]
    assert [part.expression for part in composite.components] == ["code", "value.as(Quantity)"]
    assert definitions.search_parameters("Condition")["subject"].url.endswith("Condition-subject")
    assert definitions.search_parameters("Encounter")["subject"].target == ("Group", "Patient")


def test_the_patient_compartment_says_who_belongs(definitions: Definitions) -> None:
    patient = definitions.compartments["Patient"]
    assert patient.resources["Observation"] == ("subject", "performer")
    assert patient.resources["Medication"] == ()


def test_compiling_again_gives_the_same_bytes(r4_package: bytes, r4_cache: bytes) -> None:
    assert compile_package(r4_package) == r4_cache


def test_a_cache_of_another_format_is_refused(r4_cache: bytes) -> None:
    for broken in (b"", b"trucyte-definitions 0\n", r4_cache[:5000], r4_cache[1:]):
        with pytest.raises(NotDefinitions):
            Definitions.load(broken)


def package(*resources: dict[str, Any], manifest: bool = True) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        files = {f"{number}.json": resource for number, resource in enumerate(resources)}
        if manifest:
            files["package.json"] = {"name": "test", "version": "1"}
        for name, content in files.items():
            data = json.dumps(content).encode()
            member = tarfile.TarInfo("package/" + name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"nonsense", package(manifest=False), package()[:-20]],
    ids=["empty", "nonsense", "without a manifest", "cut"],
)
def test_what_is_no_package_is_refused(data: bytes) -> None:
    with pytest.raises(NotAPackage):
        compile_package(data)


def include(**part: Any) -> dict[str, Any]:
    return {"compose": {"include": [part]}}


def test_value_sets_that_include_each_other_stay_open() -> None:
    system = {"resourceType": "CodeSystem", "url": "s", "content": "complete",
              "concept": [{"code": "a", "concept": [{"code": "b"}]}, {"code": "c"}]}  # fmt: skip
    sets = {
        "loop": include(valueSet=["loop"]),
        "all": include(system="s"),
        "both": include(system="s", valueSet=["below"]),
        "below": include(
            system="s", filter=[{"property": "concept", "op": "descendent-of", "value": "a"}]
        ),
        "not": include(
            system="s", filter=[{"property": "concept", "op": "is-not-a", "value": "a"}]
        ),
        "regex": include(system="s", filter=[{"property": "code", "op": "regex", "value": "."}]),
        "elsewhere": include(system="t"),
        "minus": {"compose": {"include": [{"system": "s"}], "exclude": [{"valueSet": ["below"]}]}},
        "blind": {"compose": {"include": [{"system": "s"}], "exclude": [{"system": "t"}]}},
    }  # fmt: skip
    made = Definitions.load(
        compile_package(
            package(system, *({"resourceType": "ValueSet", "url": u} | v for u, v in sets.items()))
        )
    )
    expanded = {url: made.codes(url) for url in sets}
    assert expanded == {
        "loop": None, "all": {"a", "b", "c"}, "both": {"b"}, "below": {"b"}, "not": {"c"},
        "regex": None, "elsewhere": None, "minus": {"a", "c"}, "blind": None,
    }  # fmt: skip
