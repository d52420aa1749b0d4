"""What of the journal one caller sees: lines are asked of the row of their current version.

An older version is seen by who may see the current one and it itself: whoever it was about
then, and as it was labelled then. Nothing is left of a deleted resource in the index: all its
versions say how it was labelled.
"""

# ruff: noqa: S608 - the text comes from this package alone, every value is a parameter

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from trucyte.database.connect import Connection
from trucyte.fhir.parse import parse
from trucyte.fhir.search import Extractor
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.journal.change import Operation, Stored
from trucyte.journal.journal import Journal
from trucyte.journal.leaf import head_key
from trucyte.records.access import Access, Labels
from trucyte.records.labels import SECRET, sensitivity_of_body
from trucyte.records.persons.consents import permits
from trucyte.records.search.bound import Parameters
from trucyte.records.search.narrowing import grants_of, is_granted
from trucyte.records.search.permission import (
    NOBODYS,
    Basis,
    belonging,
    of_persons,
    seen_rows,
    sees_statistics,
)

_OWN = 0
Key = tuple[int, str, str]  # origin, type, id


@dataclass(frozen=True, slots=True)
class Sight:
    """Looks at lines for one caller, within one moment of the database."""

    access: Access
    basis: Basis
    extractor: Extractor
    journal: Journal
    connection: Connection
    letters: str = "r"  # by one of which it looks
    _masks: dict[Key, int] = field(default_factory=dict)

    def known(self, lines: Sequence[Stored]) -> list[Stored]:
        """Return the current lines of which the caller may know that they are there.

        Medical labels are told of, so they are not looked at; of all else there is no sign.
        """
        access = replace(self.access, sees_restricted=True)
        if not access.sees_secret:
            lines = [line for line in lines if not self._mask(line) & SECRET]
        if not access.is_narrowed or not lines:
            return list(lines)
        return self._asked(access, lines)

    def visible(self, lines: Sequence[Stored]) -> list[Stored]:
        """Return the lines that the caller may see."""
        access = self.access
        lines = [line for line in lines if access.sees(sensitivity_of_body(line.body))]
        if sees_statistics(access) or not lines:
            return list(lines)
        return self._asked(access, lines)

    def hidden(self, keys: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Return of resources (type, id) that are here those that are as if they were not.

        A resource that is deleted is not told of where one of its versions was not.
        """
        access = replace(self.access, sees_restricted=True)
        bound = Parameters()
        heads = bound.add(
            [head_key(_OWN, TYPE_NUMBERS[kind], id_.encode()).hex() for kind, id_ in keys], "text[]"
        )
        conditions = belonging(access, bound, "c", self.basis, letters=self.letters)
        rows = self.connection.execute(
            f"select c.type, c.id, c.operation, c.person, {' and '.join(conditions) or 'true'}"
            " from journal.head x join journal.change c on c.seq = x.seq"
            f" where x.key = any({heads}::uuid[])".encode(),
            bound.values,
        ).fetchall()
        found = (
            ((RESOURCE_TYPES[number - 1], id_), operation, person, is_seen)
            for number, id_, operation, person, is_seen in rows
        )
        return frozenset(
            key
            for key, operation, person, is_seen in found
            if not is_seen
            or (operation == Operation.DELETE and not self._sees_gone(access, (_OWN, *key), person))
        )

    def _asked(self, access: Access, lines: Sequence[Stored]) -> list[Stored]:
        """Return those whose current version meets all conditions, and they themselves."""
        seen = self._in_index(access, [line for line in lines if line.body])
        left = [line for line in lines if line.entry.seq not in seen]
        if left:
            seen |= {line.entry.seq for line in self._by_heads(access, left)}
        return [line for line in lines if line.entry.seq in seen]

    def _in_index(self, access: Access, lines: Sequence[Stored]) -> set[int]:
        """Return the seqs of current lines that are seen: their own rows say so."""
        if not lines:
            return set()
        bound = Parameters()
        types = {line.entry.type for line in lines}
        type = types.pop() if len(types) == 1 else ""
        seqs = bound.add([line.entry.seq for line in lines], "bigint[]")
        conditions = seen_rows(access, bound, self.basis, letters=self.letters, type=type)
        rows = self.connection.execute(
            "select e.seq from records.entry e where"
            f" {' and '.join([f'e.seq = any({seqs})', *conditions])}".encode(),
            bound.values,
        )
        return {row[0] for row in rows.fetchall()}

    def _by_heads(self, access: Access, lines: Sequence[Stored]) -> list[Stored]:
        """Ask of the rows of their current versions, wherever those are by now."""
        bound = Parameters()
        seqs = bound.add([line.entry.seq for line in lines], "bigint[]")
        masks = bound.add([self._mask_for(access, line) for line in lines], "smallint[]")
        conditions = belonging(access, bound, "c", self.basis, letters=self.letters)
        own = of_persons(access, bound, self.basis)
        if own:
            conditions.append(
                "exists (select from (select c.person, c.type, line.sensitivity) e"
                f" where {' and '.join(own)})"
            )
        rows = self.connection.execute(
            "select c.seq, h.seq, now.operation, now.person"
            f" from (select unnest({seqs}) as seq, unnest({masks}) as sensitivity) line"
            " join journal.change c on c.seq = line.seq"
            " join journal.head h on h.key = journal.head_key(c.origin, c.type, c.id)"
            " join journal.change now on now.seq = h.seq"
            f" where {' and '.join(conditions) or 'true'}".encode(),
            bound.values,
        ).fetchall()
        heads = {seq: (head, operation, person) for seq, head, operation, person in rows}
        return [
            line
            for line in lines
            if (found := heads.get(line.entry.seq))
            and (found[0] == line.entry.seq or self._is_granted(access, line))
            # Whoever it was about when it was deleted is asked, and whoever it was about then.
            and (
                found[1] != Operation.DELETE
                or all(
                    self._sees_gone(access, _key(line), person)
                    for person in {line.entry.person, found[2]}
                )
            )
        ]

    def _mask_for(self, access: Access, line: Stored) -> int:
        """Return a line's own labels where consents are asked about them."""
        return self._mask(line) if access.agreed is not None else 0

    def _is_granted(self, access: Access, line: Stored) -> bool:
        """Say whether an older version is within the grants; the index knows the current one."""
        if access.grants is None:
            return True
        if not line.body:  # a deletion before it came again has no codes that could be granted
            mine = grants_of(access, self.letters, line.entry.type)
            return any(not grant.query for grant in mine)
        return is_granted(access, self.letters, parse(line.body), self.extractor)

    def _mask(self, line: Stored) -> int:
        """Return a line's own labels, of a deletion those of all that was deleted."""
        return sensitivity_of_body(line.body) if line.body else self._of_all(_key(line))

    def _sees_gone(self, access: Access, key: Key, person: int) -> bool:
        """Say whether the labels of all its versions keep nothing of a deleted resource."""
        mask = self._of_all(key)
        if not access.sees(mask):
            return False
        if access.agreed is None or key[1] in NOBODYS:
            return True
        agreed, now = access.agreed, self.basis.now
        return permits(self.connection, person, agreed, key[1], Labels(mask), now=now)

    def sees_gone(self, type: str, id: str, person: int) -> bool:
        """Say whether labels and consents let it be told that a resource of a person is gone."""
        return self._sees_gone(self.access, (_OWN, type, id), person)

    def _of_all(self, key: Key) -> int:
        if key not in self._masks:
            self._masks[key] = _union(line.body for line in self.journal.history(*key))
        return self._masks[key]


def _key(line: Stored) -> Key:
    entry = line.entry
    return entry.origin, entry.type, entry.id


def _union(bodies: Iterable[bytes]) -> int:
    mask = 0
    for body in bodies:
        mask |= sensitivity_of_body(body)
    return mask
