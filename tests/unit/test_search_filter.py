"""`_filter` is read to the end, and what cannot be read is refused with its place."""

import pytest

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.records.search.asked.filters import read_filter
from trucyte.records.search.asked.names import Names
from trucyte.records.search.asked.tree import And, Chain, Has, Node, Not, Or


@pytest.fixture(scope="module")
def extractor(definitions: Definitions) -> Extractor:
    return Extractor(definitions)


def read(extractor: Extractor, text: str, type: str = "Patient") -> Node:
    return read_filter(Names(extractor), type, text)


def test_and_and_or_are_taken_from_left_to_right(extractor: Extractor) -> None:
    node = read(extractor, 'name eq "a" or name eq "b" and gender eq male')
    assert isinstance(node, And)
    assert isinstance(node.parts[0], Or)


def test_parentheses_come_first(extractor: Extractor) -> None:
    node = read(extractor, 'name eq "a" or (name eq "b" and not (gender eq male))')
    assert isinstance(node, Or)
    inner = node.parts[1]
    assert isinstance(inner, And)
    assert isinstance(inner.parts[1], Not)


def test_quoted_text_keeps_what_would_be_marks(extractor: Extractor) -> None:
    node = read(extractor, r'name eq "a, (b) \"c\" and Đ\\e"')
    assert node.values[0].parts == ('a, (b) "c" and Đ\\e',)  # type: ignore[union-attr] # a leaf
    assert len(node.values) == 1  # type: ignore[union-attr] # a leaf


def test_a_path_goes_through_references(extractor: Extractor) -> None:
    node = read(extractor, "general-practitioner:Practitioner.name co an")
    assert isinstance(node, Chain)
    node = read(extractor, "_has:Observation:patient:code eq urn:a|b")
    assert isinstance(node, Has)


def test_a_filter_behind_a_reference_is_asked_of_the_same_resource(extractor: Extractor) -> None:
    node = read(extractor, 'organization[active eq true].name co "x" and gender eq male')
    assert isinstance(node, And)
    chain = node.parts[0]
    assert isinstance(chain, Chain)
    assert isinstance(chain.targets[0][1], And)


def test_types_that_do_not_know_the_rest_do_not_shift_the_place(extractor: Extractor) -> None:
    """`subject` may be a Device, Group, Location or Patient; only one of them has a birthdate."""
    node = read(extractor, "subject[active eq true].birthdate eq 1950 or code eq x", "Observation")
    assert isinstance(node, Or)
    chain = node.parts[0]
    assert isinstance(chain, Chain)
    assert [target for target, _ in chain.targets] == ["Patient"]


REFUSED = [
    ("", "search-filter"),
    ("name", "search-filter"),
    ("name eq", "search-filter"),
    ("name eq ", "search-filter"),
    ('name eq "a', "search-filter"),
    (r'name eq "\x"', "search-filter"),
    ("name equals a", "search-filter"),
    ("name eq a gender eq b", "search-filter"),
    ("(name eq a", "search-filter"),
    ("name eq a)", "search-filter"),
    ("not name eq a", "search-filter"),
    ("organization[active eq true]name eq a", "search-filter"),
    ("organization[active eq true.name eq a", "search-filter"),
    ("name xx a", "search-filter-operator"),
    ("name gt a", "search-filter-operator"),
    ("gender co a", "search-filter-operator"),
    ("birthdate co a", "search-filter-operator"),
    ("birthdate eq a", "search-value"),
    ("birthdate pr perhaps", "search-value"),
    ("colour eq a", "search-parameter-unknown"),
    ("name:sounds eq a", "search-modifier"),
    ("name.name eq a", "search-value"),
    ("_filter eq a", "search-parameter-unknown"),
    ("_text eq a", "search-parameter-unknown"),
    ("gender in urn:vs", "search-codes-unknown"),
    ("gender ss urn:s|a", "search-codes-unknown"),
    ("(" * 200 + "name eq a" + ")" * 200, "search-filter-large"),
    (" or ".join(["name eq a"] * 101), "search-filter-large"),
    ("name eq " + "a" * 20_000, "search-filter-large"),
    ("organization.partof.partof.partof.partof.partof.partof.partof.partof.partof.partof.name"
     " eq a", "search-chain-long"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), REFUSED, ids=lambda text: text[:40])
def test_what_cannot_be_read_is_refused(extractor: Extractor, text: str, code: str) -> None:
    with pytest.raises(Problem) as raised:
        read(extractor, text)
    assert raised.value.code == code
    assert raised.value.kind in (Kind.BAD_INPUT, Kind.TOO_LARGE, Kind.UNSUPPORTED)
