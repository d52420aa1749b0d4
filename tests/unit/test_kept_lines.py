"""Lines kept in memory: right for one epoch, a bounded number of bytes, for a bounded time."""

from datetime import UTC, datetime

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.search import Extractor
from trucyte.journal.change import Entry, Operation, Stored
from trucyte.records.results.kept import SECONDS_MAX, KeptLines

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


class Watch:
    """A clock that is set."""

    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def line(seq: int, size: int = 0) -> Stored:
    filling = "x" * size
    body = f'{{"resourceType":"Patient","id":"p{seq}","language":"{filling}"}}'.encode()
    entry = Entry(seq, MOMENT, 0, "Patient", f"p{seq}", 1, Operation.CREATE, 0, seq, 0, 0)
    return Stored(entry, body, -len(f'{{"resourceType":"Patient","id":"p{seq}"'))


def test_what_was_kept_is_known_as_it_is_given_out() -> None:
    kept = KeptLines()
    assert kept.known(1, [1, 2]) == {}
    made = kept.keep(1, [line(1)])
    assert kept.known(1, [1, 2]) == made
    assert b'"versionId":"1"' in made[1].resource.body


def test_a_restored_database_is_another_epoch_and_nothing_is_known_of_it() -> None:
    kept = KeptLines()
    kept.known(1, [1])
    kept.keep(1, [line(1)])
    assert kept.known(2, [1]) == {}
    assert kept.known(1, [1]) == {}, "the epoch before is gone for good"


def test_a_line_read_before_a_restore_is_not_kept_behind_it() -> None:
    kept = KeptLines()
    kept.known(2, [1])
    made = kept.keep(1, [line(1)])
    assert set(made) == {1}, "who read it has it"
    assert kept.known(2, [1]) == {}


def test_no_more_bytes_are_kept_than_may_be_and_the_oldest_go_first() -> None:
    kept = KeptLines(50_000)
    kept.known(1, [])
    for seq in range(100):
        kept.keep(1, [line(seq, 1_000)])
        assert kept.bytes <= 50_000
    known = kept.known(1, range(100))
    assert 5 < len(known) < 20
    assert min(known) == 100 - len(known)


def test_nothing_is_kept_where_nothing_may_be() -> None:
    kept = KeptLines(0)
    kept.known(1, [1])
    assert set(kept.keep(1, [line(1)])) == {1}
    assert kept.known(1, [1]) == {}
    assert kept.bytes == 0


def test_a_line_kept_again_counts_once() -> None:
    kept = KeptLines()
    kept.known(1, [1])
    kept.keep(1, [line(1)])
    size = kept.bytes
    kept.keep(1, [line(1)])
    assert kept.bytes == size


def test_what_may_be_gone_from_the_database_is_not_kept_for_ever() -> None:
    watch = Watch()
    kept = KeptLines(now=watch)
    kept.known(1, [1])
    kept.keep(1, [line(1)])
    watch.seconds += SECONDS_MAX + 1
    assert kept.known(1, [1]) == {}
    kept.keep(1, [line(2)])
    assert kept.bytes == kept.known(1, [2])[2].size, "the old one left the memory"


def test_nothing_is_left_where_all_is_forgotten() -> None:
    kept = KeptLines()
    kept.known(1, [1])
    kept.keep(1, [line(1)])
    kept.forget()
    assert (kept.known(1, [1]), kept.bytes) == ({}, 0)


def test_values_are_taken_once_and_anew_by_another_extractor(definitions: Definitions) -> None:
    kept = KeptLines()
    kept.known(1, [1])
    one = kept.keep(1, [line(1)])[1]
    first, second = Extractor(definitions), Extractor(definitions)
    numbers = frozenset({0})
    values = one.values_of(first, numbers)
    assert one.values_of(first, numbers) is values
    assert one.values_of(second, numbers) is not values
