"""Train a compression dictionary for each resource type, from synthetic resources.

    PYTHONPATH=src python tools/train_dictionaries.py resources.ndjson… [--kibibytes 32]

Input is NDJSON, a resource a line, as the generator writes it: never live bodies, for a
dictionary contains pieces of what it was trained on. Writes `NNN-Type-VERSION.zdict` with
the next free numbers where a dictionary saves enough, and says what each saves on
resources that it was not trained on.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import zstandard

from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.codec import Codec, Dictionary, shipped_dictionaries

FOLDER = Path(__file__).parents[1] / "src/trucyte/journal/dictionaries"
TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]+)"')
SAMPLES_MIN = 200
SAVING_MIN = 0.10  # of the plainly compressed bytes; less is not worth a number


def sampled(lines: Iterable[bytes], count: int, chance: random.Random) -> dict[str, list[bytes]]:
    """Keep `count` lines of each type, each as likely as any other."""
    kept: dict[str, list[bytes]] = {}
    seen: dict[str, int] = {}
    for line in lines:
        match = TYPE.search(line)
        if match is None:
            continue
        name = match[1].decode()
        sample = kept.setdefault(name, [])
        seen[name] = seen.get(name, 0) + 1
        if len(sample) < count:
            sample.append(line)
        elif (place := chance.randrange(seen[name])) < count:
            sample[place] = line
    return kept


def lines_of(paths: Sequence[Path]) -> Iterator[bytes]:
    """Read the lines of all files without keeping them."""
    for path in paths:
        with path.open("rb") as file:
            yield from filter(None, map(bytes.strip, file))


def measured(codec: Codec, name: str, bodies: Sequence[bytes]) -> tuple[float, float]:
    """Return stored bytes and microseconds a body; check that each comes back."""
    began = time.perf_counter()
    stored = [codec.compress(name, body) for body in bodies]
    spent = time.perf_counter() - began
    for (number, packed), body in zip(stored, bodies, strict=True):
        assert codec.decompress(number, packed) == body
    return sum(len(packed) for _, packed in stored) / len(bodies), spent / len(bodies) * 1e6


def trained(name: str, number: int, version: int, bodies: Sequence[bytes], size: int) -> Dictionary:
    """Train on four fifths of the bodies."""
    content = zstandard.train_dictionary(size, list(bodies[: len(bodies) * 4 // 5]), level=3)
    return Dictionary(number, name, version, content.as_bytes())


def main() -> int:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="NDJSON of synthetic resources")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--kibibytes", type=int, default=32, help="size of a dictionary")
    parser.add_argument("--samples", type=int, default=20_000, help="resources of a type at most")
    arguments = parser.parse_args()

    chance = random.Random(2026)  # noqa: S311 - repeatable, no secret
    known = shipped_dictionaries(arguments.out)
    number = max(known, default=1) + 1
    for name, bodies in sorted(
        sampled(lines_of(arguments.files), arguments.samples, chance).items()
    ):
        if len(bodies) < SAMPLES_MIN or name not in TYPE_NUMBERS:
            print(f"{name}: {len(bodies)} resources are too few")
            continue
        chance.shuffle(bodies)
        version = 1 + max((d.version for d in known.values() if d.type == name), default=0)
        dictionary = trained(name, number, version, bodies, arguments.kibibytes * 1024)
        unseen = bodies[len(bodies) * 4 // 5 :]
        plain, _ = measured(Codec(), name, unseen)
        small, microseconds = measured(Codec({number: dictionary}), name, unseen)
        raw = sum(map(len, unseen)) / len(unseen)
        verdict = f"{name}: {raw:.0f} bytes, {plain:.0f} plain, {small:.0f} with dictionary"
        if small + len(dictionary.content) / 100_000 > plain * (1 - SAVING_MIN):
            print(f"{verdict}: not worth it")
            continue
        path = arguments.out / f"{number:03}-{name}-{version}.zdict"
        path.write_bytes(dictionary.content)
        print(f"{verdict}, {microseconds:.1f} µs a body -> {path.name}")
        number += 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
