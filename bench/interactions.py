"""How fast the write side of the API accepts: creates, updates, conditions, transactions.

    python -m bench.interactions URL DEFINITIONS [--seconds 4] [--bundles 40] [--record]

URL is an empty database (fsync on, if figures are to mean anything), DEFINITIONS the
compiled cache; TRUCYTE_SUITES names the folder of Synthea's bundles. All in one process,
without HTTP: scanning, structural validation, index and fsync are in the figures.
"""

import argparse
import io
import json
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from bench.record import record
from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.path import Paths
from trucyte.fhir.search import Extractor
from trucyte.fhir.validate import Validator
from trucyte.intake.interactions import Answered, Interactions
from trucyte.intake.interactions.settings import WriteSettings
from trucyte.intake.latest import Latest
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.records import Access, Hasher, Records, SearchIndex, person_reference

KEY = b"a key of the bench"
MRN = "http://example.org/sid/mrn"


class Silence:
    """A trail that keeps nothing."""

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        """Forget."""


class NoReads:
    """Bundles of this bench read nothing."""

    def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answered:
        """Answer nothing."""
        return Answered(404, b"")


ACCESS = Access("bench", "HOPERAT", sees_restricted=True, recorder=Silence())


@contextmanager
def opened(
    url: str, definitions: Path, settings: WriteSettings | None = None
) -> Iterator[tuple[Interactions, Database]]:
    """Open the write side over a database; close it."""
    language = Definitions.load(definitions.read_bytes())
    database = Database(url, connections_max=20)
    migrate(database)
    hasher = Hasher(KEY)
    index = SearchIndex(Extractor(language), hasher)
    with tempfile.TemporaryDirectory() as folder:
        keyring = Keyring.open(Path(folder) / "keys")
        journal = Journal(database, keyring, SystemClock(), [index, Latest()])
        records = Records(database, journal, index, SystemClock(), KEY)
        yield (
            Interactions(
                journal, records, Validator(language), person=hasher.person,
                person_of=person_reference, clock=SystemClock(), paths=Paths(language),
                settings=settings,
            ),
            database,
        )  # fmt: skip
        journal.close()
    database.close()


def an_observation(number: int) -> bytes:
    """Return a laboratory result of about the size that claims files give."""
    value = f"{number % 90 + 3}.50"
    return (
        '{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":'
        '"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],'
        '"code":{"coding":[{"system":"http://loinc.org","code":"14749-6",'
        '"display":"Định lượng Glucose [Máu]"}]},'
        f'"subject":{{"reference":"Patient/p{number % 5000}"}},'
        f'"encounter":{{"reference":"Encounter/e{number % 20000}"}},'
        f'"effectiveDateTime":"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T08:30:00+07:00",'
        f'"valueQuantity":{{"value":{value},"unit":"mmol/L",'
        '"system":"http://unitsofmeasure.org","code":"mmol/L"}}'
    ).encode()


def a_patient(number: int) -> bytes:
    """Return a synthetic person with a number of their own."""
    return json.dumps(
        {"resourceType": "Patient", "identifier": [{"system": MRN, "value": str(number)}],
         "name": [{"family": "Thử", "given": ["Nghiệm"]}], "gender": "female"},
        ensure_ascii=False,
    ).encode()  # fmt: skip


