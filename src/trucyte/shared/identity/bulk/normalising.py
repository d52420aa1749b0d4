"""Rows of files become columns of `Person`, in several processes.

Each worker reads a piece, folds it and writes an Arrow file; DuckDB takes these in. A row
is numbered by its place, so the result is the same whatever the number of processes.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from trucyte.shared.identity.bulk.files import Source, pieces, rows_of
from trucyte.shared.identity.bulk.headers import RECORD_ID
from trucyte.shared.identity.matching.normal import remember
from trucyte.shared.identity.matching.person import COLUMNS, Person, person_of

Progress = Callable[[int], None]  # how many rows so far
_NOTHING: tuple[tuple[str, ...], ...] = ((),) * len(COLUMNS)
_REMEMBERED = 250_000  # names, and numbers, a worker keeps: about 1 kB and 0.3 kB each
_AHEAD = 2  # pieces waiting a worker


def normalise(
    source: Source,
    columns: Mapping[str, Sequence[int]],
    folder: Path,
    *,
    workers: int,
    progress: Progress,
    truth: int | None = None,
) -> list[Path]:
    """Write the persons of a file as Arrow files into `folder`; return them in row order.

    Columns: `id` (as the file has it, or its row's number), those of `Person`, and `truth`,
    the column at that place, where it is asked for.
    """
    written: list[Path] = []
    rows = 0
    work = ((piece, number) for number, piece in enumerate(pieces(source)))
    with ProcessPoolExecutor(
        workers, get_context("forkserver"), initializer=remember, initargs=(_REMEMBERED,)
    ) as pool:
        waiting: list[Any] = []
        for piece, number in work:
            place = folder / f"{source.path.stem[:40]}-{number:06d}.arrow"
            waiting.append(pool.submit(write_piece, piece, source, columns, place, truth))
            written.append(place)
            while len(waiting) > workers * _AHEAD:
                rows += waiting.pop(0).result()
                progress(rows)
        for each in waiting:
            rows += each.result()
            progress(rows)
    return written


def write_piece(
    piece: bytes,
    source: Source,
    columns: Mapping[str, Sequence[int]],
    place: Path,
    truth: int | None,
) -> int:
    """Write the persons of a piece to an Arrow file; return how many."""
    ids: list[str] = []
    truths: list[str] = []
    persons: list[Person] = []
    id_places = columns.get(RECORD_ID, ())
    fields = [(field, places) for field, places in columns.items() if field != RECORD_ID]
    for row in rows_of(piece, source):
        width = len(row)
        values = {
            field: row[places[0]]
            if len(places) == 1 and places[0] < width
            else " ".join(row[place] for place in places if place < width)
            for field, places in fields
        }
        persons.append(person_of(values))
        ids.append(row[id_places[0]] if id_places and id_places[0] < width else "")
        if truth is not None:
            truths.append(row[truth] if truth < width else "")
    table = {"id": pa.array(ids, pa.string())}
    table.update(_columns(persons))
    if truth is not None:
        table["truth"] = pa.array(truths, pa.string())
    batch = pa.table(table)
    with pa.OSFile(os.fspath(place), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_table(batch)
    return len(persons)


def _columns(persons: Sequence[Person]) -> Iterator[tuple[str, pa.Array]]:
    rows = zip(*map(msgspec.structs.astuple, persons), strict=True) if persons else _NOTHING
    for column, values in zip(COLUMNS, rows, strict=True):
        yield column, pa.array([value or None for value in values], pa.string())
