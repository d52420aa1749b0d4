"""No interaction shows, counts or tells of anything that an access may not see.

People, labels, organisations, relations and consents are drawn, and so are accesses; every way
the gate answers is asked, and compared with what plain Python says may be seen.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import fresh_database
from tests.support.records import open_node
from tests.support.seeing import (
    DOCTORS,
    ORGANISATIONS,
    PATIENTS,
    Country,
    Version,
    circle_of,
    consent,
    encounter,
    key_of,
    linked,
    observation,
    patient,
    prescription,
)
from trucyte.base.clock import FixedClock
from trucyte.database.migrate import migrate
from trucyte.fhir.definitions import Definitions
from trucyte.journal.behalf import Behalf
from trucyte.records import Access, Page, Resource
from trucyte.records.access import Agreed, Grant, Labels, Related
from trucyte.records.shown import ResourceGone, ResourceNotFound, ResourceRestricted
from trucyte.records.walk import Selection, Span, Walker

Seen = set[tuple[str, str, int]]
START = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)
ALL = Labels.RESTRICTED, Labels.HIV, Labels.MENTAL, Labels.TB, Labels.SECRET


@pytest.fixture(scope="module")
def country(
    server_url: str, tmp_path_factory: pytest.TempPathFactory, definitions: Definitions
) -> Iterator[Country]:
    clock = FixedClock(START)
    with fresh_database(server_url, template="template0") as database:
        migrate(database)
        with open_node(database, tmp_path_factory.mktemp("seen"), clock, definitions) as node:
            made = Country(node, Behalf(database))
            for doctor in DOCTORS:
                made.put({"resourceType": "Practitioner", "id": doctor.partition("/")[2]})
            made.put({"resourceType": "Medication", "id": "m0"}, ORGANISATIONS[1])
            for number, id in enumerate(PATIENTS):
                made.put(patient(id), ORGANISATIONS[number % 3])
            for number in range(8):
                category = ("vital-signs", "laboratory")[number % 2]
                whose, owner = PATIENTS[number % 4], ORGANISATIONS[number % 3]
                draw_of(made, number, whose, category, owner, [ALL[number % 5]][: number % 2])
            made.put(linked())
            yield made


def draw_of(
    country: Country, number: int, whose: str, category: str, owner: str, labels: list[Labels]
) -> None:
    country.put(observation(f"o{number}", whose, category), owner, labels)
    if number % 4 == 0:
        country.put(prescription(f"r{number}", whose), owner, labels)


# What happens

labels = st.lists(st.sampled_from(ALL), max_size=2, unique=True)
owners = st.sampled_from(ORGANISATIONS)
events = st.one_of(
    st.tuples(st.just("observation"), st.integers(0, 7), st.sampled_from(PATIENTS),
              st.sampled_from(["vital-signs", "laboratory"]), owners, labels),
    st.tuples(st.just("visit"), st.sampled_from(PATIENTS), st.sampled_from(DOCTORS),
              st.sampled_from(["in-progress", "cancelled"]), owners, labels),
    st.tuples(st.just("consent"), st.sampled_from(PATIENTS), st.sampled_from(
              ["permit", "deny", "deny-observations", "deny-hiv", "permit-observations"]),
              st.just(""), owners, labels),
    st.tuples(st.just("patient"), st.sampled_from(PATIENTS), st.just(""), st.just(""), owners,
              labels),
    st.tuples(st.just("delete"), st.integers(0, 30), st.just(""), st.just(""), owners, labels),
)  # fmt: skip


def happen(country: Country, event: tuple) -> None:
    kind, what, one, two, owner, held = event
    if kind == "observation":
        draw_of(country, what, one, two, owner, held)
    elif kind == "visit":
        country.put(encounter(f"e-{what}", what, one, two), owner, held)
    elif kind == "consent":
        country.put(consent(what, one), owner, held)
    elif kind == "patient":
        country.put(patient(what), owner, held)
    else:
        kinds = ("Observation", "Encounter", "Consent", "MedicationRequest")
        ends = [key for key, _ in country.heads() if key[0] in kinds]
        if len(ends) > 4:
            country.delete(sorted(ends)[what % len(ends)])


# Who asks

GRANTS = (
    Grant(None, frozenset("cruds")),
    Grant(frozenset({"Observation"}), frozenset("rs")),
    Grant(frozenset({"Observation"}), frozenset("s")),
    Grant(frozenset({"Observation", "Patient"}), frozenset("r")),
    Grant(frozenset({"Patient", "Encounter", "Consent", "Practitioner"}), frozenset("rs")),
    Grant(frozenset({"Medication", "MedicationRequest"}), frozenset("rs")),
    Grant(frozenset({"Observation"}), frozenset("rs"), (("category", "vital-signs"),)),
    Grant(None, frozenset("rs"), (("category", "laboratory"),)),
    Grant(
        frozenset({"Observation"}), frozenset("rs"),
        (("code", "http://loinc.org|8310-5"), ("category", "vital-signs,survey")),
    ),
    Grant(frozenset({"Observation"}), frozenset("rs"), (("date", "2026"),)),
    Grant(frozenset({"Observation"}), frozenset("rs"), (("code:not", "nothing"),)),
    Grant(frozenset({"Patient"}), frozenset("rs"), (("no-such", "x"),)),
)  # fmt: skip


def seldom(strategy: st.SearchStrategy) -> st.SearchStrategy:
    """Most bounds alone: many together leave nothing to be seen."""
    return st.one_of(st.none(), st.none(), strategy)


accesses = st.builds(
    Access,
    caller=st.just("someone"),
    purpose=st.just("TREAT"),
    sees_restricted=st.booleans(),
    recorder=st.none(),
    labels=labels.map(lambda found: Labels(sum(found))),
    sees_secret=st.booleans(),
    sees_organisations=seldom(st.frozensets(st.sampled_from(ORGANISATIONS[1:]), min_size=1)),
    grants=seldom(st.lists(st.sampled_from(GRANTS), max_size=3).map(tuple)),
    persons=seldom(st.frozensets(st.sampled_from([key_of(id) for id in PATIENTS]))),
    related=seldom(
        st.lists(st.sampled_from(DOCTORS), max_size=2, unique=True).map(
            lambda found: Related(tuple(found))
        )
    ),
    agreed=seldom(st.booleans().map(lambda needs: Agreed("TREAT", DOCTORS[:1], needs))),
)

# Every way the gate answers: what it gave, and what it may give.


def shown(resources: object) -> Seen:
    assert isinstance(resources, tuple | list)
    return {(one.type, one.id, one.version) for one in resources}


def heads(country: Country, access: Access, letter: str, *types: str) -> Seen:
    return {
        (*key, head.number)
        for key, head in country.heads()
        if (not types or key[0] in types) and country.sees_head(access, key, letter)
    }


def pages(country: Country, access: Access, page: Page) -> Seen:
    found = shown(page.entries) | shown(page.included)
    while page.next:
        page = country.node.records.next_page(access, page.next)
        found |= shown(page.entries) | shown(page.included)
    return found


def is_of(head: Version, whose: str) -> bool:
    return head.patient in circle_of(whose)


def reads(country: Country, access: Access) -> None:
    for key, versions in country.of.items():
        told: Resource | type | None = None
        try:
            told = country.node.records.read(access, *key)
        except (ResourceNotFound, ResourceGone, ResourceRestricted) as problem:
            told = type(problem)
        head = versions[-1]
        if not access.may("r", key[0]):
            assert told is ResourceRestricted
        elif not country.known(access, key):
            assert told is ResourceNotFound, key
        elif head.body is None:
            assert told is ResourceGone, key
        elif not country.sees_head(access, key, "r"):
            assert told is ResourceRestricted, key
        else:
            assert isinstance(told, Resource) and told.version == head.number, key


def versions(country: Country, access: Access) -> None:
    for key, known in country.of.items():
        for version in known[-3:]:
            try:
                country.node.records.read_version(access, *key, version.number)
                is_told = True
            except ResourceGone:
                assert version.body is None
                is_told = True
            except (ResourceNotFound, ResourceRestricted):
                is_told = False
            assert is_told == country.sees(access, key, version, "r"), (key, version)


def histories(country: Country, access: Access) -> None:
    records = country.node.records
    every = {
        (*key, version.number)
        for key, known in country.of.items()
        for version in known
        if country.sees(access, key, version, "r")
    }
    for kind in (None, "Observation"):
        found, page = set(), records.history(access, kind, count=7)
        while True:
            found |= shown(page.entries)
            if page.next is None:
                break
            assert len(page.entries) == 7, "a page that is not full tells of what is hidden"
            page = records.history(access, page=page.next)
        assert found == {one for one in every if kind in (None, one[0])}
    for key in [*country.of][-12:]:
        own = {one for one in every if one[:2] == key}
        try:
            assert shown(records.history(access, *key, count=1000).entries) == own
        except (ResourceNotFound, ResourceRestricted):
            assert not own


def searches(country: Country, access: Access) -> None:
    records = country.node.records
    for kind in ("Observation", "Patient", "Practitioner", "Encounter", "MedicationRequest"):
        expected = heads(country, access, "s", kind)
        asked = (("_count", "2"),), (("_sort", "_id"), ("_count", "3"))
        for pairs in asked:
            assert pages(country, access, records.search(access, kind, pairs)) == expected
        for total in (("_summary", "count"), ("_total", "accurate")):
            assert records.search(access, kind, [total]).total == len(expected)
        estimate = records.search(access, kind, [("_total", "estimate")]).total
        if not (access.sees_secret and access.sees_restricted and not access.is_narrowed):
            assert estimate == len(expected)
    every = pages(country, access, records.search(access, None, [("_count", "50")]))
    assert every == heads(country, access, "s")


def chains(country: Country, access: Access) -> None:
    records = country.node.records
    people = {id for kind, id, _ in heads(country, access, "s", "Patient")}
    circles = {other for id in people for other in circle_of(id)}
    observed = heads(country, access, "s", "Observation")
    chained = records.search(access, "Observation", [("patient.name", "nguyen"), ("_count", "100")])
    assert shown(chained.entries) == {
        one for one in observed if country.of[one[:2]][-1].patient in circles
    }
    has = records.search(access, "Patient", [("_has:Observation:patient:code", "8310-5")])
    named = {country.of[one[:2]][-1].patient for one in observed}
    reached = {other for id in named for other in circle_of(id)}
    assert {one.id for one in has.entries} == people & reached


def includes(country: Country, access: Access) -> None:
    records = country.node.records
    query = [("_include", "Observation:patient"), ("_include", "Observation:performer")]
    found = records.search(access, "Observation", [*query, ("_count", "100")])
    may = heads(country, access, "s", "Patient", "Practitioner")
    named = {country.of[one.type, one.id][-1].patient for one in found.entries}
    doctor = {"d1"} if found.entries else set()
    assert shown(found.included) == {one for one in may if one[1] in named | doctor}
    back = records.search(access, "Patient", [("_revinclude", "Observation:patient")])
    ids = {other for one in back.entries for other in circle_of(one.id)}
    assert shown(back.included) == {
        one
        for one in heads(country, access, "s", "Observation")
        if country.of[one[:2]][-1].patient in ids
    }


def records_of_people(country: Country, access: Access) -> None:
    for id in PATIENTS:
        stubs = country.node.records.timeline(access, key_of(id))
        told = {(one.type, one.id) for one in stubs}
        own = [(key, head) for key, head in country.heads() if is_of(head, id)]
        assert told == {key for key, _ in own if country.known(access, key)}
        open_ones = {(one.type, one.id) for one in stubs if not one.restricted}
        assert open_ones == {key for key, _ in own if country.sees_head(access, key, "r")}
        may = heads(country, access, "r") | heads(country, access, "s")
        try:
            page = country.node.records.everything(access, "Patient", id)
        except (ResourceNotFound, ResourceGone, ResourceRestricted):
            assert not country.sees_head(access, ("Patient", id), "r")
            continue
        assert shown(page.entries) | shown(page.included) <= may
        whole = {(*key, head.number) for key, head in own if key[0] != "Patient"}
        assert whole & heads(country, access, "r") <= shown(page.entries)


def exports(country: Country, access: Access) -> None:
    node = country.node
    walker = Walker(node.database, node.journal, node.index, node.clock)
    end = node.journal.tail()
    span = Span(1, end)
    leaving = replace(access, sees_secret=False)
    rows = [
        line
        for chunk in walker.lines(access, Selection(), span, snapshot=end, now=0)
        for line in chunk
    ]
    seqs = {head.seq for key, head in country.heads() if country.sees_head(leaving, key, "s")}
    assert {line.seq for line in rows} == seqs
    gone = {(one.type, one.id) for one in walker.deleted(access, Selection(), span)}
    assert gone == {
        key
        for key, known in country.of.items()
        if known[-1].body is None and country.sees(leaving, key, known[-1], "s")
    }


def writes(country: Country, access: Access) -> None:
    """What a condition of a write finds, and which ids are as if they were free."""
    records = country.node.records
    found = records.expectation(access, "Observation", [("code", "8310-5")], limit=100)
    told = {id for _, _, id in found.expected}
    widened = replace(access, sees_restricted=True)
    assert told == {id for _, id, _ in heads(country, widened, "s", "Observation")}
    standing = records.standing(access, list(country.of))
    for key in country.of:
        known = any(country.known(access, key, letter) for letter in "rud")
        assert standing.hides(key) == (not known), key


def tokens_of_others(country: Country, access: Access) -> None:
    """A page token shows its bearer what the bearer may see, whoever it was made for."""
    records = country.node.records
    page = records.search(country.node.full, "Observation", [("_count", "2")])
    if page.next:
        assert pages(country, access, records.next_page(access, page.next)) <= heads(
            country, access, "s", "Observation"
        )
    history = records.history(country.node.full, count=3)
    if history.next:
        for one in records.history(access, page=history.next).entries:
            version = next(v for v in country.of[one.type, one.id] if v.number == one.version)
            assert country.sees(access, (one.type, one.id), version, "r")


INTERACTIONS: Mapping[str, Callable[[Country, Access], None]] = {
    "read": reads,
    "vread": versions,
    "history": histories,
    "search": searches,
    "chain": chains,
    "include": includes,
    "record": records_of_people,
    "export": exports,
    "write": writes,
    "token": tokens_of_others,
}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(happened=st.lists(events, max_size=6), access=accesses)
def test_nothing_is_told_that_may_not_be_seen(
    country: Country, happened: list[tuple], access: Access
) -> None:
    for event in happened:
        happen(country, event)
    bound = replace(access, recorder=country.node.trail)
    for ask in INTERACTIONS.values():
        ask(country, bound)
