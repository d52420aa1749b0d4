"""The trail: entries, what is gathered, and how they are read."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.trail import ALL, access_of
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.journal.evidence import verify_evidence
from trucyte.journal.keyring import Keyring
from trucyte.shared.audit import EntryNotFound, Outcome, Trail
from trucyte.shared.audit.entry import PERSONS_MAX
from trucyte.shared.audit.interaction import read_reason
from trucyte.shared.audit.reading import Wanted


class Forbidden(Problem):
    """Not allowed."""

    kind = Kind.FORBIDDEN
    code = "forbidden-here"


@pytest.fixture
def trail(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Trail]:
    trail = Trail(database, Keyring.open(tmp_path / "keys"), clock, site="Nút thử")
    yield trail
    trail.close()


def entries(trail: Trail, **wanted):
    return trail.find(ALL, Wanted(**wanted)).entries


def test_what_was_shown_is_entered_with_who_why_and_whom(trail: Trail, clock: FixedClock) -> None:
    trail.shown(access_of("bs-mau", "Organization/79001"), [7], "read Patient")
    (entry,) = entries(trail)
    deed = entry.deed
    assert (entry.seq, entry.at) == (1, clock.now())
    assert (deed.caller, deed.organisation, deed.purpose) == (
        "bs-mau", "Organization/79001", "TREAT",
    )  # fmt: skip
    assert (deed.interaction, deed.type, deed.resources) == ("read", "Patient", 1)
    assert (deed.persons, deed.outcome, deed.code) == ((7,), Outcome.SUCCESS, "")


def test_one_request_makes_one_entry_of_all_its_reads(trail: Trail) -> None:
    with trail.request("page", door="pages") as asked:
        access = asked.of(access_of("bs"))
        access.recorder.shown(access, [7], "read Patient")
        access.recorder.shown(access, [7, 7, 8, 0], "search Observation")
        assert trail.journal.tail() == 0
    (entry,) = entries(trail)
    assert entry.deed.persons == (7, 8)
    assert (entry.deed.resources, entry.deed.door, entry.deed.interaction) == (5, "pages", "page")
    assert entry.deed.request == asked.request


def test_what_is_read_after_the_entry_gets_one_of_its_own(trail: Trail) -> None:
    with trail.request("read Patient", door="fhir") as asked:
        access = asked.of(access_of("bs"))
    access.recorder.shown(access, [9], "search Observation")
    late, first = entries(trail)
    assert (late.deed.persons, late.deed.request) == ((9,), first.deed.request)


def test_a_request_without_access_leaves_no_entry(trail: Trail) -> None:
    with trail.request("read Patient", door="fhir"):
        pass
    assert trail.journal.tail() == 0


def test_a_refused_request_is_entered_and_the_refusal_goes_on(trail: Trail) -> None:
    with pytest.raises(Forbidden), trail.request("read Patient", door="fhir") as asked:
        asked.of(access_of("bs"))
        raise Forbidden
    (entry,) = entries(trail)
    assert (entry.deed.outcome, entry.deed.code) == (Outcome.REFUSED, "forbidden-here")


def test_a_defect_is_entered_as_an_error(trail: Trail) -> None:
    with pytest.raises(ValueError, match="x"), trail.request("read Patient", door="") as asked:
        asked.of(access_of("bs"))
        raise ValueError("x")
    (entry,) = entries(trail)
    assert (entry.deed.outcome, entry.deed.code) == (Outcome.ERROR, "defect")


def test_a_refusal_answered_within_the_request_is_kept(trail: Trail) -> None:
    with trail.request("batch", door="fhir") as asked:
        asked.of(access_of("bs"))
        asked.failed(Forbidden())
    (entry,) = entries(trail, outcome=Outcome.REFUSED)
    assert entry.deed.code == "forbidden-here"


def test_a_refusal_and_logins_are_entered(trail: Trail) -> None:
    trail.refused(access_of("bs"), "read Patient", "restricted", door="fhir")
    trail.logged_in("his", organisation="Organization/79001", door="api")
    trail.logged_in("", door="api", code="login-refused")
    bad, good, refused = (entry.deed for entry in entries(trail))
    assert (refused.outcome, refused.code) == (Outcome.REFUSED, "restricted")
    assert (good.interaction, good.caller, good.outcome) == ("login", "his", Outcome.SUCCESS)
    assert (bad.caller, bad.outcome, bad.code) == ("", Outcome.REFUSED, "login-refused")


def test_a_stream_enters_its_begin_each_new_person_and_its_end(trail: Trail) -> None:
    with trail.stream(access_of("cdc"), "export", door="fhir") as stream:
        assert trail.journal.tail() == 1
        stream.showing([7, 8, 7], 3)
        stream.showing([8], 1)
        stream.access.recorder.shown(stream.access, [9], "search Patient")
    deeds = [entry.deed for entry in reversed(entries(trail))]
    assert [deed.code for deed in deeds] == ["begun", "part", "part", "ended"]
    assert [deed.persons for deed in deeds] == [(), (7, 8), (9,), ()]
    assert [deed.resources for deed in deeds] == [0, 0, 0, 5]
    assert len({deed.request for deed in deeds}) == 1


def test_a_stream_cut_short_says_what_had_left(trail: Trail) -> None:
    with (
        pytest.raises(GeneratorExit),
        trail.stream(access_of("cdc"), "export", door="fhir") as stream,
    ):
        stream.showing([7], 12)
        raise GeneratorExit
    last = entries(trail)[0].deed
    assert (last.outcome, last.code, last.resources) == (Outcome.ERROR, "cut", 12)


def test_very_many_persons_are_several_lines_of_one_request(trail: Trail) -> None:
    trail.shown(access_of("bs"), range(1, PERSONS_MAX + 2), "search Patient")
    second, first = entries(trail)
    assert (len(first.deed.persons), second.deed.persons) == (PERSONS_MAX, (PERSONS_MAX + 1,))
    assert (first.deed.resources, second.deed.resources) == (PERSONS_MAX + 1, 0)
    assert first.deed.request.partition(".")[0] == second.deed.request.partition(".")[0]


@pytest.mark.parametrize(
    "reason",
    ["read Nguyễn Văn Mẫu", "đọc Patient/079085000001", "read Patient?name=x", "", "x" * 200, "{}"],
)
def test_free_text_in_a_reason_never_gets_into_the_trail(trail: Trail, reason: str) -> None:
    trail.shown(access_of("bs"), [7], reason)
    body = trail.journal.bodies([1])[1].body
    assert not any(word in body for word in (b"Nguy", b"0790", b"?", b"xxxx", b"{"))


@pytest.mark.parametrize(
    ("reason", "name", "kind"),
    [
        ("read Patient", "read", "Patient"),
        ("export: begin", "export", ""),
        ("export Patient: end", "export", "Patient"),
        ("history *", "history", ""),
        ("$everything Encounter", "$everything", "Encounter"),
    ],
)
def test_a_reason_is_an_interaction_and_a_type(reason: str, name: str, kind: str) -> None:
    assert read_reason(reason) == (name, kind)


def test_free_text_as_purpose_or_code_is_left_out(trail: Trail) -> None:
    trail.refused(access_of("bs", purpose="vì tò mò"), "read Patient", "Nguyễn Văn Mẫu")
    (entry,) = entries(trail)
    assert (entry.deed.purpose, entry.deed.code) == ("", "")


def test_a_request_id_from_outside_is_a_defect(trail: Trail) -> None:
    with pytest.raises(AssertionError, match="own"):
        trail.enter(access_of("bs"), "read Patient", request="../x y").result()


def test_a_person_sees_who_looked_and_not_who_looked_at_others(trail: Trail) -> None:
    trail.shown(access_of("a"), [7], "read Patient")
    trail.shown(access_of("b"), [8], "read Patient")
    trail.shown(access_of("c"), [7, 8, 9], "search Patient")
    trail.shown(access_of("d"), [7, 7], "search Observation")
    seen = trail.of_person(ALL, 7)
    assert [entry.deed.caller for entry in seen.entries] == ["d", "c", "a"]
    assert seen.next is None
    assert trail.of_person(ALL, 10).entries == []


def test_no_one_is_not_a_person(trail: Trail) -> None:
    trail.shown(access_of("a"), [0], "read ValueSet")
    assert trail.of_person(ALL, 0).entries == []


def test_pages_of_a_person_do_not_skip_or_double(trail: Trail) -> None:
    for number in range(7):
        trail.shown(access_of(f"a{number}"), [7] if number % 2 else [7, 8], "read Patient")
    found, before = [], None
    while True:
        page = trail.of_person(ALL, 7, count=2, before=before)
        found += [entry.seq for entry in page.entries]
        before = page.next
        if before is None:
            break
    assert found == [7, 6, 5, 4, 3, 2, 1]


def test_entries_are_found_by_what_they_say(trail: Trail, clock: FixedClock) -> None:
    start = clock.now()
    trail.shown(access_of("a", "Organization/1"), [7], "read Patient")
    clock.advance(timedelta(hours=1))
    trail.shown(access_of("a"), [7, 8], "search Observation")
    clock.advance(timedelta(hours=1))
    trail.shown(access_of("b"), [9], "create Observation")
    for wanted, seqs in (
        ({"caller": "a"}, [2, 1]),
        ({"caller": "A"}, []),
        ({"organisation": "Organization/1"}, [1]),
        ({"interaction": "search"}, [2]),
        ({"action": "C"}, [3]),
        ({"type": "Observation"}, [3, 2]),
        ({"outcome": Outcome.ERROR}, []),
        ({"since": start + timedelta(hours=1)}, [3, 2]),
        ({"until": start + timedelta(hours=1)}, [1]),
        ({"since": start + timedelta(minutes=1), "until": start + timedelta(minutes=2)}, []),
        ({"person": 7, "since": start + timedelta(minutes=1)}, [2]),
        ({"person": 7, "caller": "b"}, []),
        ({"type": "Observation", "caller": "b"}, [3]),
    ):
        assert [entry.seq for entry in entries(trail, **wanted)] == seqs, wanted


def test_a_rare_caller_is_found_page_by_page(trail: Trail, monkeypatch) -> None:
    monkeypatch.setattr("trucyte.shared.audit.reading.LINES_MAX", 3)
    trail.shown(access_of("rare"), [7], "read Patient")
    for _ in range(7):
        trail.shown(access_of("often"), [7], "read Patient")
    before, pages, found = None, 0, []
    while pages < 10:
        page = trail.find(ALL, Wanted(caller="rare", before=before))
        pages, before = pages + 1, page.next
        found += page.entries
        if before is None:
            break
    assert (pages, [entry.seq for entry in found]) == (3, [1])


def test_who_sees_some_organisations_sees_their_entries_only(trail: Trail) -> None:
    trail.shown(access_of("a", "Organization/1"), [7], "read Patient")
    trail.shown(access_of("b", "Organization/2"), [7], "read Patient")
    limited = access_of("c", "Organization/1", sees=frozenset({"Organization/1"}))
    assert [e.seq for e in trail.find(limited, Wanted()).entries] == [1]
    assert [e.seq for e in trail.of_person(limited, 7).entries] == [1]
    other = trail.find(ALL, Wanted(caller="b")).entries[0]
    with pytest.raises(EntryNotFound):
        trail.entry(limited, other.id)


def test_reading_the_trail_is_entered_where_it_is_read(trail: Trail) -> None:
    trail.shown(access_of("a"), [7, 8], "search Patient")
    trail.of_person(access_of("officer", recorder=trail), 7)
    latest = entries(trail)[0].deed
    assert (latest.caller, latest.interaction, latest.type) == ("officer", "search", "AuditEvent")
    assert latest.persons == (7,)


@pytest.mark.parametrize("id", ["", "1", "2-abc", "1-abc", "x" * 99, "0-a", "1-" + "0" * 16])
def test_an_id_that_is_not_an_entrys_is_not_found(trail: Trail, id: str) -> None:
    trail.shown(access_of("a"), [7], "read Patient")
    with pytest.raises(EntryNotFound):
        trail.event(ALL, id)


def test_an_entry_is_a_valid_audit_event(trail: Trail, definitions: Definitions) -> None:
    trail.shown(access_of("bs-mau", "Organization/79001"), [7, -8], "search Patient")
    trail.refused(access_of("bs"), "vread Observation", "restricted", door="fhir")
    trail.logged_in("", door="api", code="login-refused")
    trail.shown(access_of("bs"), [7], "$everything Patient")
    validator = Validator(definitions)
    for entry in entries(trail):
        event = trail.event(ALL, entry.id)
        assert event["id"] == entry.id
        faults = [issue for issue in validator.check(event) if issue.severity.name == "ERROR"]
        assert faults == []


def test_an_event_for_a_person_hides_the_others(trail: Trail) -> None:
    trail.shown(access_of("bs"), [7, 8], "search Patient")
    (event,) = trail.events(entries(trail), only={7: "Patient/p7"})
    people = [e["what"] for e in event["entity"] if e.get("role", {}).get("code") == "1"]
    assert people == [{"reference": "Patient/p7"}]


def test_the_proof_of_an_entry_holds_without_the_node(trail: Trail) -> None:
    trail.shown(access_of("bs"), [7], "read Patient")
    (entry,) = entries(trail)
    evidence = trail.prove(ALL, entry.id)
    record = verify_evidence(evidence, trail.journal.keyring.public_key)
    assert (record.type, record.seq, record.person) == ("AuditEvent", 1, 7)
    assert b'"bs"' in evidence.body
