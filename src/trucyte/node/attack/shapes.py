"""Attacks by the shape of requests: injection, paths, hosts, bombs, framing, slow clients."""

import gzip
import json
import re
import socket
import time
from contextlib import ExitStack
from typing import Final
from urllib.parse import quote

from trucyte.node.attack.arena import FOREIGN, JSON, Arena, json_of
from trucyte.node.attack.asking import Answer, statuses_of

_VALUES: Final = (
    "' or '1'='1", "1;select pg_sleep(9)--", "$(id)", "%' or 1=1--", "\\", "a\0b",
    "x\r\nX-Injected: 1", "*)(uid=*))(|(uid=*", '{"$ne":null}', "Patient.name.where(true)",
    "\u202e\ufeff\U0001f600", "a" * 6000, "," * 3000, "|" * 200, "9" * 400, "((((" * 300,
    "2026-99-99T99:99", "gt", "-1e999", "/" * 500, "_id.x:not-in:missing", "{{7*7}}", "<script>",
)  # fmt: skip
_RESULT: Final = ("_count", "_sort", "_include", "_revinclude", "_elements", "_summary", "_total",
                  "_has:Observation:patient:code", "_filter", "_text", "_content", "_format",
                  "_lastUpdated", "_security", "_page", "_cursor", "family:contains",
                  "general-practitioner.name", "_since", "_type")  # fmt: skip
_UP: Final = ("../" * 6, "..%2f" * 6, "%2e%2e/" * 6, "..\\" * 6, "..%5c" * 6, "%252e%252e%252f" * 4,
              "....//" * 6, "%c0%ae%c0%ae/" * 6)  # fmt: skip
_FILES: Final = ("etc/passwd", "keys/master.key", "trucyte.toml")
_FOUND: Final = re.compile(rb"root:[^:]*:0:0:")
BOMB_SECONDS: Final = 10.0


def inject(arena: Arena) -> None:
    """Put every value into every search parameter that the node says it has."""
    caller = arena.callers["door-b"]
    for type, names in _parameters(arena).items():
        for place, name in enumerate([*names, *_RESULT]):
            values = _VALUES if not arena.is_quick else _VALUES[place % 5 :: 5]
            for value in values:
                path = f"/fhir/{type}?{quote(name, safe=':')}={quote(value, safe='')}"
                answer = arena.ask("GET", path, caller)
                arena.expect("x-injected" not in answer.headers, "a header was injected")


def _parameters(arena: Arena) -> dict[str, list[str]]:
    stated = json_of(arena.target.ask("GET", "/fhir/metadata", headers={"Accept": JSON}))
    found = {
        str(each["type"]): [str(one["name"]) for one in each.get("searchParam", [])]
        for rest in stated.get("rest", [])
        for each in rest.get("resource", [])
    }
    wanted = ("Patient",) if arena.is_quick else ("Patient", "Observation", "Encounter")
    return {type: found.get(type, []) for type in wanted}


def traverse(arena: Arena) -> None:
    """Lead out of every place of a path."""
    bases = (
        "/",
        "/static/",
        "/static/x/",
        "/files/",
        "/fhir/",
        "/fhir/Patient/",
        "/people/",
        "/api/",
    )
    for base in bases:
        for up in _UP if not arena.is_quick else _UP[:4]:
            for file in _FILES:
                answer = arena.ask("GET", f"{base}{up}{file}", arena.callers["door-b"])
                arena.expect(
                    not _FOUND.search(answer.body), f"{base}{up}{file} gave a file of the machine"
                )
    for path in ("/people/%00", "/fhir/Patient/%00", "/static/%00/x", "/%ff%fe", "/fhir/%0d%0aX:1"):
        arena.ask("GET", path, arena.callers["door-b"])


def other_hosts(arena: Arena) -> None:
    """Ask under names that are not the node's."""
    for path in (
        "/",
        "/fhir/metadata",
        "/api/openapi.json",
        "/health",
        "/.well-known/openid-configuration",
    ):
        for headers in (
            {"Host": "attacker.example"},
            {"Host": f"attacker.example:{arena.target.port}"},
            {"Host": f"{arena.target.name}.attacker.example"},
            {"Host": f"{arena.target.name}@attacker.example"},
            {"Host": ""},
            {"X-Forwarded-Host": "attacker.example", "X-Forwarded-Proto": "https"},
            {"Forwarded": "host=attacker.example"},
        ):
            answer = arena.ask("GET", path, headers=headers)
            curl = arena.curl("GET", path, headers=headers)
            arena.expect(
                "attacker.example" not in answer.text, f"{path} repeats a foreign host", curl
            )
            is_fine = answer.status < 300 and "attacker" in headers.get("Host", "")
            arena.expect(not is_fine, f"{path} answered under {headers}", curl)


