"""Brings the callers and the marked records of a run into being, over HTTP alone."""

import json
import secrets
import time
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey

from trucyte.base.problem import Kind, Problem
from trucyte.node.attack.arena import JSON, Arena, Caller, Marked, json_of
from trucyte.node.attack.asking import Answer, TargetAway

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SECURITY: Final = {
    "plain": [],
    "restricted": [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    ],
    "secret": [
        {"system": "https://trucyte.vn/fhir/CodeSystem/sensitivity", "code": "STATE-SECRET"}
    ],
}
_CARE: Final = frozenset({"doctor", "nurse", "pharmacist", "technician"})


class StageRefused(Problem):
    """The node did not take what attacks need: {what} was answered {status}."""

    kind = Kind.UNSUPPORTED
    code = "attack-stage-refused"


def enter(arena: Arena) -> None:
    """Log all callers in and write the marked records. Raises TargetAway, StageRefused."""
    if arena.target.ask("GET", "/health/live").status != 200:
        raise TargetAway(host=arena.target.name)
    for letter in ("a", "b"):
        token = _door_token(arena, arena.stage.doors[letter])
        _add(arena, f"door-{letter}", token, frozenset({f"{letter}-plain"}))
    for letter in ("a", "b"):
        for label in _SECURITY if letter == "a" else ("plain",):
            _write(arena, letter, label)
    for name, client in arena.stage.clients.items():
        if "key" in client:
            token = str(json_of(take_token(arena, client)).get("access_token", ""))
            _add(arena, name, token, frozenset({f"{name[-1]}-plain"}))
    for name, session in arena.stage.sessions.items():
        letter, care = name[-1], session["role"] in _CARE
        own = {f"{letter}-plain"} | ({f"{letter}-restricted"} if care else set())
        dead = name.endswith(("-ended", "-half"))
        arena.callers[name] = Caller(
            name,
            {"Cookie": f"trucyte={session['cookie']}"},
            frozenset() if dead else frozenset(own),
            session["role"],
        )
    arena.callers["nobody"] = Caller("nobody", {}, _of_nobody(arena))


def leave(arena: Arena) -> None:
    """End the marked records, and who treats whom."""
    for letter, path in arena.relations:
        arena.target.ask("DELETE", path, headers=arena.callers[f"door-{letter}"].headers)
    for one in arena.marked:
        owner = arena.callers[f"door-{one.kind[0]}"]
        if one.type != "Patient":
            arena.target.ask("DELETE", one.path, headers=owner.headers)
    for one in arena.marked:
        owner = arena.callers[f"door-{one.kind[0]}"]
        if one.type == "Patient":
            arena.target.ask("DELETE", one.path, headers=owner.headers)


def asks_login(arena: Arena) -> bool:
    """Say whether whoever brings nothing is asked who they are."""
    return arena.target.ask("GET", "/fhir/Patient?_count=1").status in (401, 403)


def _of_nobody(arena: Arena) -> frozenset[str]:
    """Return what is open to all: nothing, or, where nobody is asked, what the machine sees."""
    return frozenset() if asks_login(arena) else frozenset({"a-plain", "b-plain"})


def _add(arena: Arena, name: str, token: str, sees: frozenset[str]) -> None:
    if token:
        arena.callers[name] = Caller(name, {"Authorization": f"Bearer {token}"}, sees)


def _door_token(arena: Arena, door: dict[str, str]) -> str:
    body = json.dumps({"username": door["name"], "password": door["password"]}).encode()
    answer = arena.target.ask(
        "POST", "/api/auth/login", body=body, headers={"Content-Type": "application/json"}
    )
    token = json_of(answer).get("accessToken")
    if not isinstance(token, str):
        raise StageRefused(what="login", status=answer.status)
    return token


def assertion(arena: Arena, client: dict[str, Any], **changed: Any) -> str:
    """Return a client's signed assertion, with some claims changed (RFC 7523)."""
    now = int(time.time())
    claims = {
        "iss": client["id"],
        "sub": client["id"],
        "aud": f"{arena.target.origin}/oauth/token",
        "jti": secrets.token_hex(16),
        "iat": now,
        "exp": now + 120,
    }
    key = ECKey.import_key(client["key"])
    head = {"alg": "ES256", "typ": "JWT", "kid": client["key"]["kid"]}
    return jws.serialize_compact(head, msgspec.json.encode({**claims, **changed}), key, ["ES256"])


def take_token(arena: Arena, client: dict[str, Any], *, scope: str = "", said: str = "") -> Answer:
    """Ask for an access token as a system does."""
    form = {
        "grant_type": "client_credentials",
        "scope": scope or client["scope"],
        "client_assertion_type": ASSERTION,
        "client_assertion": said or assertion(arena, client),
    }
    return arena.target.ask("POST", "/oauth/token", body=urlencode(form).encode(), headers=FORM)


def _write(arena: Arena, letter: str, label: str) -> None:
    """Write one marked person with an observation of theirs; what is refused is left out."""
    kind = f"{letter}-{label}"
    meta = {"security": _SECURITY[label]} if _SECURITY[label] else {}
    mark = secrets.token_hex(10)
    name = [{"family": arena.prefix, "given": [f"M{mark}"]}]
    person = {"resourceType": "Patient", "meta": meta, "name": name, "gender": "female"}
    if not _posted(arena, letter, kind, person, mark):
        return
    if label == "plain":
        _relate(arena, letter, arena.marked[-1].path.removeprefix("/fhir/"))
    mark = secrets.token_hex(10)
    observed = {
        "resourceType": "Observation",
        "meta": meta,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": f"Patient/{arena.marked[-1].id}"},
        "effectiveDateTime": "2026-01-01",
        "valueString": f"M{mark}",
    }
    _posted(arena, letter, kind, observed, mark)


def _relate(arena: Arena, letter: str, person: str) -> None:
    """Let an organisation's doctor treat a person: they must see what is theirs to see."""
    doctor = arena.stage.sessions[f"doctor-{letter}"]["practitioner"]
    visit = {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": person},
        "participant": [{"individual": {"reference": doctor}}],
    }
    place = _created(arena, letter, visit)
    if not place.path:
        raise StageRefused(what="a visit", status=place.status)
    arena.relations.append((letter, place.path))


def _posted(arena: Arena, letter: str, kind: str, resource: dict[str, Any], mark: str) -> bool:
    resource = {name: value for name, value in resource.items() if value != {}}
    type = str(resource["resourceType"])
    made = _created(arena, letter, resource)
    if made.id:
        arena.marked.append(Marked(kind, type, made.id, mark))
        return True
    if kind.endswith("-plain"):
        raise StageRefused(what=f"a marked {type}", status=made.status)
    return False


class _Made(NamedTuple):
    status: int
    id: str  # "" where nothing was made
    path: str


def _created(arena: Arena, letter: str, resource: dict[str, Any]) -> _Made:
    type = str(resource["resourceType"])
    answer = arena.target.ask(
        "POST",
        f"/fhir/{type}",
        body=json.dumps(resource).encode(),
        headers={**arena.callers[f"door-{letter}"].headers, "Content-Type": JSON},
    )
    place = answer.headers.get("location", "").partition(f"/{type}/")[2].partition("/")[0]
    if answer.status != 201 or not place:
        return _Made(answer.status, "", "")
    return _Made(answer.status, place, f"/fhir/{type}/{place}")
