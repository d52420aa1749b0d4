"""The sweep: every route by every caller for every marked record, against an oracle.

The oracle is what `Caller.sees` says: an answer that carries another mark is a leak, and
so is a total larger than the caller's own, or a hidden id answered unlike an unknown one.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from trucyte.node.attack.arena import FOREIGN, JSON, Arena, Caller, Marked, json_of
from trucyte.web.api.routes import Place
from trucyte.web.app import PAGES

UNKNOWN: Final = "0000000000000000000000"
# One path or more for every place of the API's table of routes; a test holds them together.
PLACES: Final[dict[Place, Sequence[str]]] = {
    Place.BASE: ("/?_type=Patient,Observation&_lastUpdated=gt2000-01-01",),
    Place.METADATA: ("/metadata",),
    Place.SYSTEM_HISTORY: ("/_history?_count=100",),
    Place.SYSTEM_SEARCH: ("/_search",),
    Place.TYPE: (
        "/Patient?family={prefix}",
        "/Patient?family={prefix}&_summary=count",
        "/Patient?_id={id}",
        "/Patient?name:contains={prefix}&_elements=id",
        "/Patient?_has:Observation:patient:code=8867-4&family={prefix}",
        "/Observation?patient=Patient/{id}",
        "/Observation?patient.family={prefix}",
        "/Observation?subject:Patient.name={prefix}&_summary=count",
        "/Observation?_include=Observation:subject&code=8867-4&_count=100",
        "/Patient?_revinclude=Observation:subject&family={prefix}",
        "/Patient?_revinclude:iterate=*&_include=*&_id={id}",
    ),
    Place.TYPE_HISTORY: ("/{type}/_history?_count=100",),
    Place.TYPE_SEARCH: ("/Patient/_search",),
    Place.INSTANCE: ("/{type}/{id}", "/{type}/{id}?_format=xml", "/{type}/{id}?_summary=text"),
    Place.INSTANCE_HISTORY: ("/{type}/{id}/_history",),
    Place.VERSION: ("/{type}/{id}/_history/1",),
    Place.COMPARTMENT: ("/Patient/{id}/Observation", "/Patient/{id}/*"),
    Place.COMPARTMENT_SEARCH: ("/Patient/{id}/Observation/_search",),
    Place.SYSTEM_OPERATION: ("/${operation}",),
    Place.TYPE_OPERATION: ("/Patient/${operation}",),
    Place.INSTANCE_OPERATION: ("/Patient/{id}/${operation}",),
}
_POSTED: Final = (Place.SYSTEM_SEARCH, Place.TYPE_SEARCH, Place.COMPARTMENT_SEARCH)
_GRAPHQL: Final = '{Patient(id:"%s"){id name{family given}} }'


def sweep_api(arena: Arena) -> None:
    """Ask every place of the API by every caller about every marked record."""
    # A session is of no use here: one of them shows it.
    callers = [
        one for one in arena.callers.values() if not one.role or one.name == "administrator-b"
    ]
    operations = operations_of(arena)
    for caller in callers:
        for record in arena.marked:
            for place, path in api_paths(arena, record, operations):
                _asked(arena, caller, place, path)
        _check_own(arena, caller)
        _check_counts(arena, caller)
        _check_hidden(arena, caller)
        _ask_bodies(arena, caller)


def _check_own(arena: Arena, caller: Caller) -> None:
    """A sweep by a caller who reads nothing proves nothing: each reads what is its own."""
    for record in arena.every(caller.sees & {"a-plain", "b-plain"}):
        if record.type == "Observation" and not caller.role:
            shown = record.mark in arena.ask("GET", record.path, caller).text
            arena.expect(
                shown, f"{caller.name} cannot read its own {record.kind}: nothing is proved"
            )


def api_paths(
    arena: Arena, record: Marked, operations: Sequence[str]
) -> Iterator[tuple[Place, str]]:
    """Yield every path of the API about one record."""
    names = {"prefix": arena.prefix, "id": record.id, "type": record.type}
    for place, paths in PLACES.items():
        for path in paths:
            if "{operation}" not in path:
                yield place, "/fhir" + path.format(**names)
                continue
            for operation in operations:
                yield place, "/fhir" + path.format(operation=operation, **names)


def operations_of(arena: Arena) -> Sequence[str]:
    """Return the names of all operations that the node says it has."""
    answer = arena.target.ask("GET", "/fhir/metadata", headers={"Accept": JSON})
    found = set(re.findall(r'"name":\s*"([a-z][A-Za-z0-9-]{0,63})"', answer.text))
    stated = json_of(answer)
    named = set()
    for rest in stated.get("rest", []):
        for one in [rest, *rest.get("resource", [])]:
            named |= {each["name"].lstrip("$") for each in one.get("operation", [])}
    return sorted(named & (found | named) - {"reindex"})


def _asked(arena: Arena, caller: Caller, place: Place, path: str) -> None:
    if place in _POSTED:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = "_lastUpdated=gt2000-01-01&_type=Patient" if place is _POSTED[0] else "_count=100"
        arena.ask("POST", path, caller, body=sent.encode(), headers=form)
        return
    arena.ask("GET", path, caller)


def _check_counts(arena: Arena, caller: Caller) -> None:
    """Hold totals against the number of marked records that the caller may see."""
    for type, path in (
        ("Patient", f"/fhir/Patient?family={arena.prefix}&_summary=count"),
        ("Observation", f"/fhir/Observation?patient.family={arena.prefix}&_summary=count"),
    ):
        most = sum(one.type == type for one in arena.every(caller.sees))
        total = json_of(arena.ask("GET", path, caller)).get("total", 0)
        arena.expect(
            not isinstance(total, int) or total <= most,
            f"{caller.name} counts {total} {type}, may see {most}",
            arena.curl("GET", path, caller),
        )


def _check_hidden(arena: Arena, caller: Caller) -> None:
    """A record that is hidden is answered as one that never was."""
    for record in arena.marked:
        # Of one's own organisation it may be said that a record is withheld: who treats in an
        # emergency must know that there is something to ask for.
        is_withheld = (
            record.kind.endswith("-restricted") and f"{record.kind[0]}-plain" in caller.sees
        )
        if record.kind in caller.sees or is_withheld:
            continue
        unknown = arena.ask("GET", f"/fhir/{record.type}/{UNKNOWN}", caller)
        hidden = arena.ask("GET", record.path, caller)
        arena.expect(
            _said(hidden.body, record.id) == _said(unknown.body, UNKNOWN)
            and hidden.status == unknown.status,
            f"{caller.name} tells hidden {record.kind} {record.type} from an unknown one"
            f" ({hidden.status}, {unknown.status})",
            arena.curl("GET", record.path, caller),
        )


def _said(body: bytes, id: str) -> bytes:
    return body.replace(id.encode(), b"ID")


def _ask_bodies(arena: Arena, caller: Caller) -> None:
    """Ask by batches, GraphQL and $match: bodies that carry questions."""
    for record in arena.marked:
        entry = {"request": {"method": "GET", "url": f"{record.type}/{record.id}"}}
        found = {"request": {"method": "GET", "url": f"Patient?family={arena.prefix}"}}
        batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry, found]}
        graph = {"query": _GRAPHQL % record.id}
        person = {"resourceType": "Patient", "name": [{"family": arena.prefix}], "gender": "female"}
        match = {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "resource", "resource": person},
                {"name": "count", "valueInteger": 9},
            ],
        }
        for path, body in (
            ("/fhir", batch),
            ("/fhir/$graphql", graph),
            ("/fhir/Patient/$match", match),
        ):
            sent = json.dumps(body).encode()
            kind = "application/json" if path.endswith("graphql") else JSON
            arena.ask("POST", path, caller, body=sent, headers={"Content-Type": kind})


def sweep_pages(arena: Arena) -> None:
    """Open every page by every role and by nobody, about every marked record."""
    callers = [one for one in arena.callers.values() if one.role and _is_swept(arena, one)]
    own = arena.of("b-plain")
    shown = arena.ask("GET", f"/people/{own.id}", arena.callers["doctor-b"]).text
    arena.expect(own.mark in shown, "a doctor cannot read a person of the own organisation")
    for caller in [*callers, arena.callers["nobody"]]:
        for page in PAGES:
            for record in arena.every(("a-plain", "b-plain", "a-secret")):
                if page.method == "GET" and not page.path.startswith("/logout"):
                    answer = arena.ask("GET", page_path(page.path, record.id), caller)
                    _check_role(arena, caller, page.name, page.roles, answer.status)
                if "{" not in page.path:
                    break


def _check_role(
    arena: Arena, caller: Caller, name: str, roles: frozenset[str], status: int
) -> None:
    """A page whose roles leave the caller out is never shown."""
    is_open = "everyone" in roles or (caller.name == "nobody" and bool(caller.sees))
    if not is_open and caller.role not in roles:
        arena.expect(status not in (200, 201, 206), f"{caller.name} opened the page {name}")


def page_path(pattern: str, id: str) -> str:
    """Return a path of a page's pattern, with an id in every place."""
    filled = re.sub(r"\{[a-z_]+:int\}", "1", pattern)
    return re.sub(r"\{[a-z_]+\}", id, filled)


