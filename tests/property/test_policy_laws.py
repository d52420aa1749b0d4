"""Laws of the policy: a forbid never widens, a scope never widens, the unknown is denied."""

from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from trucyte.fhir.types import RESOURCE_TYPES
from trucyte.records.access import Access, Grant, Labels
from trucyte.shared.access.local import Unshown
from trucyte.shared.access.policy import AccessDenied, Decider, load_book
from trucyte.shared.access.policy.grants import narrowed, read_scopes, together, without
from trucyte.shared.access.policy.rule import Forbid, Law, Who, Words
from trucyte.shared.access.policy.vocabulary import DOORS, KINDS, PERMISSIONS, PURPOSES, ROLES
from trucyte.shared.access.subject import Subject

LETTERS = "cruds"
TYPES = ("Patient", "Condition", "Observation", "Claim", "Binary", "AuditEvent", "ValueSet")


def some(names, least: int = 0):
    return st.frozensets(st.sampled_from(sorted(names)), min_size=least, max_size=4)


SUBJECTS = st.builds(
    Subject,
    account=st.just("a"),
    kind=st.sampled_from(KINDS),
    roles=some([*ROLES, *PERMISSIONS, "wizard"]),
    organisation=st.sampled_from(["", "Organization/own"]),
    wards=st.sampled_from([(), ("Location/w",)]),
    practitioner=st.sampled_from(["", "Practitioner/p"]),
    persons=st.sampled_from([frozenset(), frozenset({1})]),
    assurance=st.integers(0, 3),
)
VITAL, CODED = (("category", "vital-signs"),), (("code", "a|b,a|c"),)
QUERIES = st.sampled_from([(), VITAL, CODED])
GRANTS = st.builds(
    Grant,
    types=st.none() | some(TYPES, least=1),
    letters=some(LETTERS, least=1),
    query=QUERIES,
)
FORBIDS = st.builds(
    Forbid,
    id=st.just("new"),
    who=st.builds(
        Who,
        roles=some(ROLES),
        kinds=some(KINDS),
        purposes=some(PURPOSES),
        doors=some(DOORS),
    ),
    law=st.just(Law("l", verified=True)),
    words=st.just(Words("v", "e")),
    unless=some(["release", "emergency", "permitted"]),
    takes_all=st.booleans(),
    types=some(TYPES),
    letters=some(LETTERS, least=1),
    labels=st.sampled_from([Labels.NONE, Labels.HIV, Labels.SECRET, Labels.HIV | Labels.TB]),
)
PURPOSE = st.sampled_from(sorted(PURPOSES))
SCOPES = st.lists(
    st.builds(
        "{}/{}.{}{}".format,
        st.sampled_from(["patient", "user", "system", "launch"]),
        st.sampled_from(["*", *TYPES, "Nonsense"]),
        st.sampled_from(["rs", "cruds", "r", "read", "write", "*", "sr", ""]),
        st.sampled_from(["", "?category=vital-signs", "?", "?category", "?a=b&c=d"]),
    )
    | st.text(max_size=20),
    max_size=4,
).map(tuple)


@cache
def book():
    return load_book()


@cache
def shipped() -> Decider:
    return Decider(book())


def decided(decider: Decider, subject: Subject, purpose: str, door: str) -> Access | None:
    try:
        return decider.access(subject, purpose, Unshown(), door=door)
    except AccessDenied:
        return None


def lets(grants, letter: str, type: str, holds: frozenset[tuple[str, str]]) -> bool:
    return any(
        (grant.types is None or type in grant.types)
        and letter in grant.letters
        and holds.issuperset(grant.query)
        for grant in grants or ()
    )


def is_within(narrow: Access | None, wide: Access | None) -> bool:
    """Say whether everything one lets through the other lets through, bounds and all."""
    if narrow is None:
        return True
    if wide is None:
        return False
    holding = [frozenset(pairs) for pairs in ((), VITAL, CODED)]
    reaches = all(
        lets(wide.grants, letter, type, holds)
        for letter in LETTERS
        for type in TYPES
        for holds in holding
        if lets(narrow.grants, letter, type, holds)
    )
    persons = wide.persons is None or (
        narrow.persons is not None and narrow.persons <= wide.persons
    )
    return (
        reaches
        and persons
        and not narrow.labels & ~wide.labels
        and (wide.sees_secret or not narrow.sees_secret)
        and (wide.sees_restricted or not narrow.sees_restricted)
        and narrow.sees_organisations == wide.sees_organisations
        and narrow.related == wide.related
        and narrow.agreed == wide.agreed
    )


