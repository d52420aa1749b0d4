"""How fast the journal accepts, what that costs, and how much room a line takes.

Starts a PostgreSQL of its own with fsync on, in a temporary folder, and stops it after.

    PYTHONPATH=src python -m bench.journal_commit [--seconds 4] [--binaries DIR] [--profile]

`--open` leaves bodies unsealed, to compare with.
"""

import argparse
import cProfile
import json
import multiprocessing
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from trucyte.base.clock import SystemClock
from trucyte.database.connect import Database
from trucyte.journal.change import Change, Operation
from trucyte.journal.journal import Journal
from trucyte.journal.keyring import Keyring

FOLDER = Path(__file__).parents[1] / "src/trucyte/database/migrations"
MIGRATIONS = (FOLDER / "0001_journal.sql", FOLDER / "0023_at_rest.sql")
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
CODES = [f"{n}-{n % 10}" for n in range(1000, 9000, 7)]


def an_observation(chance: random.Random) -> Change:
    """Make a laboratory result of about the size that claims files give."""
    id_ = f"{chance.getrandbits(130):032x}"[:26]
    body = {
        "resourceType": "Observation",
        "id": id_,
        "meta": {"profile": ["http://example.org/fhir/StructureDefinition/vn-observation"]},
        "status": "final",
        "category": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": chance.choice(CODES),
                             "display": "Định lượng Glucose [Máu]"}]},
        "subject": {"reference": f"Patient/{chance.getrandbits(130):032x}"[:34]},
        "encounter": {"reference": f"Encounter/{chance.getrandbits(130):032x}"[:36]},
        "effectiveDateTime": f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
                             f"T{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:00+07:00",
        "valueQuantity": {"value": chance.randint(10, 999) / 10, "unit": "mmol/L",
                          "system": "http://unitsofmeasure.org", "code": "mmol/L"},
    }  # fmt: skip
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Change(
        "Observation", id_, Operation.CREATE, data, 41, chance.getrandbits(60), 0, 3, 1, 2
    )


def a_visit(chance: random.Random) -> list[Change]:
    """Make what a visit of one person gives."""
    person = chance.getrandbits(60)
    return [replace(an_observation(chance), person=person) for _ in range(25)]


