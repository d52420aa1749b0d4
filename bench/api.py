"""The API under load: CRUD mix, search mix, transactions; thirty shapes as the data grow.

    python -m bench.api [--people 1000 64000] [--seconds 20] [--clients 16] [--keep DIR]
                        [--only crud search transactions shapes] [--note TEXT]

The workloads are those Health Samurai publishes, in words of our own, by `wrk` on the same
machine: nine types created, read, changed, searched by id and deleted in equal parts; searches
by string, date, reference, token, quantity and composite, `_count=100`. Transactions (Synthea's
bundles as they are) are sent by threads of this script, which counts the resources; wrk does
not tell answers apart.

For each number of people there is a node of its own: `trucyte serve` over an embedded
PostgreSQL, fsync, validation, index, proof and trail on. Shapes are asked one after the other
over one connection: *cold* is the first answer of each after the database was started anew
(the system's cache dropped too where this runs as root), *warm* the median of those after.
"""

import argparse
import http.client
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from bench.api_data import (
    RESOURCES_MAX,
    Resource,
    kinds_of,
    linked,
    load,
    people,
    shared,
    transactions,
)
from bench.api_shapes import MIX, SHAPES, Sampler
from bench.ingest import SIZES, folder
from bench.record import record
from trucyte.base.settings import Settings, load_settings
from trucyte.node.wiring import open_node
from trucyte.shared.access.local import Unshown, local_access

SCRIPTS = Path(__file__).parent / "wrk"
ASKED = 30  # times each shape, and three before that are not counted
PATHS = 20_000
TRANSACTION_CLIENTS = 4
TYPES = {
    *("Patient", "Organization", "Practitioner", "Encounter", "Observation"),
    *("MedicationRequest", "Claim", "ExplanationOfBenefit"),
}
JSON = {"Content-Type": "application/fhir+json", "Prefer": "return=minimal"}

# An entry, a count above nothing, or a resource itself.
HITS = re.compile(rb'"mode":"match"|"total":[1-9]|^{"resourceType":"Patient"')

Figures = dict[str, tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Run:
    """What all measurements of one node need."""

    base: str
    place: Path
    people: Sequence[Sequence[Resource]]
    copies: int
    seconds: int
    clients: int

    @property
    def sampler(self) -> Sampler:
        return Sampler(self.people, self.copies)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[1000])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--keep", type=Path, help="where the nodes stay, to be measured again")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    parser.add_argument("--note", default="")
    told = parser.parse_args()
    with folder(told.keep) as place:
        medians = [measure(told, place, number) for number in told.people]
    if len(medians) > 1 and all(medians):
        record("api", ratios(medians[0], medians[-1]), f"{told.people[-1]} : {told.people[0]}")


def measure(told: argparse.Namespace, place: Path, number: int) -> dict[str, float]:
    """Load a node if need be, measure it, record it; return the warm medians of its shapes."""
    place = place / str(number)
    place.mkdir(exist_ok=True)
    whole = people()
    settings = load_settings({"TRUCYTE_DATA": str(place / "var")})
    figures = prepared(settings, place, number)
    note = f"{number} people, {RESOURCES_MAX} resources each {told.note}".rstrip()
    record("api", figures, note)
    medians: dict[str, float] = {}
    if "shapes" in told.only:
        direct = by_records(settings, Sampler(whole, copies_of(number, whole)))
        record("api", named("Records, warm p50, ", direct), note)
    with serving(place) as base:
        run = Run(base, place, whole, copies_of(number, whole), told.seconds, told.clients)
        for name in told.only:
            found = MEASURES[name](run)
            record("api", found, f"{note}; {told.clients} clients")
            if name == "shapes":
                medians = {shape: value for shape, (value, _) in found.items() if "warm" in shape}
    return medians


