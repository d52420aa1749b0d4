"""What subscribers are told, over real connections."""

import base64
import hmac
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.identity import CLERK, links_of
from tests.support.interactions import a_patient, an_observation
from tests.support.receiver import Receiver, receiving
from tests.support.records import RESTRICTED
from tests.support.subscriptions import (
    API,
    Subscribed,
    a_subscription,
    numbers_of,
    of_topic,
    open_subscribed,
    parts_of,
)
from trucyte.database.connect import Database
from trucyte.exchange.subscriptions.follower import NAME as CURSOR
from trucyte.exchange.subscriptions.signing import Signer
from trucyte.fhir.definitions import Definitions
from trucyte.journal.keyring import is_signed

GLUCOSE = {"code": {"coding": [{"system": "http://loinc.org", "code": "15074-8"}]}}


@pytest.fixture
def subscribed(
    database: Database, tmp_path: Path, definitions: Definitions
) -> Iterator[Subscribed]:
    with open_subscribed(database, tmp_path, definitions) as made, made.running():
        yield made
    assert made.problems == []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def _active(made: Subscribed, receiver: Receiver, id: str) -> None:
    receiver.wait(lambda: made.resource(id)["status"] == "active")


def _observe(made: Subscribed, subject: str = "Patient/p1", **more: object) -> str:
    written = made.writing.create({**an_observation(subject), **more})
    return written.resource.id


