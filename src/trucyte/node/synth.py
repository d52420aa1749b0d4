"""The command `trucyte synth`: make the data of a synthetic country."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import click

_VARIANTS = ("1931", "3176", "4750", "130", "4210")


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
    from trucyte.synth.run import Options, write_claims  # noqa: PLC0415

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
    from trucyte.synth.run import Options  # noqa: PLC0415
    from trucyte.synth.run import resources as made  # noqa: PLC0415

    options = Options(visits=visits, seed=seed, variant=Variant[f"D{variant}"])
    for body in made(options):
        ndjson.write(body + b"\n")


def _progress(visits: int, *, hidden: bool) -> AbstractContextManager[Any]:
    return click.progressbar(length=visits, label="visits", hidden=hidden, show_pos=True)


def _say(as_json: bool, **facts: int | str) -> None:
    import json  # noqa: PLC0415

    if as_json:
        click.echo(json.dumps(facts))
    else:
        line = "{visits} visits in {files} files, {bytes:,} bytes, {faults} faults, under {out}"
        click.echo(line.format(**facts))
