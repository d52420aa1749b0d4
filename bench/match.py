"""Matching on-line: `$match` and a day's newcomers against millions of people.

    python -m bench.match load --people 1000000 --folder /scratch/match
    python -m bench.match finish --folder /scratch/match
    python -m bench.match ask --folder /scratch/match [--clients 2] [--seconds 10]
    python -m bench.match recall --folder /scratch/match
    python -m bench.match newcomers --folder /scratch/match [--persons 10000]
    python -m bench.match shapes --folder /scratch/match

`load` makes people by lot (names as often as the packaged model has them, birth dates by the
country's pyramid, three in five with a personal number, one in twenty-five a second record
of someone, written differently) in two processes and copies them straight into
`identity.person` and `identity.key` of a node with an embedded PostgreSQL (fsync on); the
journal's heads and lines and the index rows that permission is read from are made of them by
SQL. Those asked for are people of the table with an error or two. `ask` asks a served node
over HTTP by `wrk`, on the same processors. `recall` says of how many the one meant is found,
by bounds of a crowd.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from bench.match_people import Crowd, Fields, patient
from bench.record import record
from trucyte.base.settings import DatabaseSettings, Settings
from trucyte.database.connect import Connection, Database
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.keyring import Keyring
from trucyte.node.people.parts import make_identity
from trucyte.node.wiring import join_node, open_database
from trucyte.shared.access.local import local_access
from trucyte.shared.identity.index.follower import Row, write_rows
from trucyte.shared.identity.index.form import FORM, Keys
from trucyte.shared.identity.index.matcher import Matcher
from trucyte.shared.identity.matching.model import load_model
from trucyte.shared.identity.matching.person import person_of, person_of_patient

PORT = 18397
BATCH = 20_000
ASKED = 5000  # bodies that wrk goes round
PATIENT = TYPE_NUMBERS["Patient"]
AT = "2026-11-24T00:00:00+07:00"


# Loading


def load(told: argparse.Namespace) -> None:
    """Make people from --first to --last of --people; the last part makes the rest of them."""
    last = told.last or told.people
    with opened(told.folder) as (url, keys):
        database = Database(url)
        began = time.perf_counter()
        if told.first == 1:
            for statement in BEGINNING:
                run(database, statement)
        starts = range(told.first, last + 1, BATCH)
        tasks = [(url, keys, told.people, s, min(s + BATCH, last + 1)) for s in starts]
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            list(pool.map(load_part, tasks))
        print(f"{last:,} people, {time.perf_counter() - began:.0f} s", flush=True)
        database.close()


def finish(told: argparse.Namespace) -> None:
    """Make one more thing of the people that are there, or all that is left."""
    with opened(told.folder) as (url, _):
        people, database = size(url), Database(url)
        statements = list(finishing(people))
        for number in range(len(statements)) if told.step is None else [told.step]:
            began = time.perf_counter()
            run(database, statements[number])
            print(f"{statements[number][:60]} {time.perf_counter() - began:.0f} s", flush=True)
        if told.step in (None, len(statements) - 1):
            report(database, people)
        database.close()


def run(database: Database, statement: str) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute("set maintenance_work_mem = '1GB'")
        connection.execute(statement.encode())


BEGINNING = (
    "truncate identity.person, identity.key, journal.head, records.entry, journal.change",
    "alter table identity.key drop constraint if exists key_pkey",
    "drop index if exists identity.person_id",
)


def load_part(task: tuple[str, bytes, int, int, int]) -> None:
    url, key, people, first, last = task
    crowd, keys = Crowd(people), Keys(key)
    database = Database(url)
    with database.connection() as connection:
        rows = (
            Row(n, n * 7919, 0, f"p{n}", person_of(crowd.record(n))) for n in range(first, last)
        )
        write_rows(connection.cursor(), keys, rows)
    database.close()


def finishing(people: int) -> Iterator[str]:
    yield "alter table identity.key add constraint key_pkey primary key (hash, seq)"
    yield "create unique index person_id on identity.person (origin, id)"
    yield f"update identity.form set form = '{FORM}', is_whole = true"  # noqa: S608 - own
    yield (
        "insert into journal.head (key, seq, version, operation)"  # noqa: S608 - own numbers
        f" select journal.head_key(0::smallint, {PATIENT}::smallint, id), seq, 1, 1"
        " from identity.person order by 1"
    )
    yield (
        "insert into records.entry (seq, last_updated, reference, person, present, origin, type,"  # noqa: S608
        f" sensitivity, tokens) select seq, 0, seq * 31, person, 0, 0, {PATIENT}, 0, '{{}}'"
        " from identity.person order by seq"
    )
    yield (
        "insert into journal.change select seq, now(), person, 0, 0, 1, 0, 22, 0,"  # noqa: S608
        f" {PATIENT}, 1, 0, 0, id, '0123456789abcdef'::bytea, decode(repeat('00', 32), 'hex'),"
        ' convert_to(\'{"resourceType":"Patient","id":"\' || id || \'","name":[{"text":'
        '"Nguyễn Văn Mẫu"}],"gender":"male","birthDate":"1980-01-02","address":'
        '[{"text":"Số 1 đường Mẫu, phường Mẫu, thành phố Mẫu"}]}\', \'UTF8\')'
        " from identity.person order by seq"
    )
    yield f"update journal.tail set last_seq = {people}"  # noqa: S608 - own
    for name in ("identity", "newcomers", "terminology", "subscriptions"):  # all seen
        yield (
            "insert into journal.cursor (name, seq, epoch) select"  # noqa: S608 - own
            f" '{name}', last_seq, epoch from journal.tail"
            " on conflict (name) do update set seq = excluded.seq"
        )
    yield "vacuum analyze identity.person, identity.key, journal.head, records.entry"


def report(database: Database, people: int) -> None:
    with database.connection() as connection:
        persons, keys, count = connection.execute(
            "select pg_total_relation_size('identity.person'),"
            " pg_total_relation_size('identity.key'),"
            " (select reltuples from pg_class where oid = 'identity.key'::regclass)"
        ).fetchone() or (0, 0, 0)
    record(
        "match load",
        {
            "person rows": (persons / people, "B/person"),
            "key rows": (keys / people, "B/person"),
            "keys": (count / people, "per person"),
        },
        f"{people} people",
    )


# Asking


def ask(told: argparse.Namespace) -> None:
    with opened(told.folder) as (url, keys):
        people = size(url)
        matcher = Matcher(Database(url), Keys(keys), load_model())
        record("match", inside(matcher, people, told.seconds), f"{people} people, one thread")
        if told.clients:
            measures = over_http(told, url, people)
            record("match http", measures, f"{people} people, {told.clients} clients")


def asked_for(people: int, seed: int) -> Iterator[Fields]:
    crowd, lot = Crowd(people), random.Random(seed)
    while True:
        number = lot.randrange(2, people)
        yield crowd.changed(crowd.record(number), lot)


def inside(matcher: Matcher, people: int, seconds: float) -> dict[str, tuple[float, str]]:
    access, spent, found = local_access("bench", Unheard()), [], 0
    persons = asked_for(people, 1)
    cpu, until = time.process_time(), time.monotonic() + seconds
    while time.monotonic() < until:
        person = person_of_patient(patient(next(persons)))
        began = time.perf_counter()
        found += matcher.match(access, person).compared
        spent.append(time.perf_counter() - began)
    cpu = time.process_time() - cpu
    return {
        **spread("match, in process", spent),
        "candidates": (found / len(spent), "per person"),
        "CPU of the asker": (cpu / len(spent) * 1000, "ms"),
    }


def recall(told: argparse.Namespace) -> None:
    """Say of how many who are written with errors the one meant is found, by crowd's bound."""
    with opened(told.folder) as (url, keys):
        people = size(url)
        crowd, lot = Crowd(people), random.Random(5)
        meant = [lot.randrange(2, people) for _ in range(1500)]
        persons = [person_of_patient(patient(crowd.changed(crowd.record(n), lot))) for n in meant]
        access, measures = local_access("bench", Unheard()), {}
        for bound in (25, 50, 75, 100, 200):
            matcher = Matcher(Database(url), Keys(keys), load_model(), crowd=bound)
            matches, began = [], time.perf_counter()
            for person in persons:
                matches.append(matcher.match(access, person))
            seconds = time.perf_counter() - began
            hits = sum(
                any(one.seq == n for one in found.candidates)
                for n, found in zip(meant, matches, strict=True)
            )
            compared = sum(found.compared for found in matches)
            measures |= {
                f"found, crowd of {bound}": (hits / len(meant) * 100, "%"),
                f"compared, crowd of {bound}": (compared / len(meant), "per person"),
                f"time, crowd of {bound}": (seconds / len(meant) * 1000, "ms"),
            }
        record("match recall", measures, f"{people} people")