def _is_swept(arena: Arena, caller: Caller) -> bool:
    """A quick run tries some roles of one organisation, a whole run all of both."""
    if not arena.is_quick:
        return True
    return caller.name in ("doctor-b", "clerk-b", "auditor-b", "administrator-b", "doctor-ended")


def write_foreign(arena: Arena) -> None:
    """Try to alter and delete what is another organisation's."""
    victim, owner = arena.of("a-plain"), arena.callers["door-a"]
    before = json_of(arena.ask("GET", victim.path, owner))
    told = {"resourceType": "Patient", "id": victim.id, "name": [{"family": "Overwritten"}]}
    sent = json.dumps(told).encode()
    patch = b'[{"op":"replace","path":"/gender","value":"male"}]'
    tries = (
        ("PUT", victim.path, sent, JSON),
        ("PUT", f"/fhir/Patient?family={arena.prefix}", sent, JSON),
        ("PATCH", victim.path, patch, "application/json-patch+json"),
        ("PATCH", victim.path, b'{"gender":"male"}', "application/merge-patch+json"),
        ("DELETE", victim.path, None, JSON),
        ("DELETE", f"/fhir/Patient?_id={victim.id}", None, JSON),
        ("POST", "/fhir", _transaction(victim), JSON),
    )
    for name in ("door-b", "system-b", "narrow-a", "nobody"):
        caller = arena.callers.get(name)
        if caller is None or (victim.kind in caller.sees and name != "narrow-a"):
            continue
        for method, path, body, kind in tries:
            arena.ask(method, path, caller, body=body, headers={"Content-Type": kind})
            now = json_of(arena.ask("GET", victim.path, owner))
            arena.expect(
                now == before,
                f"{name} altered a record of another by {method} {path}",
                arena.curl(method, path, caller, {"Content-Type": kind}, body),
            )


