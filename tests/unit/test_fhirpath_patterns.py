"""Regular expressions: right on both matchers, never slow, refused by name."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trucyte.fhir.path.problems import PathPattern, PathTooCostly
from trucyte.fhir.path.regular.automaton import Automaton
from trucyte.fhir.path.regular.pattern_tree import read_pattern
from trucyte.fhir.path.regular.patterns import matches, matches_full, replace_matches

LONG = "a" * 5000


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", LONG + "b"),
        ("^(a|aa)+$", LONG + "b"),
        ("(a*)*(a*)*(a*)*b", LONG),
        ("(.*)(.*)(.*)(.*)x", LONG),
        ("(a?){500}a{500}", LONG[:499]),
        ("((){1000}){1000}b", LONG),
    ],
)
def test_an_expression_that_would_explode_has_an_answer_or_is_refused(
    pattern: str, text: str
) -> None:
    with suppress(PathPattern, PathTooCostly):
        assert matches_full(text, pattern) is False


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)", "(?<!a)b", r"(a)\1", r"\p{L}", "(", ")", "[", "a**", "a{2}{3}", "*", "a{9999}",
     "(?i)a", "^*", "[z-a]", "\\", r"\x1", "a" * 3000, "(" * 50 + ")" * 50, "(a{1000}){1000}*"],
)  # fmt: skip
def test_what_cannot_be_bounded_is_refused(pattern: str) -> None:
    with pytest.raises(PathPattern):
        matches("a", pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("[A-Z]([A-Za-z0-9_]){0,254}", "Name_1", True),
        (r"[A-Za-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*(\[x])?)*", "Patient.deceased[x]", True),
        (r"^[a-zA-Z0-9\/\-_\[\]\@]+$", "a/b[x]@c", True),
        (r"^http:\/\/hl7\.org\/fhirpath\/System\.[A-Z][A-Za-z]+$", "http://hl7.org", False),
        ("a.b", "a\nb", True),
        ("^a$", "a\n", False),
        ("", "", True),
        (r"\u0041[\x42-\u0044]", "AD", True),
        ("[^&&||~~[]+", "chữ", True),
    ],
)
def test_both_matchers_find_the_same(pattern: str, text: str, wanted: bool) -> None:
    tree = read_pattern(pattern)
    assert matches(text, pattern) is wanted
    assert Automaton(tree, re.DOTALL, full=False).accepts(text) is wanted


PATTERNS = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "^", "$"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{1,2}", "{2}", "*?"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text("ab\n", max_size=6))
def test_the_automaton_agrees_with_python(pattern: str, text: str) -> None:
    theirs = re.compile(pattern.replace("$", r"\Z"), re.DOTALL)
    tree = read_pattern(pattern)
    full, part = (Automaton(tree, re.DOTALL, full=full) for full in (True, False))
    assert full.accepts(text) is (theirs.fullmatch(text) is not None)
    assert part.accepts(text) is (theirs.search(text) is not None)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_pattern_or_refused(pattern: str, text: str) -> None:
    with suppress(PathPattern, PathTooCostly):
        matches(text, pattern)
        matches_full(text, pattern)
        replace_matches(text, pattern, "$0")


def test_groups_are_put_in_by_number_and_name() -> None:
    assert replace_matches("2026-11", "(?<y>\\d+)-(?<m>\\d+)", "$2/${y}/$9") == "11/2026/"


def test_a_long_text_is_matched_in_one_pass() -> None:
    assert matches("x" * 1_000_000 + "y", "(x|xx)*y$") is True


def test_a_text_too_long_is_said_to_be() -> None:
    with pytest.raises(PathTooCostly):
        matches("x" * 20_000_000, "(x+)+y")
