"""What a caller may see, as conditions over rows of the index and lines of the journal.

The one place that says so: every search, count and link of a chain has these conditions,
so that what is hidden cannot be inferred from what refers to it. Single reads and
histories ask them of the row of the current version.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from trucyte.fhir.search import Extractor
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.records.access import Access, Grant
from trucyte.records.hashing import Hasher
from trucyte.records.labels import SECRET
from trucyte.records.owners import OPEN, OPEN_NUMBERS, numbers_seen
from trucyte.records.persons.consents import agreed_conditions
from trucyte.records.persons.relations import related_condition
from trucyte.records.search.bound import NOTHING, Parameters, any_of
from trucyte.records.search.narrowing import tokens_of

# What no person is the subject of: neither persons, relations nor consents are asked of it.
NOBODYS: Final = OPEN | {"Medication", "MedicationKnowledge", "Substance"}
_NOBODYS_NUMBERS: Final = sorted(TYPE_NUMBERS[name] for name in NOBODYS)
_EVERY_LABEL: Final = 0x7FFF


@dataclass(frozen=True, slots=True)
class Basis:
    """What an access is compiled by: the time, and how this node reads and hashes values.

    Without the latter, a grant that is narrowed by parameters grants nothing.
    """

    now: int  # µs since 1970
    extractor: Extractor | None = None
    hasher: Hasher | None = None
    is_whole: bool = False  # most rows are looked at, as for a count


def permitted(
    access: Access,
    bound: Parameters,
    origin: int,
    basis: Basis,
    *,
    letters: str = "s",
    type: str = "",
) -> list[str]:
    """Return the conditions of rows `e` of the index that `access` may see.

    `letters` say by what: "r" to read, "s" to search, one of several. `type`, where all rows
    are of one.
    """
    place = f"e.origin = {bound.add(origin, 'smallint')}"
    return [place, *_seen(access, bound, basis, letters, type)]


def seen_rows(
    access: Access, bound: Parameters, basis: Basis, *, letters: str, type: str = ""
) -> list[str]:
    """Return the same of rows whose place is known already, whatever node they are from."""
    return _seen(access, bound, basis, letters, type)


def sees_statistics(access: Access) -> bool:
    """Say whether what PostgreSQL knows of all rows tells this caller of nothing hidden."""
    return access.sees_whole and access.sees_secret


def belonging(
    access: Access, bound: Parameters, line: str, basis: Basis, *, letters: str = "r"
) -> list[str]:
    """Return the conditions of lines of the journal whose resource `access` may see.

    `line` names a row with origin, type and id. A resource is seen by whom its current row
    says, a deleted one by those on whose behalf any of its versions was accepted; of a
    deleted one no labels are known here, and no values (`results.sight`).
    """
    conditions = _seen(access, bound, basis, letters, "")
    return [current(line, conditions)] if conditions else []


def current(line: str, conditions: Collection[str]) -> str:
    """Return that the current version of a line's resource meets conditions over `e`."""
    return (
        "exists (select from journal.head h join journal.change last on last.seq = h.seq"
        " left join records.entry o on o.seq = h.seq"
        " cross join lateral (select last.seq, last.person, last.type, o.tokens,"
        " coalesce(o.sensitivity, 0::smallint) as sensitivity,"
        " coalesce(o.organisations, case when last.type = any("
        f"array[{', '.join(map(str, OPEN_NUMBERS))}]::smallint[]) then array[0]::bigint[]"
        " else journal.owners(h.seq) end) as organisations) e"
        f" where h.key = journal.head_key({line}.origin, {line}.type, {line}.id)"
        f" and {' and '.join(conditions)})"
    )


def of_persons(access: Access, bound: Parameters, basis: Basis, type: str = "") -> list[str]:
    """Return the conditions of whose data a row `e` (person, type, sensitivity) is."""
    if type in NOBODYS:
        return []
    conditions = []
    if access.persons is not None:
        conditions.append(f"e.person = any({bound.add(sorted(access.persons), 'bigint[]')})")
    conditions += _of_facts(access, bound, basis)
    if type or not conditions:
        return conditions
    numbers = bound.add(_NOBODYS_NUMBERS, "smallint[]")
    return [f"(e.type = any({numbers}) or {condition})" for condition in conditions]


def _of_facts(access: Access, bound: Parameters, basis: Basis) -> list[str]:
    """Return that the person is treated by whom the caller acts for, and refused nothing."""
    related, agreed = access.related, access.agreed
    now, is_whole = basis.now, basis.is_whole
    conditions = []
    if related is not None:
        conditions.append(related_condition(related, bound, "e", now, is_whole=is_whole))
    if agreed is None:
        return conditions
    refused_nothing = agreed_conditions(agreed, bound, "e", now, is_whole=is_whole)
    if not conditions:
        return refused_nothing
    # Few are treated by one doctor, and only those are to be asked what they agreed to.
    joined = " and ".join(refused_nothing)
    return [f"case when {conditions[0]} then {joined} else false end"]


def _seen(access: Access, bound: Parameters, basis: Basis, letters: str, type: str) -> list[str]:
    if access.until is not None and basis.now >= access.until.timestamp() * 1_000_000:
        return [NOTHING]
    conditions = _labels(access)
    seen = numbers_seen(access)
    if seen is not None:
        conditions.append(f"e.organisations && {bound.add(seen, 'bigint[]')}")
    if access.grants is not None:
        conditions += _granted(access.grants, bound, basis, letters, type)
    return conditions + of_persons(access, bound, basis, type)


def _labels(access: Access) -> list[str]:
    seen = int(access.labels_seen)
    if not seen:
        return ["e.sensitivity = 0"]
    if access.sees_restricted:
        return [] if access.sees_secret else [f"e.sensitivity < {SECRET}"]
    return [f"(e.sensitivity & {_EVERY_LABEL & ~seen}::smallint) = 0"]


def _granted(
    grants: Collection[Grant], bound: Parameters, basis: Basis, letters: str, type: str
) -> list[str]:
    """Return what rows meet that one of the grants gives, nothing where all are given."""
    mine = [
        grant
        for grant in grants
        if not grant.letters.isdisjoint(letters)
        and (not type or grant.types is None or type in grant.types)
    ]
    whole = [grant for grant in mine if not grant.query]
    if any(grant.types is None or type for grant in whole):
        return []
    plain = sorted(TYPE_NUMBERS[name] for grant in whole for name in grant.types or ())
    found = [f"e.type = any({bound.add(plain, 'smallint[]')})"] if plain else []
    narrowed = (grant for grant in mine if grant.query)
    return [any_of([*found, *(_narrowed(grant, bound, basis, type) for grant in narrowed)])]


def _narrowed(grant: Grant, bound: Parameters, basis: Basis, type: str) -> str:
    if basis.extractor is None or basis.hasher is None:
        return NOTHING
    types = (type,) if type else tuple(sorted(grant.types or RESOURCE_TYPES))
    # A token is of one type, so those of several types can stand in one array.
    tokens = tokens_of(types, grant.query, basis.extractor, basis.hasher)
    if not all(tokens):
        return NOTHING
    numbers = bound.add([TYPE_NUMBERS[name] for name in types], "smallint[]")
    held = [f"e.tokens && {bound.add(list(one), 'bigint[]')}" for one in tokens]
    return f"(e.type = any({numbers}) and {' and '.join(held)})"
