"""Write a population to a file: it takes its place when it is whole, and not before.

Parquet is made by DuckDB of the CSV, in bounded memory; what a record does not say is null.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final

from trucyte.base.problem import Kind, Problem
from trucyte.insight.views.engine import open_engine
from trucyte.synth.population.columns import NAMES
from trucyte.synth.population.forms import form_of, truth_heading
from trucyte.synth.population.run import Options, parts

PARQUET: Final = ".parquet"
_GROUP: Final = 100_000  # rows of a group of Parquet


class PeopleNotWritten(Problem):
    """The file of people cannot be written: {reason}."""

    kind = Kind.BAD_INPUT
    code = "people-not-written"


def write_stream(options: Options, stream: BinaryIO, *, processes: int) -> Iterator[int]:
    """Write records to a stream; yield how many each time."""
    stream.write(form_of(options.form).heading())
    for part in parts(options, processes=processes):
        stream.write(part.lines)
        yield part.records


def truth_file(out: Path) -> Path:
    """Return where the truth of a file of Patients lies."""
    return out.with_name(f"{out.stem}.truth.csv")


def write_people(options: Options, out: Path, *, processes: int) -> Iterator[int]:
    """Write a file, Parquet by its ending; yield how many records each time.

    Patients have a file of truth beside them. Raises PeopleNotWritten, TooManyPeople.
    """
    part = out.absolute().with_name(f".{out.name}.{os.getpid()}.part")
    beside = part.with_name(f"{part.name}.truth")
    try:
        yield from _written(options, part, beside, processes)
        if out.suffix == PARQUET:
            _to_parquet(part, beside)
            beside.replace(out)
        else:
            part.replace(out)
        if options.form == "patients":
            beside.replace(truth_file(out))
    except OSError as error:
        raise PeopleNotWritten(reason=error.strerror or type(error).__name__) from error
    finally:
        part.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)


def _written(options: Options, part: Path, beside: Path, processes: int) -> Iterator[int]:
    with ExitStack() as files:
        lines = files.enter_context(part.open("wb"))
        truth = None
        if options.form == "patients":
            truth = files.enter_context(beside.open("wb"))
            truth.write(truth_heading())
        lines.write(form_of(options.form).heading())
        for piece in parts(options, processes=processes):
            lines.write(piece.lines)
            if truth:
                truth.write(piece.truth)
            yield piece.records


def _to_parquet(source: Path, target: Path) -> None:
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in NAMES)
    text = str(source).replace("'", "''")
    made = str(target).replace("'", "''")
    engine = open_engine(writes=(source, target))
    try:
        engine.execute(
            f"COPY (SELECT * FROM read_csv('{text}', header = true, auto_detect = false, "  # noqa: S608 - names of our own, and a path
            f"delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}})) "
            f"TO '{made}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP})"
        )
    finally:
        engine.close()
