"""The mapping table is run backwards: resources of generated visits give the same rows again."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trucyte.intake.claims.tables import Variant
from trucyte.synth.backwards import Backwards
from trucyte.synth.run import Options, files, resources, visits

VARIANTS = (Variant.D4210, Variant.D130, Variant.D4750, Variant.D3176, Variant.D1931)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(VARIANTS))
def test_a_visit_comes_back_from_its_resources(seed: int, variant: Variant) -> None:
    backwards = Backwards(seed)
    for visit in visits(Options(visits=40, seed=seed, variant=variant, sensitive=0.1)):
        assert backwards.visit(visit) == visit


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_table_comes_back_from_its_resources(variant: Variant) -> None:
    backwards = Backwards(1)
    seen: set[str] = set()
    for visit in visits(Options(visits=1000, seed=1, variant=variant, sensitive=0.05)):
        if set(visit.tables) <= seen and visit.link[-1] != "7":
            continue
        seen |= set(visit.tables)
        assert backwards.visit(visit) == visit
    assert len(seen) == {Variant.D4210: 5, Variant.D130: 13}.get(variant, 16)


def test_files_written_through_fhir_are_the_same_files() -> None:
    plain = [written.data for written in files(Options(visits=120, seed=2))]
    through = [written.data for written in files(Options(visits=120, seed=2, through_fhir=True))]
    assert plain == through


def test_resources_are_the_same_for_a_seed_and_about_twenty_five_a_visit() -> None:
    made = list(resources(Options(visits=600, seed=3)))
    assert made == list(resources(Options(visits=600, seed=3)))
    assert 21 < len(made) / 600 < 29
    assert {json.loads(body)["resourceType"] for body in made} >= {"Patient", "Claim", "Encounter"}
