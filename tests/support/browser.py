"""Debian's Chromium over pages that run in this process."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What axe checks: WCAG 2.2 A and AA, and what its makers call best practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application on a free port of this machine; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def violations(page: Any, axe: Any) -> list[str]:
    """Return what axe finds wrong with a page, one line each."""
    found = axe.run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    return [
        f"{one['id']}: {node['html'][:160]} {_reason(node)}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


def _reason(node: dict[str, Any]) -> str:
    return re.sub(r"\s+", " ", node.get("failureSummary", ""))[:200]
