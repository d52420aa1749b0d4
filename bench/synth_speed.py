"""How fast a synthetic country is made, and in how much memory.

    PYTHONPATH=src python bench/synth_speed.py [VISITS]

Prints visits a second of one core for rows, files and resources, and the peak memory.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterable

from trucyte.synth.run import Options, files, resources, visits


def measure(name: str, count: int, make: Callable[[Options], Iterable[object]]) -> None:
    start = time.process_time()
    things = sum(1 for _ in make(Options(visits=count, seed=1)))
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{name}: {count / seconds:,.0f} visits/s, {things:,} made, peak {peak} MB")


if __name__ == "__main__":
    visits_wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    measure("rows", visits_wanted, visits)
    measure("files", visits_wanted, files)
    measure("resources", visits_wanted, resources)
