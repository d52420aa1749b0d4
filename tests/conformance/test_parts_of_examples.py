"""A part of a resource is a resource: every official example stays valid R4 when it is cut.

R4 §3.1.1.5.8 (`_summary`), §3.1.1.5.9 (`_elements`): mandatory elements are kept, what was
cut is tagged SUBSETTED.
"""

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.parse import parse
from trucyte.fhir.validate import Validator
from trucyte.web.api.shape import Shapes, Wish

ROOT = Path(__file__).parents[2]
SUITES = ROOT / os.environ.get("TRUCYTE_SUITES", "../shared/suites")


def examples() -> Iterator[bytes]:
    archive = SUITES / "r4-examples.tar.xz"
    if not archive.exists():
        pytest.skip(f"no {archive}")
    with tarfile.open(archive) as files:
        for member in files:
            file = files.extractfile(member)
            if member.name.endswith(".json") and file is not None:
                yield file.read()


def faults(validator: Validator, resource: Any) -> set[tuple[str, str]]:
    return {(issue.message_id, issue.location) for issue in validator.check(resource)}


def test_every_example_stays_valid_in_every_part(definitions: Definitions) -> None:
    validator, shapes = Validator(definitions), Shapes(definitions)
    wishes = [
        Wish("true"),
        Wish("text"),
        Wish("data"),
        Wish(elements=frozenset({"identifier", "status"})),
    ]
    cuts = [shapes.shape(wish) for wish in wishes]
    seen = 0
    for body in examples():
        whole = parse(body)
        if whole.get("resourceType") not in definitions.resource_types:
            continue  # a file about the package
        before = faults(validator, whole)
        for wish, cut in zip(wishes, cuts, strict=True):
            assert cut is not None
            part = parse(cut(body))
            # A link to a contained resource may lead nowhere now; nothing else may be new.
            new = {f for f in faults(validator, part) - before if f[0] != "reference-fragment"}
            assert not new, (whole["resourceType"], whole.get("id"), wish, new)
            if whole["resourceType"] != "OperationOutcome":
                assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"
        seen += 1
    assert seen > 1900


def test_a_summary_keeps_what_the_definitions_call_summary_and_no_more(
    definitions: Definitions,
) -> None:
    cut = Shapes(definitions).shape(Wish("true"))
    assert cut is not None
    questionnaire = {
        "resourceType": "Questionnaire",
        "meta": {"tag": [{"code": "SUBSETTED"}, {"code": "own"}]},
        "language": "vi",
        "implicitRules": "urn:r",
        "_status": {"id": "s"},
        "status": "active",
        "purpose": "no summary",
        "item": [{"linkId": "1", "type": "group"}],
    }
    part = json.loads(cut(json.dumps(questionnaire).encode()))
    assert part.keys() == {"resourceType", "meta", "implicitRules", "status", "_status"}
    assert [tag["code"] for tag in part["meta"]["tag"]] == ["own", "SUBSETTED"]
    consent = {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"text": "s"},
        "category": [{"text": "c"}],
        "provision": {"type": "deny", "provision": [{"type": "permit", "data": []}]},
        "verification": [{"verified": True, "verificationDate": "2026"}],
    }
    part = json.loads(cut(json.dumps(consent).encode()))
    assert part["provision"] == {"type": "deny"}
    assert part["verification"] == [{"verified": True}]
