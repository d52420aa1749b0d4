"""The main job, measured whole: claims files in, searchable and provable records out.

    python -m bench.ingest [--visits 50000] [--one-file] [--keep DIR]

Everything on: validation, rules, index, proof, fsync; the embedded database; fresh data.
The program runs as people run it (`trucyte ingest`), in processes of its own; this script
watches their memory and asks the database for sizes afterwards. For comparison: the fastest
published FHIR server imports 2,678 resources a second on 16 cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.record import record
from trucyte.base.settings import load_settings
from trucyte.intake.claims.tables import Variant
from trucyte.node.wiring import open_node
from trucyte.synth.run import Options, write_claims

SIZES = """
select
  sum(pg_total_relation_size(c.oid)) filter (where n.nspname in ('journal', 'records')),
  sum(pg_total_relation_size(c.oid)) filter (where n.nspname = 'intake'),
  (select last_seq from journal.tail)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r'
"""


@contextmanager
def folder(keep: Path | None) -> Iterator[Path]:
    """Give a folder: the one to keep, or one that goes with the run."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="trucyte-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def run_ingest(files: Path, environment: dict[str, str]) -> tuple[dict, int]:
    """Run the command; return its summary and the peak memory of its processes, in bytes."""
    command = [sys.executable, "-m", "trucyte.node.cli", "ingest", str(files), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    watched = psutil.Process(process.pid)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory(watched))
        time.sleep(0.2)
    assert process.stdout is not None
    assert process.returncode in (0, 1), process.returncode
    return json.loads(process.stdout.read()), peak


def _memory(process: psutil.Process) -> int:
    """Return the memory of the program's own processes (PostgreSQL's apart)."""
    total = 0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    for member in family:
        try:
            if "postgres" not in member.name():
                total += member.memory_full_info().uss
        except psutil.Error:
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=50_000)
    parser.add_argument("--one-file", action="store_true")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with folder(arguments.keep) as place:
        files, data = place / "claims", place / "var"
        per_file = arguments.visits if arguments.one_file else 500
        options = Options(arguments.visits, 7, variant=Variant.D1931, per_file=per_file)
        size = sum(len(written.data) for written in write_claims(options, files))
        environment = {**os.environ, "TRUCYTE_DATA": str(data)}
        environment.pop("TRUCYTE_DATABASE_URL", None)
        summary, peak = run_ingest(files, environment)
        with (
            open_node(load_settings(environment)) as node,
            node.database.connection() as connection,
        ):
            connection.execute("checkpoint")
            clinical, originals, lines = connection.execute(SIZES).fetchone()
    seconds = summary["seconds"]
    note = f"{arguments.visits} visits, {size / 2**20:.0f} MiB in "
    note += "one file" if arguments.one_file else f"files of {per_file}"
    record(
        "ingest",
        {
            "visits": (summary["visits"] / seconds, "visits/s"),
            "resources": (summary["resources"] / seconds, "resources/s"),
            "memory, peak": (peak / 2**20, "MiB"),
            "journal and index on disk": (float(clinical) / lines, "B/resource"),
            "originals on disk": (float(originals) / size, "B per byte received"),
        },
        note,
    )


if __name__ == "__main__":
    main()