def test_r4_without_payload_an_empty_post_says_that_something_happened(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    id = subscribed.subscribe(
        a_subscription("Observation?code=http://loinc.org|15074-8", receiver.url(),
                       headers=["Authorization: Bearer abc"])
    )  # fmt: skip
    _active(subscribed, receiver, id)
    _observe(subscribed)  # of another code
    _observe(subscribed, **GLUCOSE)
    receiver.wait(lambda: len(receiver.came) == 1)
    (request,) = receiver.came
    assert (request.method, request.path, request.body) == ("POST", "/hook", b"")
    assert request.headers["authorization"] == "Bearer abc"
    assert request.events == (1, 1)


def test_r4_with_payload_the_resource_is_put_under_the_endpoint(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    id = subscribed.subscribe(
        a_subscription("Observation?status=final", receiver.url("/base/"),
                       payload="application/fhir+json")
    )  # fmt: skip
    _active(subscribed, receiver, id)
    made = _observe(subscribed)
    receiver.wait(lambda: len(receiver.came) == 1)
    (request,) = receiver.came
    assert (request.method, request.path) == ("PUT", f"/base/Observation/{made}")
    assert request.headers["content-type"].startswith("application/fhir+json")
    assert request.json["id"] == made
    assert request.json["meta"]["versionId"] == "1"


def test_r4_with_xml_the_resource_comes_as_xml(subscribed: Subscribed, receiver: Receiver) -> None:
    subscribed.subscribe(
        a_subscription("Observation", receiver.url(), payload="application/fhir+xml")
    )
    _observe(subscribed)
    receiver.wait(lambda: len(receiver.came) == 1)
    assert b'<Observation xmlns="http://hl7.org/fhir">' in receiver.came[0].body


def test_a_topic_begins_with_a_handshake_and_goes_on_with_numbered_events(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    id = subscribed.subscribe(of_topic("observation", receiver.url(), content="full-resource"))
    _active(subscribed, receiver, id)
    handshake = receiver.came[0].json
    assert handshake["type"] == "history"
    assert parts_of(handshake["entry"][0]["resource"])["type"] == "handshake"
    ids = [_observe(subscribed) for _ in range(3)]
    told: list[int] = []
    found: list[str] = []

    def came() -> bool:
        bundles = [one.json for one in receiver.came[1:]]
        told[:] = [n for b in bundles for n in numbers_of(b["entry"][0]["resource"])]
        found[:] = [e["resource"]["id"] for b in bundles for e in b["entry"][1:]]
        return len(told) == 3

    receiver.wait(came)
    assert told == [1, 2, 3]
    assert found == ids
    last = parts_of(receiver.came[-1].json["entry"][0]["resource"])
    assert last["type"] == "event-notification"
    assert last["events-since-subscription-start"] == "3"
    assert last["subscription"] == {"reference": f"{API}/Subscription/{id}"}


def test_id_only_names_the_resource_and_shows_none(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    id = subscribed.subscribe(of_topic("observation", receiver.url(), content="id-only"))
    _active(subscribed, receiver, id)
    made = _observe(subscribed)
    receiver.wait(lambda: len(receiver.came) == 2)
    status, entry = receiver.came[1].json["entry"]
    assert entry["fullUrl"] == f"{API}/Observation/{made}"
    assert "resource" not in entry
    (event,) = [p for p in status["resource"]["parameter"] if p["name"] == "notification-event"]
    assert event["part"][-1]["valueReference"] == {"reference": f"{API}/Observation/{made}"}


def test_empty_content_names_nothing(subscribed: Subscribed, receiver: Receiver) -> None:
    id = subscribed.subscribe(of_topic("observation", receiver.url(), content="empty"))
    _active(subscribed, receiver, id)
    made = _observe(subscribed)
    receiver.wait(lambda: len(receiver.came) == 2)
    assert made.encode() not in receiver.came[1].body
    assert len(receiver.came[1].json["entry"]) == 1


def test_filters_narrow_a_topic(subscribed: Subscribed, receiver: Receiver) -> None:
    id = subscribed.subscribe(
        of_topic("new-results", receiver.url(), filters=["Observation?patient=Patient/p2"])
    )
    _active(subscribed, receiver, id)
    _observe(subscribed, "Patient/p1")
    _observe(subscribed, "Patient/p2", status="preliminary")
    wanted = _observe(subscribed, "Patient/p2")
    receiver.wait(lambda: len(receiver.came) == 2)
    assert receiver.came[1].json["entry"][1]["fullUrl"] == f"{API}/Observation/{wanted}"


def test_the_start_of_an_encounter_is_told_once(subscribed: Subscribed, receiver: Receiver) -> None:
    id = subscribed.subscribe(of_topic("encounter-start", receiver.url()))
    _active(subscribed, receiver, id)
    visit = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "planned",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    }
    end = subscribed.subscribe(of_topic("encounter-end", receiver.url("/end")))
    _active(subscribed, receiver, end)
    for more in (
        {},
        {"status": "in-progress"},
        {"priority": {"text": "x"}},
        {"status": "finished"},
    ):
        visit |= more
        subscribed.put(visit)
    receiver.wait(lambda: len(receiver.of("/end")) == len(receiver.of("/hook")) == 2)
    assert [one.events for one in receiver.of("/hook")] == [(0, 0), (1, 1)]
    entry = receiver.of("/hook")[1].json["entry"][1]
    assert entry["response"]["etag"] == 'W/"2"'


def test_a_deletion_is_an_event_of_a_topic_without_a_resource(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    id = subscribed.subscribe(of_topic("observation", receiver.url(), content="full-resource"))
    _active(subscribed, receiver, id)
    made = _observe(subscribed)
    subscribed.writing.interactions.delete(subscribed.writing.access, "Observation", made)
    receiver.wait(lambda: bool(receiver.came) and receiver.came[-1].events[1] == 2)
    entry = receiver.came[-1].json["entry"][-1]
    assert entry["request"] == {"method": "DELETE", "url": f"Observation/{made}"}
    assert "resource" not in entry


def test_a_chain_is_asked_of_the_index(subscribed: Subscribed, receiver: Receiver) -> None:
    patient = subscribed.writing.create(a_patient("77")).resource.id
    id = subscribed.subscribe(a_subscription("Observation?patient.identifier=77", receiver.url()))
    _active(subscribed, receiver, id)
    _observe(subscribed, "Patient/another")
    _observe(subscribed, f"Patient/{patient}")
    _observe(subscribed, "Patient/another")
    receiver.wait(lambda: bool(receiver.came))
    follow = subscribed.store.one(id)
    assert follow is not None and follow.events == 1


def test_what_is_restricted_is_neither_told_nor_counted(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    id = subscribed.subscribe(of_topic("observation", receiver.url(), content="full-resource"))
    _active(subscribed, receiver, id)
    hidden = _observe(subscribed, meta=RESTRICTED)
    shown = _observe(subscribed)
    receiver.wait(lambda: len(receiver.came) == 2)
    assert receiver.came[1].events == (1, 1)
    assert hidden.encode() not in receiver.came[1].body
    assert shown.encode() in receiver.came[1].body


def test_what_becomes_restricted_before_it_is_told_keeps_its_number_and_shows_nothing(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    receiver.behave = lambda number: "200" if number != 2 else "slow 0.3"
    id = subscribed.subscribe(
        of_topic("observation", receiver.url(), content="full-resource", at_once=1)
    )
    _active(subscribed, receiver, id)
    _observe(subscribed)
    second = _observe(subscribed)
    receiver.wait(lambda: len(receiver.came) == 2)
    body = subscribed.writing.read("Observation", second)
    subscribed.put({**body, "meta": RESTRICTED})
    receiver.wait(lambda: len(receiver.came) == 3)
    assert receiver.came[2].events == (2, 2)
    assert second.encode() not in receiver.came[2].body


def test_every_delivery_is_in_the_trail_with_its_persons(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    id = subscribed.subscribe(of_topic("observation", receiver.url(), content="full-resource"))
    _active(subscribed, receiver, id)
    _observe(subscribed)
    receiver.wait(lambda: len(receiver.came) == 2)
    lines = subscribed.trail.journal.follow(0)
    assert len(lines) == 1
    assert b"notify" in lines[0].body
    assert lines[0].entry.person != 0


def test_notifications_are_signed_by_secret_and_by_the_nodes_key(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    id = subscribed.subscribe(of_topic("observation", receiver.url("/hook?a=b")))
    _active(subscribed, receiver, id)
    request = receiver.came[0]
    lines = [
        "trucyte-notification-1", request.headers["trucyte-timestamp"], id,
        request.headers["trucyte-events"], "POST", receiver.url("/hook?a=b"),
        sha256(request.body).hexdigest(),
    ]  # fmt: skip
    message = "\n".join(lines).encode()
    shared, own = request.headers["trucyte-signature"].split(", ")
    secret = Signer(subscribed.keyring).secret(id)
    expected = hmac.new(secret.encode(), message, sha256).digest()
    assert base64.b64decode(shared.removeprefix("hmac-sha256=")) == expected
    signature, key = own.removeprefix("ed25519=").split(";keyid=")
    assert key == subscribed.keyring.key_id
    assert is_signed(subscribed.keyring.public_key, message, base64.b64decode(signature))


def test_off_and_deleted_subscriptions_are_told_nothing(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    first = subscribed.subscribe(a_subscription("Observation", receiver.url("/first")))
    second = subscribed.subscribe(a_subscription("Observation", receiver.url("/second")))
    third = subscribed.subscribe(a_subscription("Observation", receiver.url("/third")))
    for id in (first, second, third):
        _active(subscribed, receiver, id)
    subscribed.put({**subscribed.resource(first), "status": "off"})
    subscribed.writing.interactions.delete(subscribed.writing.access, "Subscription", second)
    _observe(subscribed)
    receiver.wait(lambda: bool(receiver.of("/third")))
    assert not receiver.of("/first") and not receiver.of("/second")
    assert subscribed.resource(first)["status"] == "off"


def test_one_whose_end_is_over_is_switched_off(subscribed: Subscribed, receiver: Receiver) -> None:
    id = subscribed.subscribe(
        a_subscription("Observation", receiver.url(), end="2020-01-01T00:00:00+07:00")
    )
    receiver.wait(lambda: subscribed.resource(id)["status"] == "off")


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ("Observation?nonsense=1", "search-parameter-unknown"),
        ("Nothing?code=1", "subscription-refused"),
        ("http://example.org/topic", "subscription-topic"),
        ("Observation?_sort=date", "subscription-refused"),
    ],
)
def test_what_cannot_be_followed_stands_as_error_with_its_reason(
    subscribed: Subscribed, receiver: Receiver, criteria: str, code: str
) -> None:
    id = subscribed.subscribe(a_subscription(criteria, receiver.url()))
    receiver.wait(lambda: subscribed.resource(id)["status"] == "error")
    assert code in subscribed.resource(id)["error"]


def test_a_quiet_topic_gives_signs_of_life(subscribed: Subscribed, receiver: Receiver) -> None:
    subscribed.subscribe(of_topic("observation", receiver.url(), heartbeat=1))  # 5 at least
    receiver.wait(lambda: len(receiver.came) >= 2)
    assert parts_of(receiver.came[1].json["entry"][0]["resource"])["type"] == "heartbeat"


def test_who_subscribes_to_one_patient_is_told_of_all_that_are_the_same_person(
    subscribed: Subscribed, receiver: Receiver
) -> None:
    writing, links = subscribed.writing, links_of(subscribed.writing.node)
    one, other = (writing.create(a_patient(name)).resource.id for name in ("one", "other"))
    pair = f"Patient/{one}", f"Patient/{other}"
    id = subscribed.subscribe(a_subscription(f"Observation?patient={one}", receiver.url()))
    _active(subscribed, receiver, id)

    def observe(whose: str) -> None:
        """Observe, and wait until the follower has matched it by the links of now."""
        _observe(subscribed, whose)
        journal = writing.node.journal
        tail = journal.tail()
        receiver.wait(lambda: (here := journal.cursor(CURSOR)) is not None and here.seq >= tail)

    observe(pair[1])  # nobody's that is asked for, yet
    links.link(writing.node.full, *pair, CLERK)
    observe(pair[1])
    receiver.wait(lambda: len(receiver.came) == 1)
    links.unlink(writing.node.full, *pair, CLERK)
    observe(pair[1])
    observe(pair[0])
    receiver.wait(lambda: len(receiver.came) == 2)
    assert len(receiver.came) == 2
