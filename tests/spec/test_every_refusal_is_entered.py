"""Every door enters whom it turns away: each route of the API with each way to be refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.api import Client, api_of, interactions_of
from tests.support.asgi import ask
from tests.support.records import open_node
from tests.support.trail import ALL
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.intake.store import PostgresReceipts
from trucyte.journal.keyring import Keyring
from trucyte.records.access import Access
from trucyte.shared.access.accounts import Accounts, LoginTooOften, TokenRefused
from trucyte.shared.access.local import local_access
from trucyte.shared.audit import Entry, Outcome, Trail
from trucyte.shared.audit.denials import AT_ONCE, Denials
from trucyte.shared.audit.reading import Wanted
from trucyte.web.api.asgi import Call
from trucyte.web.api.interactions.entering import with_refusals_entered
from trucyte.web.api.routes import Place, Row
from trucyte.web.doors.claims import Doors


class Forbidden(Problem):
    """Not allowed by {rule}."""

    kind = Kind.FORBIDDEN
    code = "forbidden-here"


PATHS = {
    Place.BASE: "/fhir",
    Place.METADATA: "/fhir/metadata",
    Place.SYSTEM_HISTORY: "/fhir/_history",
    Place.SYSTEM_SEARCH: "/fhir/_search",
    Place.TYPE: "/fhir/Patient",
    Place.TYPE_HISTORY: "/fhir/Patient/_history",
    Place.TYPE_SEARCH: "/fhir/Patient/_search",
    Place.INSTANCE: "/fhir/Patient/p1",
    Place.INSTANCE_HISTORY: "/fhir/Patient/p1/_history",
    Place.VERSION: "/fhir/Patient/p1/_history/1",
    Place.COMPARTMENT: "/fhir/Patient/p1/Observation",
    Place.COMPARTMENT_SEARCH: "/fhir/Patient/p1/Observation/_search",
    Place.SYSTEM_OPERATION: "/fhir/$export",
    Place.TYPE_OPERATION: "/fhir/Patient/$match",
    Place.INSTANCE_OPERATION: "/fhir/Patient/p1/$everything",
}


@pytest.fixture
def trail(database: Database, clock: FixedClock, tmp_path: Path) -> Iterator[Trail]:
    trail = Trail(database, Keyring.open(tmp_path / "trail-keys"), clock)
    yield trail
    trail.close()


def last(trail: Trail) -> Entry:
    return trail.find(ALL, Wanted(count=1)).entries[0]


def sent(client: Client, row: Row) -> None:
    media = sorted(one.value for one in row.takes if one.value) or ["application/fhir+json"]
    headers = {} if row.method == "GET" else {"content_type": media[0]}
    client(row.method, PATHS[row.place], b"" if row.method == "GET" else b"{}", **headers)


@pytest.mark.parametrize(
    ("problem", "rule"), [(TokenRefused(), ()), (Forbidden(rule="citizen-own"), ("citizen-own",))]
)
def test_each_route_of_the_api_enters_who_was_kept_out(
    database: Database,
    tmp_path: Path,
    clock: FixedClock,
    definitions: Definitions,
    trail: Trail,
    problem: Problem,
    rule: tuple[str, ...],
) -> None:
    def refuse(call: Call) -> Access:
        raise problem

    with open_node(database, tmp_path, clock, definitions) as node:
        writes = interactions_of(node, clock, definitions)
        api = api_of(
            node, clock, definitions, trail=trail, audit=trail, access=refuse, interactions=writes
        )
        rows = list(api.routes.rows)
        assert len(rows) > 20
        for row in rows:
            before = trail.journal.tail()
            sent(Client(api), row)
            assert trail.journal.tail() == before + 1, (row.method, row.place)
            deed = last(trail).deed
            assert (deed.outcome, deed.code) == (Outcome.REFUSED, problem.code)
            assert (deed.caller, deed.persons, deed.rules) == ("", (), rule)


@pytest.mark.parametrize("target", ["/fhir/Patient/none", "/fhir/Observation/hidden"])
def test_what_is_not_there_or_hidden_is_entered_with_who_asked(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions, trail: Trail,
    target: str,
) -> None:  # fmt: skip
    with open_node(database, tmp_path, clock, definitions) as node:
        hidden = {
            "resourceType": "Observation", "id": "hidden", "status": "final",
            "code": {"text": "x"},
            "meta": {"security": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R",
            }]},
        }  # fmt: skip
        node.put(hidden)
        api = api_of(
            node, clock, definitions, trail=trail, access=lambda call: local_access("fhir", trail)
        )
        assert Client(api).get(target).status in (403, 404)
        deed = last(trail).deed
        assert (deed.caller, deed.persons) == ("fhir", ())
        assert deed.outcome is not Outcome.SUCCESS
        assert deed.code


@pytest.mark.parametrize(
    ("method", "path", "token"),
    [
        ("POST", "/api/kcb/xml/qd3176/guiHoSoXml", ""),
        ("POST", "/api/kcb/xml/qd3176/guiHoSoXml", "wrong"),
        ("GET", "/api/kcb/tra-cuu-trang-thai/abc", ""),
        ("GET", "/api/kcb/tra-cuu-trang-thai/abc", "wrong"),
    ],
)
def test_a_sender_without_a_token_is_entered(
    database: Database, clock: FixedClock, trail: Trail, method: str, path: str, token: str
) -> None:
    receipts = PostgresReceipts(database, b"k" * 32, clock)
    doors = Doors(receipts, Accounts(database, clock), clock, trail)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    assert ask(doors, method, path, headers=headers).status == 401
    deed = last(trail).deed
    assert (deed.door, deed.interaction, deed.code) == ("api", "denial", "token-refused")


def test_a_sender_for_another_facility_is_entered_by_name(
    database: Database, clock: FixedClock, trail: Trail
) -> None:
    accounts = Accounts(database, clock)
    doors = Doors(PostgresReceipts(database, b"k" * 32, clock), accounts, clock, trail)
    login = {"username": "his-mau", "password": accounts.add("his-mau", "79001")}
    token = ask(doors, "POST", "/api/auth/login", body=json.dumps(login).encode()).json
    body = json.dumps({"maCSKCB": "79002", "files": ["YQ=="]}).encode()
    headers = {"authorization": f"Bearer {token['accessToken']}"}
    reply = ask(doors, "POST", "/api/kcb/xml/qd3176/guiHoSoXml", body=body, headers=headers)
    assert reply.status == 403
    deed = last(trail).deed
    assert (deed.caller, deed.organisation) == ("his-mau", "Organization/79001")
    assert (deed.outcome, deed.interaction) == (Outcome.REFUSED, "denial")


def test_a_socket_that_may_not_open_is_entered(trail: Trail) -> None:
    def refuse(call: Call) -> Access:
        raise TokenRefused

    opened = with_refusals_entered(refuse, trail, "socket")
    call = Call("GET", "/fhir/ws", "", {}, {}, b"")
    with pytest.raises(TokenRefused):
        opened(call)
    trail.close()  # writes what waits
    assert last(trail).deed.door == "socket"


def test_what_is_no_refusal_makes_no_denial(trail: Trail) -> None:
    assert trail.denied(LoginTooOften(seconds=3), door="api") is None
    assert trail.journal.tail() == 0


def test_nobody_fills_the_trail_by_being_refused_and_each_time_is_counted() -> None:
    now = [0.0]
    denials = Denials(lambda: now[0])
    told = [denials.counted() for _ in range(1000)]
    assert sum(told) == AT_ONCE
    now[0] = 1.0
    assert denials.counted() == 1001 - AT_ONCE, "those left out stand with the next"
    now[0] = 1.0
    assert sum(denials.counted() for _ in range(500)) + denials.left_out() == 500
    assert denials.left_out() == 0


def test_what_was_left_out_is_entered_at_the_end(trail: Trail) -> None:
    for _ in range(int(AT_ONCE) + 30):
        trail.denied(TokenRefused(), door="fhir")
    trail.close()
    found = trail.find(ALL, Wanted(count=1000)).entries
    assert sum(entry.deed.resources for entry in found) == AT_ONCE + 30
    assert replace(found[0].deed, request="").code in ("denied-often", "token-refused")


def test_a_known_caller_is_entered_every_time(trail: Trail) -> None:
    count = int(AT_ONCE) + 10
    for _ in range(count):
        trail.denied(Forbidden(rule="r"), door="pages", caller="bs01")
    trail.close()
    assert trail.journal.tail() == count
