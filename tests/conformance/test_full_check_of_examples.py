"""The official examples and Synthea under the full check, and what they get wrong themselves."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.suites import suite
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.issue import Issue, Severity
from trucyte.fhir.packages.library import Library
from trucyte.fhir.packages.structures import Cache
from trucyte.fhir.parse import parse
from trucyte.fhir.profiles.standard import full_validator
from trucyte.fhir.profiles.validator import ProfileValidator
from trucyte.fhir.validate import Validator

# Beyond faults of structure, which test_fhir_r4_structure names.
AT_FAULT = {
    ("capabilitystatement-knowledge-repository.json", "search-parameter-type"),
    ("capabilitystatement-measure-processor.json", "search-parameter-type"),
    ("event.json", "invariant"),  # sdf-4: a pattern without a base
    ("fivews.json", "invariant"),
    ("request.json", "invariant"),
    ("json-edge-cases.json", "extension-unknown"),  # a slash is missing in its address
    # A vital sign that does not say when.
    ("observation-example-f202-temperature.json", "profile-too-few"),
}
# Their units are said to be UCUM, which has no `ea`, `TAB`, `tbl`, `mcg`, `ml/hr` and `mEq`.
NO_UCUM = {
    "claim-example-pharmacy-compound.json",
    "claim-example-pharmacy-medication.json",
    "document-example-dischargesummary.json",
    "medicationdispense0324.json",
    "medicationdispense0328.json",
    "medicationrequest0314.json",
    "medicationrequest0319.json",
    "medicationrequest0322.json",
    "medicationrequest0328.json",
    "medicationrequest0334.json",
    "questionnaire-profile-example-ussg-fht.json",
}
# Made by a generator: linkId given twice, groups without items.
GENERATED_FAULTS = {"que-1", "que-2"}
GENERATED = 82


@pytest.fixture(scope="module")
def full(definitions: Definitions, structures: Cache) -> ProfileValidator:
    return full_validator(Library(definitions, structures))


def archived(name: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(suite(name)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield Path(member.name).name, file.read()


def errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity in (Severity.ERROR, Severity.FATAL)]


def test_official_examples_have_no_fault_but_their_own_also_in_full(
    definitions: Definitions, full: ProfileValidator
) -> None:
    structure = Validator(definitions)
    found, generated, count = set(), set(), 0
    for name, body in archived("r4-examples.tar.xz"):
        resource = parse(body)
        known = {issue.message_id for issue in structure.check(resource)}
        count += 1
        for issue in errors(full.check(resource)):
            if issue.message_id in known:
                continue
            if name.endswith("-questionnaire.json") and issue.facts["key"] in GENERATED_FAULTS:
                generated.add(name)
            else:
                found.add((name, issue.message_id))
    assert count == 2017
    assert found == AT_FAULT | {(name, "code-unknown") for name in NO_UCUM}
    assert len(generated) == GENERATED


def test_synthea_has_no_fault_but_extensions_of_another_country(full: ProfileValidator) -> None:
    checked = 0
    for name, body in archived("synthea-bundles.tar.xz"):
        if checked == 5:
            break
        checked += 1
        wrong = errors(full.check(parse(body)))
        assert {issue.message_id for issue in wrong} <= {"extension-unknown"}, name
    assert checked == 5
