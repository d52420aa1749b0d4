"""The process that fuzzes: our code instrumented, one target, until its time is over.

    python -m tests.fuzz.worker TARGET FOLDER SECONDS

Faults are written to FOLDER/faults and fuzzing goes on, so that one shallow fault does not
hide others. What kills the process (a hang in C, memory without end) is left there by the
fuzzer itself.
"""

import os
import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["trucyte"]):
    from tests.fuzz.guard import watched
    from tests.fuzz.targets import target_named

from tests.fuzz.mutate import change_markup, change_tree, cross_trees
from tests.fuzz.target import Check, Shape, Target

_SLOWED = 3.0  # about what instruments cost; what is kept is looked at again without them
_KILL_SECONDS = 40
_MEMORY_MEGABYTES = 2500


def main() -> None:
    """Fuzz; does not return."""
    name, folder, seconds = sys.argv[1:4]
    target, place = target_named(name), Path(folder)
    _lay_out(target, place)
    options = [
        sys.argv[0],
        str(place / "corpus"),
        f"-max_total_time={seconds}",
        f"-max_len={target.length_max}",
        f"-timeout={_KILL_SECONDS}",
        f"-rss_limit_mb={_MEMORY_MEGABYTES}",
        f"-artifact_prefix={place / 'faults'}{os.sep}killed-",
        f"-dict={place / 'words'}",
        "-print_final_stats=1",
    ]
    changes = {} if target.shape is Shape.BYTES else _changes(target)
    atheris.Setup(options, _test(target.make(), place / "faults"), **changes)
    atheris.Fuzz()


def _lay_out(target: Target, place: Path) -> None:
    for folder in ("corpus", "faults"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (place / "corpus" / f"seed-{number:04d}").write_bytes(seed)
    quoted = ("".join(_quoted(byte) for byte in word.encode()) for word in target.words)
    (place / "words").write_text("".join(f'"{word}"\n' for word in dict.fromkeys(quoted)))


def _quoted(byte: int) -> str:
    return chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\x{byte:02x}"


def _test(check: Check, faults: Path):
    def test(data: bytes) -> None:
        fault = watched(check, data, seconds_max=_SLOWED)
        if fault is None:
            return
        path = faults / fault.name
        if not path.exists() or path.stat().st_size > len(data):
            path.write_bytes(data)
            path.with_suffix(".story").write_text(f"{fault.sign}\n\n{fault.story}")

    return test


def _changes(target: Target):
    def changed(data: bytes, size_max: int, seed: int) -> bytes:
        is_tree = target.shape is Shape.JSON or (target.shape is Shape.DOOR and seed % 2)
        if is_tree:
            return change_tree(data, size_max, seed, target.words, atheris.Mutate)
        if target.shape is Shape.DOOR:
            return atheris.Mutate(data, size_max)
        return change_markup(data, size_max, seed, target.words, atheris.Mutate)

    def crossed(data: bytes, other: bytes, size_max: int, seed: int) -> bytes:
        if target.shape is Shape.MARKUP:
            at = random.Random(seed).randrange(len(data) + 1)
            return (data[:at] + other[at:])[:size_max]
        return cross_trees(data, other, size_max, seed)

    return {"custom_mutator": changed, "custom_crossover": crossed}


if __name__ == "__main__":
    main()
