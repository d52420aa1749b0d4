"""What transactions and batches through the API do (R4 3.1.0.11)."""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.interactions import (
    MRN,
    Writing,
    a_patient,
    an_observation,
    encoded,
    entry,
    open_writing,
)
from tests.support.records import RESTRICTED
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.patch.problems import PatchTestFailed
from trucyte.fhir.text import TooLarge
from trucyte.intake.interactions import Answered, Done
from trucyte.intake.interactions import problems as why
from trucyte.intake.interactions.settings import WriteSettings

URN = "urn:uuid:0b4d6d3c-9d3c-4f0a-8d1c-0123456789ab"
OTHER = "urn:uuid:1b4d6d3c-9d3c-4f0a-8d1c-0123456789ab"
QUIET = WriteSettings(provenance_of_transactions=False)


@pytest.fixture
def writing(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Writing]:
    with open_writing(database, tmp_path, clock, definitions, QUIET) as opened:
        yield opened


def ids_of(done) -> list[str]:
    return [one.resource.id for answer in done.entries for one in answer.written]


def test_a_transaction_rewrites_links_everywhere_and_keeps_versioned_ones(
    writing: Writing,
) -> None:
    text = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{URN}">a</a></div>'
    note = an_observation(
        URN,
        text={"status": "generated", "div": text},
        hasMember=[{"reference": "Observation/old/_history/2"}, {"reference": OTHER}],
    )
    done = writing.bundle(
        "transaction",
        entry("POST", "Observation", note, full_url=OTHER),
        entry("POST", "Patient", a_patient(), full_url=URN),
    )
    assert done.type == "transaction-response"
    observation, patient = ids_of(done)
    stored = writing.read("Observation", observation)
    assert stored["subject"] == {"reference": f"Patient/{patient}"}
    assert f'href="Patient/{patient}"' in stored["text"]["div"]
    # A circle, and a version of something else, are fine.
    assert [member["reference"] for member in stored["hasMember"]] == [
        "Observation/old/_history/2", f"Observation/{observation}",
    ]  # fmt: skip
    assert writing.ids("Observation", ("subject", f"Patient/{patient}")) == [observation]


def test_relative_links_are_rewritten_at_the_base_of_their_full_url_only(
    writing: Writing,
) -> None:
    done = writing.bundle(
        "transaction",
        entry("POST", "Patient", a_patient(id="7"), full_url="http://elsewhere/fhir/Patient/7"),
        entry("POST", "Patient", a_patient("2", id="8"), full_url=URN),
        entry("POST", "Observation", an_observation("Patient/7")),
        entry("POST", "Observation", an_observation("Patient/8")),
    )
    first, _, seventh, eighth = ids_of(done)
    assert writing.read("Observation", seventh)["subject"]["reference"] == f"Patient/{first}"
    assert writing.read("Observation", eighth)["subject"]["reference"] == "Patient/8"


def test_a_transaction_that_fails_leaves_nothing_and_names_the_entry(writing: Writing) -> None:
    with pytest.raises(why.ResourceInvalid) as caught:
        writing.bundle(
            "transaction",
            entry("POST", "Patient", a_patient()),
            entry("POST", "Observation", {"resourceType": "Observation"}),
        )
    assert caught.value.location == "Bundle.entry[1]"
    assert len(caught.value.issues) >= 2
    assert writing.node.journal.tail() == 0


def test_deletes_come_before_creates_and_reads_after_all_writes(writing: Writing) -> None:
    writing.update(a_patient(id="old"))

    class Looks:
        def answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answered:
            return Answered(200, json.dumps(sorted(writing.ids("Patient"))).encode())

    done = writing.bundle(
        "transaction",
        entry("GET", "Patient"),
        entry("PUT", "Patient/new", a_patient("2", id="new")),
        entry("POST", "Patient", a_patient("3")),
        entry("DELETE", "Patient/old"),
        reads=Looks(),
    )
    read, put, post, delete = done.entries
    assert read.answered is not None
    assert json.loads(read.answered.body) == sorted(
        [put.written[0].resource.id, post.written[0].resource.id]
    )
    assert [w.done for answer in (put, post, delete) for w in answer.written] == [
        Done.CREATED, Done.CREATED, Done.DELETED,
    ]  # fmt: skip
    order = [line.entry.id for line in writing.node.journal.follow(1)]
    assert order == ["old", post.written[0].resource.id, "new"]


