"""Whole nodes with accounts of several organisations, asked as each of them."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

from tests.support.asgi import Reply, ask
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.base.settings import DatabaseSettings, DiskSettings, Settings, SubscriptionSettings
from trucyte.database.connect import Database
from trucyte.fhir.text import accept
from trucyte.journal.behalf import Behalf
from trucyte.journal.change import Change, Operation
from trucyte.node.bulk.jobs import Bulk, do_one, make_bulk
from trucyte.node.exchange.subscriptions import make_follower, make_subscriptions, telling
from trucyte.node.people.parts import make_identity
from trucyte.node.serve import make_api
from trucyte.node.wiring import Node, open_node
from trucyte.records import Hasher, person_reference
from trucyte.shared.access.accounts import sent_form
from trucyte.web.api.fhir import FhirApi

ORGANISATIONS = ("a", "b", "c")
OTHERS = ("b", "c")
JSON = "application/fhir+json"
STATE_SECRET = {
    "system": "https://trucyte.vn/fhir/CodeSystem/sensitivity", "code": "STATE-SECRET",
}  # fmt: skip
# What the node gives by chance: ids, tokens of pages, jobs. The trail is one for all and its
# entries are numbered through.
_CHANCE = (
    (re.compile(rb"[0-9a-z]{26}"), b"(id)"),
    (re.compile(rb"_page=[^\"&\\]+"), b"_page=(token)"),
    (re.compile(rb"_trail=\d+"), b"_trail=(place)"),
    (re.compile(rb"(?<=[\"/])\d+-[0-9A-Za-z_-]{8}(?=\")"), b"(entry)"),
    (re.compile(rb'(?<=sid/request","value":")[0-9A-Za-z_-]{8}'), b"(request)"),
    (re.compile(rb"job=[^\"&\\]+"), b"job=(job)"),
    (re.compile(rb'"planningMilliseconds":[0-9.]+'), b'"planningMilliseconds":0'),
    (re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), b"(uuid)"),
)
_OF_A_FILE = re.compile(rb'"[0-9a-f]+-[0-9a-f]+"')
# Of what an answer says beside its body, what tells of data.
_TELLING = ("etag", "location", "content-location", "last-modified", "www-authenticate", "allow")


@dataclass(frozen=True, slots=True)
class World:
    """One node; whoever has no token is its operator."""

    node: Node
    bulk: Bulk
    api: FhirApi
    tokens: Mapping[str, str]
    clock: FixedClock

    def ask(self, who: str, method: str, target: str, body: Any = None, **headers: str) -> Reply:
        """Ask as an organisation, "" as the operator; a body that is no bytes goes as JSON."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if who == "a":  # what others do moves no time, so that ids come in one order
            self.clock.advance(timedelta(milliseconds=1))
        if who:
            told["authorization"] = f"Bearer {self.tokens[who]}"
        if body is not None:
            told.setdefault("content-type", JSON)
        sent = body if isinstance(body, bytes) else b"" if body is None else as_json(body)
        return ask(self.api, method, f"/fhir{target}", body=sent, headers=told)

    def put(self, who: str, *resources: Mapping[str, Any]) -> None:
        """Write resources under their own ids."""
        for resource in resources:
            target = f"/{resource['resourceType']}/{resource['id']}"
            reply = self.ask(who, "PUT", target, resource)
            assert reply.status in (200, 201), (target, reply.body)

    def plant(self, who: str, *resources: Mapping[str, Any]) -> None:
        """Accept state secrets of an organisation, past the API: no trail, no time that passes."""
        source = Behalf(self.node.database).standing(who, f"Organization/org-{who}")
        for one in resources:
            resource = {**one, "meta": {"security": [STATE_SECRET]}}
            accepted = accept(as_json(resource))
            person = person_reference(resource) or f"{resource['resourceType']}/{resource['id']}"
            change = Change(
                resource["resourceType"], resource["id"], Operation.UPDATE, accepted.body,
                accepted.meta_offset, Hasher(self.node.keyring.persons).person(person),
                source=source,
            )  # fmt: skip
            self.node.journal.commit([change])

    def work(self) -> None:
        """Do every job that waits, in this thread."""
        while do_one(self.bulk, Event()):
            pass

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Follow and tell subscribers, as the background process of a node does."""
        problems: list[Problem] = []
        with telling(self.node, problems.append):
            yield
        assert problems == []

    def follow(self) -> None:
        """Let what is told come up to the journal, which nothing is told of before it was read."""
        make_follower(self.node, make_subscriptions(self.node)).catch_up()

    def lay_out(self) -> None:
        """Let the index of people come up to the journal."""
        make_identity(self.node).follower.catch_up()


@contextmanager
def open_world(database: Database, folder: Path, clock: FixedClock) -> Iterator[World]:
    """Open a node with an account for each organisation."""
    settings = Settings(
        data=folder,
        database=DatabaseSettings(url=database.url),
        disk=DiskSettings(warn_bytes=2, stop_bytes=1),
        subscriptions=SubscriptionSettings(networks=("127.0.0.0/8",)),
    )
    with open_node(settings, clock=clock) as node:
        bulk = make_bulk(node)
        bulk = replace(bulk, exporter=replace(bulk.exporter, workers=0))
        tokens = {}
        for name in ORGANISATIONS:
            password = node.accounts.add(name, organisation=f"Organization/org-{name}")
            tokens[name] = node.accounts.log_in(name, sent_form(password), client="test").text
        yield World(node, bulk, make_api(node, bulk), tokens, clock)


def as_json(resource: Any) -> bytes:
    return json.dumps(resource, ensure_ascii=False).encode()


def told(reply: Reply) -> tuple[int, Mapping[str, bytes], bytes]:
    """Return an answer as its receiver can tell it from another, chance aside."""
    headers = {name: plain(reply.headers[name].encode()) for name in _TELLING
               if name in reply.headers}  # fmt: skip
    if _OF_A_FILE.fullmatch(headers.get("etag", b"")):  # made of when it was written
        headers = {name: headers[name] for name in headers.keys() - {"etag", "last-modified"}}
    return reply.status, headers, plain(reply.body)


def plain(text: bytes) -> bytes:
    for pattern, stands in _CHANCE:
        text = pattern.sub(stands, text)
    return text


def look_alike(owner: str, whose: str = "") -> list[dict[str, Any]]:
    """What an organisation holds: the same for each, but for ids and whom it is about.

    `whose` names an organisation whose patient it is about, if not its own.
    """
    subject = {"reference": f"Patient/{whose or owner}-p1"}
    mark = f"{owner}-of-{whose}" if whose else owner
    loinc = {"coding": [{"system": "http://loinc.org", "code": "8310-5", "display": "Nhiệt độ"}]}

    def made(kind: str, end: str, **more: Any) -> dict[str, Any]:
        return {"resourceType": kind, "id": f"{mark}-{end}", **more}

    about = [
        made(
            "Encounter", "e1", status="finished", subject=subject,
            **{"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                         "code": "AMB"}},
            period={"start": "2026-03-01T08:00:00+07:00", "end": "2026-03-01T09:00:00+07:00"},
        ),
        *(
            made(
                "Observation", f"o{n}", status="final", code=loinc, subject=subject,
                encounter={"reference": f"Encounter/{mark}-e1"},
                performer=[{"reference": "Practitioner/dr"}],
                effectiveDateTime=f"2026-03-0{n}T08:00:00+07:00",
                valueQuantity={"value": 36.5 + n, "system": "http://unitsofmeasure.org",
                               "code": "Cel", "unit": "°C"},
            )
            for n in (1, 2, 3)
        ),
        made(
            "Condition", "c1", subject=subject, code={"text": "Viêm họng"},
            recorder={"reference": "Practitioner/dr"},
        ),
        made(
            "RiskAssessment", "r1", status="final", subject=subject,
            prediction=[{"probabilityDecimal": 0.5}],
        ),
        made(
            "Composition", "doc", status="final", type=loinc, subject=subject,
            date="2026-03-02", author=[{"reference": "Practitioner/dr"}], title="Tóm tắt",
            section=[{"title": "Kết quả", "entry": [
                {"reference": f"Observation/{mark}-o1"}]}],
        ),
        made(
            "Provenance", "pv", target=[{"reference": f"Patient/{whose or owner}-p1"}],
            recorded="2026-03-02T08:00:00+07:00",
            agent=[{"who": {"reference": "Practitioner/dr"}}],
        ),
        made("Group", "g1", type="person", actual=True, member=[{"entity": subject}]),
    ]  # fmt: skip
    if whose:
        return about
    own = [
        made(
            "Patient", f"p{n}", identifier=[{"system": "urn:so", "value": f"so-{n}"}],
            name=[{"family": "Nguyễn", "given": ["Văn", f"Thử {n}"]}], gender="male",
            birthDate=f"1990-01-0{n}", generalPractitioner=[{"reference": "Practitioner/dr"}],
        )
        for n in (1, 2)
    ]  # fmt: skip
    hidden = made(
        "Observation", "kín", status="final", code=loinc, subject=subject,
        meta={"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
                            "code": "R"}]},
    )  # fmt: skip
    hidden["id"] = f"{owner}-shut"
    return [*own, *about, hidden]


REGISTERS: list[dict[str, Any]] = [
    {"resourceType": "Practitioner", "id": "dr", "name": [{"text": "Bác sĩ Mẫu"}]},
    *({"resourceType": "Organization", "id": f"org-{name}", "name": f"Trạm {name}"}
      for name in ORGANISATIONS),
]  # fmt: skip
