"""A Consent's tree as rules: what cannot be read is never in favour of showing."""

from datetime import UTC, datetime

import pytest

from trucyte.records.access import MEDICAL, Labels
from trucyte.records.persons.provisions import (
    NO_PARENT,
    ROWS_MAX,
    UNLABELLED,
    Rule,
    Scope,
    purposes_within,
    rules_of,
)
from trucyte.records.persons.purposes import KNOWN, with_those_above
from trucyte.records.persons.spans import ALWAYS, microseconds, read_moment

AT = microseconds(datetime(2026, 11, 24, tzinfo=UTC))
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
MARKS = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
TYPES = "http://hl7.org/fhir/resource-types"
DOCTOR = {"role": {}, "reference": {"reference": "Practitioner/x"}}


def consent(provision: object = None, scope: str = "patient-privacy", **more: object) -> dict:
    made = {
        "resourceType": "Consent",
        "id": "c",
        "status": "active",
        "scope": {"coding": [{"system": SCOPE, "code": scope}]},
        "dateTime": "2026-01-01T00:00:00Z",
        **more,
    }
    return made if provision is None else {**made, "provision": provision}


def policy(code: str) -> dict:
    return {"coding": [{"system": ACT, "code": code}]}


def coding(system: str, *codes: str) -> list[dict]:
    return [{"system": system, "code": code} for code in codes]


def one(type: str, **said: object) -> Rule | None:
    """Return the only rule of a consent, None where it has none."""
    found = rules_of(consent({"type": type, **said}))
    assert len(found) < 2
    return found[0] if found else None


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (consent({"type": "permit"}), True),
        (consent({"type": "deny"}), False),
        (consent({"type": "perhaps"}), False),
        (consent({"type": None}), False),
        (consent("deny"), False),
        (consent(policyRule=policy("OPTIN")), True),
        (consent(policyRule=policy("OPTOUT")), False),
        (consent({}, policyRule=policy("OPTINR")), True),
        (consent({"type": "deny"}, policyRule=policy("OPTIN")), False),
        (consent({"type": "permit"}, policyRule=policy("OPTOUTE")), False),
        (consent(), None),
        (consent({}), None),
        (consent({"type": "deny"}, status="inactive"), None),
        (consent({"type": "deny"}, status="rejected"), None),
        (consent({"type": "deny"}, status="proposed"), None),
        (consent({"type": "deny"}, status="entered-in-error"), None),
        (consent({"type": "deny"}, status=None), None),
        (consent({"type": "deny"}, "treatment"), None),
        (consent({"type": "deny"}, "adr"), None),
        (consent({"type": "deny"}, "of-our-own"), False),
        (consent({"type": "permit"}, "of-our-own"), None),
        ({**consent({"type": "permit"}), "scope": None}, None),
    ],
)
def test_the_base_of_a_consent(resource: dict, expected: bool | None) -> None:
    found = rules_of(resource)
    assert [rule.is_permit for rule in found] == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("said", "permitted", "refused"),
    [
        ({}, 0, 0),
        ({"securityLabel": coding(ACT, "HIV", "PSY")}, Labels.HIV | Labels.MENTAL, "same"),
        ({"securityLabel": coding(ACT, "HIV", "ETH")}, Labels.HIV, 0),
        ({"securityLabel": coding(ACT, "ETH")}, None, 0),
        ({"securityLabel": coding(MARKS, "R")}, UNLABELLED, 0),
        ({"securityLabel": coding(MARKS, "N")}, UNLABELLED, 0),
        ({"securityLabel": coding(MARKS, "V")}, 0, 0),
        ({"securityLabel": [*coding(MARKS, "R"), *coding(ACT, "HIV")]}, Labels.HIV, 0),
        ({"securityLabel": "HIV"}, None, 0),
    ],
)
def test_labels_permit_themselves_and_refuse_at_least_themselves(
    said: dict, permitted: int | None, refused: object
) -> None:
    permit, refusal = one("permit", **said), one("deny", **said)
    assert (permit and permit.labels) == permitted
    assert refusal is not None
    assert refusal.labels == (permitted if refused == "same" else refused)
    assert not refusal.labels & ~int(MEDICAL)


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("class", coding(TYPES, "Observation"), {"Observation"}),
        ("class", coding(TYPES, "Observation", "Horoscope"), {"Observation"}),
        ("class", coding("urn:other", "Observation"), set()),
        ("class", 5, set()),
        ("purpose", coding(REASON, "TREAT"), {"TREAT"}),
        ("purpose", coding(REASON, "TREAT", "FUN"), {"TREAT"}),
        ("purpose", [{}], set()),
        ("actor", [DOCTOR], {"Practitioner/x"}),
        ("actor", [DOCTOR, {"role": {}}], {"Practitioner/x"}),
        ("actor", [{"reference": {"reference": "Group/g"}}], set()),
        ("actor", [{"reference": {"reference": "https://other.example/Practitioner/x"}}], set()),
        ("actor", ["Practitioner/x"], set()),
    ],
)
def test_what_is_not_known_permits_nobody_and_refuses_all(
    name: str, value: object, known: set
) -> None:
    field = {"class": "types", "purpose": "purposes", "actor": "actors"}[name]
    permit, refusal = one("permit", **{name: value}), one("deny", **{name: value})
    assert (getattr(permit, field) if permit else set()) == known
    assert refusal is not None
    is_whole = isinstance(value, list) and len(value) == len(known)
    assert getattr(refusal, field) == (known if is_whole else set())


