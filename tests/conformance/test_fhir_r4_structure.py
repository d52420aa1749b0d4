"""R4's own examples, Synthea's bundles and the reference validator's verdicts.

What the official examples themselves get wrong is named below, so that a change of
ours that hides or adds a fault is seen.
"""

import json
import os
import tarfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trucyte.base.problem import Problem
from trucyte.fhir import text
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.issue import Issue, Severity
from trucyte.fhir.parse import bundle, head, parse
from trucyte.fhir.validate import Validator

ROOT = Path(__file__).parent.parent.parent
SUITES = ROOT / os.environ.get("TRUCYTE_SUITES", "../shared/suites")
NOW = "2026-11-22T09:12:00.000+07:00"

# One file is a package manifest, no resource.
NOT_A_RESOURCE = "package-min-ver.json"
# Made by a generator that forgets `linkId` on group items.
QUESTIONNAIRES_WITHOUT_LINK_ID = 126
AT_FAULT = {
    ("activitydefinition-servicerequest-example.json", "narrative-empty"),
    ("activitydefinition-supplyrequest-example.json", "narrative-empty"),
    ("codesystem-extensions-CodeSystem-author.json", "missing-element"),  # base
    ("codesystem-extensions-CodeSystem-effective.json", "missing-element"),
    ("codesystem-extensions-CodeSystem-keyword.json", "missing-element"),
    ("devicemetric-example.json", "reference-target"),  # parent: DeviceDefinition
    ("deviceusestatement-example.json", "reference-target"),  # reasonReference: Procedure
    ("diagnosticreport-example-lri.json", "full-url-id"),
    ("message-request-link.json", "full-url-id"),  # Patient/pat12 holds pat2
    ("message-response-link.json", "full-url-id"),
    ("observation-example-clinical-gender.json", "reference-target"),  # performer: Encounter
    # An id of 67 characters.
    ("questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json", "wrong-form"),
    ("valueset-extensions-ValueSet-end.json", "missing-element"),
}


def archived(name: str) -> Iterator[tuple[str, bytes]]:
    path = SUITES / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield Path(member.name).name, file.read()


@pytest.fixture(scope="module")
def examples() -> dict[str, bytes]:
    found = dict(archived("r4-examples.tar.xz"))
    assert len(found) == 2017
    return found


@pytest.fixture(scope="module")
def validator(definitions: Definitions) -> Validator:
    return Validator(definitions)


def errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity in (Severity.ERROR, Severity.FATAL)]


def test_every_official_example_passes_the_door(examples: dict[str, bytes]) -> None:
    for body in examples.values():
        assert text.scan(body).resource == parse(body)


def test_official_examples_have_no_fault_but_their_own(
    examples: dict[str, bytes], validator: Validator
) -> None:
    found, without_link_id = set(), set()
    for name, body in examples.items():
        for issue in validator.check(parse(body)):
            if issue.facts.get("name") == "linkId" and name.endswith("-questionnaire.json"):
                without_link_id.add(name)
            elif name != NOT_A_RESOURCE:
                found.add((name, issue.message_id))
    assert found == AT_FAULT
    assert len(without_link_id) == QUESTIONNAIRES_WITHOUT_LINK_ID


def exactly(body: bytes) -> Any:
    return json.loads(body, object_pairs_hook=list, parse_float=str, parse_int=str)


def without_server_fields(pairs: list[Any]) -> list[Any]:
    """Without `meta.versionId` and `meta.lastUpdated`, and without a `meta` that held no other."""
    own = ("versionId", "lastUpdated")
    meta = [pair for key, value in pairs if key == "meta" for pair in value if pair[0] not in own]
    return [
        (key, meta if key == "meta" else value) for key, value in pairs if meta or key != "meta"
    ]


def test_official_examples_come_back_exactly_but_for_meta(examples: dict[str, bytes]) -> None:
    for name, body in examples.items():
        if name == NOT_A_RESOURCE:
            continue
        accepted = text.accept(body, id=head(body).id)
        if not {"versionId", "lastUpdated"} & set(parse(body).get("meta", {})):
            assert accepted.body == body, name
        shown = text.with_meta(accepted.body, accepted.meta_offset, 7, NOW)
        assert without_server_fields(exactly(shown)) == without_server_fields(exactly(body)), name
        meta = parse(shown)["meta"]
        assert (meta["versionId"], meta["lastUpdated"]) == ("7", NOW), name


def test_synthea_bundles_have_no_fault_and_their_links_resolve(validator: Validator) -> None:
    bundles = resources = 0
    for name, body in archived("synthea-bundles.tar.xz"):
        assert errors(validator.check(text.scan(body).resource)) == [], name
        entries = bundle(body).entry
        bundles += bool(entries)
        resources += len(entries)
        links = {entry.full_url or "": f"Any/{n}" for n, entry in enumerate(entries)}
        for entry in entries:
            accepted = text.accept(bytes(entry.resource), id="new", references=links)
            assert b'"urn:uuid:' not in accepted.body.replace(b'"value":"urn:uuid:', b""), name
    assert (bundles, resources) == (59, 22543)


def our_verdict(validator: Validator, body: bytes) -> bool:
    try:
        return not errors(validator.check(text.scan(body).resource))
    except Problem:
        return False


def test_no_case_the_reference_validator_passes_is_refused(
    validator: Validator, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SUITES / "validator-r4"
    if not folder.exists():
        pytest.skip(f"{folder} is not there")
    cases = json.loads((folder / "manifest.json").read_bytes())
    base = [case for case in cases if not case.get("profile") and not case.get("supporting")]
    agreed, refused = 0, []
    for case in base:
        ours = our_verdict(validator, (folder / case["file"]).read_bytes())
        agreed += ours == case["valid"]
        if case["valid"] and not ours:
            refused.append(case["name"])
    with capsys.disabled():
        print(f"\nstructure against the reference verdict: {agreed} of {len(base)} base-only cases")
    assert refused == []
    assert agreed >= 29


BASE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "ok-1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
    "effectiveDateTime": "2026-11-22",
    "valueQuantity": {"value": Decimal("120.0"), "unit": "g/L"},
}
Change = Callable[[dict[str, Any]], Any]
DELIBERATE: dict[str, tuple[Change, str, str]] = {
    "no status": (lambda r: r.pop("status"), "missing-element", "Observation.status"),
    "no code": (lambda r: r.pop("code"), "missing-element", "Observation.code"),
    "two values": (lambda r: r.update(valueString="a"), "two-choices", "Observation.value"),
    "bogus status": (lambda r: r.update(status="bogus"), "code-not-allowed", "Observation.status"),
    "bad id": (lambda r: r.update(id="has space!"), "wrong-form", "Observation.id"),
    "unknown element": (lambda r: r.update(bogus=1), "unknown-element", "Observation.bogus"),
    "bad date": (
        lambda r: r.update(effectiveDateTime="22/11/2026"),
        "wrong-form",
        "Observation.effective.ofType(dateTime)",
    ),
    "wrong cardinality": (
        lambda r: r.update(subject=[{"reference": "Patient/1"}]),
        "not-single",
        "Observation.subject",
    ),
}


@pytest.mark.parametrize("name", DELIBERATE)
def test_a_deliberate_error_is_found_with_its_path(validator: Validator, name: str) -> None:
    change, message_id, location = DELIBERATE[name]
    resource = dict(BASE)
    change(resource)
    assert validator.check(BASE) == []
    assert [(i.message_id, i.location) for i in validator.check(resource)] == [
        (message_id, location)
    ]
