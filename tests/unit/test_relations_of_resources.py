"""Whom a resource relates to its person, and until when."""

from datetime import UTC, datetime

import pytest

from trucyte.fhir.search.moments import EARLIEST, LATEST
from trucyte.records.persons.holders import number_of, read_holder
from trucyte.records.persons.memberships import memberships_of
from trucyte.records.persons.relations import (
    AFTER_END,
    ROWS_MAX,
    UNCLOSED,
    Kind,
    relations_of,
)
from trucyte.records.persons.spans import ALWAYS, DAY, Span, microseconds, read_period

AT = microseconds(datetime(2026, 11, 24, tzinfo=UTC))
BEGUN, ENDED = "2026-11-20T08:00:00+07:00", "2026-11-21T08:00:00+07:00"
BEGINS = microseconds(datetime(2026, 11, 20, 1, tzinfo=UTC))
ENDS = microseconds(datetime(2026, 11, 21, 1, 0, 1, tzinfo=UTC))
DOCTOR = {"reference": "Practitioner/x"}
WARD = {"reference": "Location/ward"}
HOSPITAL = {"reference": "Organization/h"}
PERIOD = {"start": BEGUN, "end": ENDED}


def encounter(status: str | None = "in-progress", **more: object) -> dict:
    made = {"resourceType": "Encounter", "id": "e", "serviceProvider": HOSPITAL, **more}
    return made if status is None else {**made, "status": status}


def rows(resource: dict) -> set[tuple[int, ...]]:
    """Return (holder, begins, ends, kind) of each row."""
    made = [one.row(1, 2, AT) for one in relations_of(resource)]
    return {(row[1], row[2], row[3], row[5]) for row in made if row is not None}


def spans(resource: dict) -> list[tuple[int, int]]:
    return sorted((begins, ends) for _, begins, ends, _ in rows(resource))


