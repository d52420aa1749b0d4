"""Laws of codes: pages make the whole, subsumption is a partial order, words come back."""

import itertools
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trucyte.shared.terminology.compose import Composer
from trucyte.shared.terminology.concept import make_concept, read_concepts, written
from trucyte.shared.terminology.members import Members
from trucyte.shared.terminology.system import SystemContent

CODES = st.sampled_from("abcdefgh")
# Any relation between eight codes, circles included: lists of others may have them.
EDGES = st.dictionaries(CODES, st.lists(CODES, max_size=3), max_size=8)
DAYS = st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1))
WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)


def system_of(edges: dict[str, list[str]]) -> SystemContent:
    concepts = [make_concept(code, code, parents=edges.get(code, ())) for code in "abcdefgh"]
    return SystemContent("urn:s", "1", concepts)


class OneSystem:
    """A world with one code system."""

    def __init__(self, system: SystemContent) -> None:
        self._system = system

    def system(self, url: str, on: date | None, version: str = "") -> SystemContent:
        return self._system

    def members(self, url: str, on: date | None, within: tuple[str, ...]) -> Members:
        raise AssertionError


def composed(system: SystemContent, compose: dict[str, Any], on: date | None = None) -> list[str]:
    members = Composer(OneSystem(system), on, ("urn:v",)).compose(compose)
    return [member.code for member in members.all()]


@given(EDGES)
def test_subsumption_is_reflexive_and_transitive_also_in_circles(
    edges: dict[str, list[str]],
) -> None:
    system = system_of(edges)
    above = {(a, b) for a in "abcdefgh" for b in "abcdefgh" if system.subsumes(a, b)}
    assert {(a, a) for a in "abcdefgh"} <= above
    for (a, b), (c, d) in itertools.product(above, above):
        assert b != c or (a, d) in above


@given(st.dictionaries(CODES, st.lists(CODES, max_size=3), max_size=8))
def test_subsumption_without_circles_is_a_partial_order(edges: dict[str, list[str]]) -> None:
    downwards = {code: [p for p in parents if p < code] for code, parents in edges.items()}
    system = system_of(downwards)
    for a, b in itertools.permutations("abcdefgh", 2):
        assert not (system.subsumes(a, b) and system.subsumes(b, a))


@given(EDGES, CODES)
def test_what_is_below_is_what_is_subsumed(edges: dict[str, list[str]], root: str) -> None:
    system = system_of(edges)
    subsumed = {code for code in "abcdefgh" if code != root and system.subsumes(root, code)}
    assert system.below(root) == subsumed


@given(EDGES, CODES, CODES)
def test_an_expansion_is_a_part_of_the_list_in_its_order(
    edges: dict[str, list[str]], kept: str, gone: str
) -> None:
    system = system_of(edges)
    part = {"system": "urn:s", "filter": [{"property": "concept", "op": "is-a", "value": kept}]}
    less = {"system": "urn:s", "filter": [{"property": "concept", "op": "is-a", "value": gone}]}
    found = composed(system, {"include": [part, part], "exclude": [less]})
    wanted = (system.below(kept) | {kept}) - system.below(gone) - {gone}
    assert found == sorted(wanted)


@given(
    st.lists(st.tuples(WORDS, DAYS, DAYS, st.booleans()), min_size=1, max_size=4),
    st.lists(WORDS, max_size=2),
)
def test_terms_come_back_from_a_code_system(
    told: list[tuple[str, date | None, date | None, bool]], words: list[str]
) -> None:
    terms = [
        make_concept(
            "1",
            display.strip() or "x",
            valid_from=start,
            valid_to=end,
            verified=verified,
            designations=[{"value": word} for word in words],
        )
        for display, start, end, verified in told
    ]
    assert list(read_concepts({"concept": [written(terms)]})) == terms


@given(st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=4), DAYS)
def test_a_code_is_a_member_on_the_days_of_one_of_its_terms(
    periods: list[tuple[date | None, date | None]], on: date | None
) -> None:
    terms = [make_concept("1", "x", valid_from=start, valid_to=end) for start, end in periods]
    found = composed(SystemContent("urn:s", "1", terms), {"include": [{"system": "urn:s"}]}, on)
    assert bool(found) is any(term.is_in_force(on) for term in terms)
