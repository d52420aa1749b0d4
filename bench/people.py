"""How fast a population is made, and in how much memory.

    PYTHONPATH=src python bench/people.py [RECORDS [PROCESSES]]

Prints records a second of wall time and of CPU, and the peak memory of all processes.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from trucyte.synth.population.corruptions import packaged_corruptions
from trucyte.synth.population.run import Options
from trucyte.synth.population.write import write_people


def measure(name: str, options: Options, processes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / name
        start, used = time.monotonic(), _cpu()
        count = sum(write_people(options, out, processes=processes))
        seconds, used = time.monotonic() - start, _cpu() - used
        megabytes = out.stat().st_size // 1_000_000
    print(
        f"{name}: {count:,} records, {processes} processes, {seconds:.1f} s, "
        f"{count / seconds:,.0f}/s, {used / count * 1e6:.1f} us CPU a record, {megabytes} MB, "
        f"peak {_peak()} MB (largest child {_peak(resource.RUSAGE_CHILDREN)} MB)"
    )


def _cpu() -> float:
    return sum(os.times()[:4])


def _peak(who: int = resource.RUSAGE_SELF) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    rates = packaged_corruptions()
    measure("people.csv", Options(wanted, 1, rates), workers)
    measure("people.parquet", Options(wanted, 1, rates), workers)
    measure("people.ndjson", Options(wanted, 1, rates, form="patients"), workers)
