"""What persons agreed to is true for every reader in the commit that keeps it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.agreements import HOSPITAL, INSURER, Agreed, agreed_over, open_shared, text_of
from tests.support.interactions import Writing
from trucyte.base.clock import FixedClock
from trucyte.fhir.definitions import Definitions
from trucyte.records.access import Agreed as Asks
from trucyte.records.access import Labels
from trucyte.records.persons.consents import permits
from trucyte.shared.access.consent.proxies import Appointing

DOCTOR = "Practitioner/d"


@pytest.fixture(scope="module")
def writing(
    server_url: str,
    migrated_template: str,
    definitions: Definitions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Writing]:
    folder = tmp_path_factory.mktemp("decide")
    with open_shared(server_url, migrated_template, folder, definitions) as opened:
        yield opened


@pytest.fixture
def agreed(writing: Writing, clock: FixedClock) -> Agreed:
    return agreed_over(writing, clock.now())


def may(
    agreed: Agreed, purpose: str, *actors: str, needs_permit: bool = True, person: str = ""
) -> bool:
    now = int(agreed.clock.now().timestamp() * 1_000_000)
    key = agreed.all.persons.key(person or agreed.patient)
    with agreed.node.database.reader() as connection:
        asks = Asks(purpose, actors, needs_permit)
        return permits(connection, key, asks, "Observation", Labels.NONE, now=now)


@pytest.mark.parametrize(
    ("purpose", "receiver", "code", "actor", "stranger"),
    [
        ("insurer", INSURER, "HPAYMT", INSURER, HOSPITAL),
        ("treatment-elsewhere", HOSPITAL, "TREAT", HOSPITAL, INSURER),
        ("treatment-elsewhere", "", "TREAT", HOSPITAL, ""),
        ("research", "", "HRESCH", HOSPITAL, ""),
    ],
)
def test_a_permit_holds_for_its_purpose_and_receiver_until_it_is_taken_back(
    agreed: Agreed, purpose: str, receiver: str, code: str, actor: str, stranger: str
) -> None:
    assert not may(agreed, code, actor)
    given = agreed.all.consents.give(agreed.access, agreed.asked(purpose, receiver=receiver))
    assert may(agreed, code, actor)
    assert not may(agreed, "HMARKT", actor)
    assert not (stranger and may(agreed, code, stranger))
    assert not may(agreed, code, actor, person=agreed.carer)
    agreed.all.consents.withdraw(agreed.access, agreed.patient, given.id)
    assert not may(agreed, code, actor)


@pytest.mark.parametrize("purpose", ["notices", "telehealth"])
def test_what_shares_nothing_opens_nothing_and_hides_nothing(agreed: Agreed, purpose: str) -> None:
    given = agreed.all.consents.give(agreed.access, agreed.asked(purpose))
    for code in ("TREAT", "CAREMGT", "HPAYMT"):
        assert not may(agreed, code, DOCTOR)
        assert may(agreed, code, DOCTOR, needs_permit=False)
    agreed.all.consents.withdraw(agreed.access, agreed.patient, given.id)
    assert may(agreed, "TREAT", DOCTOR, needs_permit=False)


def test_taking_back_a_permit_hides_nothing_from_those_who_treat(agreed: Agreed) -> None:
    given = agreed.all.consents.give(agreed.access, agreed.asked("treatment-elsewhere"))
    agreed.all.consents.withdraw(agreed.access, agreed.patient, given.id)
    assert may(agreed, "TREAT", DOCTOR, needs_permit=False)


def test_what_a_child_alone_agreed_to_opens_nothing(agreed: Agreed) -> None:
    asked = agreed.asked("research", person=agreed.child, by=(agreed.child,))
    agreed.all.consents.give(agreed.access, asked)
    assert not may(agreed, "HRESCH", DOCTOR, person=agreed.child)
    wish = Appointing(agreed.child, agreed.carer, "Mẹ", "MTH", text_of("proxy"), "vi", "paper")
    mother = agreed.all.proxies.appoint(agreed.access, wish)
    agreed.all.consents.give(agreed.access, replace(asked, by=(mother.reference,)))
    assert may(agreed, "HRESCH", DOCTOR, person=agreed.child)


def test_a_proxy_opens_the_record_to_nobody_else(agreed: Agreed) -> None:
    wish = Appointing(agreed.patient, agreed.carer, "Con", "CHILD", text_of("proxy"), "vi", "web")
    carer = agreed.all.proxies.appoint(agreed.access, wish)
    assert may(agreed, "PATRQT", carer.reference)
    assert not may(agreed, "PATRQT", DOCTOR)
    assert not may(agreed, "TREAT", carer.reference)


def test_a_restriction_hides_from_all_whose_rules_ask_for_consents(agreed: Agreed) -> None:
    assert may(agreed, "TREAT", DOCTOR, needs_permit=False)
    agreed.all.erasures.restrict(agreed.access, agreed.patient, article="Điều 1")
    for code in ("TREAT", "HOPERAT", "HPAYMT"):
        assert not may(agreed, code, DOCTOR, needs_permit=False)
    agreed.all.erasures.lift(agreed.access, agreed.patient)
    assert may(agreed, "TREAT", DOCTOR, needs_permit=False)
