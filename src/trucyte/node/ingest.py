"""Commands that take files in: `ingest`, `quarantine list|show|retry`.

What they print with --json is a contract (DESIGN, "The command line is a contract").
"""

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import click

from trucyte.base.problem import Problem
from trucyte.base.settings import load_settings
from trucyte.base.terminal import bar as draw_bar
from trucyte.base.terminal import clear_line, draw_line, is_watched
from trucyte.base.wording import wording
from trucyte.intake.door import find_files, ingest_paths, size_of
from trucyte.intake.progress import Progress, Summary, Watchers
from trucyte.intake.quarantine import Quarantine
from trucyte.intake.receipts import Quarantined
from trucyte.node.cli import DONE, INPUT_ERRORS, INTERRUPTED, TERMINATED
from trucyte.node.wiring import open_node
from trucyte.web.views.received import reason_words

_JSON = click.option("--json", "as_json", is_flag=True, help="JSON for machines.")


@click.command()
@click.argument(
    "paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@_JSON
def ingest(paths: Sequence[Path], as_json: bool) -> int:
    """Take in claims XML, zips, folders of them, and FHIR JSON or NDJSON.

    The same bytes again change nothing. Ctrl-C stops between two visits; the same command
    goes on from there. Exit code 1 says that something lies in quarantine or
    could not be opened.

    Example: trucyte ingest ./hoso/2026-07 --json
    """
    settings = load_settings(os.environ)
    with open_node(settings) as node, stopping() as stop:
        watchers = _watchers(paths, settings.language)
        try:
            summary = ingest_paths(node.door, paths, stop.event, watchers)
        finally:
            clear_line()
        _print_summary(summary, settings.language, as_json=as_json)
    if stop.code:
        return stop.code
    return INPUT_ERRORS if summary.quarantined or summary.unread else DONE


@click.group()
def quarantine() -> None:
    """What could not be read, with its bytes, and how to try it again."""


@quarantine.command(name="list")
@click.option("--all", "with_resolved", is_flag=True, help="Resolved ones too.")
@_JSON
def list_entries(with_resolved: bool, as_json: bool) -> None:
    """List what lies in quarantine, newest first.

    Example: trucyte quarantine list
    """
    settings = load_settings(os.environ)
    with open_node(settings) as node:
        entries = Quarantine(node.door).entries(open_only=not with_resolved)
    for entry in entries:
        facts = _facts(entry)
        if as_json:
            click.echo(json.dumps(facts, ensure_ascii=False))
        else:
            place = f"{entry.source}:{entry.ordinal}"
            words = reason_words(entry.reason)[0]
            click.echo(f"{entry.number:>7}  {place:>12}  {entry.reason:<20}  {words}")


@quarantine.command()
@click.argument("number", type=int)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write its bytes to a file."
)
@_JSON
def show(number: int, out: Path | None, as_json: bool) -> None:
    """Show one entry: the reason, the place, how to mend it; and give its bytes back.

    Example: trucyte quarantine show 3 --out bad.xml
    """
    settings = load_settings(os.environ)
    with open_node(settings) as node:
        held = Quarantine(node.door).show(number)
        facts = _facts(held.entry) | {"restricted": held.is_restricted, "tries": held.tries}
        if out is not None:
            out.write_bytes(Quarantine(node.door).original(held))
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    what, mend = reason_words(held.entry.reason)
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {value}")
    click.echo(f"{what}. {mend}")


@quarantine.command()
@click.argument("numbers", metavar="NUMBER…", nargs=-1, type=int)
@click.option("--all", "of_all", is_flag=True, help="Everything that lies there.")
@_JSON
def retry(numbers: Sequence[int], of_all: bool, as_json: bool) -> int:
    """Try entries again, after a mend of the node or of its lists.

    Example: trucyte quarantine retry 3 4
    """
    if not numbers and not of_all:
        raise click.UsageError("name the numbers of entries, or --all")
    settings = load_settings(os.environ)
    failed = 0
    with open_node(settings) as node, stopping() as stop:
        held = Quarantine(node.door)
        for number in numbers or [entry.number for entry in reversed(held.entries())]:
            if stop.event.is_set():
                break
            is_accepted = held.retry(number, stop.event)
            failed += not is_accepted
            _print_retry(number, is_accepted, settings.language, as_json=as_json)
    return stop.code or (INPUT_ERRORS if failed else DONE)


