"""Serving: requests a second over HTTP by `wrk`, and commits by threads and processes.

    python -m bench.serving http [--workers 2] [--seconds 5] [--clients 16] [--set reads=1]…
    python -m bench.serving commits [--processes 2] [--threads 4 16 32]

The node is a scratch one with an embedded PostgreSQL (fsync on) and the people of the demo.
Figures a CPU-second are of the workers alone: on a shared machine they are the steadier ones.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from bench.record import record
from trucyte.base.settings import DatabaseSettings, Settings, load_settings
from trucyte.fhir.text import accept
from trucyte.journal.change import Change, Operation
from trucyte.node.wiring import join_node, open_database

PORT = 18399
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser()
    modes = parser.add_subparsers(dest="mode", required=True)
    http = modes.add_parser("http")
    http.add_argument("--workers", type=int, default=2)
    http.add_argument("--seconds", type=int, default=5)
    http.add_argument("--clients", type=int, default=16)
    http.add_argument("--set", action="append", default=[], help="a setting of [serving]")
    http.add_argument("--quiet", action="store_true", help="print, do not record")
    commits = modes.add_parser("commits")
    commits.add_argument("--processes", type=int, default=2)
    commits.add_argument("--threads", type=int, nargs="+", default=[1, 4, 8, 16, 32])
    commits.add_argument("--seconds", type=int, default=4)
    commits.add_argument("--quiet", action="store_true")
    told = parser.parse_args()
    measures = measure_http(told) if told.mode == "http" else measure_commits(told)
    for name, (value, unit) in measures.items():
        sys.stdout.write(f"{name:<44} {value:>10.1f} {unit}\n")
    if not told.quiet:
        record(f"serving {told.mode}", measures)


def measure_http(told: argparse.Namespace) -> dict[str, tuple[float, str]]:
    with tempfile.TemporaryDirectory(prefix="trucyte-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "trucyte.toml").write_text("[serving]\n" + "\n".join(told.set) + "\n")
        environment = os.environ | {
            "TRUCYTE_DATA": f"{name}/var",
            "PYTHONPATH": str(Path("src").absolute()),
        }
        trucyte = [sys.executable, "-m", "trucyte.node.cli"]
        subprocess.run(
            [*trucyte, "demo", "--once"],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
        )
        with serving(
            [*trucyte, "serve", f"--port={PORT}", f"--workers={told.workers}"], folder, environment
        ) as supervisor:
            base = f"http://127.0.0.1:{PORT}"
            with urllib.request.urlopen(f"{base}/fhir/Patient?_count=1") as reply:  # noqa: S310 - our own
                found = re.search(rb'"fullUrl":"([^"]+)"', reply.read())
            assert found
            addresses = {
                "answer without work": f"{base}/health/live",
                "read": found[1].decode(),
                "search by name": f"{base}/fhir/Patient?name=nguyen&_count=10",
                "search by code": f"{base}/fhir/Observation?status=final&_count=10",
            }
            measures: dict[str, tuple[float, str]] = {}
            for what, address in addresses.items():
                load(address, told.clients, 1)
                measures |= one(what, address, told, supervisor)
            return measures


def one(
    what: str, address: str, told: argparse.Namespace, supervisor: int
) -> dict[str, tuple[float, str]]:
    workers = [child for child in children(supervisor) if b'"worker"' in command(child)]
    before = [cpu_seconds(worker) for worker in workers]
    said = load(address, told.clients, told.seconds)
    used = [after - start for after, start in zip(map(cpu_seconds, workers), before, strict=True)]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    assert "Non-2xx" not in said, said
    return {
        what: (rate, "requests/s"),
        f"{what}, a CPU-second of the workers": (rate * told.seconds / sum(used), "requests"),
        f"{what}, p50": (milliseconds(said, "50"), "ms"),
        f"{what}, p99": (milliseconds(said, "99"), "ms"),
        f"{what}, busiest worker's part": (100 * max(used) / sum(used), "%"),
    }


def load(address: str, clients: int, seconds: int) -> str:
    return subprocess.run(
        ["wrk", "-t1", f"-c{clients}", f"-d{seconds}", "--latency", address],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def milliseconds(said: str, percent: str) -> float:
    number, unit = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s)", said).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


@contextmanager
def serving(command: Sequence[str], folder: Path, environment: dict[str, str]) -> Iterator[int]:
    with (folder / "log").open("w") as log:
        child = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)
        try:
            while "web.serving" not in (folder / "log").read_text():
                assert child.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
            yield child.pid
        finally:
            child.terminate()
            child.wait()


def children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(number) for number in text.split()]


def command(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


# Commits


def measure_commits(told: argparse.Namespace) -> dict[str, tuple[float, str]]:
    measures: dict[str, tuple[float, str]] = {}
    with tempfile.TemporaryDirectory(prefix="trucyte-bench-") as name:
        Path(name).chmod(0o711)
        settings = load_settings(os.environ | {"TRUCYTE_DATA": f"{name}/var"})
        with (
            open_database(settings) as opened,
            ProcessPoolExecutor(told.processes, mp_context=get_context("spawn")) as pool,
        ):
            for threads in told.threads:
                works = [
                    pool.submit(
                        commit_for,
                        opened.database.url,
                        f"{name}/var",
                        threads,
                        told.seconds,
                        f"{threads}-{number}",
                    )
                    for number in range(told.processes)
                ]
                done = [work.result() for work in works]
                what = f"{told.processes} processes × {threads} threads"
                measures[f"commits, {what}"] = (
                    sum(count for count, _, _ in done) / told.seconds,
                    "commits/s",
                )
                measures[f"commits a CPU-second, {what}"] = (
                    sum(count for count, _, _ in done) / sum(used for _, used, _ in done),
                    "commits",
                )
                measures[f"callers a commit, {what}"] = (
                    sum(count for count, _, _ in done)
                    / max(1, sum(groups for _, _, groups in done)),
                    "callers",
                )
    return measures


def commit_for(
    url: str, data: str, threads: int, seconds: int, mark: str
) -> tuple[int, float, int]:
    """Commit single creates from `threads` threads; return commits, CPU seconds, groups."""
    groups: list[int] = []
    settings = Settings(data=Path(data), database=DatabaseSettings(url=url))
    with join_node(settings, noted=lambda units, lines, spent: groups.append(units)) as node:
        node.journal.tail()
        until = time.monotonic() + seconds
        began = time.process_time()

        def create(thread: int) -> int:
            count = 0
            while time.monotonic() < until:
                id_ = f"b{mark}-{thread}-{count}"
                body = PATIENT.replace("ID", id_).encode()
                accepted = accept(body)
                key = hash((mark, thread, count))
                node.journal.commit(
                    [
                        Change(
                            "Patient",
                            id_,
                            Operation.CREATE,
                            accepted.body,
                            accepted.meta_offset,
                            key,
                        )
                    ]
                )
                count += 1
            return count

        with ThreadPoolExecutor(threads) as pool:
            count = sum(pool.map(create, range(threads)))
        return count, time.process_time() - began, len(groups)


PATIENT = (
    '{"resourceType":"Patient","id":"ID","identifier":[{"system":"http://example.org/so","value":"ID"}],'
    '"name":[{"family":"Nguyễn","given":["Thử","Nghiệm"]}],"gender":"female","birthDate":"1980-02-03"}'
)

if __name__ == "__main__":
    main()