@pytest.mark.parametrize(
    "said",
    [
        {"code": [{"text": "glucose"}]},
        {"data": [{"meaning": "instance"}]},
        {"dataPeriod": {"start": "2020"}},
        {"action": [{"text": "look"}]},
        {"period": {"start": "never"}},
        {"period": {"start": "2026-02-01", "end": "2026-01-01"}},
    ],
)
def test_what_a_row_cannot_hold_permits_nothing_and_refuses_without_it(said: dict) -> None:
    assert one("permit", **said) is None
    refusal = one("deny", **said)
    assert refusal is not None
    assert refusal.span == ALWAYS


def test_rules_about_collecting_alone_say_nothing_of_seeing() -> None:
    collecting = {"action": [{"coding": coding(ACTION, "collect")}]}
    assert one("deny", **collecting, provision=[{"type": "deny"}]) is None
    assert one("permit", action=[{"coding": coding(ACTION, "access", "correct")}]) is not None
    assert one("permit", action=[{"coding": coding(ACTION, "access")}, 7]) is not None


def test_an_exception_holds_within_what_is_around_it() -> None:
    treating = {"purpose": coding(REASON, "TREAT"), "period": {"start": "2026-01-01"}}
    nested = {"type": "permit", "purpose": coding(REASON, "ETREAT"), "actor": [DOCTOR]}
    outer, inner = rules_of(consent({"type": "deny", **treating, "provision": [nested]}))
    assert (outer.number, outer.parent, inner.number, inner.parent) == (0, NO_PARENT, 1, 0)
    assert inner.purposes == {"ETREAT"}
    assert inner.span == outer.span != ALWAYS
    elsewhere = {"type": "permit", "purpose": coding(REASON, "HRESCH")}
    assert len(rules_of(consent({"type": "deny", **treating, "provision": [elsewhere]}))) == 1


def test_actors_within_others_are_refused_and_not_permitted() -> None:
    other = [{"role": {}, "reference": {"reference": "Organization/o"}}]
    nested = [{"type": "permit", "actor": [DOCTOR]}, {"type": "deny", "actor": [DOCTOR]}]
    found = rules_of(consent({"type": "permit", "actor": other, "provision": nested}))
    assert [(rule.is_permit, set(rule.actors)) for rule in found] == [
        (True, {"Organization/o"}),
        (False, {"Practitioner/x"}),
    ]


def test_a_nested_rule_without_a_type_refuses() -> None:
    found = rules_of(consent({"type": "permit", "provision": [{}, "what"]}))
    assert [rule.is_permit for rule in found] == [True, False, False]


def test_a_consent_to_research_is_about_research() -> None:
    (permit,) = rules_of(consent({"type": "permit"}, "research"))
    assert (permit.scope, permit.purposes) == (Scope.RESEARCH, {"HRESCH"})
    (refusal,) = rules_of(consent({"type": "deny"}, "research"))
    assert refusal.purposes == {"HRESCH"}
    treating = {"purpose": coding(REASON, "TREAT")}
    assert rules_of(consent({"type": "permit", **treating}, "research")) == ()
    (refusal,) = rules_of(consent({"type": "deny", **treating}, "research"))
    assert refusal.purposes == {"TREAT"}


def chain(depth: int, *types: str) -> dict:
    root: dict = {"type": types[-1]}
    for number in range(depth):
        root = {"type": types[number % len(types)], "provision": [root]}
    return root


@pytest.mark.parametrize(
    ("root", "refuses"),
    [
        (chain(10_000, "permit", "deny"), True),
        (chain(10_000, "permit"), False),
        ({"type": "deny", "provision": [{"type": "permit"}] * 10_000}, True),
        ({"type": "permit", "provision": [{"type": "deny"}] * 10_000}, True),
        ({"type": "permit", "provision": [{"type": "permit"}] * 10_000}, False),
    ],
)
def test_too_many_rules_refuse_all_where_one_refuses(root: dict, refuses: bool) -> None:
    found = rules_of(consent(root))
    assert [(rule.is_permit, rule.purposes, rule.span) for rule in found] == (
        [(False, frozenset(), ALWAYS)] if refuses else []
    )


def test_as_many_rules_as_may_be_are_kept() -> None:
    nested = [{"type": "permit"}] * (ROWS_MAX - 1)
    assert len(rules_of(consent({"type": "deny", "provision": nested}))) == ROWS_MAX


@pytest.mark.parametrize(
    ("when", "permit", "refusal"),
    [
        ("2026-01-01T00:00:00Z", 1767225600_000000, 1767225600_999999),
        ("2026-01-01", 1767200400_000000, 1767286799_999999),
        ("2030-01-01", AT, AT),
        (None, AT, AT),
        ("long ago", -(1 << 63), AT),
    ],
)
def test_a_consent_is_as_old_as_it_says_and_no_younger_than_its_acceptance(
    when: str | None, permit: int, refusal: int
) -> None:
    made = [
        rules_of(consent({"type": type}, dateTime=when))[0].row(1, 2, AT)[2]
        for type in ("permit", "deny")
    ]
    assert made == [permit, refusal]


def test_purposes_are_kinds_of_others() -> None:
    assert with_those_above("CLINTRCHPC") == ("CLINTRCHPC", "CLINTRCH", "HRESCH")
    assert with_those_above("unheard") == ("unheard",)
    assert {"BTG", "TREAT", "HTEST"} <= KNOWN
    research, trials = frozenset({"HRESCH"}), frozenset({"CLINTRCH", "TREAT"})
    assert purposes_within(research, trials) == {"CLINTRCH"} == purposes_within(trials, research)
    assert purposes_within(None, trials) == trials
    assert read_moment(7) is None
