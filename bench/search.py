"""Load Synthea's people many times over, then search them: bytes and milliseconds.

    python -m bench.search URL DEFINITIONS COPIES

URL is an empty database, DEFINITIONS the compiled cache, COPIES how many times the 57
people (22,543 resources) are loaded; TRUCYTE_SUITES names the folder of the bundles.
Prints one JSON line a figure.
"""

import json
import os
import re
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from bench.search_links import link_shapes
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.fhir.text import accept
from trucyte.journal.change import Change, Operation
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.records import Access, Hasher, Records, SearchIndex, person_key, person_reference

KEY = b"a key of the bench"
BATCH = 1000
RUNS = 7
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
_LINK = re.compile(rb"urn:uuid:([0-9a-f-]{36})")

SIZES = """
select c.relname, pg_relation_size(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'records' and c.relkind in ('r', 'i') order by 2 desc
"""

Shape = tuple[str, str, list[tuple[str, str]]]


class Silence:
    """A trail that keeps nothing."""

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        """Forget."""


def say(**figures: object) -> None:
    sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def bundles(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """The resources of each transaction bundle."""
    with tarfile.open(folder / "synthea-bundles.tar.xz") as archive:
        for member in archive:
            handle = archive.extractfile(member) if member.name.endswith(".json") else None
            if handle is not None:
                bundle = json.load(handle)
                if bundle.get("type") == "transaction":
                    yield [entry["resource"] for entry in bundle["entry"]]


def changes(people: Sequence[list[dict[str, Any]]], copy: int) -> Iterator[Change]:
    """One copy of all, under ids of its own."""
    for resources in people:
        kinds = {r["id"]: r["resourceType"] for r in resources}
        for resource in resources:
            raw = orjson.dumps(resource | {"id": renamed(resource["id"], copy)})
            raw = _LINK.sub(partial(_relative, kinds, copy), raw)
            parsed = orjson.loads(raw)
            accepted = accept(raw)
            person = person_reference(parsed)
            yield Change(
                parsed["resourceType"],
                parsed["id"],
                Operation.CREATE,
                accepted.body,
                accepted.meta_offset,
                person_key(KEY, person) if person else 0,
                resource=parsed,
            )


def _relative(kinds: dict[str, str], copy: int, link: re.Match[bytes]) -> bytes:
    id = link[1].decode()
    return f"{kinds[id]}/{renamed(id, copy)}".encode()


def renamed(id: str, copy: int) -> str:
    return f"{id[:-5]}{copy:05x}"


def load(journal: Journal, people: Sequence[list[dict[str, Any]]], copies: int) -> int:
    count, cpu, wall = 0, 0.0, 0.0
    for copy in range(copies):
        units = [[change] for change in changes(people, copy)]
        begin, begin_cpu = time.perf_counter(), time.process_time()
        for place in range(0, len(units), BATCH):
            journal.commit_many(units[place : place + BATCH])
        wall += time.perf_counter() - begin
        cpu += time.process_time() - begin_cpu
        count += len(units)
    say(figure="load", resources=count, per_second=round(count / wall),
        python_us=round(cpu / count * 1e6, 1))  # fmt: skip
    return count


def prepare_cost(index: SearchIndex, people: Sequence[list[dict[str, Any]]]) -> None:
    made = list(changes(people, 0))
    for change in made:
        index.prepare(change)
    begin = time.process_time()
    for change in made:
        index.prepare(change)
    say(figure="prepare", us=round((time.process_time() - begin) / len(made) * 1e6, 1))
    begin = time.process_time()
    for change in made:
        assert change.resource is not None
        index.extractor.values(change.resource)
    say(figure="values", us=round((time.process_time() - begin) / len(made) * 1e6, 1))


def shapes(people: Sequence[list[dict[str, Any]]], copies: int) -> list[Shape]:
    patient = next(r for r in people[7] if r["resourceType"] == "Patient")
    id_ = renamed(patient["id"], copies // 2)
    name = patient["name"][0]["family"]
    return [
        ("identifier", "Patient", [("identifier", patient["identifier"][2]["value"])]),
        ("by id", "Patient", [("_id", id_)]),
        ("name begins", "Patient", [("name", name[:4])]),
        ("name contains", "Patient", [("name:contains", name[1:5])]),
        ("all of a type", "Observation", []),
        ("all of a rare type", "ImagingStudy", []),
        ("frequent code", "Observation", [("code", f"{LOINC}|8302-2")]),
        ("rare code", "Condition", [("code", "http://snomed.info/sct|254837009")]),
        ("one person", "Observation", [("patient", id_)]),
        ("person and code, by date", "Observation",
         [("patient", id_), ("code", f"{LOINC}|8302-2"), ("_sort", "-date")]),
        ("person since", "Encounter", [("patient", id_), ("date", "ge2015")]),
        ("frequent and frequent", "Observation", [("code", "8302-2"), ("status", "final")]),
        ("frequent, never meet", "Observation", [("code", "8302-2"), ("category", "laboratory")]),
        ("frequent, never meet, by date", "Observation",
         [("code", "8302-2"), ("category", "laboratory"), ("_sort", "-date")]),
        ("code and a month", "Observation", [("code", "8302-2"), ("date", "2015-03")]),
        ("a month, by date", "Encounter", [("date", "2015-03"), ("_sort", "date")]),
        ("code and value", "Observation", [("code-value-quantity", f"{LOINC}|8302-2$gt190")]),
        ("value in another unit", "Observation",
         [("code-value-quantity", f"{LOINC}|8302-2$gt1.9|{UCUM}|m")]),
        ("code and impossible value", "Observation",
         [("code-value-quantity", f"{LOINC}|8302-2$gt900")]),
        ("component and value", "Observation",
         [("component-code-value-quantity", f"{LOINC}|8480-6$gt180")]),
        ("side date", "Condition", [("recorded-date", "2015-03")]),
        ("display begins", "Observation", [("code:text", "body height")]),
        ("not", "Observation", [("status:not", "final")]),
        ("missing", "Observation", [("encounter:missing", "true")]),
        ("any of twenty codes", "Observation",
         [("code", ",".join(f"{n}-{n % 10}" for n in range(8300, 8320)))]),
        ("by date", "Observation", [("status", "final"), ("_sort", "-date")]),
        ("count of a frequent code", "Observation",
         [("code", f"{LOINC}|8302-2"), ("_summary", "count")]),
        ("count of all", "Observation", [("_summary", "count")]),
        ("count of two frequent", "Observation",
         [("code", "8302-2"), ("status", "final"), ("_summary", "count")]),
        ("changed lately", "Observation", [("_lastUpdated", "ge2020")]),
        ("changed never", "Observation", [("_lastUpdated", "lt2020")]),
        *link_shapes(id_, patient["identifier"][2]["value"], name),
    ]  # fmt: skip


def measure(records: Records, people: Sequence[list[dict[str, Any]]], copies: int) -> None:
    access = Access("bench", "TREAT", sees_restricted=False, recorder=Silence())
    for name, type_name, query in shapes(people, copies):
        spent = []
        for _ in range(RUNS):
            begin = time.perf_counter()
            page = records.search(access, type_name, query)
            spent.append((time.perf_counter() - begin) * 1000)
        say(shape=name, ms=round(statistics.median(spent), 1), worst_ms=round(max(spent), 1),
            shown=len(page.entries), total=page.total)  # fmt: skip


def main() -> None:
    url, cache, copies = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    folder = Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites"))
    people = list(bundles(folder))
    database = Database(url)
    migrate(database)
    index = SearchIndex(Extractor(Definitions.load(cache.read_bytes())), Hasher(KEY))
    prepare_cost(index, people)
    with tempfile.TemporaryDirectory() as keys:
        clock = SystemClock()
        journal = Journal(database, Keyring.open(Path(keys) / "keys"), clock, [index])
        count = load(journal, people, copies)
        with database.connect(autocommit=True) as connection:
            connection.execute("vacuum analyze")
            rows = connection.execute(SIZES).fetchall()
        for name, size in rows:
            if size > count:
                say(relation=name, bytes_per_resource=round(size / count, 1))
        say(figure="index", bytes_per_resource=round(sum(r[1] for r in rows) / count, 1))
        measure(Records(database, journal, index, clock, KEY), people, copies)
        journal.close()
    database.close()


if __name__ == "__main__":
    main()
