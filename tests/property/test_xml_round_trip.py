"""JSON to XML and back loses nothing, on every official example of R4."""

import json
import os
import re
import tarfile
from collections.abc import Iterator
from html import unescape
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.xml_write import XmlWriter, json_of_xml

ROOT = Path(__file__).parents[2]
SUITES = ROOT / os.environ.get("TRUCYTE_SUITES", "../shared/suites")


class Digits(str):
    """A number as it is written."""


def loaded(body: bytes) -> Any:
    """Return JSON with numbers as written, and narratives in one spelling."""
    return spelt(json.loads(body, parse_float=Digits, parse_int=Digits), "")


def spelt(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: spelt(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [spelt(one, key) for one in value]
    if key == "div" and isinstance(value, str):
        return etree.canonicalize(entities(value))
    return value


def entities(text: str) -> str:
    return re.sub(r"&(?!amp;|lt;|gt;|quot;|apos;|#)(\w+);", lambda found: unescape(found[0]), text)


def examples() -> Iterator[tuple[str, bytes]]:
    archive = SUITES / "r4-examples.tar.xz"
    if not archive.exists():
        pytest.skip(f"no {archive}")
    with tarfile.open(archive) as files:
        for member in files:
            file = files.extractfile(member)
            if member.name.endswith(".json") and file is not None:
                yield member.name, file.read()


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.long)])  # 1: all of them
def test_official_examples_come_back_from_xml_as_they_were(
    definitions: Definitions, step: int
) -> None:
    writer = XmlWriter(definitions)
    seen, unequal = 0, []
    for name, body in islice(examples(), 0, None, step):
        resource = json.loads(body)
        if resource.get("resourceType") not in definitions.resource_types:
            continue
        back = json_of_xml(writer.write(body), definitions)
        seen += 1
        if loaded(back) != loaded(body):
            unequal.append(name)
    assert unequal == []
    assert seen > 1900 // step


@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1),
    number=st.decimals(allow_nan=False, allow_infinity=False, places=7),
)
def test_no_text_becomes_markup_and_no_digit_is_lost(
    definitions: Definitions, text: str, number: Any
) -> None:
    body = json.dumps({"resourceType": "Observation", "valueQuantity": {"unit": text}}).encode()
    body = body[:-2] + b',"value":' + format(number, "f").encode() + b"}}"
    xml = XmlWriter(definitions).write(body)
    back = loaded(json_of_xml(xml, definitions))["valueQuantity"]
    held = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    assert back == {"unit": held, "value": format(number, "f")}


def test_a_narrative_that_is_no_xml_stays_text(definitions: Definitions) -> None:
    writer = XmlWriter(definitions)
    for div in ("</div><script>", "<p>x</p>", "a < b & c", "<!DOCTYPE x><div/>"):
        body = json.dumps({"resourceType": "Patient", "text": {"div": div}}).encode()
        root = etree.fromstring(writer.write(body))
        found = root.find(".//{http://www.w3.org/1999/xhtml}div")
        assert found is not None
        assert found.text == div
        assert len(found) == 0


def test_indented_xml_says_the_same(definitions: Definitions) -> None:
    body = (
        b'{"resourceType":"Patient","id":"p","active":true,'
        b'"_birthDate":{"id":"b","extension":[{"url":"urn:x","valueCode":"c"}]},'
        b'"name":[{"given":["A",null],"_given":[null,{"id":"g"}]}]}'
    )
    xml = XmlWriter(definitions).write(body, is_pretty=True)
    assert b'\n  <id value="p"/>' in xml
    assert loaded(json_of_xml(xml, definitions)) == loaded(body)