def spread(name: str, seconds: Sequence[float]) -> dict[str, tuple[float, str]]:
    ordered = sorted(seconds)
    at = lambda share: ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000  # noqa: E731
    return {
        f"{name}, median": (at(0.5), "ms"),
        f"{name}, p95": (at(0.95), "ms"),
        f"{name}, p99": (at(0.99), "ms"),
    }


class Unheard:
    """A trail that nobody reads."""

    def shown(self, access: object, persons: object, reason: str) -> None:
        """Keep nothing."""


def over_http(told: argparse.Namespace, url: str, people: int) -> dict[str, tuple[float, str]]:
    command = [sys.executable, "-m", "trucyte.node.cli", "serve", f"--port={PORT}"]
    with open(told.folder / "log", "wb") as log:  # noqa: PTH123 - of the child
        server = subprocess.Popen(
            command, env=environment_of(told, url), cwd=told.folder, stderr=log
        )
    try:
        wait_for(f"http://127.0.0.1:{PORT}/health/ready")
        bodies = Path(told.folder) / "bodies"
        with bodies.open("w") as file:
            for person in islice(asked_for(people, 100), ASKED):
                file.write(json.dumps(patient(person), ensure_ascii=False) + "\n")
        wrk(bodies, told.clients, 5)  # warm
        before = processor_seconds()
        found = wrk(bodies, told.clients, int(told.seconds))
        spent = processor_seconds() - before
    finally:
        server.terminate()
        server.wait(60)
    assert not found["failed"], found
    return {
        "requests": (found["requests"], "requests/s"),
        **{f"match, HTTP, {name}": (found[name], "ms") for name in ("median", "p95", "p99")},
        "CPU of the workers": (spent / (found["requests"] * int(told.seconds)) * 1000, "ms"),
    }


