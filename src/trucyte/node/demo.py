"""`trucyte demo`: a node at work, with people who do not exist, in one command.

Sample files and synthetic claims are taken in (once: the same bytes change nothing), the
server starts, and one screen says what to look at. `--once` asks its own pages over HTTP,
says what it saw and stops everything.
"""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import click
from msgspec.structs import replace

from trucyte.base.settings import DatabaseSettings, Settings, load_settings
from trucyte.base.tracing import write_logs
from trucyte.intake.claims.tables import Variant
from trucyte.intake.door import ingest_paths
from trucyte.intake.progress import Progress, Summary, Watchers
from trucyte.node.cli import INPUT_ERRORS
from trucyte.node.serve import plan_of
from trucyte.node.serving.address import listening_address
from trucyte.node.serving.supervisor import Supervisor
from trucyte.node.wiring import Node, join_node, open_database
from trucyte.shared.access.local import local_access
from trucyte.synth.run import Options, write_claims

EXAMPLES = Path(__file__).parents[3] / "examples" / "claims"
VISITS, SEED, PER_FILE = 400, 2026, 100
FAULTS = 0.04  # of the visits, so that there is something to mend
ANSWER_SECONDS_MAX = 20
LOG = "server.log"
WORKERS_MAX = 2  # one person looks


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing to look at: its path, what to do there, in both languages."""

    path: str
    vi: str
    en: str
    holds: str  # what its answer must hold


@click.command()
@click.option("--once", is_flag=True, help="Ask the own pages, say what was seen, stop.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port [8080].")
def demo(once: bool, port: int | None) -> int:
    """Show a node at work with synthetic claims: nobody in it is real.

    Example: trucyte demo --once
    """
    settings = load_settings(os.environ)
    settings.data.mkdir(parents=True, exist_ok=True)
    wanted = 0 if once and port is None else (port if port is not None else settings.web.port)
    began = time.monotonic()
    log = (settings.data / LOG).open("a", encoding="utf-8", buffering=1)
    write_logs(log)
    opened_at = listening_address(settings.web.host, wanted)
    with log, opened_at as listener, open_database(settings) as opened:
        joined = DatabaseSettings(url=opened.database.url)
        with join_node(replace(settings, database=joined)) as node:
            summary = _take_in(node, _files(settings))
            stops = stops_of(node)
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        few = min(WORKERS_MAX, settings.serving.workers or os.cpu_count() or 1)
        supervisor = Supervisor(plan_of(settings, opened, listener, workers=few, output=log))
        if once:
            _show(settings, summary, base, stops, time.monotonic() - began)
            with _serving(supervisor):
                return _look(base, stops)
        with supervisor.answering_signals():
            supervisor.run(lambda: _show(settings, summary, base, stops, time.monotonic() - began))
    return 0


def _files(settings: Settings) -> Sequence[Path]:
    """Return the sample files and the synthetic ones, made when they are not there yet."""
    folder = settings.data / "demo"
    made = folder / ".made"
    if not made.exists():
        options = Options(VISITS, SEED, variant=Variant.D1931, per_file=PER_FILE, errors=FAULTS)
        for _ in write_claims(options, folder):
            pass
        made.touch()
    return [*sorted(EXAMPLES.glob("*.xml")), *sorted(folder.glob("*.xml"))]


def _take_in(node: Node, paths: Sequence[Path]) -> Summary:
    watchers = Watchers(progress=_progress) if sys.stderr.isatty() else None
    summary = ingest_paths(node.door, paths, Event(), watchers)
    if watchers:
        click.echo("\r\033[K", err=True, nl=False)
    return summary


def _progress(progress: Progress) -> None:
    click.echo(
        f"\r\033[K{progress.visits} visits, {progress.resources} resources, "
        f"{progress.resources_per_second:.0f}/s",
        err=True,
        nl=False,
    )


def stops_of(node: Node) -> Sequence[Stop]:
    """Return what there is to look at, with a visit and a person that are really there."""
    page = node.records.search(local_access("demo", node.trail), "Encounter", [("_count", "1")])
    files = node.receipts.files(count=1)
    stops = [
        Stop("/", "trang đầu: hôm nay nhận gì, việc gì cần làm", "what came in today", "<main"),
        Stop("/files", "tệp đã nhận, điểm cần sửa bằng lời", "files and what to mend", "<main"),
    ]
    if files:
        number = files[0].number
        stops.append(Stop(f"/files/{number}", "một tệp, từng điểm cần sửa", "one file", "<main"))
    if page.entries:
        visit = page.entries[0].id
        stops.append(Stop(f"/visits/{visit}", "một lượt khám như bác sĩ đọc", "one visit", "<main"))
    stops += [
        Stop("/people", "tìm người bệnh, có dấu hay không dấu", "find a person", "<main"),
        Stop("/health", "sức khỏe của nút", "the node's health", "<main"),
        Stop("/_styleguide", "các thành phần giao diện", "the design system", "<main"),
        Stop("/fhir/metadata", "cổng FHIR R4", "the FHIR R4 API", "CapabilityStatement"),
        Stop("/fhir/Patient?name=nguyen&_count=5", "tìm theo FHIR", "a FHIR search", "searchset"),
    ]
    return stops


def _show(
    settings: Settings, summary: Summary, base: str, stops: Sequence[Stop], seconds: float
) -> None:
    """Say in one screen what was taken in and what to look at."""
    vi = settings.language == "vi"
    findings = sum(count for rule, count in summary.findings.items() if rule[:3] != "DM-")
    quarantined = sum(summary.quarantined.values())
    lines = [
        "Trục y tế · Trucyte",
        (
            f"{summary.visits} lượt khám trong {summary.files} tệp; lần này ghi thêm "
            f"{summary.resources} tài nguyên FHIR; {findings} điểm cần xem; {quarantined} cách ly; "
            f"{seconds:.1f} giây. Mọi người trong đó đều không có thật."
            if vi
            else f"{summary.visits} visits in {summary.files} files; {summary.resources} FHIR "
            f"resources written this time; {findings} findings; {quarantined} quarantined; "
            f"{seconds:.1f} s. Nobody in it is real."
        ),
        "",
        *(f"  {base}{stop.path}\n      {stop.vi if vi else stop.en}" for stop in stops),
        "",
        f"Nhật ký · Log: {settings.data / LOG}    Dừng · Stop: Ctrl-C",
    ]
    click.echo("\n".join(lines))


@contextmanager
def _serving(supervisor: Supervisor) -> Iterator[None]:
    """Run the processes beside this thread until the block is left."""
    thread = Thread(target=supervisor.run, name="supervisor")
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join()


def _look(base: str, stops: Sequence[Stop]) -> int:
    """Ask each page over HTTP; return 0 when every one answered as it should."""
    good = True
    for stop in stops:
        status, size, fine = _ask(base + stop.path, stop.holds)
        good = good and fine
        click.echo(f"  {'ok ' if fine else 'BAD'} {status} {size:>8} B  {stop.path}")
    return 0 if good else INPUT_ERRORS


def _ask(url: str, holds: str) -> tuple[int, int, bool]:
    """Return the status, size and verdict of one address of this machine."""
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while True:
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_SECONDS_MAX) as reply:  # noqa: S310 - our own address
                body = reply.read()
                return reply.status, len(body), holds.encode() in body
        except urllib.error.HTTPError as error:
            return error.code, 0, False
        except OSError:
            if time.monotonic() > deadline:
                return 0, 0, False
            time.sleep(0.05)
