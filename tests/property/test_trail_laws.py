"""Laws of the trail: an entry reads back as it was made, and nothing is altered unnoticed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.support.trail import ALL, access_of
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.fhir.types import RESOURCE_TYPES
from trucyte.journal.change import Entry as Line
from trucyte.journal.change import Operation, Stored
from trucyte.journal.checking.fault import What
from trucyte.journal.keyring import Keyring
from trucyte.shared.audit import Outcome, Trail
from trucyte.shared.audit.entry import Deed, changes_of, entry_of
from trucyte.shared.audit.interaction import INTERACTIONS, read_reason

AT = datetime(2026, 11, 22, tzinfo=UTC)
persons = st.integers(-(2**63), 2**63 - 1).filter(bool)
codes = st.sampled_from(["", "restricted", "TREAT", "fhir"])
deeds = st.builds(
    Deed,
    request=st.from_regex(r"[A-Za-z0-9]{1,32}", fullmatch=True),
    door=codes,
    interaction=st.sampled_from(sorted(INTERACTIONS)),
    type=st.sampled_from(["", *RESOURCE_TYPES]),
    purpose=codes,
    caller=st.text(max_size=60),
    organisation=st.one_of(
        st.just(""),
        st.from_regex(r"Organization/[A-Za-z0-9.-]{1,40}", fullmatch=True),
        st.from_regex(r"https://[a-z]{1,20}/Organization/[0-9]{1,9}", fullmatch=True),
    ),
    outcome=st.sampled_from(Outcome),
    resources=st.integers(0, 2**31),
    code=codes,
    persons=st.lists(persons, unique=True, max_size=40).map(tuple),
)


@given(deeds)
def test_an_entry_reads_back_as_it_was_made(deed: Deed) -> None:
    (change,) = changes_of(deed)
    line = Line(1, AT, 0, change.type, change.id, 1, Operation.CREATE, 0, change.person, 0, 0)
    assert entry_of(Stored(line, change.body, -1)).deed == deed


@given(st.text(max_size=80))
def test_of_any_reason_only_names_of_the_program_are_kept(reason: str) -> None:
    name, kind = read_reason(reason)
    assert kind in ("", *RESOURCE_TYPES)
    assert name.isascii()
    assert " " not in name


@pytest.fixture
def trail(database: Database, tmp_path: Path, clock: FixedClock) -> Iterator[Trail]:
    trail = Trail(database, Keyring.open(tmp_path / "keys"), clock)
    for number in range(1, 13):
        trail.shown(access_of(f"a{number % 3}"), range(1, number % 4 + 1), "search Patient")
    trail.checkpoint()
    yield trail
    trail.close()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seq=st.integers(1, 12), column=st.sampled_from(["body", "salt", "leaf"]), chance=st.randoms()
)
def test_one_altered_byte_is_found_and_its_line_named(
    trail: Trail, seq: int, column: str, chance: Random
) -> None:
    database = trail.journal.database
    with database.connection() as connection:
        select = sql.SQL("select {} from audit.change where seq = %s")
        name = sql.Identifier(column)
        (before,) = connection.execute(select.format(name), (seq,)).fetchone()
    place = chance.randrange(len(before))
    altered = bytearray(before)
    altered[place] ^= 1 << chance.randrange(8)
    put(database, column, bytes(altered), seq)
    fault = trail.verify().fault
    put(database, column, before, seq)
    assert fault is not None
    assert fault.seq == seq
    assert trail.verify().is_sound


def put(database: Database, column: str, value: bytes, seq: int) -> None:
    with database.connection() as connection:
        update = sql.SQL("update audit.change set {} = %s where seq = %s")
        connection.execute(update.format(sql.Identifier(column)), (value, seq))


@pytest.mark.parametrize(
    ("statement", "what", "seq"),
    [
        ("update audit.change set person = 9 where seq = 5", What.ROW, 5),
        ("update audit.change set accepted_at = now() where seq = 4", What.ROW, 4),
        ("update audit.change set id = 'other' where seq = 4", What.ROW, 4),
        ("delete from audit.change where seq = 12", What.ROW_MISSING, 12),
        ("delete from audit.shown where seq = 6", What.DERIVED, 6),
        ("update audit.shown set persons = '{8,9}' where seq = 10", What.DERIVED, 10),
        ("insert into audit.shown values (8, '{1}')", What.DERIVED, 8),
    ],
)
def test_what_hides_a_look_is_found_and_named(
    trail: Trail, statement: str, what: What, seq: int
) -> None:
    with trail.journal.database.connection() as connection:
        connection.execute(statement)
    fault = trail.verify().fault
    assert fault is not None
    assert (fault.what, fault.seq) == (what, seq)


def test_the_trail_grows_apart_from_the_journal(trail: Trail) -> None:
    with trail.journal.database.connection() as connection:
        (lines,) = connection.execute("select last_seq from journal.tail").fetchone()
    assert (lines, trail.journal.tail()) == (0, 12)
    assert trail.of_person(ALL, 3).entries