def wrk(bodies: Path, clients: int, seconds: int) -> dict[str, float]:
    """Ask for one after another over some connections; wrk costs next to nothing itself."""
    script = Path(__file__).parent / "wrk/match.lua"
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}", "-s", str(script),
               f"http://127.0.0.1:{PORT}", "--", str(bodies)]  # fmt: skip
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(told.partition("FIGURES ")[2].splitlines()[0]))


def processor_seconds() -> float:
    """Return what the workers that run now have used."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=5) as reply:
        for line in reply.read().decode().splitlines():
            if line.startswith('trucyte_process_cpu_seconds{role="worker"}'):
                return float(line.rpartition(" ")[2])
    return 0.0


def wait_for(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - our own
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the node did not come up")


# Newcomers


def newcomers(told: argparse.Namespace) -> None:
    """Take in a day's newcomers, then lay them out and match them as the node does, in one process.

    Half are nobody known, half are people of the table with errors. Links and pairs are
    written; every run adds its people.
    """
    with opened(told.folder) as (url, _):
        people = size(url)
        source = Path(told.folder) / f"newcomers-{people}.ndjson"
        with source.open("w") as file:
            for number, person in enumerate(mixed(people, told.persons)):
                body = patient(person) | {"id": f"n{people}-{number}"}
                file.write(json.dumps(body, ensure_ascii=False) + "\n")
        command = [sys.executable, "-m", "trucyte.node.cli", "import", str(source)]
        subprocess.run(command, env=environment_of(told, url), check=True, capture_output=True)
        joined = Settings(data=told.folder / "var", database=DatabaseSettings(url=url))
        with join_node(joined) as node:
            identity = make_identity(node)
            began = time.perf_counter()
            identity.follower.catch_up()
            laid = time.perf_counter()
            tally = identity.newcomers.catch_up()
            matched = time.perf_counter()
        measures = {
            "newcomers laid out": (laid - began, "s"),
            "newcomers matched, links and pairs written": (matched - laid, "s"),
            "linked": (float(tally.linked), "pairs"),
            "proposed": (float(tally.proposed), "pairs"),
            "compared": (tally.compared / max(1, tally.persons), "per person"),
        }
        record("match newcomers", measures, f"{tally.persons} against {people} people")


def mixed(people: int, persons: int) -> Iterator[Fields]:
    crowd, lot = Crowd(people), random.Random(people)
    for number in range(persons):
        if lot.random() < 0.5:
            yield crowd.changed(crowd.record(lot.randrange(2, people)), lot)
        else:
            yield crowd.fresh(people + number)


def environment_of(told: argparse.Namespace, url: str) -> dict[str, str]:
    return os.environ | {
        "TRUCYTE_DATA": f"{told.folder}/var",
        "TRUCYTE_DATABASE_URL": url,
        "PYTHONPATH": str(Path("src").absolute()),
    }


# Which shape of keys


def shapes(told: argparse.Namespace) -> None:
    """Measure the same look-ups against an array of keys under GIN."""
    with opened(told.folder) as (url, keys):
        people, database = size(url), Database(url)
        with database.connect(autocommit=True) as connection:
            connection.execute("set maintenance_work_mem = '1GB'")
            connection.execute("drop table if exists identity.gin")
            connection.execute(
                "create unlogged table identity.gin as select seq, array_agg(hash) as keys"
                " from identity.key group by seq"
            )
            began = time.perf_counter()
            connection.execute("create index gin_keys on identity.gin using gin (keys)")
            made = time.perf_counter() - began
            connection.execute("analyze identity.gin")
            bytes_ = connection.execute("select pg_total_relation_size('identity.gin')").fetchone()
            measures = {
                "GIN rows": ((bytes_ or (0,))[0] / people, "B/person"),
                "GIN made": (made, "s"),
            }
            for name, text in LOOKS.items():
                measures |= spread(name, list(looked(connection, text, Keys(keys), people)))
        record("match shapes", measures, f"{people} people")
        database.close()


LOOKS = {
    "look-up, GIN": "select seq from identity.gin where keys && %(keys)s::bigint[]",
    "look-up, rows": "select k.seq from unnest(%(keys)s::bigint[]) a (hash) cross join lateral"
    " (select seq from identity.key where hash = a.hash order by seq limit 101) k",
}


def looked(connection: Connection, text: str, keys: Keys, people: int) -> Iterator[float]:
    persons = asked_for(people, 3)
    for _ in range(600):
        values = {"keys": list(keys.of(person_of(next(persons))))}
        began = time.perf_counter()
        connection.execute(text.encode(), values).fetchall()
        yield time.perf_counter() - began


# The node


@contextmanager
def opened(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Start the node's database; give its address and the key of its index."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    settings = Settings(data=folder / "var", database=DatabaseSettings(system_folder=folder / "s"))
    with open_database(settings) as node:
        url = node.database.url
        joined = Settings(data=settings.data, database=DatabaseSettings(url=url))
        with join_node(joined):
            keyring = Keyring.open(settings.data / "keys")
        yield url, keyring.derive("identity", 16)


def size(url: str) -> int:
    database = Database(url)
    with database.connection() as connection:
        (found,) = connection.execute("select max(seq) from identity.person").fetchone() or (0,)
    database.close()
    return int(found)


MODES = {
    "load": load,
    "finish": finish,
    "ask": ask,
    "recall": recall,
    "newcomers": newcomers,
    "shapes": shapes,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    modes = parser.add_subparsers(dest="mode", required=True)
    for name, work in MODES.items():
        mode = modes.add_parser(name)
        mode.set_defaults(work=work)
        mode.add_argument("--folder", type=Path, required=True)
    modes.choices["load"].add_argument("--people", type=int, default=1_000_000)
    modes.choices["load"].add_argument("--first", type=int, default=1)
    modes.choices["load"].add_argument("--last", type=int, default=0)
    modes.choices["finish"].add_argument("--step", type=int)
    modes.choices["ask"].add_argument("--clients", type=int, default=2)
    modes.choices["ask"].add_argument("--seconds", type=float, default=10.0)
    modes.choices["newcomers"].add_argument("--persons", type=int, default=10_000)
    told = parser.parse_args()
    told.work(told)


if __name__ == "__main__":
    main()
