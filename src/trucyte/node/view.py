"""The command `trucyte view run`: FHIR in NDJSON becomes a table."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from trucyte.base.problem import Kind, Problem
from trucyte.node.cli import DONE, INPUT_ERRORS

if TYPE_CHECKING:
    from trucyte.insight.views.chunks import Chunk
    from trucyte.insight.views.formats import Format
    from trucyte.insight.views.run import Made, Prepared

_FAULTS_SHOWN = 20
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
@click.option("--json", is_flag=True, expose_value=False, help="The same as --format ndjson.")
def run(definition: str, inputs: Sequence[str], form: str, out: Path | None) -> int:
    """Make the rows of a ViewDefinition from resources, one a line; - is standard input.

    Resources of other types are passed over. Lines that cannot be used are named on standard
    error, and the exit code is 1; all other rows are written.

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
    report = _Report()
    write = _write_parquet if form == "parquet" else _write_text
    with _streams(inputs) as source:
        write(prepared, source, Format(form), out, report)
    return report.finish()


class _Report:
    """Says which lines could not be used, the first ones by name, all by number."""

    def __init__(self) -> None:
        self._count = self._rows = 0

    def add(self, made: "Made") -> None:
        self._rows += made.count
        for fault in made.faults:
            self.refuse(f"{fault.file}:{fault.line}: ", fault.problem)

    def refuse(self, place: str, problem: Problem) -> None:
        from trucyte.base.wording import wording  # noqa: PLC0415 - only when something failed

        self._count += 1
        if self._count <= _FAULTS_SHOWN:
            words = wording(problem, os.environ.get("TRUCYTE_LANGUAGE") or "vi")
            sys.stderr.write(f"{place}{words} [{problem.code}]\n")

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
        for made in run_view(prepared, source(), form, workers=_workers()):
            write(made.text.encode())
            report.add(made)


def _write_parquet(
    prepared: "Prepared", source: _Source, form: "Format", out: Path | None, report: _Report
) -> None:
    from trucyte.insight.views.parquet import ParquetFile  # noqa: PLC0415
    from trucyte.insight.views.run import run as run_view  # noqa: PLC0415

    assert out is not None
    try:
        folder = tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".view-")
    except OSError as error:
        raise _unreadable(str(out), error) from None
    with folder:
        part = Path(folder.name) / "part.parquet"
        target = ParquetFile(part, Path(folder.name), prepared.fields)
        for made in run_view(prepared, source(), form, workers=_workers()):
            report.add(made)
            for problem in target.add(made.text):
                report.refuse("", problem)
        target.finish()
        part.replace(out)


@contextmanager
def _target(out: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Give what writes; a file takes its place when it is whole."""
    if out is None:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    part = out.with_name(f".{out.name}.part")
    try:
        stream = part.open("wb")
    except OSError as error:
        raise _unreadable(str(out), error) from None
    try:
        with stream:
            yield stream.write
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


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
