"""The command `trucyte view run`: FHIR in NDJSON becomes a table."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from trucyte.base.problem import Kind, Problem
from trucyte.base.terminal import bar, bytes_words, clear_line, draw_line
from trucyte.node.cli import DONE, INPUT_ERRORS

if TYPE_CHECKING:
    from trucyte.insight.views.chunks import Chunk
    from trucyte.insight.views.formats import Format
    from trucyte.insight.views.run import Made, Prepared

_FAULTS_SHOWN = 20
_DRAW_SECONDS = 0.1
_WORKERS_MAX = 8


class ViewFileUnreadable(Problem):
    """The file {file} cannot be read or written: {reason}."""

    kind = Kind.BAD_INPUT
    code = "view-file"


@click.group()
def view() -> None:
    """Tables out of FHIR, by SQL-on-FHIR views."""


@view.command()
@click.argument("definition", metavar="VIEW.json")
@click.argument("inputs", metavar="INPUT.ndjson…", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(("ndjson", "csv", "parquet")),
    default="ndjson",
    show_default=True,
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
@click.option("--json", "as_json", is_flag=True, help="NDJSON, and no progress bar.")
def run(definition: str, inputs: Sequence[str], form: str, out: Path | None, as_json: bool) -> int:
    """Make the rows of a ViewDefinition from resources, one a line; - is standard input.

    Resources of other types are passed over. Lines that cannot be used are named on standard
    error, and the exit code is 1; all other rows are written. A file given by --out takes its
    place when it is whole: one that is interrupted leaves what was there before.

    Example: trucyte view run patients.json Patient.ndjson --format csv --out patients.csv
    """
    from trucyte.fhir.view.definition import read_view  # noqa: PLC0415 - help stays fast
    from trucyte.insight.views.formats import Format  # noqa: PLC0415
    from trucyte.insight.views.run import prepare  # noqa: PLC0415
    from trucyte.node.language import load_definitions  # noqa: PLC0415

    if form == "parquet" and out is None:
        raise click.UsageError("Parquet needs --out FILE.")
    definitions = load_definitions()
    now = datetime.now(timezone(timedelta(hours=7)))
    prepared = prepare(read_view(_read(definition), definitions), definitions, now)
    is_shown = not as_json and (out is not None or not sys.stdout.isatty())
    report = _Report(_total(inputs) if is_shown else None)
    write = _write_parquet if form == "parquet" else _write_text
    try:
        with _streams(inputs) as source:
            write(prepared, source, Format(form), out, report)
    finally:
        clear_line()
    return report.finish()


def _total(inputs: Sequence[str]) -> int:
    """Return the bytes of the inputs; 0 where that is not known before they end."""
    files = [Path(name) for name in inputs]
    if not all(file.is_file() for file in files):
        return 0
    return sum(file.stat().st_size for file in files)


class _Report:
    """Says how far it is, and which lines could not be used: the first by name, all by number."""

    def __init__(self, bytes_total: int | None) -> None:
        """Draw a bar up to `bytes_total`, 0 where it is not known; without it none."""
        self._count = self._rows = self._bytes = 0
        self._bytes_total = bytes_total
        self._language = os.environ.get("TRUCYTE_LANGUAGE") or "vi"
        self._start = self._drawn = time.monotonic()

    def add(self, made: "Made") -> None:
        self._rows += made.count
        self._bytes += made.size
        for fault in made.faults:
            self.refuse(f"{fault.file}:{fault.line}: ", fault.problem)
        now = time.monotonic()
        if self._bytes_total is not None and now - self._drawn >= _DRAW_SECONDS:
            self._drawn = now
            draw_line(self._line(now - self._start))

    def _line(self, seconds: float) -> str:
        total = self._bytes_total
        read = bytes_words(self._bytes)
        how_far = f"{bar(self._bytes / total)} {read} / {bytes_words(total)}" if total else read
        rows = "dòng" if self._language == "vi" else "rows"
        return f"{how_far}  {self._rows:,} {rows} ({self._rows / seconds:,.0f}/s)"

    def refuse(self, place: str, problem: Problem) -> None:
        from trucyte.base.wording import wording  # noqa: PLC0415 - only when something failed

        self._count += 1
        if self._count <= _FAULTS_SHOWN:
            clear_line()
            sys.stderr.write(f"{place}{wording(problem, self._language)} [{problem.code}]\n")

    def finish(self) -> int:
        if self._count:
            sys.stderr.write(f"trucyte: {self._count:,} lines left out, {self._rows:,} rows\n")
        return INPUT_ERRORS if self._count else DONE


_Source = Callable[[], Iterator["Chunk"]]


@contextmanager
def _streams(inputs: Sequence[str]) -> Iterator[_Source]:
    """Open all inputs before the first is read, so that a wrong name ends it at once."""
    from trucyte.insight.views.chunks import chunks  # noqa: PLC0415

    with ExitStack() as stack:
        opened = []
        for name in inputs:
            try:
                stream = sys.stdin.buffer if name == "-" else stack.enter_context(_open(name))
            except OSError as error:
                raise _unreadable(name, error) from None
            opened.append((stream, name))

        def source() -> Iterator["Chunk"]:
            for stream, name in opened:
                try:
                    yield from chunks(stream, name)
                except OSError as error:
                    raise _unreadable(name, error) from None

        yield source


def _write_text(
    prepared: "Prepared", source: _Source, form: "Format", out: Path | None, report: _Report
) -> None:
    from trucyte.insight.views.formats import header  # noqa: PLC0415
    from trucyte.insight.views.run import run as run_view  # noqa: PLC0415

    with _target(out) as write:
        write(header(prepared.fields, form).encode())
        pieces = run_view(prepared, source(), form, workers=_workers())
        with closing(pieces):
            for made in pieces:
                write(made.text.encode())
                report.add(made)


def _write_parquet(
    prepared: "Prepared", source: _Source, form: "Format", out: Path | None, report: _Report
) -> None:
    from trucyte.insight.views.parquet import ParquetFile  # noqa: PLC0415
    from trucyte.insight.views.run import run as run_view  # noqa: PLC0415

    assert out is not None
    # Named before it is made: an interruption at any moment finds what to take away.
    folder = _part_of(out)
    try:
        _make_folder(folder)
        part = folder / "part.parquet"
        target = ParquetFile(part, folder, prepared.fields)
        pieces = run_view(prepared, source(), form, workers=_workers())
        with closing(target), closing(pieces):
            for made in pieces:
                report.add(made)
                for problem in target.add(made.text):
                    report.refuse("", problem)
            target.finish()
        part.replace(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise _unreadable(str(folder), error) from None


def _part_of(out: Path) -> Path:
    """Return where a result grows, beside where it will be."""
    return out.absolute().with_name(f".{out.name}.{os.getpid()}.part")


@contextmanager
def _target(out: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Give what writes; a file takes its place when it is whole."""
    if out is None:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    part = _part_of(out)
    try:
        with _opened(part) as stream:
            yield stream.write
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _opened(part: Path) -> BinaryIO:
    try:
        return part.open("wb")
    except OSError as error:
        raise _unreadable(str(part), error) from None


def _open(name: str) -> BinaryIO:
    return Path(name).open("rb")


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: OSError) -> ViewFileUnreadable:
    return ViewFileUnreadable(file=name, reason=error.strerror or "?")


def _workers() -> int:
    return min(os.cpu_count() or 1, _WORKERS_MAX)
