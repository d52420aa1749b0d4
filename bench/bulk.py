"""Bulk export and import, measured whole: a node out to NDJSON, and NDJSON into a node.

    python -m bench.bulk export FOLDER        # of the node of TRUCYTE_DATA
    python -m bench.bulk import FOLDER        # into the (fresh) node of TRUCYTE_DATA
    python -m bench.bulk parts FOLDER         # where an import's time goes, one core

Everything on: validation, index, proof, fsync, trail; the embedded database. Published
figures of others: 10,108 resources/s imported on 16 cores.
"""

import argparse
import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

from bench.processor import between, of_database, of_machine, ours
from bench.record import record
from trucyte.base.settings import load_settings
from trucyte.database.job_folders import JobFolder
from trucyte.exchange.bulk.folder import ExportFolder
from trucyte.exchange.bulk.request import ExportRequest, Level
from trucyte.fhir.parse import parse
from trucyte.fhir.text import accept, scan
from trucyte.intake.bulk.imports import inputs_of
from trucyte.intake.bulk.run import Sources
from trucyte.journal.change import Change, Operation
from trucyte.node.bulk.jobs import make_bulk
from trucyte.node.parts import build_tools
from trucyte.node.wiring import Node, open_node
from trucyte.records.asker import asker_of
from trucyte.shared.access.local import Unshown, local_access


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("export", "import", "parts"))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    {"export": export, "import": take_in, "parts": parts}[arguments.what](arguments.folder)


def export(folder: Path) -> None:
    with open_node(load_settings(os.environ)) as node:
        bulk = make_bulk(node)
        access = local_access("bench", Unshown())
        folder.mkdir(parents=True)
        place = ExportFolder(JobFolder(folder))
        place.set_request(
            ExportRequest(level=Level.SYSTEM, asker=asker_of(access), url="http://bench/$export")
        )
        began = time.perf_counter()
        finished = bulk.exporter.run(place, lambda progress: True)
        seconds = time.perf_counter() - began
    assert finished is not None
    count = sum(file.count for file in finished.files)
    size = sum(file.size for file in finished.files)
    measures = {
        "export": (count / seconds, "resources/s"),
        "export, bytes": (size / seconds / 2**20, "MiB/s"),
    }
    record("bulk", measures, f"{count} resources, {bulk.exporter.workers} processes")


def take_in(folder: Path) -> None:
    files = sorted(folder.glob("*.ndjson"))
    state = folder / "import-state"
    state.mkdir()
    with open_node(load_settings(os.environ)) as node:
        bulk = make_bulk(node, sources=Sources((folder,)))
        if told := os.environ.get("BENCH_WORKERS"):
            bulk = replace(bulk, importer=replace(bulk.importer, workers=int(told)))
        before, all_before = ours() | of_database(node.database), of_machine()
        with writing_beside(node, waits := []):
            began = time.perf_counter()
            done = bulk.importer.run(JobFolder(state), inputs_of(files), lambda progress: True)
            seconds = time.perf_counter() - began
        spent = between(before, ours() | of_database(node.database))
        others = of_machine() - all_before - sum(spent.values())
        with node.database.connection() as connection:
            (size,) = connection.execute(
                "select sum(pg_total_relation_size(c.oid)) from pg_class c"
                " join pg_namespace n on n.oid = c.relnamespace"
                " where c.relkind = 'r' and n.nspname in ('journal', 'records')"
            ).fetchone()
    assert done is not None
    written = sum(file.written for file in done.files)
    failed = sum(file.failed for file in done.files)
    measures = {
        "import": (written / seconds, "resources/s"),
        "import, on disk": (float(size) / max(1, written), "B/resource"),
    }
    measures |= {
        f"import, processor of {name}": (each / max(1, written) * 1e6, "µs/resource")
        for name, each in spent.items()
    }
    if waits:
        waits.sort()
        measures |= {
            "import, a write beside it, p50": (waits[len(waits) // 2] * 1e3, "ms"),
            "import, a write beside it, p99": (waits[len(waits) * 99 // 100] * 1e3, "ms"),
            "import, a write beside it, longest": (waits[-1] * 1e3, "ms"),
        }
    note = (
        f"{written} written, {failed} failed, {bulk.importer.workers} processes;"
        f" others took {max(0.0, others) / seconds:.2f} of {os.cpu_count()} cores"
    )
    record("bulk", measures, note)


@contextmanager
def writing_beside(node: Node, waits: list[float]) -> Iterator[None]:
    """With BENCH_BESIDE=1 let somebody write ten lines a second; keep how long each took."""
    stop = Event()

    def write() -> None:
        number = 0
        while not stop.wait(0.1):
            number += 1
            body = b'{"resourceType":"Basic","id":"beside-%d","code":{"text":"x"}}' % number
            change = Change("Basic", f"beside-{number}", Operation.CREATE, body, -40, 1)
            began = time.perf_counter()
            node.journal.commit([change])
            waits.append(time.perf_counter() - began)

    thread = Thread(target=write)
    if os.environ.get("BENCH_BESIDE"):
        thread.start()
    yield
    stop.set()
    if thread.ident:
        thread.join()


def parts(folder: Path) -> None:
    """Measure the steps of an import one by one, in this process."""
    settings = load_settings(os.environ)
    lines = []
    for path in sorted(folder.glob("*.ndjson")):
        with path.open("rb") as file:
            lines += [line for _, line in zip(range(2000), file, strict=False)]
    with open_node(settings) as node:
        tools = build_tools(node.database.url, settings.data / "keys")
        (index, *_) = tools.journal.projections
        spent: dict[str, float] = {}
        gc.collect()
        gc.freeze()
        gc.set_threshold(200_000, 20, 100)  # as workers have it
        for warm in (True, False):  # plans and readers are made once
            chunks = [lines[:2000:10]] if warm else [lines[n : n + 500] for n in _starts(lines)]
            spent.clear()
            for chunk in chunks:
                _measure(chunk, tools, index, spent)
        measures = {f"import, {name}": (seconds / len(lines) * 1e6, "µs/resource")
                    for name, seconds in spent.items()}  # fmt: skip
        record("bulk", measures, f"{len(lines)} resources, one core")
        tools.journal.close()
        tools.database.close()


def _starts(lines: list[bytes]) -> range:
    return range(0, len(lines), 500)


def _measure(lines: list[bytes], tools, index, spent: dict[str, float]) -> None:
    def timed(name: str, step):
        began = time.perf_counter()
        made = step()
        spent[name] = spent.get(name, 0.0) + time.perf_counter() - began
        return made

    scanned = timed("scan", lambda: [scan(line).resource for line in lines])
    accepted = timed("splice", lambda: [accept(line) for line in lines])
    timed("parse again", lambda: [parse(one.body) for one in accepted])
    timed("validate", lambda: [tools.checker.check(resource) for resource in scanned])
    changes = [
        Change(
            resource["resourceType"], resource["id"], Operation.CREATE, one.body,
            one.meta_offset, 1, resource=resource,
        )
        for one, resource in zip(accepted, scanned, strict=True)
    ]  # fmt: skip
    timed("index row", lambda: [index.prepare(change) for change in changes])
    timed("propose: index row, hash, compress", lambda: tools.journal._propose(changes, ()))
    timed("commit: propose and write", lambda: tools.journal.commit_many([[c] for c in changes]))


if __name__ == "__main__":
    main()
