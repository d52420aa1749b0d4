"""Consents: given for one purpose under one text, provable, and taken back by one act."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256

import pytest

from tests.support.agreements import (
    HOSPITAL,
    INSURER,
    Agreed,
    agreed_over,
    open_shared,
    text_of,
)
from tests.support.identity import CLERK, links_of
from tests.support.interactions import Writing
from tests.support.records import body
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.records.shown import ResourceNotFound
from trucyte.shared.access.consent.catalogue import (
    PurposeUnknown,
    purposes,
    read_purposes,
    read_table,
)
from trucyte.shared.access.consent.consent import read_given
from trucyte.shared.access.consent.holders import Look, NoticeState, NoticeUnknown
from trucyte.shared.access.consent.proxies import (
    Appointing,
    GuardianNotNeeded,
    ProxyIsSelf,
    RelationUnknown,
)
from trucyte.shared.access.consent.scans import ScanUnreadable, read_scan, scan_of
from trucyte.shared.access.consent.service import (
    ConsentUnknown,
    NotTheirsToGive,
    ReceiverMissing,
    TextChanged,
)

PDF = b"%PDF-1.7 a sheet that was signed"


@pytest.fixture(scope="module")
def writing(
    server_url: str,
    migrated_template: str,
    definitions: Definitions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Writing]:
    folder = tmp_path_factory.mktemp("consents")
    with open_shared(server_url, migrated_template, folder, definitions) as opened:
        yield opened


@pytest.fixture
def agreed(writing: Writing, clock: FixedClock) -> Agreed:
    return agreed_over(writing, clock.now())


def appointing(agreed: Agreed, **more: object) -> Appointing:
    mother = ("Mẹ Thử", "MTH", text_of("proxy"), "vi", "paper")
    return replace(Appointing(agreed.child, agreed.carer, *mother), **more)  # type: ignore[arg-type] # fields of the dataclass


def test_a_consent_holds_the_words_that_were_agreed_to(agreed: Agreed) -> None:
    given = agreed.all.consents.give(agreed.access, agreed.asked("insurer", receiver=INSURER))
    resource = body(agreed.node.records.read(agreed.access, "Consent", given.id))
    words = base64.b64decode(resource["sourceAttachment"]["data"]).decode()
    assert words == purposes()["insurer"].texts[-1].words["vi"]
    uri = resource["policy"][0]["uri"]
    assert uri.endswith(f"#sha256={sha256(words.encode()).hexdigest()}")
    assert resource["provision"]["type"] == "permit"
    assert resource["provision"]["actor"][0]["reference"] == {"reference": INSURER}
    assert resource["provision"]["purpose"][0]["code"] == "HPAYMT"
    assert read_given(resource, 1) == given


def test_what_shares_nothing_permits_nothing(agreed: Agreed) -> None:
    for purpose in ("notices", "telehealth"):
        given = agreed.all.consents.give(agreed.access, agreed.asked(purpose))
        provision = body(agreed.node.records.read(agreed.access, "Consent", given.id))["provision"]
        assert provision.keys() == {"period"}


def test_a_consent_given_again_under_the_same_words_writes_nothing(agreed: Agreed) -> None:
    given = agreed.all.consents.give(agreed.access, agreed.asked())
    tail = agreed.node.journal.tail()
    assert agreed.all.consents.give(agreed.access, agreed.asked()) == given
    assert agreed.node.journal.tail() == tail


def test_a_withdrawn_consent_holds_no_more_and_its_history_stays(agreed: Agreed) -> None:
    consents = agreed.all.consents
    given = consents.give(agreed.access, agreed.asked("research"))
    assert consents.in_force(agreed.patient, "research") == given
    ended = consents.withdraw(agreed.access, agreed.patient, given.id, "không muốn nữa")
    assert (ended.status, ended.withdrawn_by, ended.version) == ("inactive", "nv-mau", 2)
    assert consents.in_force(agreed.patient, "research") is None
    assert consents.withdraw(agreed.access, agreed.patient, given.id) == ended
    again = consents.give(agreed.access, agreed.asked("research"))
    assert (again.id, again.version, again.withdrawn_at) == (given.id, 3, None)
    told = consents.history(agreed.access, agreed.patient, given.id)
    assert [one.status for one in told] == ["active", "inactive", "active"]
    assert told[1].reason == "không muốn nữa"


def test_every_write_says_who_did_it(agreed: Agreed) -> None:
    given = agreed.all.consents.give(agreed.access, agreed.asked())
    page = agreed.node.records.search(
        agreed.access, "Provenance", [("target", f"Consent/{given.id}")]
    )
    (made,) = map(body, page.entries)
    assert made["agent"][0]["who"]["identifier"]["value"] == "nv-mau"


def test_a_consent_ends_by_itself(agreed: Agreed) -> None:
    agreed.all.consents.give(agreed.access, agreed.asked("insurer", receiver=INSURER))
    assert agreed.all.consents.in_force(agreed.patient, "insurer", INSURER)
    agreed.clock.advance(timedelta(days=366))
    assert agreed.all.consents.in_force(agreed.patient, "insurer", INSURER) is None
    standing = next(
        one
        for one in agreed.all.consents.standings(agreed.access, agreed.patient)
        if one.purpose.id == "insurer"
    )
    assert (len(standing.consents), standing.holding) == (1, [])


def test_a_changed_text_asks_again_and_the_old_form_is_refused(agreed: Agreed) -> None:
    table = read_table("purposes")
    later = {**table["text"][-1], "version": "2027.1", "vi": "Lời mới.", "en": "New words."}
    later |= {"purpose": "notices", "valid_from": (agreed.clock.now() + timedelta(days=10)).date()}
    consents = agreed.all.consents
    consents._catalogue = read_purposes({**table, "text": [*table["text"], later]})
    consents.give(agreed.access, agreed.asked())
    agreed.clock.advance(timedelta(days=11))
    standing = next(
        one
        for one in consents.standings(agreed.access, agreed.patient)
        if one.purpose.id == "notices"
    )
    assert standing.asks_again
    with pytest.raises(TextChanged):
        consents.give(agreed.access, agreed.asked())
    given = consents.give(agreed.access, agreed.asked(text="2027.1"))
    assert (given.version, given.digest) == (2, sha256("Lời mới.".encode()).hexdigest())


@pytest.mark.parametrize(
    ("purpose", "more", "problem"),
    [
        ("everything", {"text": "1"}, PurposeUnknown),
        ("notices", {"text": "2020.1"}, TextChanged),
        ("notices", {"language": "fr"}, TextChanged),
        ("insurer", {}, ReceiverMissing),
        ("notices", {"receiver": INSURER}, ReceiverMissing),
        ("notices", {"person": "Patient/nobody", "by": ("Patient/nobody",)}, ResourceNotFound),
    ],
)
def test_what_is_unclear_is_refused_and_writes_nothing(
    agreed: Agreed, purpose: str, more: dict, problem: type[Problem]
) -> None:
    tail = agreed.node.journal.tail()
    asked = replace(agreed.asked(), purpose=purpose, **more)
    if purpose in purposes() and "text" not in more:
        asked = replace(asked, text=text_of(purpose))
    with pytest.raises(problem):
        agreed.all.consents.give(agreed.access, asked)
    assert agreed.node.journal.tail() == tail


def test_a_consent_of_another_person_is_not_found(agreed: Agreed) -> None:
    given = agreed.all.consents.give(agreed.access, agreed.asked())
    for call in (agreed.all.consents.one, agreed.all.consents.withdraw):
        with pytest.raises(ConsentUnknown):
            call(agreed.access, agreed.child, given.id)
    assert agreed.all.consents.in_force(agreed.patient, "notices")


def test_consents_hold_for_all_records_of_one_person(agreed: Agreed) -> None:
    links_of(agreed.node).link(agreed.node.full, agreed.patient, agreed.carer, CLERK)
    given = agreed.all.consents.give(agreed.access, agreed.asked("research"))
    assert agreed.all.consents.in_force(agreed.carer, "research") == given
    agreed.all.consents.withdraw(agreed.access, agreed.carer, given.id)
    assert agreed.all.consents.in_force(agreed.patient, "research") is None


def test_paper_is_kept_as_it_was_signed(agreed: Agreed) -> None:
    given = agreed.all.consents.give(
        agreed.access, agreed.asked("research", channel="paper", scan=scan_of(PDF))
    )
    resource = body(agreed.node.records.read(agreed.access, "Consent", given.id))
    assert resource["sourceReference"] == {"reference": given.original}
    id = given.original.partition("/")[2]
    document = body(agreed.node.records.read(agreed.access, "DocumentReference", id))
    assert read_scan(document).data == PDF
    assert document["subject"] == {"reference": agreed.patient}


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"GIF89a", b" %PDF-1.7", b"%PDF-" + b"x" * (5 << 20)]
)
def test_what_is_no_scan_is_refused(data: bytes) -> None:
    with pytest.raises(ScanUnreadable):
        scan_of(data)


def test_a_foreign_consent_is_nobodys_concern_here() -> None:
    assert read_given({"resourceType": "Consent", "id": "x", "status": "active"}, 1) is None


# Children and proxies


def test_a_parent_alone_decides_for_a_baby(agreed: Agreed) -> None:
    with pytest.raises(NotTheirsToGive):
        agreed.all.consents.give(agreed.access, agreed.asked(person=agreed.baby, by=(agreed.baby,)))
    mother = agreed.all.proxies.appoint(agreed.access, appointing(agreed, person=agreed.baby))
    asked = agreed.asked(person=agreed.baby, by=(mother.reference,), relation="MTH")
    assert agreed.all.consents.give(agreed.access, asked).status == "active"


def test_a_child_of_seven_and_its_guardian_both_agree(agreed: Agreed) -> None:
    mother = agreed.all.proxies.appoint(agreed.access, appointing(agreed))
    asked = agreed.asked("research", person=agreed.child, by=(mother.reference,))
    waits = agreed.all.consents.give(agreed.access, asked)
    assert waits.status == "proposed"
    assert agreed.all.consents.in_force(agreed.child, "research") is None
    assert agreed.all.consents.give(agreed.access, asked) == waits
    given = agreed.all.consents.give(agreed.access, replace(asked, by=(agreed.child,)))
    assert (given.status, [one.by for one in given.confirmed]) == (
        "active",
        [mother.reference, agreed.child],
    )


def test_what_a_parent_may_ends_at_the_childs_birthday(agreed: Agreed) -> None:
    mother = agreed.all.proxies.appoint(agreed.access, appointing(agreed))
    assert str(mother.ends_on) == "2031-11-22"  # five years: the consent ends before the birthday
    assert str(mother.until) == "2032-02-01"
    assert [one.person for one in agreed.all.proxies.held_by(agreed.carer)] == [agreed.child]
    key = agreed.all.persons.key
    assert agreed.all.proxies.persons_of(agreed.carer) == {key(agreed.carer), key(agreed.child)}
    assert agreed.all.proxies.acting(agreed.carer, agreed.child) == mother
    agreed.clock.advance(timedelta(days=6 * 366))
    assert agreed.all.proxies.held_by(agreed.carer) == []
    assert agreed.all.proxies.persons_of(agreed.carer) == {key(agreed.carer)}


def test_a_corrected_birth_date_ends_what_a_parent_may_at_once(agreed: Agreed) -> None:
    agreed.all.proxies.appoint(agreed.access, appointing(agreed))
    assert agreed.all.proxies.acting(agreed.carer, agreed.child)
    id = agreed.child.partition("/")[2]
    agreed.node.put({"resourceType": "Patient", "id": id, "birthDate": "2010-11-22"})
    assert agreed.all.proxies.acting(agreed.carer, agreed.child) is None


def test_an_elder_lets_a_carer_act_and_takes_it_back(agreed: Agreed) -> None:
    wish = appointing(agreed, person=agreed.patient, relation="CHILD", name="Con Thử")
    carer = agreed.all.proxies.appoint(agreed.access, wish)
    assert (carer.is_in_force, carer.until, carer.name) == (True, None, "Con Thử")
    agreed.all.proxies.revoke(agreed.access, agreed.patient, carer.reference, "đã khỏe")
    assert agreed.all.proxies.acting(agreed.carer, agreed.patient) is None
    (told,) = agreed.all.proxies.of(agreed.access, agreed.patient)
    assert (told.is_in_force, told.consent.reason) == (False, "đã khỏe")


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        ({"relation": "BOSS"}, RelationUnknown),
        ({"person": "carer"}, ProxyIsSelf),
        ({"person": "patient"}, GuardianNotNeeded),
        ({"relation": "SIB"}, NotTheirsToGive),
    ],
)
def test_who_may_not_act_is_refused(agreed: Agreed, wish: dict, problem: type[Problem]) -> None:
    told = {**wish, **({"person": getattr(agreed, wish["person"])} if "person" in wish else {})}
    tail = agreed.node.journal.tail()
    with pytest.raises(problem):
        agreed.all.proxies.appoint(agreed.access, appointing(agreed, **told))
    assert agreed.node.journal.tail() == tail


# Holders


def test_holders_of_a_withdrawn_consent_are_told_or_named(agreed: Agreed) -> None:
    agreed.looked.append(Look(HOSPITAL, "read", agreed.clock.now()))
    given = agreed.all.consents.give(agreed.access, agreed.asked("insurer", receiver=INSURER))
    agreed.all.consents.withdraw(agreed.access, agreed.patient, given.id)
    notices = agreed.all.holders.notices(agreed.patient)
    assert {(one.holder, one.state, one.why) for one in notices} == {
        (HOSPITAL, NoticeState.UNREACHABLE, "no-exchange"),
        (INSURER, NoticeState.UNREACHABLE, "no-exchange"),
    }
    told = (given.id, 2, INSURER)
    agreed.all.holders.move(agreed.access, told, NoticeState.SENT)
    agreed.all.holders.move(agreed.access, told, NoticeState.CONFIRMED)
    with pytest.raises(NoticeUnknown):
        agreed.all.holders.move(agreed.access, told, NoticeState.SENT)
    assert HOSPITAL in [one.holder for one in agreed.all.holders.waiting()]
    assert INSURER not in [one.holder for one in agreed.all.holders.waiting()]


def test_where_somebody_carries_notices_they_wait_for_it(agreed: Agreed) -> None:
    agreed.all.holders.has_carrier = True
    agreed.all.holders.note(agreed.patient, "Công ty Mẫu", "paper")
    given = agreed.all.consents.give(agreed.access, agreed.asked("research"))
    ended = agreed.all.consents.withdraw(agreed.access, agreed.patient, given.id)
    agreed.all.holders.withdrawn(ended)
    (notice,) = agreed.all.holders.notices(agreed.patient)
    assert (notice.holder, notice.state) == ("Công ty Mẫu", NoticeState.WAITING)
    assert [one.name for one in agreed.all.holders.of(agreed.patient)] == ["Công ty Mẫu"]


def test_a_consent_that_shared_nothing_tells_nobody(agreed: Agreed) -> None:
    agreed.all.holders.note(agreed.patient, HOSPITAL, "paper")
    given = agreed.all.consents.give(agreed.access, agreed.asked("notices"))
    agreed.all.consents.withdraw(agreed.access, agreed.patient, given.id)
    assert agreed.all.holders.notices(agreed.patient) == []


def test_all_who_agree_at_once_are_heard(agreed: Agreed) -> None:
    mother = agreed.all.proxies.appoint(agreed.access, appointing(agreed))
    asked = agreed.asked("research", person=agreed.child)
    wishes = [replace(asked, by=(by,)) for by in (mother.reference, agreed.child) * 4]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(agreed.all.consents.give, agreed.access), wishes))
    given = agreed.all.consents.in_force(agreed.child, "research")
    assert given is not None
    assert {one.by for one in given.confirmed} == {mother.reference, agreed.child}
    query = ("patient", agreed.child), ("status", "active,proposed"), ("purpose", "HRESCH")
    assert agreed.node.search("Consent", *query) == [given.id]


def test_taken_back_by_many_at_once_it_is_taken_back_once(agreed: Agreed) -> None:
    given = agreed.all.consents.give(agreed.access, agreed.asked("research"))
    with ThreadPoolExecutor(8) as pool:
        acts = [
            pool.submit(agreed.all.consents.withdraw, agreed.access, agreed.patient, given.id)
            for _ in range(8)
        ]
    assert {act.result().version for act in acts} == {2}
    lines = agreed.node.journal.history(0, "Consent", given.id)
    assert [json.loads(line.body)["status"] for line in lines] == ["inactive", "active"]
