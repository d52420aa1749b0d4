"""Requests that ask for more than there is, or for what was never given, at a real node."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.clients.conftest import node_url

__all__ = ["node_url"]
JSON = {"Content-Type": "application/fhir+json"}
CYCLE = 12
LINKED = "urn:trucyte:cycle"


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


def send(session: requests.Session, url: str, body: Any) -> requests.Response:
    return session.post(url, data=json.dumps(body).encode(), headers=JSON, timeout=120)


def assert_refused(answer: requests.Response) -> None:
    """A refusal of the caller's fault, said as an outcome, that tells nothing of the inside."""
    assert 400 <= answer.status_code < 500, answer.text[:500]
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert not any(word in answer.text for word in ("Traceback", "psycopg", 'File "'))


def organisation(number: int) -> dict[str, Any]:
    """One of a ring in which each is a part of the next."""
    next_one = f"ring-{(number + 1) % CYCLE}"
    return {
        "resourceType": "Organization",
        "id": f"ring-{number}",
        "identifier": [{"system": LINKED, "value": "ring"}],
        "name": f"Vòng {number}",
        "partOf": {"reference": f"Organization/{next_one}"},
    }


@pytest.fixture(scope="module")
def ring(node_url: str, session: requests.Session) -> str:
    """A ring of organisations; the address that finds one of them."""
    entries = [
        {
            "resource": organisation(number),
            "request": {"method": "PUT", "url": f"Organization/ring-{number}"},
        }
        for number in range(CYCLE)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert send(session, node_url, bundle).status_code == 200
    return f"{node_url}/Organization?_id=ring-0"


@pytest.mark.parametrize(
    "query",
    [
        "_include:iterate=Organization:partof",
        "_revinclude:iterate=Organization:partof",
        "_include:iterate=*",
        "_include:iterate=Organization:partof&_revinclude:iterate=Organization:partof",
    ],
)
def test_includes_that_lead_in_a_circle_end_each_once(
    session: requests.Session, ring: str, query: str
) -> None:
    answer = session.get(f"{ring}&{query}", timeout=60)
    assert answer.status_code == 200, answer.text[:500]
    found = [
        entry["resource"]["id"]
        for entry in answer.json()["entry"]
        if entry["resource"]["resourceType"] == "Organization"
    ]
    assert len(found) == len(set(found))
    assert set(found) <= {f"ring-{number}" for number in range(CYCLE)}
    assert "ring-0" in found


@pytest.mark.parametrize("count", ["1000000", "999999999999999999999"])
def test_a_million_asked_for_gives_one_page_of_what_may_be(
    node_url: str, session: requests.Session, ring: str, count: str
) -> None:
    answer = session.get(f"{node_url}/Organization?_count={count}", timeout=60)
    assert answer.status_code in (200, 400), answer.text[:500]
    if answer.status_code == 200:
        assert len(answer.json().get("entry", [])) <= 1000
    else:
        assert_refused(answer)


def poisoned(token: str) -> Iterator[str]:
    """Yield what a hostile caller makes of the token of a page."""
    yield ""
    yield "x"
    yield token[:-1]
    yield token + token
    yield (
        token[: len(token) // 2]
        + ("A" if token[len(token) // 2] != "A" else "B")
        + token[len(token) // 2 + 1 :]
    )
    yield token[::-1]
    yield base64.urlsafe_b64encode(b"\x00" * 64).decode()
    yield "'; drop table records.resource; --"
    yield "%00"
    yield "Ạ" * 2000


def test_a_page_token_that_was_tampered_with_is_refused(
    node_url: str, session: requests.Session, ring: str
) -> None:
    first = session.get(f"{node_url}/Organization?_count=2", timeout=60).json()
    links = {link["relation"]: link["url"] for link in first["link"]}
    base, _, query = links["next"].partition("?")
    token = dict(part.split("=", 1) for part in query.split("&"))["_page"]
    for changed in poisoned(token):
        assert_refused(session.get(base, params={"_page": changed}, timeout=60))
    assert session.get(links["next"], timeout=60).status_code == 200


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_a_hundred_thousand_entries_are_taken_whole_or_refused_whole(
    node_url: str, session: requests.Session, kind: str
) -> None:
    mark = f"urn:trucyte:many|{kind}"
    system, _, value = mark.partition("|")
    one = {
        "resource": {
            "resourceType": "Basic",
            "identifier": [{"system": system, "value": value}],
            "code": {"text": "one of many"},
        },
        "request": {"method": "POST", "url": "Basic"},
    }
    bundle = {"resourceType": "Bundle", "type": kind, "entry": [one] * 100_000}
    answer = send(session, node_url, bundle)
    asked = {"identifier": mark, "_summary": "count"}
    held = session.get(f"{node_url}/Basic", params=asked, timeout=60).json()["total"]
    if answer.status_code == 200:
        assert held == 100_000
    else:
        assert_refused(answer)
        assert held == 0