def copies_of(number: int, whole: Sequence[object]) -> int:
    return -(-number // len(whole))


def named(prefix: str, medians: dict[str, float]) -> Figures:
    return {prefix + name: (value, "ms") for name, value in medians.items()}


def ratios(few: dict[str, float], many: dict[str, float]) -> Figures:
    """Compare the medians of the smallest and the largest node, shape by shape."""
    each = {name: many[name] / few[name] for name in few}
    figures: Figures = {f"growth, {name}": (value, "x") for name, value in each.items()}
    whole = statistics.median(many.values()) / statistics.median(few.values())
    return figures | {
        "growth, p50 over all shapes": (whole, "x"),
        "growth, worst shape": (max(each.values()), "x"),
    }


# --- A node of so many people -----------------------------------------------------------


def prepared(settings: Settings, place: Path, number: int) -> Figures:
    """Load the people unless they are there; return rate of loading and size on disk."""
    done = place / "loaded.json"
    with open_node(settings) as node:
        if not done.exists():
            count, seconds = load(node, number)
            done.write_text(json.dumps([count, seconds]))
        with node.database.connection() as connection:
            size, _, lines = connection.execute(SIZES).fetchone()
    count, seconds = json.loads(done.read_text())
    return {
        "load through the journal": (count / seconds, "resources/s"),
        "resources": (count, ""),
        "disk": (float(size) / lines, "B/resource"),
    }


@contextmanager
def serving(place: Path) -> Iterator[str]:
    """Serve the node of a folder as people do, its caches cold; give its address."""
    drop_caches()
    environment = os.environ | {"TRUCYTE_DATA": str(place / "var"), "PYTHONPATH": "src"}
    command = [sys.executable, "-m", "trucyte.node.cli", "serve", "--port=0"]
    log = place / "log"
    with log.open("w") as written:
        node = subprocess.Popen(command, env=environment, stderr=written)
    try:
        yield await_address(node, log)
    finally:
        node.terminate()
        node.wait()


def await_address(node: "subprocess.Popen[bytes]", log: Path) -> str:
    while True:
        assert node.poll() is None, log.read_text()
        said = re.search(r"^http://(\S+)$", log.read_text(), re.MULTILINE)
        if said and answers(said[1]):
            return said[1]
        time.sleep(0.1)


def answers(base: str) -> bool:
    try:
        return ask(http.client.HTTPConnection(base), "GET", "/fhir/metadata")[0] == 200
    except ConnectionError:
        return False


def drop_caches() -> None:
    """Let the system forget what it read from disk, where it lets us."""
    os.sync()
    if os.geteuid() == 0:
        Path("/proc/sys/vm/drop_caches").write_text("3")


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
) -> tuple[int, bytes]:
    connection.request(method, path, body, JSON if body else {})
    reply = connection.getresponse()
    return reply.status, reply.read()


# --- Workloads --------------------------------------------------------------------------


def crud(run: Run) -> Figures:
    """CRUD mix of nine types."""
    file = run.place / "bodies.tsv"
    file.write_text("".join(f"{kind}\t{body}\n" for kind, body in crud_bodies(run)))
    return wrk(run, "crud mix", "crud.lua", file)


def crud_bodies(run: Run) -> Iterator[tuple[str, str]]:
    """Yield a body of each type, without id; its links lead to the first copy of the people."""
    everyone = [*itertools.chain(*run.people), *shared()]
    kinds = kinds_of(everyone)
    for kind in sorted(TYPES):
        found = next(one for one in everyone if one["resourceType"] == kind)
        body = {name: value for name, value in found.items() if name not in ("id", "text")}
        yield kind, json.dumps(linked(body, 0, kinds), separators=(",", ":"), ensure_ascii=False)
    location = {"resourceType": "Location", "status": "active", "name": "Phòng khám số 1"}
    yield "Location", json.dumps(location, separators=(",", ":"), ensure_ascii=False)


def search(run: Run) -> Figures:
    """Search mix."""
    file = run.place / "paths.txt"
    mixed = [run.sampler.paths(shape) for shape in MIX]
    chosen = itertools.islice(itertools.chain.from_iterable(zip(*mixed, strict=True)), PATHS)
    file.write_text("".join(f"/fhir/{path}\n" for path in chosen))
    return wrk(run, "search mix", "paths.lua", file)


