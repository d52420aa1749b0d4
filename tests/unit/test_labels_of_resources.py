"""Labels of a resource as one mask: which kinds there are, and what is not known."""

import json

import pytest

from trucyte.records.access import Access, Labels
from trucyte.records.labels import is_secret, sensitivity_of, sensitivity_of_body
from trucyte.vietnam.sensitivity import load_kinds, load_triggers

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CLOSED = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
OURS = "https://trucyte.vn/fhir/CodeSystem/sensitivity"


def resource(*labels: tuple[str | None, str | None]) -> dict:
    coded = [{"system": system, "code": code} for system, code in labels]
    parts = [{name: value for name, value in one.items() if value} for one in coded]
    return {"resourceType": "Patient", "meta": {"security": parts}}


@pytest.mark.parametrize(
    ("labels", "mask"),
    [
        ([], 0),
        ([(CLOSED, "N")], 0),
        ([(CLOSED, "R")], Labels.RESTRICTED),
        ([(CLOSED, "V")], Labels.RESTRICTED),
        (
            [("http://hl7.org/fhir/v3/Confidentiality", "R")],
            Labels.RESTRICTED,
        ),
        ([("urn:oid:2.16.840.1.113883.5.25", "R")], Labels.RESTRICTED),
        ([("urn:else", "R")], 0),
        ([(None, "R")], 0),
        ([(CLOSED, None)], 0),
        ([(CLOSED, "R"), (ACT, "HIV")], Labels.HIV),
        ([(ACT, "HIV"), (CLOSED, "V")], Labels.HIV),
        ([(ACT, "HIV")], Labels.HIV),
        ([(ACT, "PSY"), (ACT, "MH")], Labels.MENTAL),
        ([("urn:oid:2.16.840.1.113883.5.4", "PSYTHPN")], Labels.MENTAL),
        ([(ACT, "PREGNANT"), (ACT, "GDIS")], Labels.PREGNANCY | Labels.GENETICS),
        ([(OURS, "TB"), (CLOSED, "R")], Labels.TB),
        ([(CLOSED, "R"), (ACT, "SUD")], Labels.RESTRICTED),
        ([(CLOSED, "R"), (ACT, "HIV"), (ACT, "SUD")], Labels.HIV | Labels.RESTRICTED),
        ([(ACT, "SUD")], 0),
        ([(CLOSED, "R"), ("urn:else", "x")], Labels.RESTRICTED),
        ([(OURS, "STATE-SECRET")], Labels.SECRET),
        ([(OURS, "STATE-SECRET"), (CLOSED, "V"), (ACT, "HIV")], Labels.SECRET | Labels.HIV),
    ],
)
def test_labels_make_a_mask(labels: list[tuple[str, str]], mask: int) -> None:
    made = resource(*labels)
    assert sensitivity_of(made) == mask
    assert sensitivity_of_body(json.dumps(made).encode()) == mask
    assert is_secret(json.dumps(made).encode()) == bool(mask & Labels.SECRET)


def test_a_label_that_is_written_with_escapes_is_read() -> None:
    body = json.dumps(resource((OURS, "STATE-SECRET"))).replace("security", "secur\\u0069ty")
    assert sensitivity_of_body(body.encode()) == Labels.SECRET
    assert sensitivity_of_body(b"") == 0


def test_every_kind_of_the_list_is_a_label_and_fits_the_column() -> None:
    kinds = set(load_kinds().of.values())
    assert kinds <= {label.name for label in Labels}
    assert int(Labels.SECRET) < 1 << 15
    secret = load_triggers().labels["SECRET"]
    assert not secret.verified and "440" in secret.basis
    assert all(trigger[1] != "SECRET" for trigger in load_triggers().icd)


@pytest.mark.parametrize(
    ("access", "seen"),
    [
        ({}, Labels.NONE),
        ({"labels": Labels.HIV}, Labels.HIV),
        ({"labels": Labels.HIV | Labels.SECRET}, Labels.HIV),
        ({"sees_restricted": True}, ~Labels.SECRET),
        ({"sees_restricted": True, "sees_secret": True}, ~Labels.NONE),
        ({"sees_secret": True}, Labels.SECRET),
    ],
)
def test_an_access_sees_what_has_no_label_but_its_own(access: dict, seen: Labels) -> None:
    made = Access("x", "TREAT", **{"sees_restricted": False, "recorder": None, **access})
    assert made.labels_seen == seen
    for mask in (Labels.NONE, *Labels, Labels.HIV | Labels.TB, Labels.SECRET | Labels.HIV):
        assert made.sees(mask) == (mask & seen == mask)
    assert not made.leaving().sees(Labels.SECRET)
