"""The commands `trucyte identity link|train|evaluate`: who is the same, in files."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trucyte.base.terminal import clear_line, draw_line
from trucyte.node.cli import DONE
from trucyte.node.people.commands import reindex, status

if TYPE_CHECKING:
    from trucyte.shared.identity.bulk.linking import Link, Linkage

_DRAW_SECONDS = 0.1
_MEMORY = "1000MB"
_NUMBERS = ("personal_number", "identity_number", "card_number", "social_number", "passport")
_STEPS = {
    "vi": {
        "read": "đọc",
        "pairs": "tìm cặp trong",
        "weigh": "cân các cặp",
        "group": "gom nhóm từ",
    },
    "en": {"read": "read", "pairs": "pairs among", "weigh": "weigh pairs", "group": "group pairs"},
}

_column = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Which column a field is in, as name=HO_TEN; columns joined by +. Else guessed.",
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
_files = click.argument("files", nargs=-1, required=True, metavar="FILE.csv [OTHER.csv]")
_model = click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A model written by `trucyte identity train`; else one is trained on the files.",
)


@click.group()
def identity() -> None:
    """Who is the same person: link files, train and judge the matching."""


identity.add_command(status)
identity.add_command(reindex)


@identity.command()
@_files
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@_column
@_model
@click.option("--explain", "explained", is_flag=True, help="`why` in sentences, not in codes.")
@_json
def link(
    files: Sequence[str],
    out: Path,
    columns: Sequence[str],
    model: Path | None,
    explained: bool,
    as_json: bool,
) -> int:
    """Link the persons of two CSV files, or find the repeats in one.

    Writes id_a,id_b,weight,probability,decision,why: sure pairs are one person, unsure ones
    are for somebody to look at. Columns are known by their headers in Vietnamese or English.

    Example: trucyte identity link A.csv B.csv --out links.csv --column personal_number=CCCD
    """
    from trucyte.shared.identity.bulk.linking import decide_all, write_links  # noqa: PLC0415

    if len(files) > 2:
        raise click.UsageError("One file or two.")
    began = time.monotonic()
    progress = _progress(shown=not as_json)
    with _linkage(files, columns, model, progress=progress) as linkage:
        decide_all(linkage, progress=progress)
        part = out.with_name(f".{out.name}.{os.getpid()}.part")
        try:
            counts = write_links(linkage, part, explained=_why(linkage, explained=explained))
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
        summary = {**_summary(linkage, began), **counts}
    _tell(summary, as_json=as_json)
    return DONE


@identity.command()
@_files
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--version", "version", default="1", show_default=True, help="Of the model.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="HTML.")
@_column
@_json
def train(
    files: Sequence[str],
    out: Path,
    version: str,
    report: Path | None,
    columns: Sequence[str],
    as_json: bool,
) -> int:
    """Train a model on files without labels, and write it with its report.

    The model holds shares of levels and of frequent names; nothing of any person.

    Example: trucyte identity train people.csv --out model.json --report model.html
    """
    import msgspec  # noqa: PLC0415 - help stays fast

    from trucyte.node.matching.report import report_page  # noqa: PLC0415 - help stays fast
    from trucyte.shared.identity.bulk.training import train as train_model  # noqa: PLC0415

    began = time.monotonic()
    with _linkage(files, columns, None, progress=_progress(shown=not as_json)) as linkage:
        told = f"{linkage.records} records of {len(files)} files"
        trained = (
            msgspec.structs.replace(linkage.model, version=version, trained_on=told)
            if linkage.is_trained
            else train_model(
                linkage.connection, version=version, told=told, records=linkage.records
            )
        )
        summary = {**_summary(linkage, began), "version": version, "prior": trained.prior}
    out.write_bytes(msgspec.json.format(msgspec.json.encode(trained), indent=1))
    if report:
        report.write_text(report_page(trained, _language()), encoding="utf-8")
    _tell(summary, as_json=as_json)
    return DONE


@identity.command()
@_files
@click.option("--truth", default="person_id", show_default=True, help="Column of the truth.")
@click.option("--errors", default="errors", show_default=True, help="Column of kinds of error.")
@click.option("--without-numbers", is_flag=True, help="As if no paper's number were known.")
@_column
@_model
@_json
def evaluate(
    files: Sequence[str],
    truth: str,
    errors: str,
    without_numbers: bool,
    columns: Sequence[str],
    model: Path | None,
    as_json: bool,
) -> int:
    """Link a file whose truth is known, and print how good it was and how fast.

    Example: trucyte identity evaluate people.csv --without-numbers --json
    """
    from trucyte.shared.identity.bulk import evaluation  # noqa: PLC0415 - help stays fast
    from trucyte.shared.identity.bulk.linking import decide_all  # noqa: PLC0415 - help stays fast

    began = time.monotonic()
    progress = _progress(shown=not as_json)
    without = _NUMBERS if without_numbers else ()
    with _linkage(
        files, columns, model, progress=progress, truth=truth, without=without
    ) as linkage:
        decide_all(linkage, progress=progress)
        summary: dict[str, Any] = {**_summary(linkage, began), **evaluation.evaluate(linkage)}
        kinds = _column_of(files, errors)
        if kinds:
            summary["by_kind"] = evaluation.by_kind(linkage, kinds)
    _tell(summary, as_json=as_json)
    return DONE


@contextmanager
def _linkage(
    files: Sequence[str],
    columns: Sequence[str],
    model: Path | None,
    *,
    progress: Callable[[str, int], None],
    truth: str = "",
    without: Sequence[str] = (),
) -> Iterator["Linkage"]:
    from trucyte.shared.identity.bulk.linking import prepare  # noqa: PLC0415 - help stays fast
    from trucyte.shared.identity.matching.model import read_model  # noqa: PLC0415 - help stays fast

    named = {}
    for text in columns:
        field, equals, column = text.partition("=")
        if not equals:
            raise click.UsageError(f"--column is FIELD=COLUMN, not {text}.")
        named[field.strip()] = column
    with tempfile.TemporaryDirectory(prefix="trucyte-link-") as folder:
        linkage = prepare(
            [Path(file) for file in files],
            Path(folder),
            named=named,
            without=without,
            truth=truth,
            model=read_model(model.read_bytes()) if model else None,
            workers=os.cpu_count() or 1,
            memory=_MEMORY,
            progress=progress,
        )
        try:
            yield linkage
        finally:
            linkage.connection.close()
            clear_line()


def _why(linkage: "Linkage", *, explained: bool) -> Callable[["Link"], str]:
    """Return what tells why: names of rules or levels, or sentences in the node's language."""
    from trucyte.shared.identity.bulk.linking import levels_of  # noqa: PLC0415 - help stays fast
    from trucyte.shared.identity.matching.explaining import told  # noqa: PLC0415 - help stays fast

    language = _language()

    def why(link: "Link") -> str:
        if explained:
            return " ".join(told(link.decision, link.rules, levels_of(link), language))
        if link.rules:
            return ";".join(link.rules)
        return ";".join(f"{name}:{level}" for name, level in levels_of(link).items())

    return why


