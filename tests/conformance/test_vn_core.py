"""The Ministry's core profiles: read from their XML, laid over R4, checked with."""

import json
import tarfile
from decimal import Decimal
from typing import Any

import pytest

from tests.conformance.suites import suite
from tests.support.profiles import definition
from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.library import CORES, BaseUnknown, Library
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.profiles.standard import full_validator
from trucyte.fhir.xml import NotFhirXml, read_xml

IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"


@pytest.fixture(scope="module")
def library(definitions: Definitions, structures: Cache) -> Library:
    made = Library(definitions, structures)
    with tarfile.open(suite("vn-core-ig.tar.xz")) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is None or not member.name.endswith(".xml"):
                continue
            try:
                resource = read_xml(file.read(), definitions)
            except NotFhirXml:
                continue  # a page of the guide
            made.add([definition(json.loads(json.dumps(resource, default=float)))])
    return made


def test_every_profile_has_a_snapshot_or_says_which_base_it_lacks(library: Library) -> None:
    made, lacking = 0, set()
    for found in library.added("StructureDefinition"):
        try:
            library.structure(found.url)
            made += 1
        except BaseUnknown as problem:
            lacking.add(str(problem.facts["base"]))
        except Problem as problem:
            raise AssertionError((found.url, str(problem))) from problem
    assert made >= 40
    assert lacking and all(base.startswith(IPS) for base in lacking)


def test_a_profile_is_found_under_both_names_of_the_core(library: Library) -> None:
    one, other = (f"{core}/StructureDefinition/vn-core-address" for core in CORES)
    assert library.structure(one).url == library.structure(other).url


def test_codes_of_the_core_are_known(library: Library) -> None:
    race = library.find(CORES[1] + "/CodeSystem/vn-core-race", "CodeSystem")
    assert race is not None and len(race["concept"]) >= 54


def test_a_resource_is_checked_against_the_core_under_the_other_name(library: Library) -> None:
    validator = full_validator(library)
    encounter: dict[str, Any] = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "length": {"value": Decimal("1"), "system": "http://unitsofmeasure.org", "code": "h"},
    }
    found = validator.check(encounter, [CORES[0] + "/StructureDefinition/vn-core-encounter"])
    assert "profile-wanted-unknown" not in {issue.message_id for issue in found}
