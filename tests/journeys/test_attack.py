"""An operator attacks an own node: all controls hold, and the suite sees where one does not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.support.serving import ROOT, Served, needs_definitions, serving
from trucyte.node.attack import shapes, sweep, tokens
from trucyte.node.attack.arena import Arena, Caller, Marked
from trucyte.node.attack.asking import Target
from trucyte.node.attack.running import CARRIED_OUT
from trucyte.node.attack.stage import Stage


def attack(served: Served, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "trucyte.node.cli", "attack", *words],
        cwd=served.log.parent,
        env=os.environ
        | {"PYTHONPATH": str(ROOT / "src"), "TRUCYTE_DATA": str(served.data)}
        | {"TRUCYTE_DATABASE_URL": served.url},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_served_node_holds_against_every_attack(tmp_path: Path, empty_database: Any) -> None:
    needs_definitions()
    settings = '[access]\nlogin = "always"\n'
    with serving(tmp_path / "node", url=empty_database.url, settings=settings) as served:
        assert attack(served, "prepare").returncode == 0
        report = tmp_path / "report.json"
        ran = attack(served, f"http://127.0.0.1:{served.port}", "--quick", "--out", str(report))
        assert ran.returncode == 0, ran.stderr[-4000:]
        lines = json.loads(report.read_bytes())["report"]["attacks"]
        assert [line["id"] for line in lines] == list(CARRIED_OUT)
        assert all(line["requests"] for line in lines)
        assert attack(served, "verify", str(report)).returncode == 0
        assert "held" in report.with_suffix(".html").read_text(encoding="utf-8")
        report.write_text(report.read_text().replace('"held"', '"hold"'))
        assert attack(served, "verify", str(report)).returncode == 1
        assert int(attack(served, "clean").stdout) > 0


class _Open(BaseHTTPRequestHandler):
    """A node without any control: whatever is asked, everything is shown."""

    marks = ""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        scope = {"access_token": "x", "scope": "system/*.cruds", "total": 99, "resourceType": "B"}
        told = json.dumps({**scope, "marks": self.marks, "path": self.path}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - their names

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def open_arena() -> Iterator[Arena]:

    marked = [
        Marked(kind, type, f"{kind}{type[0]}", f"mark-{kind}-{type}")
        for kind in ("a-plain", "a-secret", "b-plain")
        for type in ("Patient", "Observation")
    ]
    _Open.marks = " ".join(one.mark for one in marked)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Open)
    Thread(target=server.serve_forever, daemon=True).start()
    key = ECKey.generate_key("P-256", private=True)
    key_of = {**key.as_dict(private=True), "kid": "k"}
    client = {"id": "c", "scope": "system/Observation.rs", "key": key_of}
    stage = Stage(
        {"ended": {"name": "e", "password": "p"}},
        {name: {"cookie": "c", "role": "doctor", "account": name}
         for name in ("doctor-a", "doctor-ended", "doctor-half")},
        {**dict.fromkeys(("system-a", "system-b", "narrow-a"), client),
         "app": {"id": "app", "redirect": "http://127.0.0.1:9/"}},
    )  # fmt: skip
    arena = Arena(Target("127.0.0.1", server.server_address[1]), stage, is_quick=True)
    arena.marked = marked
    token = "e30.e30.AAAA"
    for letter in ("a", "b"):
        for name in (f"door-{letter}", f"system-{letter}", f"narrow-{letter}"):
            sent = {"Authorization": f"Bearer {token}"}
            arena.callers[name] = Caller(name, sent, frozenset({f"{letter}-plain"}))
    for role in ("doctor", "clerk", "administrator", "auditor"):
        for letter in ("a", "b"):
            name = f"{role}-{letter}"
            arena.callers[name] = Caller(name, {"Cookie": "c"}, frozenset(), role)
    arena.callers["nobody"] = Caller("nobody")
    yield arena
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("id", "carried_out"),
    [
        ("idor-api", sweep.sweep_api),
        ("idor-pages", sweep.sweep_pages),
        ("paging-token", sweep.follow_links),
        ("csrf", sweep.cross_site),
        ("token-none", tokens.unsigned),
        ("token-claims", tokens.claims_altered),
        ("token-replay", tokens.replayed),
        ("scope-widening", tokens.widened),
        ("code-flow", tokens.codes),
        ("door-login", tokens.door_logins),
        ("injection", shapes.inject),
        ("host-header", shapes.other_hosts),
        ("methods", shapes.methods),
        ("headers", shapes.heads),
    ],
)
def test_a_node_without_that_control_is_found(open_arena: Arena, id: str, carried_out: Any) -> None:
    open_arena.attack = id
    carried_out(open_arena)
    assert open_arena.findings, id
    assert "trucyte=" not in "".join(one.curl for one in open_arena.findings)
