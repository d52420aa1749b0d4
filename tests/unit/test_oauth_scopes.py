"""SMART scopes are read strictly, meet as a lawyer would expect, and never widen."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trucyte.records.access import Access, Grant
from trucyte.shared.access.local import Unshown
from trucyte.shared.access.oauth.scopes import (
    granted,
    grants_of,
    met_grants,
    narrowed,
    needs_patient,
    read_scope,
    words_of,
)

READ = (
    ("patient/Observation.rs", "patient/Observation.rs"),
    ("patient/Observation.read", "patient/Observation.rs"),
    ("user/Patient.write", "user/Patient.cud"),
    ("system/*.*", "system/*.cruds"),
    ("patient/*.cruds", "patient/*.cruds"),
    (
        "patient/Observation.rs?category=http://x|laboratory",
        "patient/Observation.rs?category=http://x|laboratory",
    ),
    ("patient/Observation.r?status=final&code=a", "patient/Observation.r?code=a&status=final"),
)
NO_SCOPES = (
    "", "patient", "patient/", "patient/Observation", "patient/Observation.",
    "patient/Observation.sr", "patient/Observation.rr", "patient/Observation.x",
    "patient/observation.rs", "patient/Nothing.rs", "nobody/Observation.rs",
    "patient/Observation.rs?", "patient/Observation.rs?category",
    "patient/Observation.rs?subject:Patient.name=x", "patient/Observation.rs?a.b=c",
    "patient/Observation.read?category=x", "patient/Observation.rs?category=",
    "patient/Observation.rs?category=a b", "patient/Observation.rs ", "../Patient.rs",
    "patient/*.rs?" + "a=b&" * 200, "patient/Observation.rs\n",
)  # fmt: skip


@pytest.mark.parametrize(("said", "meant"), READ)
def test_a_scope_is_read_in_both_versions(said: str, meant: str) -> None:
    assert str(read_scope(said)) == meant
    assert str(read_scope(meant)) == meant


@pytest.mark.parametrize("said", NO_SCOPES)
def test_what_is_no_scope_is_none(said: str) -> None:
    assert read_scope(said) is None


GRANTED = (
    ("patient/Observation.rs", ("patient/*.rs",), ("patient/Observation.rs",)),
    ("patient/*.cruds", ("patient/*.rs",), ("patient/*.rs",)),
    ("patient/*.rs", ("patient/Observation.r",), ("patient/Observation.r",)),
    ("user/Patient.rs", ("patient/*.cruds",), ()),
    ("system/*.rs", ("user/*.rs", "patient/*.rs"), ()),
    ("patient/Condition.rs", ("patient/Observation.rs",), ()),
    (
        "patient/Observation.rs",
        ("patient/Observation.rs?category=lab",),
        ("patient/Observation.rs?category=lab",),
    ),
    (
        "patient/Observation.rs?code=a",
        ("patient/Observation.rs?category=lab",),
        ("patient/Observation.rs?category=lab&code=a",),
    ),
    ("openid offline_access", ("openid",), ("openid",)),
    ("introspect", ("introspect",), ()),
    ("patient/*.cud", ("patient/*.rs",), ()),
    ("unknown patient/Observation.read", ("patient/*.cruds",), ("patient/Observation.rs",)),
)


@pytest.mark.parametrize(("asked", "allowed", "given"), GRANTED)
def test_scopes_are_given_within_what_is_allowed(
    asked: str, allowed: tuple[str, ...], given: tuple[str, ...]
) -> None:
    assert granted(asked.split(" "), allowed) == given


def test_too_many_scopes_are_refused_before_they_are_read() -> None:
    assert words_of(" ".join(f"s{n}" for n in range(100))) is None
    assert words_of("x" * 5000) is None
    assert words_of("a  b a") == ("a", "b")


def test_a_patient_is_needed_for_scopes_of_a_patient() -> None:
    assert needs_patient(("patient/Observation.rs",))
    assert needs_patient(("launch/patient",))
    assert not needs_patient(("user/Observation.rs", "launch"))


def access(**more: Any) -> Access:
    return Access("a", "TREAT", sees_restricted=False, recorder=Unshown(), **more)


def test_scopes_of_a_patient_keep_to_that_person_and_to_whom_the_account_may() -> None:
    scopes = ("patient/*.rs", "user/Practitioner.r")
    assert narrowed(access(), scopes, frozenset({1, 2})).persons == {1, 2}
    own = access(persons=frozenset({2, 3}))
    assert narrowed(own, scopes, frozenset({1, 2})).persons == {2}
    assert narrowed(access(), scopes, None).persons == frozenset()
    assert narrowed(access(), ("user/Patient.r",), None).persons is None


def test_a_token_without_scopes_of_resources_reaches_nothing() -> None:
    none = narrowed(access(), ("openid",), None)
    assert not any(none.may(letter, "Patient") for letter in "cruds")


TYPES = st.sampled_from(["Patient", "Observation", "Condition"])
GRANTS = st.lists(
    st.builds(
        Grant,
        st.none() | st.frozensets(TYPES, min_size=1),
        st.frozensets(st.sampled_from("cruds"), min_size=1),
        st.lists(st.tuples(st.just("category"), st.sampled_from("ab")), max_size=2).map(tuple),
    ),
    max_size=4,
)


def reaches(grants: Any, letter: str, type: str, meets: frozenset[tuple[str, str]]) -> bool:
    return grants is None or any(
        letter in one.letters
        and (one.types is None or type in one.types)
        and set(one.query) <= meets
        for one in grants
    )


@given(st.none() | GRANTS, GRANTS, st.sampled_from("cruds"), TYPES,
       st.frozensets(st.tuples(st.just("category"), st.sampled_from("ab"))))  # fmt: skip
def test_what_two_sets_of_grants_meet_in_is_what_both_allow(
    may: Any, asked: Any, letter: str, type: str, meets: Any
) -> None:
    met = met_grants(may, asked)
    both = reaches(may, letter, type, meets) and reaches(asked, letter, type, meets)
    assert reaches(met, letter, type, meets) == both


@given(GRANTS, st.sampled_from(["patient/*.cruds", "user/*.rs", "system/Patient.r", "openid"]))
def test_scopes_never_widen_an_account(may: Any, scope: str) -> None:
    after = narrowed(access(grants=tuple(may)), (scope,), frozenset({1}))
    for type in ("Patient", "Observation", "Condition"):
        for letter in "cruds":
            assert not after.may(letter, type) or access(grants=tuple(may)).may(letter, type)


def test_grants_hold_types_letters_and_queries() -> None:
    assert grants_of(["patient/Observation.rs?category=lab", "openid"]) == (
        Grant(frozenset({"Observation"}), frozenset("rs"), (("category", "lab"),)),
    )
    assert grants_of(["user/*.r"]) == (Grant(None, frozenset("r")),)
