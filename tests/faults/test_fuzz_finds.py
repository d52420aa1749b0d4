"""What fuzzing found, made small: each input is answered now, and stays answered."""

import gzip
import io
import json
import tarfile
from typing import Any

import pytest

from tests.fuzz.guard import HANG_SECONDS, watched
from tests.fuzz.targets import target_named
from tests.support.profiles import tgz
from trucyte.node.language import DEFINITIONS, STRUCTURES

SYSTEM = "http://test.vn/CodeSystem/c"


def known(*resources: dict[str, Any]) -> bytes:
    return json.dumps({"known": resources}).encode()


def value_set(include: Any, name: str = "v", **more: Any) -> dict[str, Any]:
    url = f"http://test.vn/ValueSet/{name}"
    compose = {"include": include, **more}
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose}


def code_system(concepts: Any) -> dict[str, Any]:
    found = {"resourceType": "CodeSystem", "url": SYSTEM, "status": "active"}
    return {**found, "content": "complete", "concept": concepts}


def tower(height: int) -> bytes:
    """Value sets that each include the next one six times."""
    sets = [
        value_set([{"valueSet": [f"http://test.vn/ValueSet/{n + 1}"]}] * 6, str(n))
        for n in range(height)
    ]
    return known(*sets, value_set([{"system": SYSTEM, "concept": [{"code": "A"}]}], str(height)))


def matched(pattern: str, code: str) -> bytes:
    rule = {"property": "code", "op": "regex", "value": pattern}
    given = value_set([{"system": SYSTEM, "filter": [rule]}])
    return known(given, code_system([{"code": code}, {"code": "A1"}]))


def archive(name: str, type: bytes, *, link: str = "") -> bytes:
    """A tar (zipped by the target) whose second member is no plain file."""
    whole = bytearray(gzip.decompress(tgz({"package/package.json": b"{}", name: b"{}"})))
    header = 1024
    whole[header + 156 : header + 157] = type
    whole[header + 157 : header + 157 + len(link)] = link.encode()
    return bytes(whole)


def profiled(kind: str, **element: Any) -> bytes:
    """A profile with one element that is not as elements are, and a resource to check by it."""
    path = {"Patient": "Patient.name.family", "Bundle": "Bundle.entry.resource"}[kind]
    base = f"http://hl7.org/fhir/StructureDefinition/{kind}"
    made = {
        "resourceType": "StructureDefinition", "url": "http://test.vn/StructureDefinition/x",
        "type": kind, "baseDefinition": base, "derivation": "constraint",
        "differential": {"element": [{"path": path, **element}]},
    }  # fmt: skip
    patient = {"resourceType": "Patient", "name": [{"family": "A"}]}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}
    resource = bundle if kind == "Bundle" else patient
    return json.dumps({"definitions": [made], "resource": resource}).encode()


def looped(body: str) -> bytes:
    """An expression that runs `body` as often as three loops over hundred names do."""
    names = [{"family": f"f{number}", "given": ["a", "b"]} for number in range(100)]
    loop = "%resource.name.where($this.family != 'x' and {})"
    inner = f"iif(true, {body}, false).exists().not()"
    expression = loop.format(loop.format(loop.format(inner) + ".exists()") + ".exists()")
    resource = {"resourceType": "Patient", "name": names}
    return json.dumps({"expression": expression, "resource": resource}).encode()


def sparse(size: int) -> bytes:
    """A tar with a member of a few bytes that says it is larger."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as opened:
        for name, body, headers in (
            ("package/package.json", b'{"name":"a"}', {}),
            ("package/b.json", b"{} ", {"GNU.sparse.map": "0,3", "GNU.sparse.size": str(size)}),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(body), headers
            opened.addfile(member, io.BytesIO(body))
    return made.getvalue()


ROWS = {
    # target, input
    "concepts that are no list": ("compose", known(code_system(False))),
    "a concept that is a letter": ("compose", known(code_system("e"))),
    "a designation that is a text": ("compose", known(code_system([{"designation": "B"}]))),
    "a property that is a number": ("compose", known(code_system([{"property": 6}]))),
    "a property that is a text": ("compose", known(code_system([{"property": "%"}]))),
    "inner concepts that are a number": ("compose", known(code_system([{"concept": 2}]))),
    "a system that is an object": ("compose", known(value_set([{"system": {}}]))),
    "a system that is a number": ("compose", known(value_set([{"system": -1}]))),
    "filters that are a number": (
        "compose",
        known(value_set([{"system": SYSTEM, "filter": 3}]), code_system([{"code": "A1"}])),
    ),
    "a filter that is a letter": (
        "compose",
        known(value_set([{"system": SYSTEM, "filter": "A"}]), code_system([{"code": "A1"}])),
    ),
    "value sets that include each other over and over": ("compose", tower(14)),
    "a pattern of many choices": ("compose", matched("A?" * 60 + "b", "A" * 60)),
    "a link that leads nowhere": ("package", archive("package/a.json", b"1", link="nowhere")),
    "a length that is a text": ("profiles", profiled("Patient", maxLength="#")),
    "a profile of a type that is a number": (
        "profiles", profiled("Bundle", type=[{"code": "Patient", "profile": [2]}]),
    ),
    "a profile of a type that is an object": (
        "profiles", profiled("Bundle", type=[{"code": "Patient", "profile": [{}]}]),
    ),
    "whole resources compared in loops": ("fhirpath", looped("$this ~ %resource")),
    "series of digits in loops": ("fhirpath", looped("(family.length() + 0.5).exp().ln() > 1")),
    "subsets in loops": ("fhirpath", looped("given.subsetOf(%resource.name.given)")),
    "a file of holes": ("package", sparse(2**30)),
    "a link to itself": ("package", archive("package/a.json", b"1", link="package/a.json")),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_what_fuzzing_found_is_answered(name: str) -> None:
    if not DEFINITIONS.exists() or not STRUCTURES.exists():
        pytest.skip("the definitions of R4 are not built (make setup)")
    target, data = ROWS[name]
    fault = watched(target_named(target).make(), data, seconds_max=HANG_SECONDS)
    assert fault is None, fault.story
