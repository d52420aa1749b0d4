"""Take the search values of Synthea's resources: microseconds a resource, one core.

    python -m bench.search_values DEFINITIONS

DEFINITIONS is the compiled cache; TRUCYTE_SUITES names the folder of the bundles. Prints
one JSON line a figure: the best of nine rounds, so that a shared machine disturbs least.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.search import KEY, bundles, changes, say
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.journal.change import Change
from trucyte.records import Hasher, SearchIndex

ROUNDS = 9


def best(work: Callable[[Change], Any], made: Sequence[Change]) -> float:
    """Return the µs a change takes in the best round."""
    rounds = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        for change in made:
            work(change)
        rounds.append((time.process_time() - begin) / len(made) * 1e6)
    return round(min(rounds), 2)


def main() -> None:
    index = SearchIndex(Extractor(Definitions.load(Path(sys.argv[1]).read_bytes())), Hasher(KEY))
    folder = Path(os.environ.get("TRUCYTE_SUITES", "../shared/suites"))
    made = list(changes(list(bundles(folder)), 0))
    say(figure="search values", us=best(lambda c: index.extractor.values(c.resource or {}), made))
    say(figure="index row", us=best(index.prepare, made))


if __name__ == "__main__":
    main()