def wrk(run: Run, name: str, script: str, file: Path) -> Figures:
    """Run wrk after a short warming; return rate, p50 and p99. Nothing may be refused."""
    for seconds in (2, run.seconds):
        said = subprocess.run(
            [
                *("wrk", "-t2", f"-c{run.clients}", f"-d{seconds}", "--latency", "--timeout=30"),
                *("-s", SCRIPTS / script, f"http://{run.base}", "--", file),
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate, said
    return {
        name: (float(rate[1]), "requests/s"),
        f"{name}, p50": (milliseconds(said, "50"), "ms"),
        f"{name}, p99": (milliseconds(said, "99"), "ms"),
        f"{name}, refused": (float(refused[1]) if refused else 0.0, "requests"),
    }


def milliseconds(said: str, percent: str) -> float:
    found = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s)", said)
    assert found, said
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def transaction(run: Run) -> Figures:
    """Synthea's transactions from several clients; hospitals and practitioners go before."""
    bodies = [(body, len(json.loads(body)["entry"])) for body in transactions()]
    bodies.sort(key=lambda pair: b'"Patient"' in pair[0])
    connection = http.client.HTTPConnection(run.base, timeout=600)
    for body, _ in bodies[:2]:
        assert ask(connection, "POST", "/fhir", body)[0] == 200
    turn, lock = itertools.cycle(bodies[2:]), threading.Lock()
    counts: list[int] = []
    times: list[float] = []
    end = time.perf_counter() + run.seconds

    def send() -> None:
        own = http.client.HTTPConnection(run.base, timeout=600)
        while (began := time.perf_counter()) < end:
            with lock:
                body, size = next(turn)
            assert ask(own, "POST", "/fhir", body)[0] == 200
            times.append((time.perf_counter() - began) * 1000)
            counts.append(size)

    began = time.perf_counter()
    senders = [threading.Thread(target=send) for _ in range(TRANSACTION_CLIENTS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.perf_counter() - began
    return {
        "transactions": (sum(counts) / seconds, "resources/s"),
        "transactions, bundles": (len(counts) / seconds, "bundles/s"),
        "transactions, p50": (statistics.median(times), "ms/bundle"),
    }


# --- Shapes -----------------------------------------------------------------------------


def shapes(run: Run) -> Figures:
    """Each shape over HTTP: the first answer, and the median of those after."""
    connection = http.client.HTTPConnection(run.base, timeout=60)
    sampler = run.sampler
    first = {name: asked(connection, sampler, shape, 1)[0][0] for name, shape in SHAPES.items()}
    medians, figures, empty = {}, Figures(), []
    for name, shape in SHAPES.items():
        spent, found = asked(connection, sampler, shape, ASKED + 3)
        medians[name] = statistics.median(spent[3:])
        empty += [] if found else [name]
        figures[f"warm p50, {name}"] = (medians[name], "ms")
    figures["cold, p50 over all shapes"] = (statistics.median(first.values()), "ms")
    figures[f"shapes that found nothing: {', '.join(empty) or 'none'}"] = (len(empty), "")
    figures["cold, worst shape"] = (max(first.values()), "ms")
    figures["warm, p50 over all shapes"] = (statistics.median(medians.values()), "ms")
    return figures


def asked(
    connection: http.client.HTTPConnection, sampler: Sampler, shape: str, times: int
) -> tuple[list[float], int]:
    """Ask a shape so many times, with values drawn anew; return milliseconds, and hits."""
    spent, found = [], 0
    for path in itertools.islice(sampler.paths(shape), times):
        began = time.perf_counter()
        status, body = ask(connection, "GET", f"/fhir/{path}")
        spent.append((time.perf_counter() - began) * 1000)
        assert status == 200, (path, status)
        found += HITS.search(body) is not None
    return spent, found


def by_records(settings: Settings, sampler: Sampler) -> dict[str, float]:
    """Ask the shapes of the records themselves, without HTTP; return the medians."""
    access = local_access("bench", Unshown())
    medians = {}
    with open_node(settings) as node:
        for name, shape in SHAPES.items():
            if "?" not in shape:
                continue
            spent = []
            for path in itertools.islice(sampler.paths(shape), ASKED + 3):
                kind, _, query = path.partition("?")
                began = time.perf_counter()
                node.records.search(access, kind, parse_qsl(query))
                spent.append((time.perf_counter() - began) * 1000)
            medians[name] = statistics.median(spent[3:])
    return medians


# The order matters: shapes first, on data nobody has written to; transactions grow it most.
MEASURES: dict[str, Callable[[Run], Figures]] = {
    "shapes": shapes,
    "search": search,
    "crud": crud,
    "transactions": transaction,
}


if __name__ == "__main__":
    main()