def test_every_kind_of_condition_works_in_a_transaction(writing: Writing) -> None:
    known = writing.create(a_patient("known")).resource.id
    patch = base64.b64encode(b'[{"op":"add","path":"/gender","value":"male"}]').decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": patch}
    writing.create(a_patient("patched"))
    ended = writing.create(a_patient("ended")).resource.id
    done = writing.bundle(
        "transaction",
        entry("POST", "Patient", a_patient("known"), full_url=URN,
              ifNoneExist=f"identifier={MRN}|known"),
        entry("PUT", f"Patient?identifier={MRN}|put", a_patient("put"), full_url=OTHER),
        entry("PATCH", f"Patient?identifier={MRN}|patched", binary),
        entry("DELETE", f"Patient?identifier={MRN}|ended"),
        entry("POST", "Observation", an_observation(URN, focus=[{"reference": OTHER}])),
    )  # fmt: skip
    assert [answer.written[0].done for answer in done.entries] == [
        Done.FOUND, Done.CREATED, Done.UPDATED, Done.DELETED, Done.CREATED,
    ]  # fmt: skip
    ids = ids_of(done)
    assert (ids[0], ids[3]) == (known, ended)
    stored = writing.read("Observation", ids[4])
    assert stored["subject"]["reference"] == f"Patient/{known}"
    assert stored["focus"][0]["reference"] == f"Patient/{ids[1]}"
    assert writing.read("Patient", ids[2])["gender"] == "male"


def test_a_conditional_reference_means_exactly_one(writing: Writing) -> None:
    def observed(reference: str):
        return writing.bundle(
            "transaction", entry("POST", "Observation", an_observation(reference))
        )

    query = f"Patient?identifier={MRN}|1"
    with pytest.raises(why.ReferenceNotSelective) as caught:
        observed(query)
    assert caught.value.kind is Kind.PRECONDITION
    patient = writing.create(a_patient()).resource.id
    (observation,) = ids_of(observed(query))
    assert writing.read("Observation", observation)["subject"]["reference"] == f"Patient/{patient}"
    writing.create(a_patient())
    with pytest.raises(why.ReferenceNotSelective):
        observed(query)


def test_a_conditional_reference_may_mean_what_comes_along(writing: Writing) -> None:
    done = writing.bundle(
        "transaction",
        entry("POST", "Observation", an_observation(f"Patient?identifier={MRN}|1")),
        entry("POST", "Patient", a_patient(), ifNoneExist=f"identifier={MRN}|1"),
    )
    observation, patient = ids_of(done)
    assert writing.read("Observation", observation)["subject"]["reference"] == f"Patient/{patient}"


def test_a_conditional_reference_does_not_give_away_what_is_restricted(writing: Writing) -> None:
    writing.create(a_patient(meta=RESTRICTED))
    writing.access = writing.node.plain
    with pytest.raises(why.ConditionClosed):
        writing.bundle(
            "transaction",
            entry("POST", "Observation", an_observation(f"Patient?identifier={MRN}|1")),
        )
    assert writing.node.journal.tail() == 1


@pytest.mark.parametrize(
    "entries",
    [
        [entry("PUT", "Patient/a", a_patient(id="a")), entry("DELETE", "Patient/a")],
        [entry("PUT", "Patient/a", a_patient(id="a"))] * 2,
        [entry("DELETE", "Patient/a"), entry("DELETE", f"Patient?identifier={MRN}|a")],
        [entry("PUT", f"Patient?identifier={MRN}|a", a_patient("a")),
         entry("PUT", "Patient/a", a_patient("a", id="a"))],
        [entry("DELETE", "Patient/a"),
         entry("POST", "Patient", a_patient("a"), ifNoneExist=f"identifier={MRN}|a")],
    ],
)  # fmt: skip
def test_one_resource_stands_once_in_a_transaction(writing: Writing, entries: list) -> None:
    writing.update(a_patient("a", id="a"))
    with pytest.raises(why.WrittenTwice):
        writing.bundle("transaction", *entries)
    assert writing.node.journal.tail() == 1


