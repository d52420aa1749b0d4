"""Fuzz one target or all of them, and say what came of it.

    python -m tests.fuzz.run [TARGET ...] [--seconds 60] [--folder build/fuzz]

Each target runs in a process of its own; what it learns stays in FOLDER/TARGET/corpus, so
the next run goes on from there. Every fault is looked at again without the fuzzer and made
small; the exit code is 1 where one is left.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.guard import watched
from tests.fuzz.reduce import reduced
from tests.fuzz.targets import TARGETS, target_named

# The fuzzer itself grows by the run, so a fresh process takes over this often.
_SLICE = 120
_RUNS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_COVERED = re.compile(r"cov: (\d+) ft: (\d+)")


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    options = parser.parse_args()
    faulty = 0
    for name in options.targets or TARGETS:
        target_named(name)
        print(fuzz(name, options.folder / name, options.seconds), flush=True)
        faulty += look_again(name, options.folder / name)
    return 1 if faulty else 0


def fuzz(name: str, folder: Path, seconds: int) -> str:
    """Run one target, slice by slice, and return a line about it."""
    runs = edges = features = 0
    for begin in range(0, seconds, _SLICE):
        told = _told(name, folder, min(_SLICE, seconds - begin))
        found = _RUNS.search(told)
        if found is None:
            print(told[-4000:])
            break
        runs += int(found[1])
        for covered in _COVERED.findall(told)[-1:]:
            edges, features = max(edges, int(covered[0])), max(features, int(covered[1]))
    return f"{name:<10} {runs:>9} runs {edges:>6} edges {features:>7} features"


def _told(name: str, folder: Path, seconds: int) -> str:
    command = [sys.executable, "-m", "tests.fuzz.worker", name, str(folder), str(seconds)]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stderr.decode("utf-8", "replace")


def look_again(name: str, folder: Path) -> int:
    """Run kept faults without instruments, make them small, and count those that stay."""
    check, count = target_named(name).make(), 0
    for path in sorted((folder / "faults").iterdir()):
        if path.suffix in (".story", ".small"):
            continue
        data = path.read_bytes()
        fault = watched(check, data)
        if fault is None:
            for old in (path, path.with_suffix(".story"), path.with_suffix(".small")):
                old.unlink(missing_ok=True)
            continue
        count += 1
        small = data if fault.sign in ("slow", "memory") else _small(check, data, fault.sign)
        path.with_suffix(".small").write_bytes(small)
        path.with_suffix(".story").write_text(f"{fault.sign}\n\n{fault.story}")
        print(f"  {fault.sign}\n    {path.with_suffix('.small')}: {small[:300]!r}", flush=True)
    return count


def _small(check, data: bytes, sign: str) -> bytes:
    def shows(candidate: bytes) -> bool:
        fault = watched(check, candidate)
        return fault is not None and fault.sign == sign

    return reduced(data, shows)


if __name__ == "__main__":
    sys.exit(main())