def _facts(entry: Quarantined) -> dict[str, Any]:
    return {
        "number": entry.number,
        "source": entry.source,
        "ordinal": entry.ordinal,
        "reason": entry.reason,
        "facts": dict(entry.facts),
        "at": entry.at.isoformat(timespec="seconds"),
        "bytes": entry.size,
        "resolved_at": entry.resolved_at and entry.resolved_at.isoformat(timespec="seconds"),
    }


class _Stop:
    """Set by the first signal; `code` is then what to leave with."""

    def __init__(self) -> None:
        self.event = Event()
        self.code = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Stop after what is begun; a second Ctrl-C does not wait."""
        if self.event.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.code = INTERRUPTED if number == signal.SIGINT else TERMINATED
        self.event.set()


@contextmanager
def stopping() -> Iterator[_Stop]:
    """Let Ctrl-C and SIGTERM end the work between two units."""
    stop = _Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watchers(paths: Sequence[Path], language: str) -> Watchers:
    """Return who draws the bar on a terminal, and who says warnings once each."""
    files = list(find_files(paths))
    is_packed = any(path.suffix.lower() == ".zip" for path in files)
    total = 0 if is_packed else sum(map(size_of, files))
    said: set[tuple[str, object]] = set()

    def warn(problem: Problem) -> None:
        key = problem.code, problem.facts.get("path")
        if key not in said:
            said.add(key)
            clear_line()
            click.echo(f"trucyte: {wording(problem, language)} [{problem.code}]", err=True)

    def draw(progress: Progress) -> None:
        draw_line(bar(progress, total, len(files), language))

    return Watchers(draw, warn) if is_watched() else Watchers(warning=warn)


def bar(progress: Progress, bytes_total: int, files: int, language: str) -> str:
    """Return the progress of a run as one line: a bar and the rates."""
    done = progress.bytes / bytes_total if bytes_total else progress.files / max(1, files)
    words = ("lượt khám", "tài nguyên") if language == "vi" else ("visits", "resources")
    return (
        f"{draw_bar(done)} {progress.files}/{files}  "
        f"{progress.visits:,} {words[0]} ({progress.visits_per_second:,.0f}/s)  "
        f"{progress.resources:,} {words[1]} ({progress.resources_per_second:,.0f}/s)"
    )


def _print_summary(summary: Summary, language: str, *, as_json: bool) -> None:
    told: Mapping[str, Any] = summary.as_json()
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    findings = sum(summary.findings.values())
    rate = f"{told['resources_per_second']:,}"
    if language == "vi":
        click.echo(
            f"{summary.files:,} tệp, {summary.visits:,} lượt khám, "
            f"{summary.resources:,} tài nguyên mới trong {summary.seconds:.1f} giây "
            f"({rate}/giây); {findings:,} điểm cần xem."
        )
    else:
        click.echo(
            f"{summary.files:,} files, {summary.visits:,} visits, {summary.resources:,} resources "
            f"newly written in {summary.seconds:.1f} s ({rate}/s); {findings:,} findings."
        )
    for reason, count in sorted(summary.quarantined.items()):
        words = reason_words(reason)[0]
        label = "cách ly" if language == "vi" else "in quarantine"
        click.echo(f"  {count:,} {label}: {words} [{reason}]")


def _print_retry(number: int, is_accepted: bool, language: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"number": number, "accepted": is_accepted}))
        return
    vi = "đã nhận" if is_accepted else "vẫn cách ly"
    en = "accepted" if is_accepted else "still in quarantine"
    click.echo(f"{number}: {vi if language == 'vi' else en}")
