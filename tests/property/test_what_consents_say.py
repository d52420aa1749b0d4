"""What consents say: a plain reading of the tree beside the rows and their SQL."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import fresh_database
from tests.support.identity import patient
from tests.support.records import KEY, Node, open_node
from tests.support.serving import needs_definitions
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.records import person_key
from trucyte.records.access import Agreed, Labels
from trucyte.records.persons.consents import permits, provisions_of
from trucyte.records.persons.purposes import with_those_above
from trucyte.records.persons.spans import microseconds

TODAY = datetime(2026, 11, 24, 9, tzinfo=UTC)
NOW = microseconds(TODAY)
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
TYPES = ("Observation", "Condition")
PURPOSES = ("TREAT", "ETREAT", "HRESCH")
ACTORS = ("Organization/a", "Practitioner/b")
LABELS = {"HIV": Labels.HIV, "MH": Labels.MENTAL}
PERIODS = ({"end": "2026-11-01"}, {"start": "2026-11-01"}, {"start": "2026-12-01"})

Rule = dict[str, Any]


def some(values: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.one_of(
        st.just([]), st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)
    )


def rule(type: str, nested: list[Rule], *parts: Any) -> Rule:
    types, purposes, period, labels, actors = parts
    made: Rule = {"type": type}
    lists = {
        "class": [{"system": "http://hl7.org/fhir/resource-types", "code": one} for one in types],
        "purpose": [{"system": REASON, "code": one} for one in purposes],
        "securityLabel": [{"system": ACT, "code": one} for one in labels],
        "actor": [{"role": {}, "reference": {"reference": one}} for one in actors],
        "provision": nested,
    }
    made |= {name: listed for name, listed in lists.items() if listed}
    return made | ({"period": period} if period else {})


def rules(*, is_plain: bool) -> st.SearchStrategy[Rule]:
    """Make trees; plain ones have what a row says exactly, however it is nested."""
    kind = st.sampled_from(("permit", "deny"))
    period = st.one_of(st.none(), st.none(), st.sampled_from(PERIODS))
    labels = st.just([]) if is_plain else some(tuple(LABELS))
    actors = st.just([]) if is_plain else some(ACTORS)
    parts = some(TYPES), some(PURPOSES), period, labels, actors
    leaf = st.builds(rule, kind, st.just([]), *parts)
    return st.recursive(
        leaf,
        lambda below: st.builds(rule, kind, st.lists(below, max_size=2), *parts),
        max_leaves=5,
    )


def consents(*, is_plain: bool) -> st.SearchStrategy[list[tuple[str, int, Rule]]]:
    """Make (scope, minutes ago, root) of up to three consents, of different times."""
    one = st.tuples(st.just("patient-privacy"), st.integers(1, 99), rules(is_plain=is_plain))
    return st.lists(one, min_size=1, max_size=3, unique_by=lambda consent: consent[1])


@dataclass(frozen=True)
class Question:
    """One row and who asks for it."""

    type: str
    label: int
    purpose: str
    actors: tuple[str, ...]


QUESTIONS = [
    Question(type, label, purpose, actors)
    for type in TYPES
    for label in (0, Labels.HIV, Labels.HIV | Labels.MENTAL, Labels.TB)
    for purpose in (*PURPOSES, "HPAYMT")
    for actors in ((), ACTORS[:1], ACTORS)
]


def codes(listed: Sequence[Mapping[str, Any]]) -> set[str]:
    return {one["code"] for one in listed}


def matches(said: Rule, asked: Question) -> bool:
    """Read one rule as the standard has it."""
    types, purposes = codes(said.get("class", ())), codes(said.get("purpose", ()))
    actors = {one["reference"]["reference"] for one in said.get("actor", ())}
    mask = sum(LABELS[code] for code in codes(said.get("securityLabel", ())))
    labelled = bool(asked.label & mask)
    if said["type"] == "permit":
        labelled = labelled and not asked.label & ~mask
    period = said.get("period")
    return (
        (not types or asked.type in types)
        and (not purposes or bool(purposes & set(with_those_above(asked.purpose))))
        and (not actors or bool(actors & set(asked.actors)))
        and (not mask or labelled)
        and (period is None or period == {"start": "2026-11-01"})
    )


def decision(said: Rule, asked: Question) -> str | None:
    """Say what a rule decides: what hangs on it goes before it, a refusal before a permit."""
    if not matches(said, asked):
        return None
    below = {decision(one, asked) for one in said.get("provision", ())} - {None}
    return said["type"] if not below else "deny" if "deny" in below else "permit"


def is_seen(given: Sequence[tuple[str, int, Rule]], asked: Question, needs_permit: bool) -> bool:
    newest = sorted(given, key=lambda consent: consent[1])
    decided = [found for _, _, root in newest if (found := decision(root, asked))]
    return (decided[0] == "permit") if decided else not needs_permit


def consent(id: str, person: str, scope: str, minutes: int, root: Rule) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": {"coding": [{"system": SCOPE, "code": scope}]},
        "category": [{"text": "asked"}],
        "patient": {"reference": f"Patient/{person}"},
        "dateTime": (TODAY - timedelta(minutes=minutes)).isoformat(),
        "provision": root,
    }


@pytest.fixture(scope="module")
def node(
    server_url: str,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    definitions: Definitions,
) -> Iterator[Node]:
    needs_definitions()
    folder: Path = tmp_path_factory.mktemp("consents")
    with (
        fresh_database(server_url, template=migrated_template) as database,
        open_node(database, folder, FixedClock(TODAY), definitions) as opened,
    ):
        opened.put(patient("p"))
        yield opened


def lay(node: Node, given: Sequence[tuple[str, int, Rule]]) -> None:
    """Let these be the person's consents, and no others."""
    ended = [
        {**consent(f"c{n}", "p", "patient-privacy", 1, {}), "status": "inactive"} for n in range(3)
    ]
    made = [consent(f"c{n}", "p", *one) for n, one in enumerate(given)]
    node.put(*made, *ended[len(made) :])


def answers(node: Node, needs_permit: bool) -> list[bool]:
    person = person_key(KEY, "Patient/p")
    with node.database.connection() as connection:
        return [
            permits(
                connection,
                person,
                Agreed(asked.purpose, asked.actors, needs_permit),
                asked.type,
                Labels(asked.label),
                now=NOW,
            )
            for asked in QUESTIONS
        ]


QUIET = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUIET
@given(given=consents(is_plain=True), needs_permit=st.booleans())
def test_rows_say_what_the_tree_says(node: Node, given: list, needs_permit: bool) -> None:
    lay(node, given)
    expected = [is_seen(given, asked, needs_permit) for asked in QUESTIONS]
    assert answers(node, needs_permit) == expected


@QUIET
@given(given=consents(is_plain=False), needs_permit=st.booleans())
def test_rows_never_show_what_the_tree_hides(node: Node, given: list, needs_permit: bool) -> None:
    lay(node, given)
    for asked, is_shown in zip(QUESTIONS, answers(node, needs_permit), strict=True):
        assert not is_shown or is_seen(given, asked, needs_permit), asked


@QUIET
@given(given=consents(is_plain=False))
def test_what_is_withdrawn_says_nothing(node: Node, given: list) -> None:
    lay(node, given)
    lay(node, [])
    with node.database.connection() as connection:
        assert provisions_of(connection, person_key(KEY, "Patient/p")) == []
    assert node.journal.compare() is None
