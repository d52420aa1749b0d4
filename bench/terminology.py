"""How fast codes are answered: `python bench/terminology.py [DATABASE_URL]`.

A made list of 20,000 codes in a tree, loaded as an operator's. Without a URL an embedded
server is started. Speed of answering only; loading is timed for the record.
"""

import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import psycopg.conninfo
from psycopg import sql
from record import record

from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.database.migrate import migrate
from trucyte.database.server import EmbeddedServer
from trucyte.fhir.search import Extractor
from trucyte.fhir.validate import Validator
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring
from trucyte.node.language import load_definitions
from trucyte.records import Hasher, Records, SearchIndex
from trucyte.shared.access.local import system_access
from trucyte.shared.terminology.concept import make_concept
from trucyte.shared.terminology.edition import Edition, whole_value_set
from trucyte.shared.terminology.follower import Follower
from trucyte.shared.terminology.library import Library
from trucyte.shared.terminology.service import Terminology
from trucyte.shared.terminology.store import Store

CODES = 20_000
SYSTEM, ALL = "urn:x:bench", "urn:x:bench:all"
WORDS = ("viêm", "phổi", "gan", "thận", "sốt", "rét", "cấp", "mạn", "do", "virus", "trẻ em")


def main() -> None:
    """Measure, print, and note the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with _database(folder) as database:
            _measure(database, folder)


def _measure(database: Database, folder: Path) -> None:
    definitions = load_definitions()
    keyring = Keyring.open(folder / "keys")
    index = SearchIndex(Extractor(definitions), Hasher(keyring.tokens))
    clock = SystemClock()
    journal = Journal(database, keyring, clock, [index])
    records = Records(database, journal, index, clock, keyring.tokens)
    access = system_access("bench")
    follower = Follower(database, journal)
    loading = Library(database, records, access, definitions, fresh_seconds=0.0)
    store = Store(journal, loading, follower, Validator(definitions), Hasher(b"k" * 32).person)
    edition = Edition(
        name="bench", url=SYSTEM, version="1", title="Made", keeper="operator", concepts=_made()
    )
    loaded = _seconds(lambda: store.put([edition], [whole_value_set(edition, ALL)]))
    again = _seconds(lambda: store.put([edition], [whole_value_set(edition, ALL)]))
    asked = Terminology(database, Library(database, records, access, definitions), clock)
    first = _seconds(lambda: asked.expand(ALL, "viem", count=20))
    record("terminology", {
        "load 20,000 codes": (loaded, "s"),
        "the same again": (again, "s"),
        "first expansion, nothing in memory": (first * 1e3, "ms"),
        "expand with filter, 20 of 20,000": (
            _best(lambda: asked.expand(ALL, "viem gan", 0, 20)) * 1e3, "ms"),
        "expand with filter, resource of 20": (
            _best(lambda: asked.expand(ALL, "viem gan", 0, 20).resource()) * 1e3, "ms"),
        "expand is-a with filter": (
            _best(lambda: asked.expand(_below(), "viem", 0, 20)) * 1e3, "ms"),
        "search in the database": (_best(lambda: asked.search(SYSTEM, "viêm gan")) * 1e3, "ms"),
        "lookups": (_rate(lambda n: asked.lookup(SYSTEM, f"X{n % CODES:05d}")), "1/s"),
        "validate-code": (_rate(lambda n: asked.validate_code(ALL, f"X{n % CODES:05d}")), "1/s"),
        "member_of": (_rate(lambda n: asked.member_of(ALL, SYSTEM, f"X{n % CODES:05d}")), "1/s"),
        "subsumes": (_rate(lambda n: asked.subsumes(SYSTEM, "X00001", f"X{n % CODES:05d}")), "1/s"),
    })  # fmt: skip
    journal.close()


def _made() -> list[object]:
    return [
        make_concept(
            f"X{n:05d}",
            " ".join(WORDS[(n * step + n // 7) % len(WORDS)] for step in (1, 3, 5, 7)) + f" {n}",
            english=f"Disease {n}",
            parents=[f"X{n // 10:05d}"] if n else [],
            verified=True,
        )
        for n in range(CODES)
    ]


def _below() -> dict[str, object]:
    rule = {"property": "concept", "op": "is-a", "value": "X00001"}
    return {"resourceType": "ValueSet", "compose": {"include": [
        {"system": SYSTEM, "filter": [rule]}]}}  # fmt: skip


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _best(work: Callable[[], object], times: int = 15) -> float:
    return min(_seconds(work) for _ in range(times))


def _rate(work: Callable[[int], object], times: int = 20_000) -> float:
    begin = time.process_time()
    for number in range(times):
        work(number)
    return times / (time.process_time() - begin)


@contextmanager
def _database(folder: Path) -> Iterator[Database]:
    if len(sys.argv) > 1:
        yield from _fresh(sys.argv[1])
        return
    with EmbeddedServer(folder / "data", system=folder / "system") as server:
        yield from _fresh(server.url)


def _fresh(url: str) -> Iterator[Database]:
    name = f"trucyte_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        database = Database(psycopg.conninfo.make_conninfo(url, dbname=name))
        try:
            migrate(database)
            yield database
        finally:
            database.close()
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


if __name__ == "__main__":
    main()
