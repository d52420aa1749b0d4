"""What seldom happens with consents and requests: several pages, what is missing, what ended."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from tests.support.agreements import HOSPITAL, Agreed, agreed_over, open_shared, text_of
from tests.support.interactions import Writing
from tests.support.records import body
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.fhir.definitions import Definitions
from trucyte.shared.access.consent.bases import Basis, Gate, Receiver, Refusal
from trucyte.shared.access.consent.catalogue import purposes
from trucyte.shared.access.consent.consent import read_given, resource_of
from trucyte.shared.access.consent.copies import Copies
from trucyte.shared.access.consent.erasure import article_of
from trucyte.shared.access.consent.holders import Look, nobody_looked
from trucyte.shared.access.consent.proxies import Appointing
from trucyte.shared.access.consent.retention import visit_of

TEXT = purposes()["notices"].texts[-1]


class Contested(Problem):
    """Others keep coming between."""

    kind = Kind.CONFLICT
    code = "test-contested"


class Refused(Problem):
    """The disk is full."""

    kind = Kind.NO_SPACE
    code = "test-full"


@pytest.fixture(scope="module")
def writing(
    server_url: str,
    migrated_template: str,
    definitions: Definitions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Writing]:
    folder = tmp_path_factory.mktemp("edges")
    with open_shared(server_url, migrated_template, folder, definitions) as opened:
        yield opened


@pytest.fixture
def agreed(writing: Writing, clock: FixedClock) -> Agreed:
    return agreed_over(writing, clock.now())


def put_observations(agreed: Agreed, count: int, day: str) -> list[str]:
    tail = agreed.patient.rpartition("/")[2]
    made = [
        {
            "resourceType": "Observation",
            "id": f"o{number}-{tail}",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": agreed.patient},
            "performer": [{"reference": "Organization/lab"}],
            "issued": f"{day}T08:00:00+07:00",
        }
        for number in range(count)
    ]
    lab = {"resourceType": "Organization", "id": "lab", "name": "Phòng xét nghiệm Mẫu"}
    agreed.node.put(lab, *made)
    return [one["id"] for one in made]


def test_a_copy_has_everything_once_page_by_page(agreed: Agreed) -> None:
    ids = put_observations(agreed, 5, "2025-01-02")
    copied = list(Copies(agreed.node.records, count=2).everything(agreed.access, agreed.patient))
    names = [(one.type, one.id) for one in copied]
    assert len(names) == len(set(names))
    assert {id for type, id in names if type == "Observation"} == set(ids)
    assert ("Organization", "lab") in names  # what its record points to can be read beside it


def test_of_who_died_long_ago_all_may_go_and_nothing_is_restricted(agreed: Agreed) -> None:
    id = agreed.patient.partition("/")[2]
    agreed.node.put({"resourceType": "Patient", "id": id, "deceasedDateTime": "1990-05-01"})
    ids = put_observations(agreed, 5, "1989-01-02")
    agreed.all.erasures._count = 2
    done = agreed.all.erasures.carry_out(agreed.access, agreed.patient)
    assert (done.erased, done.restricted) == (6, False)
    ((keys, _),) = agreed.erased
    assert {key[2] for key in keys} == {id, *ids}
    assert agreed.all.erasures.restriction(agreed.patient) is None


def test_where_all_must_stay_nothing_is_erased(agreed: Agreed) -> None:
    agreed.all.erasures._erase = None
    done = agreed.all.erasures.carry_out(agreed.access, agreed.patient)
    assert (done.erased, done.restricted, agreed.erased) == (0, True, [])


def test_a_restriction_until_a_day_says_so(agreed: Agreed) -> None:
    agreed.all.erasures.restrict(
        agreed.access, agreed.patient, article="Điều 1", until=date(2030, 12, 31)
    )
    page = agreed.node.records.search(agreed.access, "Consent", [("patient", agreed.patient)])
    assert body(page.entries[0])["provision"]["period"] == {"end": "2030-12-31"}
    assert article_of({}) == article_of({"extension": [{"url": "other"}]}) == ""


def test_a_consent_without_an_end_or_without_anyone_is_read_as_far_as_it_goes(
    agreed: Agreed,
) -> None:
    given = agreed.all.consents.give(agreed.access, agreed.asked())
    resource = body(agreed.node.records.read(agreed.access, "Consent", given.id))
    del resource["provision"]
    read = read_given(resource, 1)
    assert (
        "end"
        not in resource_of(replace(given, ends_at=None), purposes()["notices"], TEXT)["provision"][
            "period"
        ]
    )
    assert read is not None and read.ends_at is None and read.holds(agreed.clock.now())
    nobody = [part for part in resource["extension"][0]["extension"] if part["url"] != "confirmed"]
    resource["extension"][0]["extension"] = nobody
    assert read_given(resource, 1) is None


@pytest.mark.parametrize(("problem", "times"), [(Refused, 1), (Contested, 10)])
def test_only_where_somebody_came_between_it_is_tried_again(
    agreed: Agreed, problem: type[Problem], times: int
) -> None:
    tried = []

    def fails(access: object, bundle: bytes) -> object:
        tried.append(bundle)
        raise problem

    agreed.all.consents._write = fails
    with pytest.raises(problem):
        agreed.all.consents.give(agreed.access, agreed.asked())
    assert len(tried) == times


def test_nothing_is_released_where_nobody_can(agreed: Agreed) -> None:
    agreed.all.consents.give(agreed.access, agreed.asked("research"))
    gate = Gate(agreed.all.consents.in_force)
    answer = gate.may_go(agreed.patient, Receiver("Organization/r", "research"), "HRESCH")
    assert isinstance(answer, Refusal) and answer.code == "not-released"
    own = Gate(agreed.all.consents.in_force, frozenset({HOSPITAL}))
    assert isinstance(own.may_go(agreed.patient, Receiver(HOSPITAL, "provider"), "TREAT"), Basis)


def test_the_node_itself_is_no_holder(agreed: Agreed) -> None:
    agreed.looked += [
        Look(HOSPITAL, "read", agreed.clock.now()),
        Look("", "page", agreed.clock.now()),
    ]
    agreed.all.holders._own = frozenset({HOSPITAL})
    assert agreed.all.holders.of(agreed.patient) == []
    assert list(nobody_looked(1)) == []


def test_a_proxy_without_a_record_here_is_kept_by_its_papers(agreed: Agreed) -> None:
    wish = Appointing(agreed.baby, "", "", "GUARD", text_of("proxy"), "vi", "paper")
    first = agreed.all.proxies.appoint(agreed.access, wish)
    second = agreed.all.proxies.appoint(agreed.access, replace(wish, name="Bà Thử"))
    assert (first.holder, first.name, second.name) == ("", "", "Bà Thử")
    agreed.all.proxies.revoke(agreed.access, agreed.baby, second.reference)
    standing = {one.reference: one.is_in_force for one in agreed.all.proxies.of(
        agreed.access, agreed.baby)}  # fmt: skip
    assert standing == {first.reference: True, second.reference: False}
    agreed.node.delete("RelatedPerson", first.reference.partition("/")[2])
    left = agreed.all.proxies.of(agreed.access, agreed.baby)
    assert [one.reference for one in left] == [second.reference]
    assert agreed.all.proxies.held_by("Patient/nobody") == []
    assert not agreed.all.persons.exists("Patient/nobody")
    assert agreed.all.persons.exists(agreed.carer)


def test_an_acts_as_of_another_system_is_no_holder(agreed: Agreed) -> None:
    wish = Appointing(agreed.baby, agreed.carer, "Mẹ", "MTH", text_of("proxy"), "vi", "paper")
    made = agreed.all.proxies.appoint(agreed.access, wish)
    id = made.reference.partition("/")[2]
    related = body(agreed.node.records.read(agreed.access, "RelatedPerson", id))
    del related["meta"]
    agreed.node.put({**related, "identifier": [{"system": "urn:x", "value": agreed.carer}]})
    assert agreed.all.proxies.of(agreed.access, agreed.baby)[0].holder == ""
    assert agreed.all.proxies.held_by(agreed.carer) == []


@pytest.mark.parametrize(
    "resource",
    [
        {"encounter": {"reference": "Encounter/v/_history/2"}},
        {"context": [{"reference": "EpisodeOfCare/e"}, {"reference": "Encounter/v"}]},
        {"context": {"encounter": [{"reference": "Encounter/v"}]}},
        {"encounter": "Encounter/v"},
        {},
    ],
)
def test_a_visit_is_found_where_it_is_named(resource: dict) -> None:
    found = visit_of({"resourceType": "Observation", "id": "o", **resource})
    assert found in ("Encounter/v", "")
    assert bool(found) == ("Encounter/v" in str(resource) and "encounter': [" not in str(resource)
                           and resource.get("encounter") != "Encounter/v")  # fmt: skip
