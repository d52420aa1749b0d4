"""Transactions (R4 3.1.0.11): all or nothing, links, conditions, order, answers, Provenance."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import (
    Sender,
    ask,
    bundle,
    coded,
    observation,
    open_sender,
    patient,
    post,
    put,
)
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.intake.interactions import Done

URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
OTHER = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059"
CONDITION = "identifier=urn:so|1"


@pytest.fixture
def sender(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Sender]:
    with open_sender(database, tmp_path, clock, definitions) as opened:
        yield opened


def refused(sender: Sender, *entries: dict[str, Any]) -> Problem:
    """Send what must fail as a whole, and leave nothing."""
    before = sender.node.journal.tail()
    with pytest.raises(Problem) as raised:
        sender.send(*entries)
    assert sender.node.journal.tail() == before
    return raised.value


def test_entries_are_answered_in_their_order_and_carried_out_in_that_of_r4(sender: Sender) -> None:
    sender.node.put(patient("gone"), patient("kept", active=True))
    done = sender.send(
        ask("GET", "Patient/kept"),
        put(patient("kept", active=False)),
        post(patient("ignored")),
        ask("DELETE", "Patient/gone"),
    )
    assert done.type == "transaction-response"
    assert [[one.done for one in entry.written] for entry in done.entries] == [
        [], [Done.UPDATED], [Done.CREATED], [Done.DELETED],
    ]  # fmt: skip
    read = done.entries[0].answered
    assert read is not None
    assert b'"active":false' in read.body.replace(b": ", b":"), "reads come last"
    lines = [line.entry for line in sender.lines("Patient")[-3:]]
    assert [line.operation.name for line in lines] == ["DELETE", "CREATE", "UPDATE"]
    assert done.entries[2].written[0].resource.id != "ignored"


def test_links_by_fullurl_are_replaced_in_references_urls_and_narrative(sender: Sender) -> None:
    narrative = {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{URN}">x</a></div>',
    }
    done = sender.send(
        post(observation(URN, text=narrative), OTHER),
        post(patient(link=[{"other": {"reference": URN}, "type": "seealso"}]), URN),
    )
    target = f"Patient/{done.entries[1].written[0].resource.id}"
    (held,) = sender.current("Observation").values()
    assert held["subject"]["reference"] == target
    assert f'href="{target}"' in held["text"]["div"]
    (self_linked,) = sender.current("Patient").values()
    assert self_linked["link"][0]["other"]["reference"] == target


def test_circular_links_are_fine(sender: Sender) -> None:
    first = observation("Patient/p", hasMember=[{"reference": OTHER}])
    second = observation("Patient/p", hasMember=[{"reference": URN}])
    sender.send(post(first, URN), post(second, OTHER))
    held = sender.current("Observation")
    for id_, resource in held.items():
        (other,) = set(held) - {id_}
        assert resource["hasMember"][0]["reference"] == f"Observation/{other}"


def test_a_link_to_what_has_an_id_elsewhere_is_replaced(sender: Sender) -> None:
    sender.send(
        post(observation("Patient/away")), post(patient("away"), "http://away.vn/fhir/Patient/away")
    )
    (target,) = sender.current("Patient")
    (held,) = sender.current("Observation").values()
    assert held["subject"]["reference"] == f"Patient/{target}"


def test_references_to_versions_and_to_others_are_kept(sender: Sender) -> None:
    kept = "Patient/p/_history/1"
    sender.send(post(observation(kept), URN), put(patient("p")))
    (held,) = sender.current("Observation").values()
    assert held["subject"]["reference"] == kept


def test_digits_of_decimals_stay_where_links_are_replaced(sender: Sender) -> None:
    body = bundle("transaction", [post(observation(URN), OTHER), post(patient(), URN)])
    marked = body.replace(
        b'"status": "final"', b'"status": "final", "valueQuantity": {"value": 72.50}'
    )
    sender.interactions.bundle(sender.node.full, marked, sender.reads)
    (line,) = sender.lines("Observation")
    assert b"72.50" in line.body


def test_what_meets_if_none_exist_stands_for_the_entry(sender: Sender) -> None:
    sender.node.put(coded("1", "there"))
    done = sender.send(post(coded("1"), URN, ifNoneExist=CONDITION), post(observation(URN)))
    assert done.entries[0].written[0].done is Done.FOUND
    assert set(sender.current("Patient")) == {"there"}
    (held,) = sender.current("Observation").values()
    assert held["subject"]["reference"] == "Patient/there"


def test_a_conditional_reference_means_the_one_that_meets_it(sender: Sender) -> None:
    sender.node.put(coded("1", "there"))
    sender.send(post(observation(f"Patient?{CONDITION}")))
    (held,) = sender.current("Observation").values()
    assert held["subject"]["reference"] == "Patient/there"


@pytest.mark.parametrize("there", [0, 2])
def test_a_conditional_reference_met_by_none_or_many_fails_all(sender: Sender, there: int) -> None:
    if there:
        sender.node.put(*[coded("1", f"p{number}") for number in range(there)])
    problem = refused(sender, post(observation(f"Patient?{CONDITION}")), post(patient()))
    assert problem.kind is Kind.PRECONDITION


def test_conditional_update_patch_and_delete_work_in_transactions(sender: Sender) -> None:
    sender.node.put(coded("1", "a"), coded("2", "b"), coded("3", "c", active=True))
    operation = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.active"},
        {"name": "value", "valueBoolean": False},
    ]
    change = {
        "resourceType": "Parameters",
        "parameter": [{"name": "operation", "part": operation}],
    }
    done = sender.send(
        put(coded("1", gender="male"), query=CONDITION),
        ask("DELETE", "Patient?identifier=urn:so|2"),
        {"resource": change, "request": {"method": "PATCH", "url": "Patient/c"}},
    )
    held = sender.current("Patient")
    assert held["a"]["gender"] == "male"
    assert "b" not in held
    assert held["c"]["active"] is False
    assert [entry.written[0].resource.id for entry in done.entries] == ["a", "b", "c"]


def test_a_json_patch_comes_as_a_binary(sender: Sender) -> None:
    sender.node.put(patient("c", active=True))
    document = "W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9hY3RpdmUiLCJ2YWx1ZSI6ZmFsc2V9XQ=="
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": document,
    }
    sender.send({"resource": binary, "request": {"method": "PATCH", "url": "Patient/c"}})
    assert sender.current("Patient")["c"]["active"] is False


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        ([post(patient(gender="purple"))], Kind.BAD_INPUT),
        ([put(patient("p"), ifMatch='W/"7"')], Kind.PRECONDITION),
        ([put(patient("p")), put(patient("p", active=True))], Kind.BAD_INPUT),
        ([put(patient("p")), ask("DELETE", "Patient/p")], Kind.BAD_INPUT),
        ([{"request": {"method": "POST", "url": "Patient"}}], Kind.BAD_INPUT),
        ([{"resource": patient()}], Kind.BAD_INPUT),
        ([{"resource": patient(), "request": {"method": "BREW", "url": "Patient"}}],
         Kind.BAD_INPUT),
        ([post(patient(), URN), post(patient(), URN)], Kind.BAD_INPUT),
        ([put(coded("9", "x"), ifNoneMatch='"1"')], Kind.BAD_INPUT),
        ([ask("DELETE", "Patient?")], Kind.BAD_INPUT),
        ([ask("DELETE", "Patient/../Patient")], Kind.BAD_INPUT),
        ([post(coded("1"), ifNoneExist=CONDITION), post(coded("1"), ifNoneExist=CONDITION)],
         Kind.PRECONDITION),
    ],
)  # fmt: skip
def test_one_entry_that_cannot_be_done_fails_all(
    sender: Sender, entries: list[dict[str, Any]], kind: Kind
) -> None:
    problem = refused(sender, post(patient(), "urn:uuid:0"), *entries)
    assert problem.kind is kind


def test_a_refusal_says_which_entry(sender: Sender) -> None:
    problem = refused(sender, post(patient()), post(patient(gender="purple")))
    assert problem.location == "Bundle.entry[1]"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"resourceType":"Bundle"}',
        b'{"resourceType":"Bundle","type":"document","entry":[]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":{}}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[1]}',
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"request":[]}]}',
        b'{"resourceType":"Bundle","type":"transaction","type":"batch"}',
        b'{"resourceType":"Patient","type":"transaction"}',
    ],
)  # fmt: skip
def test_what_is_no_bundle_is_refused(sender: Sender, body: bytes) -> None:
    with pytest.raises(Problem):
        sender.interactions.bundle(sender.node.full, body, sender.reads)


def test_an_empty_transaction_writes_nothing(sender: Sender) -> None:
    assert sender.send().entries == []
    assert sender.node.journal.tail() == 0


def test_a_transaction_sent_again_changes_nothing_where_it_names_ids(sender: Sender) -> None:
    sender.send(put(patient("p")), put(observation("Patient/p", "o")))
    tail = sender.node.journal.tail()
    done = sender.send(put(patient("p")), put(observation("Patient/p", "o")))
    assert sender.node.journal.tail() == tail
    assert [entry.written[0].done for entry in done.entries] == [Done.UNCHANGED] * 2


def test_one_provenance_tells_what_a_transaction_wrote_and_no_name(sender: Sender) -> None:
    sender.node.put(patient("old"))
    done = sender.send(
        post(patient(name=[{"text": "Nguyễn Văn Thử"}])), put(patient("old", active=True))
    )
    told = list(sender.current("Provenance").values())
    targets = {target["reference"] for one in told for target in one["target"]}
    written = [entry.written[0].resource for entry in done.entries]
    assert targets == {f"{w.type}/{w.id}/_history/{w.version}" for w in written}
    assert all(one["agent"][0]["who"]["identifier"]["value"] == "doctor" for one in told)
    assert not any("Nguyễn" in line.body.decode() for line in sender.lines("Provenance"))
    assert {one["activity"]["coding"][0]["code"] for one in told} == {"CREATE", "UPDATE"}


def test_references_to_what_is_not_here_are_taken_unless_the_operator_refuses(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    with open_sender(database, tmp_path, clock, definitions) as open_minded:
        open_minded.send(put(observation("Patient/missing", "o")))
    with open_sender(
        database, tmp_path, clock, definitions, refuses_missing_references=True
    ) as strict:
        refused(strict, put(observation("Patient/missing", "o2")))
        strict.send(put(observation("Patient/coming", "o3")), put(patient("coming")))
        refused(strict, put(observation("Patient/coming", "o4")), ask("DELETE", "Patient/coming"))


def test_bundles_beyond_the_limits_are_refused_by_name(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    with open_sender(
        database, tmp_path, clock, definitions, bundle=5000, entries=3, conditions=2
    ) as small:
        many = [post(patient()) for _ in range(4)]
        assert refused(small, *many).kind is Kind.TOO_LARGE
        long = post(patient(name=[{"text": "x" * 6000}]))
        assert refused(small, long).kind is Kind.TOO_LARGE
        asked = [post(coded(f"{n}"), ifNoneExist=f"identifier={n}") for n in range(3)]
        assert refused(small, *asked).kind is Kind.TOO_LARGE
