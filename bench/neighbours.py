"""What others ask of the API while one client asks too much: their reads, before and meanwhile.

    python -m bench.neighbours --keep DIR [--people 1000]

A node of `bench.api` is served. One client reads Patients one after another; the median and
the 95th percentile of its answers are taken alone and then beside each of: a hundred clients
that send one byte a second, a bundle of 200 MB, a batch of 100,000 entries, includes that lead
in a circle, and pages of as many as may be. The figure is the ratio of the medians.
"""

import argparse
import http.client
import json
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.api import JSON, ask, copies_of, prepared, serving
from bench.api_data import people
from bench.api_shapes import Sampler
from bench.record import record
from trucyte.base.settings import load_settings

READS = 300
ENTRIES = 100_000
BUNDLE_BYTES = 200 << 20
SLOW_CLIENTS = 100

Burden = Callable[[str, threading.Event], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--people", type=int, default=1000)
    told = parser.parse_args()
    place = told.keep / str(told.people)
    place.mkdir(parents=True, exist_ok=True)
    prepared(load_settings({"TRUCYTE_DATA": str(place / "var")}), place, told.people)
    whole = people()
    sampler = Sampler(whole, copies_of(told.people, whole))
    figures: dict[str, tuple[float, str]] = {}
    with serving(place) as base:
        reads(base, sampler)
        alone = reads(base, sampler)
        figures |= named("alone", alone)
        for name, burden in BURDENS.items():
            with beside(burden, base):
                meanwhile = reads(base, sampler)
            figures |= named(name, meanwhile)
            figures[f"{name}, ratio"] = (meanwhile[0] / alone[0], "x")
            reads(base, sampler)
    record("neighbours", figures, f"{told.people} people")


def named(name: str, found: tuple[float, float]) -> dict[str, tuple[float, str]]:
    return {f"{name}, read p50": (found[0], "ms"), f"{name}, read p95": (found[1], "ms")}


def reads(base: str, sampler: Sampler) -> tuple[float, float]:
    """Read Patients one after another; return median and 95th percentile in ms."""
    connection = http.client.HTTPConnection(base, timeout=60)
    spent = []
    for _, path in zip(range(READS), sampler.paths("Patient/{patient}"), strict=False):
        began = time.perf_counter()
        status, _ = ask(connection, "GET", f"/fhir/{path}")
        spent.append((time.perf_counter() - began) * 1000)
        assert status == 200, status
    return statistics.median(spent), statistics.quantiles(spent, n=20)[-1]


@contextmanager
def beside(burden: Burden, base: str) -> Iterator[None]:
    """Let a burden be asked over and over until the block is left."""
    stop = threading.Event()
    thread = threading.Thread(target=burden, args=(base, stop), daemon=True)
    thread.start()
    time.sleep(1.0)
    try:
        yield
    finally:
        stop.set()
        thread.join(120)


def slow_senders(base: str, stop: threading.Event) -> None:
    host, port = base.split(":")
    sockets = [socket.create_connection((host, int(port))) for _ in range(SLOW_CLIENTS)]
    head = b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
    sent = 0
    while not stop.is_set():
        for one in sockets:
            with suppress(OSError):
                one.send((head + b" " * 100_000)[sent : sent + 1])
        sent += 1
        stop.wait(1.0)
    for one in sockets:
        one.close()


def large_bundle(base: str, stop: threading.Event) -> None:
    text = json.dumps({"resourceType": "Basic", "code": {"text": "x" * 900_000}})
    entry = f'{{"resource":{text},"request":{{"method":"POST","url":"Basic"}}}}'
    entries = ",".join([entry] * (BUNDLE_BYTES // len(entry)))
    body = f'{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}'.encode()
    again(base, stop, "POST", "/fhir", body)


def many_entries(base: str, stop: threading.Event) -> None:
    entry = (
        '{"resource":{"resourceType":"Basic","code":{"text":"x"}},'
        '"request":{"method":"POST","url":"Basic"}}'
    )
    entries = ",".join([entry] * ENTRIES)
    body = f'{{"resourceType":"Bundle","type":"batch","entry":[{entries}]}}'.encode()
    again(base, stop, "POST", "/fhir", body)


def circles(base: str, stop: threading.Event) -> None:
    path = "/fhir/Encounter?_include:iterate=*&_revinclude:iterate=*&_count=1000"
    again(base, stop, "GET", path)


def pages(base: str, stop: threading.Event) -> None:
    again(base, stop, "GET", "/fhir/Observation?_count=1000000")


def again(
    base: str, stop: threading.Event, method: str, path: str, body: bytes | None = None
) -> None:
    """Ask the same until told to stop; a refusal or a cut connection is an answer too."""
    while not stop.is_set():
        connection = http.client.HTTPConnection(base, timeout=120)
        with suppress(OSError, http.client.HTTPException):
            connection.request(method, path, body, JSON if body else {})
            connection.getresponse().read()
        connection.close()
        stop.wait(0.05)


BURDENS: dict[str, Burden] = {
    "100 clients of one byte a second": slow_senders,
    "a bundle of 200 MB": large_bundle,
    "a batch of 100,000 entries": many_entries,
    "includes in a circle": circles,
    "pages of all that may be": pages,
}


if __name__ == "__main__":
    main()
