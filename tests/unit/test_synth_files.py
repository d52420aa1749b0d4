"""Generated files: the same bytes for a seed, and every form reads back to the same rows."""

import dataclasses
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from lxml import etree

from trucyte.intake.claims.read import VisitReader
from trucyte.intake.claims.tables import Row, Variant, Visit
from trucyte.intake.limits import DEFAULT
from trucyte.intake.reading import Reading
from trucyte.synth.layout import layouts
from trucyte.synth.run import (
    Options,
    batches,
    file_bytes,
    files,
    population_of,
    visits,
    write_claims,
)
from trucyte.synth.write import Style, check_ins, style_of
from trucyte.vietnam.sensitivity import load_triggers

VARIANTS = (Variant.D4210, Variant.D130, Variant.D4750, Variant.D3176, Variant.D1931)
STYLES = (
    Style(),
    Style(is_inline=True),
    Style(has_mark=True, has_cdata=True, empty="long"),
    Style(empty="none", is_indented=False, inner_declaration=False),
    Style(has_tabs=True, has_empty_files=True),
    Style(is_inline=True, has_cdata=True, has_tabs=True, is_indented=False),
)


def read(data: bytes) -> list[Visit]:
    reader = VisitReader(DEFAULT)
    with Reading(io.BytesIO(data)) as pieces:
        return [reader.read(piece) for piece in pieces]


def without_check_in(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    return {table: rows for table, rows in tables.items() if table != "XML0"}


def test_the_same_seed_gives_the_same_bytes() -> None:
    first = [(written.name, written.data) for written in files(Options(visits=300, seed=11))]
    again = [(written.name, written.data) for written in files(Options(visits=300, seed=11))]
    other = [(written.name, written.data) for written in files(Options(visits=300, seed=12))]
    assert first == again
    assert first != other


def test_the_bytes_of_a_seed_do_not_depend_on_what_was_made_before() -> None:
    list(visits(Options(visits=50, seed=99)))
    first = next(files(Options(visits=100, seed=11))).data
    list(visits(Options(visits=500, seed=7, variant=Variant.D4750)))
    assert next(files(Options(visits=100, seed=11))).data == first


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("style", STYLES, ids=range(len(STYLES)))
def test_a_file_of_any_form_reads_back_to_its_rows(variant: Variant, style: Style) -> None:
    batch = next(batches(Options(visits=60, seed=4, variant=variant, per_file=60, sensitive=0.1)))
    found = read(file_bytes(batch, style))
    assert [visit.link for visit in found] == [visit.link for visit in batch.visits]
    for got, made in zip(found, batch.visits, strict=True):
        assert got.tables == without_check_in(made.tables)
        assert got.variant is made.variant
        assert (got.facility, got.patient, got.made_on) == (
            made.facility,
            made.patient,
            made.made_on,
        )


def test_files_differ_in_form_as_real_ones_do() -> None:
    seen = [style_of(1, number, inline=False) for number in range(200)]
    for field in dataclasses.fields(Style):
        assert len({getattr(style, field.name) for style in seen}) > 1, field.name


def test_check_ins_are_a_document_of_their_own() -> None:
    made = [visit for visit in visits(Options(visits=400, seed=4)) if "XML0" in visit.tables]
    root = etree.fromstring(check_ins(made))
    rows = root.findall("DSACH_TRANG_THAI_KCB/TRANG_THAI_KCB")
    assert root.tag == "CHI_TIEU_TRANG_THAI_KCB"
    assert len(rows) == len(made)
    assert root[-1].tag == "CHUKYDONVI"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_two_thousand_visits_fill_every_field_of_every_table(variant: Variant) -> None:
    filled = {
        (table, field)
        for visit in visits(Options(visits=2000, seed=1, variant=variant, sensitive=0.02))
        for table, rows in visit.tables.items()
        for row in rows
        for field in row
    }
    wanted = {
        (table, field) for table, layout in layouts(variant).items() for field in layout.fields
    }
    assert filled == wanted


def test_the_annex_of_4750_has_481_fields() -> None:
    assert sum(len(layout.fields) for layout in layouts(Variant.D4750).values()) == 481
    assert len(layouts(Variant.D3176)["XML13"].fields) == 37


def test_a_zip_holds_the_same_files_and_the_same_bytes(tmp_path: Path) -> None:
    options = Options(visits=200, seed=6)
    list(write_claims(options, tmp_path / "a", as_zip=True))
    list(write_claims(options, tmp_path / "b", as_zip=True))
    list(write_claims(options, tmp_path / "c"))
    one, two = ((tmp_path / name / "syn-6.zip").read_bytes() for name in "ab")
    assert one == two
    with zipfile.ZipFile(io.BytesIO(one)) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert inside == {path.name: path.read_bytes() for path in (tmp_path / "c").iterdir()}


def test_memory_does_not_grow_with_the_number_of_visits() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for written in files(Options(visits=count, seed=3)):
            del written
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(100)  # tables and caches of every run
    small = peak(300)
    assert peak(1200) < 3 * small + 8_000_000


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_without_sensitive_visits_has_no_trace_of_any(seed: int) -> None:
    triggers = load_triggers()
    for visit in visits(Options(visits=1500, seed=seed, sensitive=0)):
        assert triggers.of_visit(visit.tables) == frozenset(), visit.tables["XML1"]


def test_the_share_of_sensitive_visits_is_kept() -> None:
    triggers = load_triggers()

    def share(rate: float) -> float:
        made = visits(Options(visits=2000, seed=1, sensitive=rate))
        return sum(bool(triggers.of_visit(visit.tables)) for visit in made) / 2000

    # births and antenatal visits are tested for HIV in every run that has sensitive visits
    base = share(1e-9)
    assert base < 0.03
    assert abs(share(0.1) - base - 0.08) < 0.02


def test_people_come_again_with_changes_between_visits() -> None:
    options = Options(visits=3000, seed=8)
    by_person: dict[str, list[Row]] = {}
    for visit in visits(options):
        by_person.setdefault(visit.patient, []).append(visit.tables["XML1"][0])
    returning = [rows for rows in by_person.values() if len(rows) > 1]
    assert len(returning) > len(by_person) / 3
    for field in ("DIA_CHI", "MA_THE_BHYT"):
        changed = sum(len({row.get(field) for row in rows}) > 1 for rows in returning)
        assert changed > 10, field
    population, homes = population_of(options)
    assert len(by_person) <= population.facilities * homes * 4
