"""Link two files, or the records of one: from paths to pairs with their reasons.

The steps, each bounded: read and fold, forget numbers that too many share, find candidate
pairs, weigh them (by a model trained on these very files, or by one that is given), decide
by rules and weight, join into groups, look again. What was left out is told in the summary.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import duckdb

from trucyte.shared.identity.bulk.files import open_source
from trucyte.shared.identity.bulk.grouping import (
    SEVERAL,
    SLIP,
    Groups,
    group,
    look_again,
    part_ambiguous,
)
from trucyte.shared.identity.bulk.headers import ColumnUnknown, columns_of
from trucyte.shared.identity.bulk.normalising import normalise
from trucyte.shared.identity.bulk.scoring import VERDICTS, rules_of, score_pairs
from trucyte.shared.identity.bulk.tables import (
    column,
    connect,
    drop_shared_numbers,
    find_candidates,
    load_persons,
    measure_frequencies,
    spread_frequencies,
    take_frequencies,
)
from trucyte.shared.identity.bulk.training import TrainingImpossible, train
from trucyte.shared.identity.matching.levels import COMPARISONS
from trucyte.shared.identity.matching.model import Model, load_model

OUT_COLUMNS = ("id_a", "id_b", "weight", "probability", "decision", "why")
TRAINED_FROM = 5_000  # records: below it the packaged model knows more than the files
OF_THESE_FILES = "of these files"  # the version of a model that is not kept
KEEP = 0.01
BLOCK_MAX = 300
_ROWS_AT_ONCE = 50_000
_NAMES = {comparison.name: comparison.names() for comparison in COMPARISONS}
_LATER = {SLIP: ("slip-without-twin",), SEVERAL: ("several-persons-fit",)}

Progress = Callable[[str, int], None]  # the step, and how far


@dataclass(slots=True)
class Linkage:
    """A linkage at work: its database, its model, and what has come of it."""

    connection: duckdb.DuckDBPyConnection
    model: Model
    records: int
    pairs: int
    prior: float
    across: bool
    is_trained: bool  # the model, on these very files
    shared_numbers: Mapping[str, int]
    large_blocks: Mapping[str, int]
    groups: Groups = field(default_factory=lambda: Groups({}))
    refused: dict[tuple[int, int], str] = field(default_factory=dict)
    second_look: int = 0
    several: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


def prepare(
    paths: Sequence[Path],
    folder: Path,
    *,
    named: Mapping[str, str],
    without: Sequence[str] = (),
    truth: str = "",
    model: Model | None = None,
    workers: int,
    memory: str,
    progress: Progress,
) -> Linkage:
    """Read the files and find candidate pairs; `without` leaves fields out.

    `truth` names a column that says whose record it is: kept for evaluation, never looked
    at. Raises the Problems of reading, and TrainingImpossible never: small files and files
    without repeats are weighed by the packaged model.
    """
    began = monotonic()
    seconds: dict[str, float] = {}
    parts = [
        _read(path, folder, named, without, truth, workers=workers, progress=progress)
        for path in paths
    ]
    seconds["read"] = monotonic() - began
    connection = connect(folder, memory=memory, threads=workers)
    records = load_persons(connection, parts)
    progress("pairs", records)
    shared = drop_shared_numbers(connection)
    measure_frequencies(connection)
    across = len(paths) > 1
    pairs, large = find_candidates(connection, records=records, across=across, block_max=BLOCK_MAX)
    seconds["pairs"] = monotonic() - began - seconds["read"]
    chosen, prior = _choose_model(connection, model, records, told=f"{records} records")
    seconds["training"] = monotonic() - began - sum(seconds.values())
    return Linkage(
        connection,
        chosen,
        records,
        pairs,
        prior,
        across,
        chosen.version == OF_THESE_FILES,
        shared,
        large,
        seconds=seconds,
    )


def _read(
    path: Path,
    folder: Path,
    named: Mapping[str, str],
    without: Sequence[str],
    truth: str,
    *,
    workers: int,
    progress: Progress,
) -> list[Path]:
    """Write the persons of a file as Arrow files."""
    source = open_source(path)
    found = columns_of(source.header, named, file=path.name)
    columns = {field: places for field, places in found.items() if field not in without}
    if truth and truth not in source.header:
        raise ColumnUnknown(file=path.name, column=truth, columns=", ".join(source.header[:40]))
    return normalise(
        source,
        columns,
        folder,
        workers=workers,
        progress=lambda rows: progress("read", rows),
        truth=source.header.index(truth) if truth else None,
    )


def _choose_model(
    connection: duckdb.DuckDBPyConnection, model: Model | None, records: int, *, told: str
) -> tuple[Model, float]:
    if model is None and records >= TRAINED_FROM:
        spread_frequencies(connection, {})
        try:
            trained = train(connection, version=OF_THESE_FILES, told=told, records=records)
        except TrainingImpossible:
            pass
        else:
            return trained, trained.prior
    model = model or load_model()
    take_frequencies(connection, model)
    spread_frequencies(connection, model.rare)
    return model, min(0.01, max(model.prior, 1 / max(records, 2)))


def decide_all(linkage: Linkage, *, progress: Progress) -> None:
    """Score, look again and group; the tables `scores` and the groups are then complete."""
    began = monotonic()
    progress("weigh", linkage.pairs)
    connection, model = linkage.connection, linkage.model
    score_pairs(connection, model, prior=linkage.prior, keep=KEEP)
    linkage.seconds["weigh"] = monotonic() - began
    progress("group", linkage.pairs)
    linkage.second_look = look_again(connection, sure=model.thresholds.sure)
    linkage.several = part_ambiguous(connection)
    linkage.groups, linkage.refused = group(connection)
    linkage.seconds["group"] = monotonic() - began - linkage.seconds["weigh"]


@dataclass(frozen=True, slots=True)
class Link:
    """A pair as it is written."""

    left: int
    right: int
    weight: float
    probability: float
    decision: str
    rules: tuple[str, ...]
    levels: tuple[int, ...]


def links(linkage: Linkage) -> Iterator[Link]:
    """Return sure and unsure pairs, heaviest first, with what the groups made of them."""
    root, refused = linkage.groups.root, linkage.refused
    names = ", ".join(f"lv_{name}" for name in _NAMES)
    cursor = linkage.connection.cursor()
    cursor.execute(
        f"SELECT l, r, bits, probability, verdict, rules, {names} FROM scores"
        " WHERE verdict > 0 ORDER BY bits DESC, l, r"
    )
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        for left, right, bits, probability, verdict, mask, *levels in rows:
            decision = VERDICTS[verdict]
            rules = _LATER.get(mask) or rules_of(mask, verdict)
            if (left, right) in refused:
                decision, rules = "unsure", (refused[left, right],)
            elif decision == "unsure" and root(left) == root(right):
                decision, rules = "sure", ("one-group",)
            yield Link(left, right, bits, probability, decision, rules, tuple(levels))


def write_links(linkage: Linkage, out: Path, *, explained: Callable[[Link], str]) -> dict[str, int]:
    """Write the pairs as CSV; return how many of each decision."""
    known = column(linkage.connection, "SELECT id FROM persons ORDER BY n")
    counts = {"sure": 0, "unsure": 0}
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(OUT_COLUMNS)
        for link in links(linkage):
            counts[link.decision] += 1
            writer.writerow(
                (
                    known[link.left] or str(link.left + 1),
                    known[link.right] or str(link.right + 1),
                    f"{link.weight:.2f}",
                    f"{link.probability:.6f}",
                    link.decision,
                    explained(link),
                )
            )
    return counts


def levels_of(link: Link) -> Mapping[str, str]:
    """Return the names of the levels of a pair, without those that are missing."""
    return {
        name: names[number]
        for (name, names), number in zip(_NAMES.items(), link.levels, strict=True)
        if number >= 0
    }
