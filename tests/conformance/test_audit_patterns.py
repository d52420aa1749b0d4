"""IHE Basic Audit Log Patterns (ITI BALP 1.1): each kind of event has its codes and slices."""

from datetime import UTC, datetime
from typing import Any

import pytest

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.shared.audit.entry import Deed, Entry, Outcome
from trucyte.shared.audit.event import profile_of, rendered
from trucyte.shared.audit.interaction import (
    ACCOUNT_CHANGES,
    INTERACTIONS,
    Pattern,
    interaction_of,
)

PATIENTS = {7: "Patient/p7"}
# Role codes of client, server and user by pattern, as BALP's profiles fix them.
ROLES = {
    Pattern.READ: ("110152", "110153", {"IRCP"}),
    Pattern.QUERY: ("110153", "110152", {"IRCP"}),
    Pattern.CREATE: ("110153", "110152", {"AUT", "INF", "CST"}),
    Pattern.UPDATE: ("110153", "110152", {"AUT", "INF", "CST"}),
    Pattern.DELETE: ("110150", "custodian", {"AUT", "INF", "CST"}),
    Pattern.EXPORT: ("110152", "110153", {"IRCP"}),
    Pattern.IMPORT: ("110153", "110152", {"AUT"}),
    Pattern.SECURITY: ("110150", "authserver", {"humanuser"}),
}
EVERY = sorted([*INTERACTIONS, "$everything", "$match", "other"])


@pytest.fixture(scope="module")
def validator(definitions: Definitions) -> Validator:
    return Validator(definitions)


def entry_of(interaction: str, *, persons: tuple[int, ...] = (7,), **facts: Any) -> Entry:
    deed = Deed(
        request="aB3xY9kQ", door="fhir", interaction=interaction, type="Observation",
        purpose="TREAT", caller="bs01", organisation="Organization/79001",
        outcome=facts.pop("outcome", Outcome.SUCCESS), resources=2, code=facts.pop("code", ""),
        persons=persons, rules=("treating-doctor",),
    )  # fmt: skip
    return Entry(12, datetime(2026, 11, 24, 3, tzinfo=UTC), deed)


def codes(things: list[dict[str, Any]], key: str) -> list[str]:
    return [one[key]["code"] for one in things if "code" in one.get(key, {})]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("persons", [(), (7,), (7, 8)])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_kind_of_event_is_valid_r4(
    validator: Validator, name: str, persons: tuple[int, ...], outcome: Outcome
) -> None:
    event = rendered(entry_of(name, persons=persons, outcome=outcome, code="x"), PATIENTS, "Nút")
    assert [one for one in validator.check(event) if one.severity.name == "ERROR"] == []


@pytest.mark.parametrize("name", EVERY)
def test_every_kind_of_event_has_the_agents_of_its_pattern(name: str) -> None:
    event, row = rendered(entry_of(name), PATIENTS, "Nút"), interaction_of(name)
    user, client, server, organisation = event["agent"]
    of_client, of_server, of_user = ROLES[row.pattern]
    assert client["type"]["coding"][0]["code"] == of_client
    assert server["type"]["coding"][0]["code"] == of_server
    assert user["type"]["coding"][0]["code"] in of_user
    assert [one["requestor"] for one in event["agent"]] == [True, False, False, False]
    assert client["network"] == {"type": "2"}
    assert "network" not in user
    assert user["policy"] == ["https://trucyte.vn/fhir/access-rule/treating-doctor"]
    assert organisation["who"] == {"reference": "Organization/79001"}
    assert server["who"] == event["source"]["observer"], "val-audit-source"


@pytest.mark.parametrize("name", EVERY)
def test_every_kind_of_event_names_patient_object_and_request(name: str) -> None:
    event, row = rendered(entry_of(name), PATIENTS, "Nút"), interaction_of(name)
    entities = event["entity"]
    assert entities[0]["what"] == {"reference": "Patient/p7"}
    assert (entities[0]["type"]["code"], entities[0]["role"]["code"]) == ("1", "1")
    assert codes(entities, "type").count("XrequestId") == 1
    assert codes(entities, "type").count("2") == 1, "one slice of data, or of the query"
    (data,) = [one for one in entities if one.get("type", {}).get("code") == "2"]
    if row.pattern is Pattern.QUERY:
        assert data["role"]["code"] == "24"
        assert "what" not in data
        assert "detail" not in data
        assert data["query"]
    else:
        assert data["role"]["code"] == "4"
        assert data["what"]["type"] == "Observation"


@pytest.mark.parametrize(
    ("name", "action", "kind", "subtype"),
    [
        ("read", "R", "rest", "read"),
        ("vread", "R", "rest", "vread"),
        ("search", "E", "rest", "search"),
        ("create", "C", "rest", "create"),
        ("update", "U", "rest", "update"),
        ("delete", "D", "rest", "delete"),
        ("disclose", "R", "110106", "disclose"),
        ("receive", "C", "110107", "receive"),
        ("login", "E", "110114", "110122"),
        ("logout", "E", "110114", "110123"),
        ("emergency", "E", "110113", "110127"),
        ("account-roles", "U", "110113", "110136"),
        ("denial", "E", "110113", "110132"),
        ("rule-change", "U", "110129", "rule-change"),
    ],
)
def test_the_codes_of_the_standards_are_used(
    name: str, action: str, kind: str, subtype: str
) -> None:
    event = rendered(entry_of(name), PATIENTS, "")
    assert (event["action"], event["type"]["code"]) == (action, kind)
    assert event["subtype"][0]["code"] == subtype


@pytest.mark.parametrize(
    ("name", "persons", "profile"),
    [
        ("read", (), "Read"),
        ("read", (7,), "PatientRead"),
        ("vread", (7,), "PatientRead"),
        ("create", (7,), "PatientCreate"),
        ("update", (7,), "PatientUpdate"),
        ("delete", (), "Delete"),
        ("read", (7, 8), ""),  # BALP has one patient an event
        ("read", (8,), ""),  # of whom there is no Patient here
        ("search", (7,), ""),  # its query is not kept
        ("history", (7,), ""),
        ("login", (), ""),
        ("disclose", (7,), ""),
    ],
)
def test_a_profile_is_claimed_only_where_it_is_met(
    name: str, persons: tuple[int, ...], profile: str
) -> None:
    claimed = profile_of(entry_of(name, persons=persons), PATIENTS)
    assert claimed.rpartition("IHE.BasicAudit.")[2] == profile


def test_what_failed_claims_no_profile_and_says_why() -> None:
    refused = entry_of("read", outcome=Outcome.REFUSED, code="access-denied")
    event = rendered(refused, PATIENTS, "")
    assert "profile" not in event["meta"]
    assert (event["outcome"], event["outcomeDesc"]) == ("4", "access-denied")


@pytest.mark.parametrize("name", sorted(ACCOUNT_CHANGES))
def test_a_change_of_an_account_names_the_account(name: str) -> None:
    event = rendered(entry_of(name, persons=(), code="dd02"), {}, "")
    (changed,) = [one for one in event["entity"] if one.get("role", {}).get("code") == "11"]
    assert changed["what"]["identifier"]["value"] == "dd02"
