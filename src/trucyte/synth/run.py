"""Make the claims of a synthetic country, file after file, in constant memory.

Everything follows from (visits, seed, options): the same call writes the same bytes.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trucyte.intake.claims.tables import Variant, Visit
from trucyte.synth.country import Facility, facilities_for, facility
from trucyte.synth.people import HOUSEHOLD, Population
from trucyte.synth.plan import make_plan
from trucyte.synth.times import DAY
from trucyte.synth.visit import make_visit
from trucyte.synth.write import Style, check_ins, envelope, style_of, visit_xml

_PERIODS = {  # visits end inside the decision's validity, whatever the stay
    Variant.D4210: (date(2023, 1, 1), date(2024, 5, 20)),
    Variant.D130: (date(2023, 9, 1), date(2024, 5, 20)),
    Variant.D4750: (date(2024, 7, 1), date(2024, 11, 25)),
    Variant.D3176: (date(2025, 7, 1), date(2026, 5, 20)),
    Variant.D1931: (date(2026, 7, 1), date(2026, 10, 10)),
}
_VISITS_PER_PERSON = 2.6
_ZIP_TIME = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Options:
    """What to make."""

    visits: int
    seed: int
    variant: Variant = Variant.D1931
    per_file: int = 100
    inline: bool = False
    sensitive: float = 0.01


@dataclass(frozen=True, slots=True)
class Batch:
    """The visits of one file, and its day."""

    number: int
    facility: Facility
    made_on: int  # ordinal
    visits: list[Visit]

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"syn-{self.facility.code}-{self.number + 1:06d}"


def population_of(options: Options) -> tuple[Population, int]:
    """Return the people of a run, and how many households each facility has."""
    start, end = _PERIODS[options.variant]
    count = facilities_for(options.visits)
    people = max(120, round(options.visits / count / _VISITS_PER_PERSON))
    population = Population(options.seed, count, start.toordinal(), end.toordinal())
    return population, max(1, people // HOUSEHOLD)


def batches(options: Options) -> Iterator[Batch]:
    """Yield the visits file by file, in the order of time."""
    population, homes = population_of(options)
    span = population.end - population.start
    numbers = range(0, options.visits, options.per_file)
    for file_number, first in enumerate(numbers):
        home = facility(options.seed, file_number % population.facilities + 1)
        plans = [
            make_plan(
                population,
                number=number,
                day=population.start + number * span // options.visits,
                facility=home,
                homes=homes,
                variant=options.variant,
                sensitive=options.sensitive,
            )
            for number in range(first, min(first + options.per_file, options.visits))
        ]
        made_on = max(plan.contact_end for plan in plans) // DAY + 1
        visits = [make_visit(plan, made_on=made_on) for plan in plans]
        yield Batch(file_number, home, made_on, visits)


def visits(options: Options) -> Iterator[Visit]:
    """Yield every visit of a run."""
    for batch in batches(options):
        yield from batch.visits


def file_bytes(batch: Batch, style: Style) -> bytes:
    """Return the envelope of a batch."""
    return envelope(
        batch.visits,
        facility=batch.facility.code,
        made_on=batch.made_on,
        style=style,
        bodies=[visit_xml(visit, style) for visit in batch.visits],
    )


def files(options: Options) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file of a run: envelopes, and check-ins beside them."""
    for batch in batches(options):
        style = style_of(options.seed, batch.number, inline=options.inline)
        yield f"{batch.name}.xml", file_bytes(batch, style)
        arrivals = check_ins(batch.visits)
        if arrivals:
            yield f"{batch.name}-xml0.xml", arrivals


def write_claims(options: Options, folder: Path, *, as_zip: bool = False) -> Iterator[int]:
    """Write the files of a run into `folder` (or one zip in it); yield bytes after each."""
    folder.mkdir(parents=True, exist_ok=True)
    if not as_zip:
        for name, data in files(options):
            (folder / name).write_bytes(data)
            yield len(data)
        return
    path = folder / f"syn-{options.seed}.zip"
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in files(options):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data, zipfile.ZIP_DEFLATED)
            yield len(data)