@contextmanager
def a_server(binaries: Path) -> Iterator[str]:
    """Run a server with its defaults but a port of its own; as `postgres` where we are root."""
    folder = Path(tempfile.mkdtemp(prefix="trucyte-bench-"))
    user: dict[str, object] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "cwd": folder}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    run = {"stdout": subprocess.DEVNULL, **user}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "bench", "-A", "trust"], check=True, **run
    )
    options = f"-p {port} -k {folder} -c listen_addresses= -c max_wal_size=4GB"
    control = [binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    subprocess.run([*control, "-o", options, "start"], check=True, **run)
    try:
        yield f"postgresql://bench@/postgres?host={folder}&port={port}"
    finally:
        subprocess.run([*control, "-m", "fast", "stop"], check=True, **run)
        shutil.rmtree(folder)


def opened(url: str, keys: Path) -> Journal:
    seals = "TRUCYTE_BENCH_OPEN" not in os.environ
    return Journal(Database(url), Keyring.open(keys), SystemClock(), seals=seals)


def emptied(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("drop schema if exists journal cascade")
        for migration in MIGRATIONS:
            connection.execute(migration.read_text("utf-8"))


def write(url: str, keys: Path, unit: int, many: int, seconds: float, seed: int, barrier, results):
    """Commit units of `unit` changes, `many` a call (1: `commit`), for some seconds."""
    journal = opened(url, keys)
    chance = random.Random(seed)
    ready = [an_observation(chance) for _ in range(2000)]

    def fresh() -> list[Change]:
        nonlocal ready
        person = chance.getrandbits(60)
        return [
            Change(c.type, f"{chance.getrandbits(130):026x}"[:26], c.operation, c.body,
                   c.meta_offset, person, 0, 3, 1, 2)
            for c in chance.sample(ready, unit)
        ]  # fmt: skip

    journal.commit(fresh())
    barrier.wait()
    rows = 0
    spent = 0.0
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        units = [fresh() for _ in range(many)]
        began = time.process_time()
        if many == 1:
            journal.commit(units[0])
        else:
            journal.commit_many(units)
        spent += time.process_time() - began
        rows += unit * many
    results.put((rows, spent))
    journal.close()
    journal.database.close()


def server_seconds(url: str) -> float:
    """Return the processor seconds of all processes of the server so far."""
    with psycopg.connect(url) as connection:
        (folder,) = connection.execute("show data_directory").fetchone()
    main = int(Path(folder, "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    ticks = 0
    for pid in (str(main), *children):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:  # it ended meanwhile
            continue
        fields = stat.rpartition(")")[2].split()
        # What ended children took stands with the parent.
        ticks += sum(map(int, fields[11:15] if pid == str(main) else fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(url: str, keys: Path, writers: int, unit: int, many: int, seconds: float) -> None:
    emptied(url)
    barrier, results = multiprocessing.Barrier(writers + 1), multiprocessing.Queue()
    processes = [
        multiprocessing.Process(
            target=write, args=(url, keys, unit, many, seconds, seed, barrier, results)
        )
        for seed in range(writers)
    ]
    for process in processes:
        process.start()
    barrier.wait()
    before, began = server_seconds(url), time.perf_counter()
    done = [results.get() for _ in processes]
    wall = time.perf_counter() - began
    for process in processes:
        process.join()
    after = server_seconds(url)
    rows, spent = sum(n for n, _ in done), sum(s for _, s in done)
    with psycopg.connect(url) as connection:
        batches = connection.execute("select batches from journal.tail").fetchone()[0]
    print(
        f"{writers:>2} writers, units of {unit:>2}, {many:>3} a call: {rows / wall:>8,.0f} rows/s, "
        f"{rows / batches:6.1f} rows a batch, Python {spent / rows * 1e6:6.1f} µs a row, "
        f"PostgreSQL {(after - before) / rows * 1e6:6.1f} µs a row"
    )


def sizes(url: str, keys: Path) -> None:
    emptied(url)
    journal = opened(url, keys)
    chance = random.Random(1)
    began = time.perf_counter()
    for _ in range(40):
        journal.commit_many([a_visit(chance) for _ in range(100)])
    with psycopg.connect(url, autocommit=True) as connection:
        rows, body = connection.execute(
            "select count(*), avg(length(body)) from journal.change"
        ).fetchone()
        print(
            f"{rows:,} rows, {body:.0f} bytes of body on average "
            f"({time.perf_counter() - began:.1f} s with making them)"
        )
        for table in ("change_0", "head", "batch"):
            heap, total = connection.execute(
                "select pg_table_size(%s::regclass), pg_total_relation_size(%s::regclass)",
                (f"journal.{table}",) * 2,
            ).fetchone()
            print(f"  {table}: {heap / rows:.0f} + {(total - heap) / rows:.0f} bytes a row")
    began = time.perf_counter()
    verdict = journal.verify()
    assert verdict.is_sound
    print(f"  verify: {rows / (time.perf_counter() - began):,.0f} rows/s")
    began = time.perf_counter()
    for seq in range(1, 2001):
        journal.bodies([seq * 37])
    print(f"  bodies, one a call: {(time.perf_counter() - began) / 2000 * 1e6:.0f} µs")
    began = time.perf_counter()
    after = 0
    while lines := journal.follow(after):
        after = lines[-1].entry.seq
    print(f"  follow: {rows / (time.perf_counter() - began):,.0f} rows/s")
    journal.close()
    journal.database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--binaries", type=Path, default=BINARIES[-1] if BINARIES else None)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--open", action="store_true")
    arguments = parser.parse_args()
    if arguments.open:
        os.environ["TRUCYTE_BENCH_OPEN"] = "1"  # the processes that write are told by it
    keys = Path(tempfile.mkdtemp()) / "keys"
    with a_server(arguments.binaries) as url:
        with psycopg.connect(url) as connection:
            print(
                connection.execute("select version()").fetchone()[0],
                "fsync on;",
                os.cpu_count(),
                "cores",
            )
        if arguments.profile:
            profile(url, keys)
            return
        for writers in (1, 4, 8):
            for unit, many in ((1, 1), (25, 1), (25, 40)):
                measure(url, keys, writers, unit, many, arguments.seconds)
        sizes(url, keys)


def profile(url: str, keys: Path) -> None:
    emptied(url)
    journal = opened(url, keys)
    chance = random.Random(1)
    units = [a_visit(chance) for _ in range(1600)]
    journal.commit_many(units[:600])
    profiler = cProfile.Profile()
    profiler.runcall(journal.commit_many, units[600:])
    profiler.print_stats("tottime")
    journal.close()
    journal.database.close()


if __name__ == "__main__":
    main()
