"""Make the claims of a synthetic country, file after file, in constant memory.

Everything follows from (visits, seed, options): the same call writes the same bytes.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from trucyte.intake.claims.tables import Variant, Visit
from trucyte.synth.backwards import Backwards
from trucyte.synth.country import Facility, facilities_for, facility
from trucyte.synth.faults.plant import Planter, Truth
from trucyte.synth.faults.wire import cut_short
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
    errors: float = 0.0
    through_fhir: bool = False  # write what the mapping gives back from the resources


@dataclass(frozen=True, slots=True)
class Batch:
    """The visits of one file, and its day."""

    number: int
    first: int  # number of the first visit
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
    backwards = Backwards(options.seed) if options.through_fhir else None
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
        if backwards:
            visits = [backwards.visit(visit) for visit in visits]
        yield Batch(file_number, first, home, made_on, visits)


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


@dataclass(frozen=True, slots=True)
class Written:
    """One file, and the faults planted in it."""

    name: str
    data: bytes
    visits: int
    truths: list[Truth]


def files(options: Options) -> Iterator[Written]:
    """Yield every file of a run: envelopes, and check-ins (XML0) beside them."""
    planter = Planter(options.seed, options.errors)
    for batch in batches(options):
        style = style_of(options.seed, batch.number, inline=options.inline)
        if options.errors:
            yield _faulty(batch, style, planter)
        else:
            yield Written(f"{batch.name}.xml", file_bytes(batch, style), len(batch.visits), [])
        arrivals = check_ins(batch.visits)
        if arrivals:
            yield Written(f"{batch.name}-xml0.xml", arrivals, 0, [])


def _faulty(batch: Batch, style: Style, planter: Planter) -> Written:
    name = f"{batch.name}.xml"
    truths: list[Truth | None] = []
    bodies = []
    for number, visit in enumerate(batch.visits, start=batch.first):
        truth = planter.in_tables(visit, number, name)
        truths.append(truth)
        body = visit_xml(visit, style)
        if truth is None:
            body, truth = planter.on_wire(body, style, visit, number, name)
            truths.append(truth)
        bodies.append(body)
    data = envelope(
        batch.visits,
        facility=batch.facility.code,
        made_on=batch.made_on,
        style=style,
        bodies=bodies,
    )
    cut = planter.cuts(batch.number, name)
    truths.append(cut)
    planted = [truth for truth in truths if truth]
    return Written(name, cut_short(data) if cut else data, len(batch.visits), planted)


def write_claims(options: Options, folder: Path, *, as_zip: bool = False) -> Iterator[Written]:
    """Write the files of a run into `folder` (or one zip in it); yield each when written.

    With faults, `truth.jsonl` beside the files says what was planted where.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truth = (folder / "truth.jsonl").open("w", encoding="utf-8") if options.errors else None
    try:
        for written in _stored(options, folder, as_zip=as_zip):
            if truth:
                truth.writelines(f"{json.dumps(asdict(row))}\n" for row in written.truths)
            yield written
    finally:
        if truth:
            truth.close()


def _stored(options: Options, folder: Path, *, as_zip: bool) -> Iterator[Written]:
    if not as_zip:
        for written in files(options):
            (folder / written.name).write_bytes(written.data)
            yield written
        return
    path = folder / f"syn-{options.seed}.zip"
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for written in files(options):
            entry = zipfile.ZipInfo(written.name, _ZIP_TIME)
            archive.writestr(entry, written.data, zipfile.ZIP_DEFLATED)
            yield written


def resources(options: Options) -> Iterator[bytes]:
    """Yield the FHIR resources of a run's visits as JSON, one at a time."""
    backwards = Backwards(options.seed)
    for visit in visits(options):
        yield from backwards.resources(visit)