@pytest.mark.parametrize("second", [{"ifNoneExist": f"identifier={MRN}|1"}, {}])
def test_a_transaction_does_not_meet_its_own_condition_twice(
    writing: Writing, second: dict
) -> None:
    with pytest.raises(why.NotSelective):
        writing.bundle(
            "transaction",
            entry("POST", "Patient", a_patient(), ifNoneExist=f"identifier={MRN}|1"),
            entry("POST", "Patient", a_patient(gender="male"), **second),
        )
    assert writing.node.journal.tail() == 0


def test_if_match_holds_in_a_transaction(writing: Writing) -> None:
    writing.update(a_patient(id="a"))
    put = entry("PUT", "Patient/a", a_patient(id="a", gender="male"), ifMatch='W/"2"')
    with pytest.raises(why.ConditionUnmet):
        writing.bundle("transaction", entry("POST", "Patient", a_patient("2")), put)
    put["request"]["ifMatch"] = 'W/"1"'
    writing.bundle("transaction", entry("POST", "Patient", a_patient("2")), put)
    assert writing.read("Patient", "a")["gender"] == "male"


def test_in_a_batch_each_entry_stands_for_itself(writing: Writing) -> None:
    patch = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "delete"},
                    {"name": "path", "valueString": "Patient.name"},
                ],
            }
        ],
    }
    writing.update(a_patient("3", id="p"))
    done = writing.bundle(
        "batch",
        entry("POST", "Patient", a_patient("1")),
        entry("POST", "Observation", {"resourceType": "Observation"}),
        entry("PUT", "Patient/a", a_patient("2", id="a")),
        entry("PUT", "Patient/a", a_patient("2", id="a", gender="male")),
        entry("GET", "Patient/a"),
        entry("PATCH", "Patient/p", patch),
        entry("TURN", "Patient/a"),
        entry("DELETE", "Patient/never"),
        {"resource": a_patient()},
    )  # fmt: skip
    assert done.type == "batch-response"
    answers = done.entries
    assert answers[0].written[0].done is Done.CREATED
    assert isinstance(answers[1].problem, why.ResourceInvalid)
    assert answers[1].problem.location == "Bundle.entry[1]"
    assert [w.resource.version for n in (2, 3) for w in answers[n].written] == [1, 2]
    assert answers[4].answered is not None
    assert answers[5].written[0].done is Done.UPDATED
    assert isinstance(answers[6].problem, why.BundleUnreadable)
    assert (list(answers[7].written), answers[7].problem) == ([], None)
    assert isinstance(answers[8].problem, why.BundleUnreadable)
    assert "name" not in writing.read("Patient", "p")


def test_equal_conditions_in_a_batch_create_once(writing: Writing) -> None:
    same = [
        entry("POST", "Patient", a_patient(), ifNoneExist=f"identifier={MRN}|1") for _ in range(5)
    ]
    done = writing.bundle("batch", *same)
    assert sorted(answer.written[0].done.value for answer in done.entries) == [
        "created", "found", "found", "found", "found",
    ]  # fmt: skip
    assert len(set(ids_of(done))) == 1


def test_a_test_of_a_json_patch_that_fails_undoes_the_transaction(writing: Writing) -> None:
    writing.update(a_patient(id="a"))
    data = base64.b64encode(b'[{"op":"test","path":"/gender","value":"male"}]').decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    writing.update(a_patient(id="a", gender="female"))
    with pytest.raises(PatchTestFailed):
        writing.bundle(
            "transaction",
            entry("POST", "Patient", a_patient("2")),
            entry("PATCH", "Patient/a", binary),
        )
    assert writing.node.journal.tail() == 2