def _summary(linkage: "Linkage", began: float) -> dict[str, Any]:
    seconds = time.monotonic() - began
    return {
        "records": linkage.records,
        "candidate_pairs": linkage.pairs,
        "model": linkage.model.version,
        "left_out": {
            "shared_numbers": dict(linkage.shared_numbers),
            "large_blocks": dict(linkage.large_blocks),
        },
        "groups_refused": len(linkage.refused),
        "second_look": linkage.second_look,
        "several_persons_fit": linkage.several,
        "seconds": round(seconds, 2),
        "records_per_second": round(linkage.records / seconds),
        "steps": {step: round(took, 2) for step, took in linkage.seconds.items()},
    }


def _column_of(files: Sequence[str], name: str) -> list[str]:
    from trucyte.shared.identity.bulk.files import open_source, pieces, rows_of  # noqa: PLC0415

    found: list[str] = []
    for file in files:
        source = open_source(Path(file))
        if name not in source.header:
            return []
        at = source.header.index(name)
        for piece in pieces(source):
            found += [row[at] if at < len(row) else "" for row in rows_of(piece, source)]
    return found


def _progress(*, shown: bool) -> Callable[[str, int], None]:
    words, drawn = _STEPS[_language()], [0.0]

    def progress(step: str, number: int) -> None:
        now = time.monotonic()
        if shown and (step != "read" or now - drawn[0] >= _DRAW_SECONDS):
            drawn[0] = now
            draw_line(f"{words[step]} {number:,}")

    return progress


def _language() -> str:
    return "en" if os.environ.get("TRUCYTE_LANGUAGE") == "en" else "vi"


def _tell(summary: dict[str, Any], *, as_json: bool) -> None:
    clear_line()
    if as_json:
        sys.stdout.write(json.dumps(summary, ensure_ascii=False) + "\n")
        return
    for name, value in summary.items():
        if isinstance(value, dict):
            for inner, figure in value.items():
                sys.stdout.write(f"{name}.{inner}: {_shown(figure)}\n")
        else:
            sys.stdout.write(f"{name}: {_shown(value)}\n")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(figure)}" for name, figure in value.items())
    return f"{value:,.5g}" if isinstance(value, float) else f"{value}"
