"""Whatever is sealed comes back where it lies, and nowhere else."""

import os
from collections.abc import Collection, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.journal import a_change, make_tables, open_journal
from trucyte.database.connect import Database
from trucyte.journal.atrest.sealed import BodyKey, place_of, seal
from trucyte.journal.checking.fault import Fault, What
from trucyte.journal.codec import BLOCKED, SEALED, BodyErased, BodyUnreadable, Codec

bodies = st.binary(min_size=1, max_size=300)
places = st.tuples(
    st.integers(0, 9), st.integers(1, 148), st.integers(1, 1 << 20), st.from_regex("[a-z]{1,9}")
)


class Ring:
    """Keys at hand."""

    def __init__(self, *numbers: int) -> None:
        self.keys = {n: BodyKey(n, n, bytearray(os.urandom(32))) for n in numbers}

    def numbered(self, numbers: Collection[int]) -> Mapping[int, BodyKey]:
        return {number: self.keys[number] for number in numbers if number in self.keys}


def sealed(codec: Codec, key: BodyKey, body: bytes, place: tuple[int, int, int, str]):
    packing, packed = codec.compress("Observation", body)
    origin, type_number, version, id_ = place
    bound = place_of(packing, origin, type_number, version, id_.encode())
    return packing | SEALED, seal(key, packed, bound, os.urandom(12))


@given(body=bodies, place=places, other=places)
def test_a_body_opens_at_its_place_and_at_no_other(body, place, other) -> None:
    ring = Ring(5)
    codec = Codec(keys=ring)
    packing, stored = sealed(codec, ring.keys[5], body, place)
    assert codec.open(packing, stored, place) == body
    assert codec.open(packing | BLOCKED, stored, place) == b""
    if other != place:
        with pytest.raises(BodyUnreadable):
            codec.open(packing, stored, other)


def test_a_flip_of_any_bit_is_refused() -> None:
    place = (0, 96, 1, "a")
    ring = Ring(5)
    codec = Codec(keys=ring)
    packing, stored = sealed(codec, ring.keys[5], b'{"resourceType":"Observation"}' * 3, place)
    for bit in range(len(stored) * 8):
        altered = bytearray(stored)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises((BodyUnreadable, BodyErased)):
            codec.open(packing, bytes(altered), place)
    for cut in (0, 7, 35, len(stored) - 1):
        with pytest.raises(BodyUnreadable):
            codec.open(packing, stored[:cut], place)
    for bit in (0, 1, 7, 10, 14):
        with pytest.raises(BodyUnreadable):
            codec.open(packing ^ 1 << bit, stored, place)


def test_without_its_key_a_body_is_erased_and_under_anothers_unreadable() -> None:
    place = (0, 96, 1, "a")
    ring = Ring(5)
    packing, stored = sealed(Codec(keys=ring), ring.keys[5], b"{}", place)
    with pytest.raises(BodyErased):
        Codec(keys=Ring(6)).open(packing, stored, place)
    with pytest.raises(BodyErased):
        Codec().open(packing, stored, place)
    with pytest.raises(BodyUnreadable):
        Codec(keys=Ring(5)).open(packing, stored, place)


lines = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 2), st.sampled_from("abc"), st.integers(0, 99)),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(mix=lines)
def test_any_mix_of_persons_and_classes_round_trips_and_swaps_are_found(
    empty_database: Database, tmp_path, clock, mix
) -> None:
    with empty_database.connection() as connection:
        connection.execute("drop schema if exists journal cascade")
    make_tables(empty_database)
    journal = open_journal(empty_database, tmp_path, clock)
    changes = [
        a_change(id_, value=value, person=person, retention=kind)
        for person, kind, id_, value in mix
    ]
    journal.commit_many([changes[:3], changes[3:]] if len(changes) > 3 else [changes])
    journal.body_keys.drop()
    assert [line.body for line in journal.follow(0)] == [change.body for change in changes]
    with empty_database.connection() as connection:
        (count,) = connection.execute("select count(*) from journal.body_key").fetchone()
        assert count == len({(person, kind) for person, kind, _, _ in mix})
        assert journal.verify().is_sound
        if len(changes) > 1:
            connection.execute(
                "update journal.change c set body = o.body, codec = o.codec, salt = o.salt"
                " from journal.change o where c.seq in (1, 2) and o.seq = 3 - c.seq"
            )
    if len(changes) > 1:
        assert journal.verify().fault == Fault(What.ROW, seq=1)
        with pytest.raises(BodyUnreadable):
            journal.bodies([2])
    journal.close()