@pytest.mark.parametrize(
    ("status", "period", "expected"),
    [
        ("in-progress", {"start": BEGUN}, [(BEGINS, LATEST)]),
        ("arrived", None, [(EARLIEST, LATEST)]),
        ("onleave", {"start": BEGUN}, [(BEGINS, LATEST)]),
        ("in-progress", PERIOD, [(BEGINS, ENDS + AFTER_END)]),
        ("finished", PERIOD, [(BEGINS, ENDS + AFTER_END)]),
        ("unknown", PERIOD, [(BEGINS, ENDS + AFTER_END)]),
        ("finished", {"end": ENDED}, [(EARLIEST, ENDS + AFTER_END)]),
        ("finished", {"start": BEGUN}, [(BEGINS, BEGINS + AFTER_END)]),
        ("finished", None, [(EARLIEST, AT + AFTER_END)]),
        ("planned", {"start": BEGUN}, []),  # its day is over
        ("planned", {"start": "2026-11-24"}, [(AT - 7 * DAY // 24 - DAY, AT + 17 * DAY // 24)]),
        ("planned", None, []),
        ("cancelled", PERIOD, []),
        ("entered-in-error", None, []),
        (None, None, []),
        ("finished", {"end": "2026-10-01"}, []),  # over before it is accepted
        ("in-progress", {"start": ENDED, "end": BEGUN}, []),
        ("in-progress", {"start": "0000-01-01"}, []),
        ("in-progress", {"start": "20260101"}, []),
        ("in-progress", {"start": 5}, []),
        ("in-progress", "always", []),
        ("in-progress", {"start": "9999-12-31"}, [(253402189200000000, LATEST)]),
        ("finished", {"end": "9999-12-31"}, [(EARLIEST, 253402275600000000 + AFTER_END)]),
    ],
)
def test_a_visit_relates_until_thirty_days_after_its_end(
    status: str | None, period: object, expected: list
) -> None:
    more = {} if period is None else {"period": period}
    assert spans(encounter(status, **more)) == expected


def test_all_who_take_part_in_a_visit_are_related() -> None:
    visit = encounter(
        participant=[
            {"individual": DOCTOR},
            {"individual": {"reference": "PractitionerRole/r/_history/3"}},
            {"individual": {"reference": "RelatedPerson/mother"}},
            {"individual": {"reference": "#contained"}},
            {"individual": {"reference": "https://elsewhere.example/fhir/Practitioner/x"}},
            {},
        ],
        location=[
            {"location": WARD, "status": "active"},
            {"location": {"reference": "Location/next"}, "status": "planned"},
        ],
    )
    named = ("Organization/h", "Practitioner/x", "PractitionerRole/r", "Location/ward")
    assert {row[0] for row in rows(visit)} == {number_of(name) for name in named}
    assert {row[3] for row in rows(visit)} == {Kind.VISIT}


def test_a_part_of_a_visit_relates_for_its_own_time() -> None:
    part = {"individual": DOCTOR, "period": PERIOD}
    visit = encounter("in-progress", participant=[part], period={"start": "2026-11-01"})
    assert (BEGINS, ENDS + AFTER_END) in spans(visit)
    unread = encounter(participant=[{"individual": DOCTOR, "period": {"end": "soon"}}])
    assert len(rows(unread)) == 1
    late = {"individual": DOCTOR, "period": {"start": "2026-11-26"}}
    after = encounter("finished", participant=[late], period={"end": "2026-10-25"})
    assert {row[0] for row in rows(after)} == {number_of("Organization/h")}


def test_who_is_named_by_identifier_is_found_by_it() -> None:
    named = {"identifier": {"system": "urn:s", "value": "79001"}}
    visit = encounter(serviceProvider=named, location=[{"location": named}])
    expected = {"Organization?identifier=urn:s|79001", "Location?identifier=urn:s|79001"}
    assert {row[0] for row in rows(visit)} == {number_of(name) for name in expected}


def request(**more: object) -> dict:
    return {
        "resourceType": "ServiceRequest",
        "id": "s",
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}],
        "authoredOn": BEGUN,
        "performer": [HOSPITAL],
        **more,
    }


LETTER = [{"system": "https://trucyte.vn/fhir/sid/transfer-letter", "value": "1"}]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [(BEGINS, BEGINS + UNCLOSED)]),
        ({"status": "completed"}, [(BEGINS, BEGINS + AFTER_END)]),
        ({"occurrencePeriod": PERIOD}, [(BEGINS, ENDS + AFTER_END)]),
        ({"authoredOn": None}, [(EARLIEST, AT + UNCLOSED)]),
        ({"category": [], "identifier": LETTER}, [(BEGINS, BEGINS + UNCLOSED)]),
        ({"category": []}, []),
        ({"intent": "proposal"}, []),
        ({"doNotPerform": True}, []),
        ({"status": "revoked"}, []),
        ({"performer": []}, []),
        ({"authoredOn": "yesterday"}, []),
        ({"category": "3457005"}, []),
    ],
)
def test_a_referral_relates_whom_it_is_to(more: dict, expected: list) -> None:
    assert spans(request(**more)) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"start": ENDED}, [(ENDS - 1_000_000 - DAY, ENDS + DAY)]),
        ({"start": ENDED, "end": "2026-11-24T08:00:00Z"}, "until the end"),
        ({"start": ENDED, "end": BEGUN}, []),
        ({}, []),
        ({"start": ENDED, "status": "cancelled"}, []),
        ({"start": ENDED, "status": "proposed"}, []),
        ({"start": "noon"}, []),
    ],
)
def test_an_appointment_relates_a_day_around(more: dict, expected: object) -> None:
    meeting = {
        "resourceType": "Appointment",
        "id": "a",
        "status": "booked",
        "participant": [
            {"actor": {"reference": "Patient/p"}},
            {"actor": DOCTOR, "status": "accepted"},
            {"actor": WARD, "status": "declined"},
        ],
        **more,
    }
    found = spans(meeting)
    if expected == "until the end":
        assert found == [(ENDS - 1_000_000 - DAY, AT + 8 * DAY // 24 + 1_000_000 + DAY)]
    else:
        assert found == [span for span in expected if span[1] > AT]


@pytest.mark.parametrize(
    ("resource", "holders"),
    [
        ({"resourceType": "Task", "status": "accepted", "owner": DOCTOR}, {"Practitioner/x"}),
        ({"resourceType": "Task", "status": "draft", "owner": DOCTOR}, set()),
        ({"resourceType": "Task", "status": "accepted"}, set()),
        (
            {
                "resourceType": "EpisodeOfCare",
                "status": "active",
                "careManager": DOCTOR,
                "managingOrganization": HOSPITAL,
                "team": [{"reference": "CareTeam/t"}],
            },
            {"Practitioner/x", "Organization/h", "CareTeam/t"},
        ),
        ({"resourceType": "EpisodeOfCare", "status": "cancelled", "careManager": DOCTOR}, set()),
        (
            {"resourceType": "CareTeam", "status": "active", "participant": [{"member": DOCTOR}]},
            {"Practitioner/x"},
        ),
        ({"resourceType": "CareTeam", "participant": [{"member": DOCTOR}]}, set()),
        ({"resourceType": "Observation", "performer": [DOCTOR]}, set()),
    ],
)
def test_who_else_has_to_do_with_a_person(resource: dict, holders: set) -> None:
    found = {row[0] for row in rows({"id": "r", **resource})}
    assert found == {number_of(name) for name in holders}


def test_one_version_relates_so_many_at_most() -> None:
    many = [{"individual": {"reference": f"Practitioner/{n}"}} for n in range(10_000)]
    assert len(relations_of(encounter(participant=many))) == ROWS_MAX


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            {"resourceType": "PractitionerRole", "practitioner": DOCTOR},
            {("PractitionerRole/i", "Practitioner/x")},
        ),
        ({"resourceType": "PractitionerRole", "practitioner": DOCTOR, "active": False}, set()),
        ({"resourceType": "PractitionerRole", "practitioner": DOCTOR, "period": 1}, set()),
        ({"resourceType": "PractitionerRole"}, set()),
        (
            {"resourceType": "Location", "identifier": [{"system": "s", "value": "v"}, {}, 7]},
            {("Location?identifier=s|v", "Location/i")},
        ),
        (
            {"resourceType": "Location", "status": "inactive", "identifier": [{"system": "s"}]},
            set(),
        ),
        (
            {
                "resourceType": "CareTeam",
                "status": "active",
                "participant": [{"member": DOCTOR}, {"member": {"reference": "CareTeam/i"}}, 5],
            },
            {("CareTeam/i", "Practitioner/x")},
        ),
        (
            {
                "resourceType": "CareTeam",
                "status": "active",
                "period": {"end": "2020"},
                "participant": [{"member": DOCTOR, "period": {"start": "2021"}}],
            },
            set(),
        ),
        ({"resourceType": "CareTeam", "status": "proposed", "participant": []}, set()),
        ({"resourceType": "Patient"}, set()),
    ],
)
def test_who_acts_as_whom(resource: dict, expected: set) -> None:
    found = memberships_of({"id": "i", **resource})
    assert {(one.whole, one.member) for one in found} == expected


def test_periods_that_cannot_be_are_none() -> None:
    assert read_period(None) == ALWAYS
    assert read_period({"start": "2026-13-01"}) is None
    assert read_period({"end": "2026-01-01T00:00:00+99:00"}) is None
    assert Span(0, 5).within(Span(5, 9)) is None
    assert read_holder("Practitioner/x") is None
    assert read_holder({"type": "Practitioner", "identifier": {"value": "v"}}) is None
    assert read_holder({"type": "Patient", "identifier": {"system": "s", "value": "v"}}) is None