def _transaction(victim: Marked) -> bytes:
    entry = {"request": {"method": "DELETE", "url": f"Patient/{victim.id}"}}
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}).encode()


def follow_links(arena: Arena) -> None:
    """Follow the owner's links to further pages, and its entity tags, as somebody else."""
    owner = arena.callers["door-a"]
    read = arena.ask("GET", arena.of("a-plain").path, owner)
    first = json_of(arena.ask("GET", "/fhir/Observation?_count=1", owner))
    history = json_of(arena.ask("GET", "/fhir/_history?_count=1", owner))
    links = [
        str(link.get("url", "")).replace(arena.target.origin, "")
        for bundle in (first, history)
        for link in bundle.get("link", [])
    ]
    for name in ("door-b", "system-b", "nobody"):
        caller = arena.callers.get(name)
        if caller is None:
            continue
        for link in links:
            if link.startswith("/"):
                arena.ask("GET", link, caller)
        if "a-plain" in caller.sees:
            continue
        tag = {"If-None-Match": read.headers.get("etag", 'W/"1"')}
        answer = arena.ask("GET", arena.of("a-plain").path, caller, headers=tag)
        arena.expect(answer.status != 304, f"{name} was told that a hidden record is unchanged")


def cross_site(arena: Arena) -> None:
    """Send every form from another site, and from the own one without the form's key."""
    for name in ("doctor-a", "administrator-a", "clerk-a"):
        caller = arena.callers[name]
        for page in PAGES:
            if page.method != "POST" or "everyone" in page.roles:
                continue
            path = page_path(page.path, arena.of("a-plain").id)
            for origin in (FOREIGN, "null", arena.target.origin):
                headers = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
                answer = arena.ask("POST", path, caller, body=b"name=x", headers=headers)
                arena.expect(
                    answer.status not in (200, 201, 302, 303) or _to_login(answer.headers),
                    f"a form of {origin.replace(arena.target.origin, 'no key')} was taken by"
                    f" {page.name} ({answer.status})",
                    arena.curl("POST", path, caller, headers, b"name=x"),
                )


def _to_login(headers: object) -> bool:
    place = str(headers.get("location", "")) if hasattr(headers, "get") else ""
    return place.startswith(("/login", "/lock"))
