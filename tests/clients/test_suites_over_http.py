"""Data of others through the front door: what was sent comes back, and is found."""

import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import canonicalize

import pytest
import requests

from tests.conformance.suites import suite
from tests.conformance.test_fhir_r4_structure import AT_FAULT, QUESTIONNAIRES_WITHOUT_LINK_ID

pytestmark = pytest.mark.long  # two minutes on a busy machine; `make test-clients` has it
JSON = "application/fhir+json"
XML = "application/fhir+xml"
FAULTY = {name for name, _ in AT_FAULT}
PAGE = 50
_LINK = re.compile(rb"urn:uuid:[0-9a-f-]{36}")
NO_RESOURCE = {"package-min-ver.json"}
Resource = dict[str, Any]


class Exact(Decimal):
    """A decimal that equals another only by the same digits."""

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Decimal.__hash__


class Ordered(dict[str, Any]):
    """An object that equals another only in the same order."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and list(self.items()) == list(other.items())

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment] # a dict has none either


def parsed(body: bytes) -> Any:
    """Parse with the digits of decimals and the order of elements kept."""
    return json.loads(body, parse_float=Exact, object_pairs_hook=Ordered)


def without_meta(resource: Mapping[str, Any]) -> Ordered:
    """Return a resource without what the server sets."""
    meta = Ordered(resource.get("meta") or {})
    kept = Ordered((k, v) for k, v in meta.items() if k not in ("versionId", "lastUpdated"))
    others = Ordered((k, v) for k, v in resource.items() if k != "meta")
    return Ordered({**others, **({"meta": kept} if kept else {})})


def unordered(value: Any) -> Any:
    """Return a value as XML keeps it: members in no order, narratives in canonical form."""
    if isinstance(value, dict):
        return {
            key: canonicalize(one) if key == "div" and isinstance(one, str) else unordered(one)
            for key, one in value.items()
        }
    return [unordered(one) for one in value] if isinstance(value, list) else value


def archived(name: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(suite(name)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield Path(member.name).name, file.read()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


@pytest.fixture(scope="module")
def refused(node_url: str, session: requests.Session) -> list[str]:
    """Send the official examples by PUT, compare; return those that were refused, by name."""
    names, count = [], 0
    for name, body in archived("r4-examples.tar.xz"):
        count += 1
        resource = parsed(body)
        if name in NO_RESOURCE or "id" not in resource:
            continue
        url = f"{node_url}/{resource['resourceType']}/{resource['id']}"
        put = session.put(url, data=body, headers={"Content-Type": JSON})
        if put.status_code not in (200, 201):
            names.append(name)
            continue
        read = session.get(url)
        assert read.status_code == 200, name
        assert without_meta(parsed(read.content)) == without_meta(resource), name
        assert_xml_agrees(session, url, resource)
    assert count == 2017
    return names


def assert_xml_agrees(session: requests.Session, url: str, resource: Resource) -> None:
    """Read as XML, send that back, and find the same: digits exact, members in any order."""
    xml = session.get(url, headers={"Accept": XML})
    assert xml.headers["Content-Type"].startswith(XML), url
    sent = session.put(url, data=xml.content, headers={"Content-Type": XML, "Accept": JSON})
    assert sent.status_code in (200, 201), sent.text
    assert unordered(without_meta(parsed(sent.content))) == unordered(without_meta(resource)), url


def test_the_comparison_sees_order_and_digits() -> None:
    assert parsed(b'{"a":1.50}') != parsed(b'{"a":1.5}')
    assert parsed(b'{"a":1,"b":2}') != parsed(b'{"b":2,"a":1}')
    assert parsed(b'{"a":[{"b":1.0}]}') == parsed(b'{"a":[{"b":1.0}]}')


def test_official_examples_come_back_as_they_were_sent_and_through_xml(refused: list[str]) -> None:
    """A generator that forgets `linkId` made the questionnaires; the others have own faults."""
    beyond = [name for name in refused if name not in FAULTY]
    assert all(name.endswith("-questionnaire.json") for name in beyond), beyond
    assert len(beyond) == QUESTIONNAIRES_WITHOUT_LINK_ID
    assert set(refused) >= FAULTY


@pytest.fixture(scope="module")
def placed(node_url: str, session: requests.Session) -> dict[str, Resource]:
    """Send Synthea's transactions; return each resource by where the node put it.

    Links within a bundle are changed to lead there, as the node must have done.
    """
    bodies = [body for _, body in archived("synthea-bundles.tar.xz") if b'"transaction"' in body]
    # Hospitals and practitioners first: the others refer to them.
    bodies.sort(key=lambda body: b'"Patient"' in body)
    found: dict[str, Resource] = {}
    for body in bodies:
        answer = session.post(node_url, data=body, headers={"Content-Type": JSON})
        assert answer.status_code == 200, answer.text
        entries, done = json.loads(body)["entry"], answer.json()["entry"]
        places = [_place(one["response"]["location"]) for one in done]
        links = {entry["fullUrl"]: place for entry, place in zip(entries, places, strict=True)}
        expected = parsed(_LINK.sub(partial(_led, links), body))
        for place, entry in zip(places, expected["entry"], strict=True):
            found[place] = Ordered({**entry["resource"], "id": place.partition("/")[2]})
    assert len(bodies) == 59
    return found


def _led(links: Mapping[str, str], link: re.Match[bytes]) -> bytes:
    return links[link[0].decode()].encode()


def _place(location: str) -> str:
    """Return the type and id of a location."""
    return "/".join(location.partition("/_history")[0].split("/")[-2:])


def test_every_resource_of_a_transaction_comes_back_as_it_was_sent(
    node_url: str, session: requests.Session, placed: dict[str, Resource]
) -> None:
    kinds: dict[str, list[str]] = {}
    for place in placed:
        kind, _, id_ = place.partition("/")
        kinds.setdefault(kind, []).append(id_)
    seen = 0
    for kind, ids in kinds.items():
        for at in range(0, len(ids), PAGE):
            asked = {"_id": ",".join(ids[at : at + PAGE]), "_count": str(PAGE)}
            answer = session.get(f"{node_url}/{kind}", params=asked)
            for entry in parsed(answer.content)["entry"]:
                resource = entry["resource"]
                expected = placed[f"{kind}/{resource['id']}"]
                assert without_meta(resource) == without_meta(expected), resource["id"]
                seen += 1
    assert seen == len(placed) > 22_000


def test_searches_find_what_the_bundles_hold(
    node_url: str, session: requests.Session, placed: dict[str, Resource]
) -> None:
    held = Counter(
        resource["subject"]["reference"]
        for place, resource in placed.items()
        if place.startswith("Observation/")
    )
    for patient, count in held.most_common(5):
        asked = {"patient": patient, "_summary": "count"}
        answer = session.get(f"{node_url}/Observation", params=asked)
        assert answer.json()["total"] == count
    families = Counter(
        family
        for place, resource in placed.items()
        if place.startswith("Patient/")
        for family in {name["family"] for name in resource["name"]}
    )
    for family, count in families.items():
        asked = {"family:exact": family, "_count": "100"}
        answer = session.get(f"{node_url}/Patient", params=asked)
        assert len(answer.json()["entry"]) == count