def bombs(arena: Arena) -> None:
    """Send small bodies that grow."""
    caller = arena.callers["door-b"]
    deep = 50_000
    entity = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">'
        b'<!ENTITY b "&x;&x;">]>'
        b'<Patient xmlns="http://hl7.org/fhir"><name><family value="&b;"/></name></Patient>'
    )
    nested = b'<Patient xmlns="http://hl7.org/fhir">' + b"<contained>" * deep
    packed = gzip.compress(b" " * (64 * 1024 * 1024))
    xml, kind = "application/fhir+xml", "content-type"
    sent: tuple[tuple[str, bytes, dict[str, str]], ...] = (
        ("JSON arrays", b"[" * deep, {kind: JSON}),
        ("JSON objects", b'{"a":' * deep + b"1" + b"}" * deep, {kind: JSON}),
        ("contained", b'{"resourceType":"Patient","contained":[' * 3000, {kind: JSON}),
        ("a huge number", b'{"resourceType":"Patient","x":' + b"9" * 500_000 + b"}", {kind: JSON}),
        ("an exponent", b'{"resourceType":"Observation","valueInteger":1e999999999}', {kind: JSON}),
        ("doubled keys", b"{" + b'"a":1,' * 50_000 + b'"b":1}', {kind: JSON}),
        ("XML entities", entity, {kind: xml}),
        ("XML depth", nested, {kind: xml}),
        ("a gzip bomb", packed, {kind: JSON, "content-encoding": "gzip"}),
        ("no UTF-8", b'{"resourceType":"Patient","id":"\xff\xfe"}', {kind: JSON}),
        ("a surrogate", b'{"resourceType":"Patient","language":"\\ud800"}', {kind: JSON}),
    )  # fmt: skip
    for what, body, headers in sent:
        for path in ("/fhir/Patient", "/fhir") if not arena.is_quick else ("/fhir/Patient",):
            answer = arena.ask("POST", path, caller, body=body, headers=headers)
            arena.expect(answer.seconds < BOMB_SECONDS, f"{what} took {answer.seconds:.0f} s")
            arena.expect(not _FOUND.search(answer.body), f"{what} read a file")
    for path in (
        "&".join(["family=a"] * 4000),
        "family=" + ",".join("a" * 2000),
        "_include=*&" * 500,
    ):
        answer = arena.ask("GET", f"/fhir/Patient?{path}"[:60_000], caller)
        arena.expect(answer.seconds < BOMB_SECONDS, f"many parameters took {answer.seconds:.0f} s")


def smuggle(arena: Arena) -> None:
    """Send requests whose length is in doubt; the inner one must not be answered."""
    host = f"Host: {arena.target.name}\r\n"
    inner = f"GET /health/live HTTP/1.1\r\n{host}\r\n"
    post = f"POST /fhir/Patient HTTP/1.1\r\n{host}"
    size, chunked = len(inner), "Transfer-Encoding: chunked"
    lines = {
        "both lengths": f"{post}Content-Length: {size + 5}\r\n{chunked}\r\n\r\n0\r\n\r\n{inner}",
        "two lengths": f"{post}Content-Length: 0\r\nContent-Length: {size}\r\n\r\n{inner}",
        "a signed length": f"{post}Content-Length: +{size}\r\n\r\n{inner}",
        "a space before the colon": f"{post}Content-Length : {size}\r\n\r\n{inner}",
        "odd coding": f"{post}Transfer-Encoding: xchunked\r\nContent-Length: {size}\r\n\r\n{inner}",
        "bad chunk": f"{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{inner}",
        "folded header": f"{post}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{inner}",
        "CRLF in the target": f"GET /a\rb HTTP/1.1\r\n{host}\r\n",
        "NUL in a header": f"GET / HTTP/1.1\r\n{host}X: a\0b\r\n\r\n",
        "no version": "GET /\r\n\r\n",
        "a huge header": f"GET / HTTP/1.1\r\n{host}X: {'a' * 200_000}\r\n\r\n",
        "many headers": f"GET / HTTP/1.1\r\n{host}" + "A: b\r\n" * 20_000 + "\r\n",
    }
    for what, text in lines.items():
        arena.asked[arena.attack] += 1
        came = arena.target.raw(text.encode("latin-1"), seconds=0.7)
        found = statuses_of(came)
        arena.expect(
            not any(500 <= one not in (501, 503, 505) for one in found), f"{what}: {found}"
        )
        if "length" in what or "chunk" in what or "coding" in what:
            is_two = len(found) > 1 and found[0] < 400
            arena.expect(not is_two, f"{what}: the inner request was answered {found}")


