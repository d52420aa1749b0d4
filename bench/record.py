"""Results as dated rows with the hardware beside them: `bench/results.csv`."""

import csv
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results.csv"
COLUMNS = ("date", "commit", "hardware", "bench", "measure", "value", "unit", "note")


def hardware() -> str:
    """Say what this machine is: processor, cores, memory."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB"


def record(bench: str, measures: dict[str, tuple[float, str]], note: str = "") -> None:
    """Append one row a measure, and print it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    commit = described.stdout.strip() or "unknown"
    is_new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(COLUMNS)
        for name, (value, unit) in measures.items():
            row = (datetime.now(UTC).date().isoformat(), commit, hardware(), bench, name)
            writer.writerow((*row, f"{value:g}", unit, note))
            print(f"{bench}: {name} {value:,.4g} {unit} {note}")
