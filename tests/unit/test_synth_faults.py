"""Planted faults are real, one a visit, and the truth file says where each stands."""

import copy
import json
from collections import Counter
from pathlib import Path

import pytest

from trucyte.intake.claims.rules.book import RuleBook
from trucyte.intake.claims.rules.packaged import packaged_rules
from trucyte.intake.claims.tables import Variant
from trucyte.synth.dice import Dice
from trucyte.synth.faults import wire
from trucyte.synth.faults.kind import Kind
from trucyte.synth.faults.plant import ALL_KINDS, Truth
from trucyte.synth.run import Options, files, visits, write_claims
from trucyte.synth.write import Style
from trucyte.vietnam.packaged_lists import PackagedLists


def by_name(options: Options) -> dict[str, bytes]:
    return {written.name: written.data for written in files(options)}


def truths(options: Options) -> list[Truth]:
    return [truth for written in files(options) for truth in written.truths]


def test_every_kind_comes_up_and_there_are_many() -> None:
    found = Counter(truth.kind for truth in truths(Options(visits=3000, seed=1, errors=0.4)))
    found += Counter(
        truth.kind
        for truth in truths(Options(visits=400, seed=1, errors=0.4, variant=Variant.D4210))
    )
    kinds = {kind.name for kind in ALL_KINDS} | {kind.name for kind in wire.KINDS} | {wire.CUT}
    assert set(found) == kinds
    assert len(kinds) >= 100
    assert len({truth.family for truth in truths(Options(visits=800, seed=1, errors=1))}) >= 15


def test_a_file_differs_exactly_where_the_truth_says_so() -> None:
    good = by_name(Options(visits=400, seed=5, per_file=1))
    faulty = list(files(Options(visits=400, seed=5, per_file=1, errors=0.3)))
    assert {written.name for written in faulty} == set(good)
    for written in faulty:
        if written.name.endswith("-xml0.xml"):
            continue
        assert (written.data != good[written.name]) == bool(written.truths), written.truths


def test_the_rate_is_kept() -> None:
    options = Options(visits=4000, seed=2, errors=0.1)
    assert 320 < len(truths(options)) < 480


def test_one_visit_has_one_fault() -> None:
    found = Counter(truth.visit for truth in truths(Options(visits=600, seed=2, errors=1)))
    assert all(count == 1 for visit, count in found.items() if visit)


def test_the_truth_file_says_all(tmp_path: Path) -> None:
    options = Options(visits=200, seed=3, errors=0.5)
    written = list(write_claims(options, tmp_path))
    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert len(lines) == sum(len(one.truths) for one in written)
    assert set(lines[0]) == {"file", "visit", "table", "row", "field", "kind", "family"}
    assert all((tmp_path / line["file"]).exists() for line in lines)


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: kind.name)
def test_a_kind_changes_what_it_answers_for_and_nothing_else(kind: Kind) -> None:
    variant = Variant.D4210 if kind.name.endswith("4210") else Variant.D1931
    planted = 0
    for number, visit in enumerate(visits(Options(visits=600, seed=4, variant=variant))):
        before = copy.deepcopy(visit.tables)
        place = kind.plant(Dice(1, 1, number), visit.tables)
        assert (place is None) == (before == visit.tables)
        if place is not None:
            planted += 1
            same = {table for table in before if before[table] == visit.tables.get(table)}
            assert set(before) - same <= {place.table, "XML2", "XML3"}
        if planted == 5:
            return
    assert planted


@pytest.mark.parametrize("kind", wire.KINDS, ids=lambda kind: kind.name)
def test_a_broken_hoso_differs(kind: wire.WireKind) -> None:
    body = "<HOSO><FILEHOSO><LOAIHOSO>XML2</LOAIHOSO><NOIDUNGFILE>"
    body += "QUJD" * 40 + "</NOIDUNGFILE></FILEHOSO></HOSO>"
    assert kind.break_it(body, Style()) not in (None, body)


def test_good_files_have_no_finding_above_information() -> None:
    book = RuleBook(packaged_rules(), PackagedLists())
    for variant in (Variant.D4750, Variant.D3176, Variant.D1931):
        for visit in visits(Options(visits=400, seed=3, variant=variant, sensitive=0.02)):
            severe = [f for f in book.check(visit) if f.severity.value != "information"]
            assert severe == [], severe


def test_the_rules_find_what_was_planted() -> None:
    """Kinds that the rules of today leave to other eyes are named here; the list only shrinks."""
    book = RuleBook(packaged_rules(), PackagedLists())
    found: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for number, visit in enumerate(visits(Options(visits=1500, seed=6, sensitive=0.05))):
        kinds = [kind for kind in ALL_KINDS if tried[kind.name] < 3]
        for kind in kinds:
            tables = copy.deepcopy(visit.tables)
            if kind.plant(Dice(1, 1, number), visit.tables) is None:
                continue
            tried[kind.name] += 1
            severe = [f for f in book.check(visit) if f.severity.value != "information"]
            found[kind.name] += bool(severe)
            visit.tables.clear()
            visit.tables.update(tables)
    missed = {name for name, count in tried.items() if not found[name]}
    assert missed <= UNSEEN, sorted(missed - UNSEEN)


UNSEEN: frozenset[str] = frozenset(
    {
        "area-code",
        "copy-appointment-name",
        "department-code",  # the packaged list of departments is not whole
        "future-year",
        "month-thirteen",
        "no-notes",
        "payment-before-leave",  # a deposit: information only
        "row-of-another-visit",  # seen at the door, by the reader
        "sex-code",
        "signer-form",
        "supply-of-no-service",
    }
)