@settings(max_examples=120, deadline=None)
@given(SUBJECTS, PURPOSE, st.sampled_from(DOORS), FORBIDS, st.data())
def test_a_further_forbid_never_widens(subject, purpose, door, forbid, data) -> None:
    at = data.draw(st.integers(0, len(book().forbids)))
    forbids = (*book().forbids[:at], forbid, *book().forbids[at:])
    narrower = Decider(replace(book(), forbids=forbids))
    after = decided(narrower, subject, purpose, door)
    before = decided(shipped(), subject, purpose, door)
    assert is_within(after, before)


@settings(max_examples=120, deadline=None)
@given(SUBJECTS, PURPOSE, st.sampled_from(DOORS), SCOPES)
def test_scopes_never_widen(subject, purpose, door, scopes) -> None:
    with_scopes = decided(shipped(), replace(subject, scopes=scopes), purpose, door)
    assert is_within(with_scopes, decided(shipped(), subject, purpose, door))


@settings(max_examples=100, deadline=None)
@given(
    SUBJECTS,
    st.sampled_from(sorted(PURPOSES)),
    st.sampled_from(DOORS),
    st.sampled_from([*PERMISSIONS]),
)
def test_a_permission_gives_labels_and_nothing_else(subject, purpose, door, permission) -> None:
    without_it = replace(subject, roles=subject.roles - {permission})
    with_it = replace(subject, roles=subject.roles | {permission})
    before, after = (decided(shipped(), one, purpose, door) for one in (without_it, with_it))
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        same = {"labels": Labels.NONE, "sees_secret": False, "sees_restricted": False, "why": ()}
        assert replace(before, **same, recorder=None) == replace(after, **same, recorder=None)


@settings(max_examples=100, deadline=None)
@given(SUBJECTS, st.text(max_size=12).filter(lambda told: told not in PURPOSES))
def test_an_unknown_purpose_is_denied(subject, purpose) -> None:
    assert decided(shipped(), subject, purpose, "pages") is None


@settings(max_examples=100, deadline=None)
@given(SUBJECTS, PURPOSE, st.text(max_size=8))
def test_an_unknown_kind_or_role_is_denied(subject, purpose, word) -> None:
    if word not in (*KINDS, "local"):
        assert decided(shipped(), replace(subject, kind=word), purpose, "pages") is None
    if word not in ROLES:
        unknown = replace(subject, kind="staff", roles=frozenset({word}))
        assert decided(shipped(), unknown, purpose, "pages") is None


@settings(max_examples=100, deadline=None)
@given(st.lists(GRANTS, max_size=3), some(TYPES), some(LETTERS))
def test_what_is_taken_is_gone_and_the_rest_stays(grants, types, letters) -> None:
    left = without(grants, types, letters)
    for letter in LETTERS:
        for type in TYPES:
            is_taken = letter in letters and type in types
            holds = frozenset(pair for grant in grants for pair in grant.query)
            had = lets(grants, letter, type, holds)
            assert lets(left, letter, type, holds) is (had and not is_taken)


@settings(max_examples=100, deadline=None)
@given(GRANTS, GRANTS)
def test_two_grants_together_let_through_what_both_do(one, other) -> None:
    both = together(one, other)
    assert (both is None) == (together(other, one) is None)
    holds = frozenset((*one.query, *other.query))
    for letter in LETTERS:
        for type in (*TYPES, RESOURCE_TYPES[-1]):
            let = lets([one], letter, type, holds) and lets([other], letter, type, holds)
            assert lets([both] if both else [], letter, type, holds) is let
    assert narrowed([one], []) == ()


@settings(max_examples=120, deadline=None)
@given(SCOPES, st.sampled_from(["staff", "citizen", "system", "node", "local", "robot"]))
def test_any_text_for_scopes_gives_grants_of_known_types_alone(scopes, kind) -> None:
    read = read_scopes(scopes, kind)
    for grant in read.grants:
        assert grant.letters and grant.letters <= set(LETTERS)
        assert grant.types is None or grant.types <= set(RESOURCE_TYPES)
    if kind in ("node", "local", "robot"):
        assert read.grants == ()


@settings(max_examples=100, deadline=None)
@given(SUBJECTS, PURPOSE, st.sampled_from(DOORS), SCOPES | st.none())
def test_what_is_explained_is_what_is_decided(subject, purpose, door, scopes) -> None:
    subject = replace(subject, scopes=scopes)
    told = shipped().explained(subject, purpose, door=door)
    access = decided(shipped(), subject, purpose, door)
    assert told.is_allowed is (access is not None)
    if access is not None:
        assert told.decided == access.why
    applied = {step.rule for step in told.steps if step.applied}
    assert set(told.decided) <= applied
