"""All current resources of some types, in the order of the journal, for bulk export.

A walk is as of one journal position, `until`. A resource changed since is given as it was
while its row is kept (`records.ended`, an hour). One that was replaced longer ago than that
comes at the end as it is now; it may have come before, as it was: never lost, seldom twice.
What was deleted meanwhile is gone.

Ranges of `seq` can be walked by several processes: (0, n], (n, until], each with the same
`until`; the last one, `is_last`, gives what came late.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from trucyte.database.connect import Cursor
from trucyte.fhir.text import with_meta
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.codec import Codec
from trucyte.journal.rows import from_microseconds
from trucyte.records.access import Access
from trucyte.records.results.finding import Finder
from trucyte.records.results.lines import OWN, instant, reading
from trucyte.records.search.bound import Parameters, any_of
from trucyte.records.search.permission import permitted

# So many places of the journal are read by one statement: a few seconds at most.
CHUNK_SEQS = 20_000
_EPOCH_OFFSET = 946_684_800_000_000  # µs from 1970 to 2000, where PostgreSQL counts from
_HEADER = 19  # bytes before the first row of a binary copy
# (field count) seq, accepted_at | version, meta_offset | type, codec | then the body
_FIXED = struct.Struct(">h" + "iq" * 2 + "ii" * 2 + "ih" * 2 + "i")
_COLUMNS = "c.seq, c.accepted_at, c.version, c.meta_offset, c.type, c.codec, c.body"

Walked = tuple[int, str, bytes]  # seq, type, body with its `meta`
TypeFilters = Mapping[str, Sequence[Sequence[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class Walk:
    """What is walked; see `Records.walk`."""

    access: Access
    types: Sequence[str]
    after: int
    to: int  # where this range ends
    until: int
    since: int | None
    filters: TypeFilters
    persons: Sequence[int] | None
    is_last: bool


@dataclass(frozen=True, slots=True)
class Walker:
    """Walks ranges of the journal."""

    finder: Finder

    def walk(self, asked: Walk) -> Iterator[list[Walked]]:
        """Yield chunks; nothing is held open between two of them."""
        for begin in range(asked.after, asked.to, CHUNK_SEQS):
            end = min(begin + CHUNK_SEQS, asked.to)
            yield self._chunk(asked, lambda bound, b=begin, e=end: _range(asked, bound, b, e))  # type: ignore[misc]  # bound at once
        if asked.is_last:
            yield self._chunk(asked, lambda bound: _late(asked, bound))

    def _chunk(
        self, asked: Walk, sources: Callable[[Parameters], Sequence[tuple[str, str, str]]]
    ) -> list[Walked]:
        bound = Parameters()
        with reading(self.finder.database) as cursor:
            conditions = self._conditions(asked, cursor, bound)
            parts = [
                f"select e.seq from {table} e where"
                + " and ".join([place, *conditions]).replace("e.is_ended", is_ended).join((" ", ""))
                for table, place, is_ended in sources(bound)
            ]
            text = (
                f"copy (select {_COLUMNS} from ({' union all '.join(parts)}) f"
                " join journal.change c on c.seq = f.seq order by c.seq)"
                " to stdout (format binary)"
            )
            return list(_rows(cursor, text, bound, self.finder.journal.codec))

    def _conditions(self, asked: Walk, cursor: Cursor, bound: Parameters) -> list[str]:
        conditions = permitted(asked.access, bound, OWN)
        if asked.since is not None:
            conditions.append(f"e.last_updated >= {bound.add(asked.since, 'bigint')}")
        if asked.persons is not None:
            conditions.append(f"e.person = any({bound.add(list(asked.persons), 'bigint[]')})")
        plain = [TYPE_NUMBERS[name] for name in asked.types if not asked.filters.get(name)]
        met = [f"e.type = any({bound.add(plain, 'smallint[]')})"] if plain else []
        for name in asked.types:
            met += [
                self._filter(asked, name, pairs, cursor, bound)
                for pairs in asked.filters.get(name, ())
            ]
        return [*conditions, any_of(met)]

    def _filter(
        self,
        asked: Walk,
        name: str,
        pairs: Sequence[tuple[str, str]],
        cursor: Cursor,
        bound: Parameters,
    ) -> str:
        """Return that a row is of a type and meets a search."""
        query = self.finder.read(asked.access, name, pairs, ())[name]
        links = self.finder.links(cursor, asked.access, 0, None)
        built = links.conditions(name, bound).build(query.criteria)
        number = bound.add(TYPE_NUMBERS[name], "smallint")
        return f"(e.type = {number} and {' and '.join(built)})"


def _range(asked: Walk, bound: Parameters, begin: int, end: int) -> Sequence[tuple[str, str, str]]:
    place = f"e.seq > {bound.add(begin, 'bigint')} and e.seq <= {bound.add(end, 'bigint')}"
    ended = f"{place} and e.ended > {bound.add(asked.until, 'bigint')}"
    return ("records.entry", place, "false"), ("records.ended", ended, "true")


def _late(asked: Walk, bound: Parameters) -> Sequence[tuple[str, str, str]]:
    """Those that were there at `until` and whose row of then is kept no more."""
    until = bound.add(asked.until, "bigint")
    place = (
        f"e.seq > {until} and (select h.seq from records.horizon h) > {until} and exists ("
        "with recursive line (previous) as ("
        "select c.previous from journal.change c where c.seq = e.seq union all"
        f" select c.previous from line join journal.change c on c.seq = line.previous"
        f" where line.previous > {until})"
        f" select from line where previous between 1 and {until}"
        " and not exists (select from records.ended n where n.seq = line.previous))"
    )
    return (("records.entry", place, "false"),)


def _rows(cursor: Cursor, text: str, bound: Parameters, codec: Codec) -> Iterator[Walked]:
    """Read a binary copy by hand: one call for the fixed columns of a row."""
    unpack, size, decompress = _FIXED.unpack_from, _FIXED.size, codec.decompress
    moments: dict[int, str] = {}
    with cursor.copy(text.encode(), bound.values) as copy:
        for block in copy:
            data = bytes(block)
            at = _HEADER if data.startswith(b"PGCOPY\n") else 0
            if len(data) - at < size:
                continue  # the trailer
            (_, _, seq, _, accepted, _, version, _, offset, _, kind, _, packing, length) = unpack(
                data, at
            )
            moment = moments.get(accepted)
            if moment is None:
                moment = instant(from_microseconds(accepted + _EPOCH_OFFSET))
                moments[accepted] = moment
            begin = at + size
            body = decompress(packing, data[begin : begin + length])
            if body:
                yield seq, RESOURCE_TYPES[kind - 1], with_meta(body, offset, version, moment)
