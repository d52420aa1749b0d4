"""The command `trucyte synth`: make the data of a synthetic country."""

import os
import sys
import time
from contextlib import AbstractContextManager
from math import isnan
from pathlib import Path
from typing import Any, BinaryIO, Literal

import click

_VARIANTS = ("1931", "3176", "4750", "130", "4210")
_RECORDS_OF_ONE_PROCESS = 100_000


@click.group()
def synth() -> None:
    """Make synthetic data: nobody in it is real, and the same seed gives the same bytes."""


@synth.command()
@click.option("--visits", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="A folder."
)
@click.option("--per-file", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--variant", type=click.Choice(_VARIANTS), default="1931", show_default=True)
@click.option("--inline", is_flag=True, help="Plain XML inside the envelope, not base64.")
@click.option("--zip", "as_zip", is_flag=True, help="One zip instead of loose files.")
@click.option("--sensitive", type=click.FloatRange(0, 1), default=0.01, show_default=True)
@click.option(
    "--errors",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of visits with a planted fault; truth.jsonl says which.",
)
@click.option("--through-fhir", is_flag=True, help="Write what the mapping gives back.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
def claims(
    visits: int,
    seed: int,
    out: Path,
    per_file: int,
    variant: str,
    inline: bool,
    as_zip: bool,
    sensitive: float,
    errors: float,
    through_fhir: bool,
    as_json: bool,
) -> None:
    """Write claims files with their money rules kept.

    Example: trucyte synth claims --visits 1000 --seed 7 --out ./var/synth
    """
    from trucyte.intake.claims.tables import Variant  # noqa: PLC0415 - help stays fast
    from trucyte.synth.run import Options, write_claims  # noqa: PLC0415 - help stays fast

    options = Options(
        visits=visits,
        seed=seed,
        variant=Variant[f"D{variant}"],
        per_file=per_file,
        inline=inline,
        sensitive=sensitive,
        errors=errors,
        through_fhir=through_fhir,
    )
    count = size = planted = 0
    with _progress(visits, hidden=as_json) as bar:
        for written in write_claims(options, out, as_zip=as_zip):
            count += 1
            size += len(written.data)
            planted += len(written.truths)
            bar.update(written.visits)
    _say(as_json, visits=visits, files=count, bytes=size, faults=planted, out=str(out))


@synth.command()
@click.option("--visits", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--variant", type=click.Choice(_VARIANTS), default="1931", show_default=True)
@click.option(
    "--ndjson", type=click.File("wb"), default="-", help="Where to; - is standard output."
)
def resources(visits: int, seed: int, variant: str, ndjson: BinaryIO) -> None:
    """Write the FHIR resources of the same visits, one a line.

    Example: trucyte synth resources --visits 200 --seed 7 --ndjson ./var/synth.ndjson
    """
    from trucyte.intake.claims.tables import Variant  # noqa: PLC0415 - help stays fast
    from trucyte.synth.run import Options  # noqa: PLC0415 - help stays fast
    from trucyte.synth.run import resources as made  # noqa: PLC0415 - help stays fast

    options = Options(visits=visits, seed=seed, variant=Variant[f"D{variant}"])
    for body in made(options):
        ndjson.write(body + b"\n")


@synth.command()
@click.option("--n", "records", type=click.IntRange(min=1), default=10_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--corruptions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rates of damage (TOML); without it those that `trucyte synth corruptions` prints.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file ending in .csv, .ndjson or .parquet; without it CSV to standard output.",
)
@click.option(
    "--duplicates",
    type=click.FloatRange(0, 10),
    callback=lambda context, parameter, value: _number(value),
    default=1.2,
    show_default=True,
    help="Records of a person beyond the first, on average.",
)
@click.option("--hard", is_flag=True, help="Only people who are easily mistaken for each other.")
@click.option("--patients", is_flag=True, help="FHIR Patients (.ndjson), the truth beside them.")
@click.option("--processes", type=click.IntRange(1, 64), help="As many as cores, without it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for machines.")
def people(
    records: int,
    seed: int,
    corruptions: Path | None,
    out: Path | None,
    duplicates: float,
    hard: bool,
    patients: bool,
    processes: int | None,
    as_json: bool,
) -> None:
    """Write records of people in households, damaged as in life, with the truth.

    Example: trucyte synth people --n 100000 --seed 7 --out ./var/people.csv
    """
    from trucyte.synth.population.corruptions import (  # noqa: PLC0415 - help stays fast
        packaged_corruptions,
        read_corruptions,
    )
    from trucyte.synth.population.run import Options  # noqa: PLC0415 - help stays fast
    from trucyte.synth.population.write import write_people, write_stream  # noqa: PLC0415

    options = Options(
        records=records,
        seed=seed,
        corruptions=read_corruptions(corruptions.read_bytes())
        if corruptions
        else packaged_corruptions(),
        further=duplicates,
        is_hard=hard,
        form=_form(out, is_patients=patients),
    )
    workers = processes or _processes(records)
    if out is None:
        for _ in write_stream(options, sys.stdout.buffer, processes=workers):
            pass
        return
    start = time.monotonic()
    bar = click.progressbar(length=records, label="records", hidden=as_json, show_pos=True)
    with bar:
        for count in write_people(options, out, processes=workers):
            bar.update(count)
    seconds = max(time.monotonic() - start, 0.001)
    _say_people(as_json, records=records, seconds=seconds, out=out)


@synth.command()
def corruptions() -> None:
    """Print the rates of damage that `people` uses, as a file to change.

    Example: trucyte synth corruptions > mine.toml
    """
    from trucyte.synth.population.data import packaged_text  # noqa: PLC0415 - help stays fast

    click.echo(packaged_text("corruptions.toml"), nl=False)


def _number(value: float) -> float:
    if isnan(value):  # a range lets it through
        raise click.BadParameter("not a number")
    return value


def _form(out: Path | None, *, is_patients: bool) -> Literal["csv", "ndjson", "patients"]:
    suffix = out.suffix if out else ".csv"
    if is_patients:
        if suffix != ".ndjson":
            raise click.UsageError("--patients needs --out FILE.ndjson.")
        return "patients"
    if suffix not in (".csv", ".ndjson", ".parquet"):
        raise click.UsageError("--out ends in .csv, .ndjson or .parquet.")
    return "ndjson" if suffix == ".ndjson" else "csv"


def _processes(records: int) -> int:
    # starting processes takes longer than making a few records
    return 1 if records < _RECORDS_OF_ONE_PROCESS else os.cpu_count() or 1


def _say_people(as_json: bool, *, records: int, seconds: float, out: Path) -> None:
    import json  # noqa: PLC0415 - help stays fast

    size = out.stat().st_size
    if as_json:
        facts = {
            "records": records,
            "bytes": size,
            "seconds": round(seconds, 3),
            "records_per_second": round(records / seconds),
            "out": str(out),
        }
        click.echo(json.dumps(facts))
    else:
        click.echo(f"{records:,} records, {size:,} bytes, {seconds:.1f} s, in {out}")


def _progress(visits: int, *, hidden: bool) -> AbstractContextManager[Any]:
    return click.progressbar(length=visits, label="visits", hidden=hidden, show_pos=True)


def _say(as_json: bool, **facts: int | str) -> None:
    import json  # noqa: PLC0415 - help stays fast

    if as_json:
        click.echo(json.dumps(facts))
    else:
        line = "{visits} visits in {files} files, {bytes:,} bytes, {faults} faults, under {out}"
        click.echo(line.format(**facts))
