"""Where the time of one request goes: each part alone, in one process, CPU microseconds.

python -m bench.request [--rounds 2000]
"""

import argparse
import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.record import record
from trucyte.base.metrics import private_meters
from trucyte.base.settings import load_settings
from trucyte.base.tracing import write_logs
from trucyte.fhir.text import accept
from trucyte.journal.change import Change, Operation
from trucyte.node.serve import make_site
from trucyte.node.serving.figures import METRICS
from trucyte.node.serving.lanes import open_lanes
from trucyte.node.serving.worker import site_of
from trucyte.node.wiring import open_node
from trucyte.shared.access.local import Unshown, local_access
from trucyte.web.api import asgi

BODY = (
    b'{"resourceType":"Patient","id":"b1","name":[{"family":"Nguy\xe1\xbb\x85n","given":'
    b'["Th\xe1\xbb\xad"]}],"gender":"female","birthDate":"1980-02-03"}'
)
HEADERS = [(b"host", b"127.0.0.1:8080"), (b"accept", b"*/*")]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2000)
    rounds = parser.parse_args().rounds
    load = f"load {os.getloadavg()[0]:.1f} when it began, {rounds} rounds"
    with tempfile.TemporaryDirectory(prefix="trucyte-bench-") as name:
        Path(name).chmod(0o711)
        settings = load_settings(os.environ | {"TRUCYTE_DATA": f"{name}/var"})
        log = Path(name, "log").open("w", buffering=1)  # noqa: SIM115 - closed below
        with log, open_node(settings) as node, open_lanes(settings.serving) as lanes:
            accepted = accept(BODY)
            node.journal.commit(
                [Change("Patient", "b1", Operation.CREATE, accepted.body, accepted.meta_offset, 1)]
            )
            meters = private_meters(METRICS)
            handler = write_logs(log)
            site = make_site(node)
            whole = site_of(site, meters, lanes, settings)
            access = local_access("bench", Unshown())
            name_query = [("name", "nguyen"), ("_count", "10")]
            measures = asyncio.run(
                measured(
                    rounds,
                    {
                        "records.read": lambda: node.records.read(access, "Patient", "b1"),
                        "records.search": lambda: node.records.search(
                            access, "Patient", name_query
                        ),
                        "journal.head alone": lambda: node.journal.head([(0, "Patient", "b1")]),
                    },
                    {
                        "thread hop": lambda: asgi.in_thread(int),
                        "read, site": lambda: called(site, "/fhir/Patient/b1"),
                        "read, all around it": lambda: called(whole, "/fhir/Patient/b1"),
                        "search, all around it": lambda: called(
                            whole, "/fhir/Patient", b"name=nguyen&_count=10"
                        ),
                        "live, all around it": lambda: called(whole, "/health/live"),
                    },
                )
            )
            logging.getLogger().removeHandler(handler)
    record("request", measures, load)


async def measured(
    rounds: int,
    plain: dict[str, Callable[[], Any]],
    awaited: dict[str, Callable[[], Awaitable[Any]]],
) -> dict[str, tuple[float, str]]:
    measures = {}
    for name, work in plain.items():
        for _ in range(rounds // 10):
            work()
        began, wall = time.process_time(), time.perf_counter()
        for _ in range(rounds):
            work()
        measures[name] = ((time.process_time() - began) / rounds * 1e6, "µs CPU")
        measures[f"{name}, on the clock"] = ((time.perf_counter() - wall) / rounds * 1e6, "µs")
    for name, call in awaited.items():
        for _ in range(rounds // 10):
            await call()
        began, wall = time.process_time(), time.perf_counter()
        for _ in range(rounds):
            await call()
        measures[name] = ((time.process_time() - began) / rounds * 1e6, "µs CPU")
        measures[f"{name}, on the clock"] = ((time.perf_counter() - wall) / rounds * 1e6, "µs")
    return measures


async def called(app: Any, path: str, query: bytes = b"") -> None:
    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": query,
        "headers": HEADERS, "client": ("127.0.0.1", 1), "scheme": "http",
    }  # fmt: skip
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    assert status == 200, (path, status)


if __name__ == "__main__":
    main()
