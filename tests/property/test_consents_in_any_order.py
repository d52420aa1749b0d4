"""Whatever is given and taken back in whatever order: what holds is what was said last."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.agreements import HOSPITAL, INSURER, Agreed, agreed_over, open_shared
from tests.support.interactions import Writing
from trucyte.fhir.definitions import Definitions
from trucyte.records.access import Agreed as Asks
from trucyte.records.access import Labels
from trucyte.records.persons.consents import permits
from trucyte.shared.access.consent.catalogue import purposes

WHAT = [
    ("treatment-elsewhere", ""), ("treatment-elsewhere", HOSPITAL), ("insurer", INSURER),
    ("insurer", HOSPITAL), ("research", ""), ("notices", ""),
]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(["give", "withdraw"]), st.sampled_from(WHAT)), max_size=8
)


@pytest.fixture(scope="module")
def writing(
    server_url: str,
    migrated_template: str,
    definitions: Definitions,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Writing]:
    folder = tmp_path_factory.mktemp("orders")
    with open_shared(server_url, migrated_template, folder, definitions) as opened:
        yield opened


def expected(held: set[tuple[str, str]], purpose: str, receiver: str) -> bool:
    """Whether a consent for a purpose names this receiver, or nobody."""
    return (purpose, receiver) in held or (purpose, "") in held


def seen(agreed: Agreed, code: str, actor: str) -> bool:
    now = int(agreed.clock.now().timestamp() * 1_000_000)
    with agreed.node.database.reader() as connection:
        key = agreed.all.persons.key(agreed.patient)
        asks = Asks(code, (actor,), needs_permit=True)
        return permits(connection, key, asks, "Observation", Labels.NONE, now=now)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_what_holds_is_what_was_said_last(
    writing: Writing, steps: list[tuple[str, tuple[str, str]]]
) -> None:
    agreed = agreed_over(writing, datetime(2026, 11, 22, 2, 12, tzinfo=UTC))
    held: set[tuple[str, str]] = set()
    ids: dict[tuple[str, str], str] = {}
    for act, what in steps:
        agreed.clock.advance(timedelta(seconds=1))
        if act == "give":
            asked = agreed.asked(what[0], receiver=what[1])
            ids[what] = agreed.all.consents.give(agreed.access, asked).id
            held.add(what)
        elif what in ids:
            agreed.all.consents.withdraw(agreed.access, agreed.patient, ids[what])
            held.discard(what)
    for purpose, receiver in WHAT:
        found = agreed.all.consents.in_force(agreed.patient, purpose, receiver)
        assert (found is not None) == expected(held, purpose, receiver)
        if receiver and purposes()[purpose].shares:
            is_seen = seen(agreed, purposes()[purpose].code, receiver)
            assert is_seen == expected(held, purpose, receiver)