def rate(act: Callable[[int], object], threads: int, seconds: float) -> tuple[float, float]:
    """Return how often a second threads do it together, and µs of this process's CPU each."""
    done = [0] * threads
    began, spent = time.perf_counter(), time.process_time()
    deadline = began + seconds

    def work(worker: int) -> None:
        number = worker * 10_000_000
        while time.perf_counter() < deadline:
            act(number)
            number += 1
            done[worker] += 1

    workers = [Thread(target=work, args=(worker,)) for worker in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    count = sum(done)
    return count / (time.perf_counter() - began), (time.process_time() - spent) / count * 1e6


def bundles(many: int) -> list[bytes]:
    """Return Synthea's transaction bundles."""
    suites = os.environ.get("TRUCYTE_SUITES", "../shared/suites")
    found = []
    with tarfile.open(Path(suites) / "synthea-bundles.tar.xz") as archive:
        for member in archive:
            if member.name.endswith(".json") and len(found) < many:
                file = archive.extractfile(member)
                assert isinstance(file, io.BufferedIOBase)
                found.append(file.read())
    return found


def transactions(act: Interactions, bodies: Sequence[bytes], threads: int) -> float:
    """Return how many resources a second are accepted by transactions."""
    left, count = list(bodies), [0] * threads

    def work(worker: int) -> None:
        while left:
            try:
                body = left.pop()
            except IndexError:
                return
            count[worker] += len(act.bundle(ACCESS, body, NoReads()).entries)

    began = time.perf_counter()
    workers = [Thread(target=work, args=(worker,)) for worker in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(count) / (time.perf_counter() - began)


def sizes(database: Database) -> tuple[int, float]:
    """Return resources that are current, and bytes of the database each."""
    with database.connection() as connection:
        connection.execute("select 1")
        row = connection.execute(
            "select (select count(*) from records.entry), pg_database_size(current_database())"
        ).fetchone()
        assert row is not None
        return row[0], row[1] / max(row[0], 1)


def singles(act: Interactions, seconds: float) -> dict[str, tuple[float, str]]:
    """Measure writes of one resource."""
    measures: dict[str, tuple[float, str]] = {}
    known = [act.create(ACCESS, "Patient", a_patient(n)).resource.id for n in range(500)]

    def update(number: int) -> None:
        id_ = known[number * 7919 % len(known)]
        body = a_patient(number).replace(b'"identifier"', b'"id":"%b","identifier"' % id_.encode())
        act.update(ACCESS, "Patient", id_, body)

    shapes: dict[str, Callable[[int], object]] = {
        "create": lambda n: act.create(ACCESS, "Observation", an_observation(n)),
        "update": update,
        "conditional create, new": lambda n: act.create(
            ACCESS, "Patient", a_patient(n + 1000), if_none_exist=f"identifier={MRN}|{n + 1000}"
        ),
    }
    for name, shape in shapes.items():
        for threads in (1, 16):
            found, cpu = rate(shape, threads, seconds)
            measures[f"{name}, {threads} threads"] = (found, "1/s")
            measures[f"{name}, {threads} threads, Python"] = (cpu, "µs")
            sys.stdout.write(f"{name}, {threads} threads: {found:,.0f}/s, {cpu:.0f} µs\n")
    return measures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("definitions", type=Path)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--bundles", type=int, default=40)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", choices=["singles", "transactions"])
    parser.add_argument("--provenance", choices=["none", "transactions", "all"])
    arguments = parser.parse_args()
    settings = WriteSettings(
        provenance_of_transactions=arguments.provenance != "none",
        provenance_of_single_writes=arguments.provenance == "all",
    )
    measures: dict[str, tuple[float, str]] = {}
    with opened(arguments.url, arguments.definitions, settings) as (act, database):
        if arguments.only != "transactions":
            measures |= singles(act, arguments.seconds)
        if arguments.only != "singles":
            bodies = bundles(arguments.bundles)
            half = len(bodies) // 2
            for threads, part in ((1, bodies[:half]), (4, bodies[half:])):
                found = transactions(act, part, threads)
                measures[f"transactions, {threads} threads"] = (found, "resources/s")
                sys.stdout.write(f"transactions, {threads} threads: {found:,.0f} resources/s\n")
        count, each = sizes(database)
        measures["bytes a current resource"] = (each, "B")
        sys.stdout.write(f"{count:,} current resources, {each:.0f} bytes each\n")
    if arguments.record:
        note = f"fsync on, structural validation, provenance {arguments.provenance or 'default'}"
        record("interactions", measures, note)


if __name__ == "__main__":
    main()