# Hostile and odd input


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle", "type": "transaction", "entry": {}},
        {"resourceType": "Bundle", "type": "transaction", "entry": [1]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": 1}]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [{}]},
        {"resourceType": "Bundle", "type": ["transaction"]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [entry("POST", "Patient")]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"request": {"method": "POST", "url": "Patient"}, "resource": [1]}]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("POST", "Patient/a", a_patient())]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("POST", "Group", a_patient())]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("PUT", "Patient", a_patient())]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("PUT", "Patient/a/b", a_patient())]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("PUT", "Patient/a", a_patient(id="a"), ifMatch="new")]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("DELETE", "Patient?")]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [entry("DELETE", "Colour/a")]},
        {"resourceType": "Bundle", "type": "transaction", "entry": [
            entry("POST", "Patient", a_patient(), full_url=URN),
            entry("POST", "Patient", a_patient(), full_url=URN)]},
    ],
)  # fmt: skip
def test_a_bundle_that_cannot_be_carried_out_is_refused_whole(writing: Writing, body: dict) -> None:
    with pytest.raises(Problem) as caught:
        writing.interactions.bundle(writing.access, encoded(body), None)
    assert caught.value.kind in (Kind.BAD_INPUT, Kind.NOT_FOUND)
    assert writing.node.journal.tail() == 0


def test_an_empty_transaction_is_answered_empty(writing: Writing) -> None:
    assert writing.bundle("transaction").entries == []


def test_sizes_are_bounded(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    settings = WriteSettings(bundle=20_000, resource=1_000, entries=10, conditions=2)
    large = a_patient(name=[{"text": "x" * 2_000}])
    condition = {"ifNoneExist": f"identifier={MRN}|1"}
    with open_writing(database, tmp_path, clock, definitions, settings) as writing:
        with pytest.raises(why.BundleTooLarge):
            writing.bundle("batch", *[entry("DELETE", "Patient/a")] * 11)
        with pytest.raises(TooLarge):
            writing.bundle("batch", *[entry("POST", "Patient", large)] * 10)
        with pytest.raises(why.BundleTooLarge):
            writing.bundle("transaction", entry("POST", "Patient", large))
        with pytest.raises(why.BundleTooLarge):
            writing.bundle("transaction", *[entry("POST", "Patient", a_patient(), **condition)] * 3)
        assert writing.node.journal.tail() == 0


def test_a_bundle_leaves_one_trail_entry(writing: Writing) -> None:
    writing.node.trail.shown_to.clear()
    writing.bundle("transaction", *[entry("POST", "Patient", a_patient(n)) for n in "123"])
    ((caller, persons, reason),) = writing.node.trail.shown_to
    assert (caller, len(persons), reason) == ("doctor", 3, "transaction")


# Provenance


def test_a_transaction_says_where_its_versions_come_from(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    with open_writing(database, tmp_path, clock, definitions) as writing:
        writing.update(a_patient(id="a", meta=RESTRICTED))
        done = writing.bundle(
            "transaction",
            entry("PUT", "Patient/a", a_patient(id="a", gender="male", meta=RESTRICTED)),
            entry("POST", "Observation", an_observation("Patient/a")),
        )
        found = [writing.read("Provenance", id_) for id_ in writing.ids("Provenance")]
        said = {
            one["activity"]["coding"][0]["code"]: [t["reference"] for t in one["target"]]
            for one in found
        }
        observation = done.entries[1].written[0].resource.id
        assert said == {
            "CREATE": [f"Observation/{observation}/_history/1"], "UPDATE": ["Patient/a/_history/2"],
        }  # fmt: skip
        update = next(one for one in found if one["meta"].get("security"))
        assert update["activity"]["coding"][0]["code"] == "UPDATE"
        assert update["agent"][0]["who"]["identifier"]["value"] == "doctor"
        assert update["reason"][0]["coding"][0]["code"] == "TREAT"
        assert writing.ids("Provenance", ("target", "Patient/a")) == [update["id"]]


def test_single_writes_have_a_provenance_where_the_operator_wants_it(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    settings = WriteSettings(provenance_of_single_writes=True)
    with open_writing(database, tmp_path, clock, definitions, settings) as writing:
        made = writing.create(a_patient()).resource
        (provenance,) = writing.ids("Provenance", ("target", f"Patient/{made.id}"))
        writing.interactions.delete(writing.access, "Patient", made.id)
        assert len(writing.ids("Provenance")) == 2
        writing.interactions.delete(writing.access, "Provenance", provenance)
        assert len(writing.ids("Provenance")) == 1
