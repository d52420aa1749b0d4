"""What the write side of the API does by itself: creates, updates, transactions.

    python -m bench.interactions [--seconds 5] [--suites ../shared/suites] [--note TEXT]

Everything on: check, index, proof, fsync; the embedded database, fresh data. No HTTP: the
calls come from threads of one process. Transactions are Synthea's bundles, each as it came.
"""

import argparse
import itertools
import os
import statistics
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.ingest import SIZES, folder
from bench.record import record
from trucyte.base.settings import load_settings
from trucyte.fhir.parse import bundle, head
from trucyte.fhir.path.path import Paths
from trucyte.fhir.validate import Validator
from trucyte.intake.interactions import Answered, Interactions
from trucyte.intake.interactions.settings import WriteSettings
from trucyte.node.wiring import Node, open_node
from trucyte.records import Hasher, person_reference
from trucyte.shared.access.local import Unshown, local_access

SAMPLE = (Path(__file__).parent / "samples/observation.json").read_bytes()
SAMPLE_ID = head(SAMPLE).id.encode()
ACCESS = local_access("bench", Unshown())
Figures = dict[str, tuple[float, str]]


class NoReads:
    """The bundles hold no reads."""

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answered:
        return Answered(404, b"")


def interactions(node: Node, **settings: bool) -> Interactions:
    return Interactions(
        node.journal,
        node.records,
        Validator(node.parts.definitions),
        person=Hasher(node.keyring.persons).person,
        person_of=person_reference,
        clock=node.clock,
        paths=Paths(node.parts.definitions),
        settings=WriteSettings(**settings),
    )


def driven(work: Callable[[], int], threads: int, seconds: float) -> tuple[float, float, float]:
    """Call `work` from threads; return its results a second, µs of CPU each, median ms a call."""
    counts: list[int] = []
    times: list[float] = []
    barrier = threading.Barrier(threads + 1)

    def run() -> None:
        done, took = 0, []
        barrier.wait()
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            done += work()
            took.append(time.perf_counter() - began)
        counts.append(done)
        times.extend(took)

    runners = [threading.Thread(target=run) for _ in range(threads)]
    for runner in runners:
        runner.start()
    barrier.wait()
    began, spent = time.perf_counter(), time.process_time()
    for runner in runners:
        runner.join()
    wall, cpu = time.perf_counter() - began, time.process_time() - spent
    total = sum(counts)
    return total / wall, cpu / total * 1e6, statistics.median(times) * 1e3


def bytes_a_line(node: Node) -> tuple[float, int]:
    with node.database.connection() as connection:
        connection.execute("checkpoint")
        size, _, lines = connection.execute(SIZES).fetchone()
    return float(size), lines


def creates(node: Node, seconds: float) -> Figures:
    figures: Figures = {}
    for name, is_told in (("", False), (", a Provenance each", True)):
        api = interactions(node, provenance_of_single_writes=is_told)

        def create(api: Interactions = api) -> int:
            api.create(ACCESS, "Observation", SAMPLE)
            return 1

        driven(create, 4, 0.5)
        before = bytes_a_line(node)
        for threads in (1, 16):
            rate, cpu, median = driven(create, threads, seconds)
            label = f"create, {threads} threads{name}"
            figures[label] = (rate, "/s")
            figures[label + ", Python"] = (cpu, "µs")
            figures[label + ", p50"] = (median, "ms")
        after = bytes_a_line(node)
        lines = (after[1] - before[1]) / (2 if is_told else 1)
        figures["disk of a create" + name] = ((after[0] - before[0]) / lines, "B")
    return figures


def updates(node: Node, seconds: float) -> Figures:
    api = interactions(node)
    numbers = itertools.count()

    def update() -> int:
        number = next(numbers)
        id_ = f"u{number % 500}"
        body = SAMPLE.replace(SAMPLE_ID, id_.encode(), 1).replace(b"000123", b"%06d" % number, 1)
        api.update(ACCESS, "Observation", id_, body)
        return 1

    figures: Figures = {}
    for threads in (1, 16):
        rate, cpu, median = driven(update, threads, seconds)
        figures[f"update, {threads} threads"] = (rate, "/s")
        figures[f"update, {threads} threads, Python"] = (cpu, "µs")
        figures[f"update, {threads} threads, p50"] = (median, "ms")
    return figures


def synthea(suites: Path) -> Iterator[bytes]:
    with tarfile.open(suites / "synthea-bundles.tar.xz") as archive:
        for member in archive:
            if member.name.endswith(".json") and (file := archive.extractfile(member)):
                yield file.read()


def transactions(node: Node, suites: Path, seconds: float) -> Figures:
    bodies = [(body, len(bundle(body).entry)) for body in synthea(suites)]
    api = interactions(node)
    # Hospitals and practitioners first: the others refer to them by condition.
    first = sorted(bodies, key=lambda pair: b"Practitioner?" in pair[0])
    for body, _ in first[:3]:
        api.bundle(ACCESS, body, NoReads())
    turn = itertools.cycle(bodies)
    figures: Figures = {}
    for threads in (1, 4):

        def send() -> int:
            body, size = next(turn)
            api.bundle(ACCESS, body, NoReads())
            return size

        rate, cpu, median = driven(send, threads, seconds)
        figures[f"transactions, {threads} threads"] = (rate, "resources/s")
        figures[f"transactions, {threads} threads, Python"] = (cpu, "µs/resource")
        figures[f"transactions, {threads} threads, p50"] = (median, "ms/bundle")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--suites", type=Path, default=Path("../shared/suites"))
    parser.add_argument("--note", default="")
    arguments = parser.parse_args()
    with folder(None) as place:
        environment = {**os.environ, "TRUCYTE_DATA": str(place / "var")}
        environment["TRUCYTE_SYSTEM_FOLDER"] = str(place / "system")
        environment.pop("TRUCYTE_DATABASE_URL", None)
        with open_node(load_settings(environment)) as node:
            figures = transactions(node, arguments.suites, arguments.seconds)
            figures |= creates(node, arguments.seconds)
            figures |= updates(node, arguments.seconds)
    record("interactions", figures, arguments.note)


if __name__ == "__main__":
    main()