def methods(arena: Arena) -> None:
    """Use methods that no row has, and headers that would replace the method."""
    path = arena.of("a-plain").path
    for place in (path, "/", "/people", "/api/auth/login", "/oauth/token", "/health/live"):
        for method in ("TRACE", "CONNECT", "PROPFIND", "MKCOL", "DEBUG", "get", "X" * 300):
            answer = arena.ask(method, place, arena.callers["door-b"], headers={"X-Echo": "echoed"})
            arena.expect(
                answer.status >= 400 or answer.status == 0,
                f"{method[:12]} {place}: {answer.status}",
            )
            arena.expect(b"echoed" not in answer.body, f"{method[:12]} is reflected")
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        arena.ask("GET", path, arena.callers["door-a"], headers={header: "DELETE"})
    left = arena.ask("GET", path, arena.callers["door-a"])
    arena.expect(left.status == 200, "a method was overridden: the record is gone")


def sockets(arena: Arena) -> None:
    """Open WebSockets from other sites, and where there is none."""
    for path in ("/", "/fhir", "/fhir/ws", "/people", "/api/"):
        head = (
            f"GET {path} HTTP/1.1\r\nHost: {arena.target.name}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nOrigin: {FOREIGN}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        arena.asked[arena.attack] += 1
        found = statuses_of(arena.target.raw(head.encode(), seconds=0.7))
        arena.expect(101 not in found, f"a foreign site opened a WebSocket at {path}")
        arena.expect(not any(500 <= one != 503 for one in found), f"{path}: {found}")


def slow(arena: Arena) -> None:
    """Hold many connections half asked or half read, and see that others are answered."""
    host = f"Host: {arena.target.name}\r\n"
    starts = (
        f"GET / HTTP/1.1\r\n{host}X-A: ",
        f"POST /api/auth/login HTTP/1.1\r\n{host}Content-Length: 999\r\n\r\n{{",
        f"GET /fhir/metadata HTTP/1.1\r\n{host}\r\n" * 20,
    )
    with ExitStack() as held:
        for number in range(60 if arena.is_quick else 300):
            try:
                line = held.enter_context(arena.target.connect())
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                line.sendall(starts[number % len(starts)].encode())
            except OSError:
                break  # the node takes no more of them: what counts is who else is answered
        arena.asked[arena.attack] += 1
        for path, caller in (
            ("/health/live", None),
            (arena.of("b-plain").path, arena.callers["door-b"]),
        ):
            answer = arena.ask("GET", path, caller)
            arena.expect(
                answer.status == 200, f"{path} was answered {answer.status} beside slow clients"
            )


def heads(arena: Arena) -> None:
    """Read the headers that protect a browser."""
    for path in ("/", "/login", "/nothing-here", "/fhir/metadata", "/fhir/Nothing", "/help"):
        answer = arena.ask("GET", path)
        policy = answer.headers.get("content-security-policy", "")
        curl = arena.curl("GET", path)
        arena.expect(policy and "unsafe" not in policy, f"{path}: content security policy", curl)
        arena.expect(
            answer.headers.get("x-content-type-options") == "nosniff", f"{path}: nosniff", curl
        )
        arena.expect("frame-ancestors 'none'" in policy, f"{path}: may be framed", curl)
        arena.expect(
            not re.search(r"\d", answer.headers.get("server", "")), f"{path}: server", curl
        )


def median(arena: Arena) -> float:
    """Return the usual seconds of a read."""
    owner = arena.callers["door-b"]
    took = sorted(arena.ask("GET", arena.of("b-plain").path, owner).seconds for _ in range(9))
    return took[4]


def alive(arena: Arena) -> None:
    """See that the node works as before."""
    arena.expect(arena.ask("GET", "/health/ready").status == 200, "the node is not ready")
    for letter in ("a", "b"):
        record = arena.of(f"{letter}-plain")
        answer: Answer = arena.ask("GET", record.path, arena.callers[f"door-{letter}"])
        arena.expect(record.mark in answer.text, f"the owner of {record.kind} no longer reads it")
    began = time.monotonic()
    arena.expect(
        median(arena) < 1.0, f"reads take long: {json.dumps(time.monotonic() - began)} s for nine"
    )
