"""What a caller may see, as conditions over rows of the index and lines of the journal.

The one place that says so: every search, count and link of a chain has these conditions,
so that what is hidden cannot be inferred from what refers to it.
"""

from trucyte.records.access import Access
from trucyte.records.owners import OPEN_NUMBERS, numbers_seen
from trucyte.records.search.bound import Parameters


def permitted(access: Access, bound: Parameters, origin: int) -> list[str]:
    """Return the conditions of rows `e` of the index that `access` may see."""
    conditions = [f"e.origin = {bound.add(origin, 'smallint')}"]
    if not access.sees_restricted:
        conditions.append("e.sensitivity = 0")
    seen = numbers_seen(access)
    if seen is not None:
        conditions.append(f"e.organisations && {bound.add(seen, 'bigint[]')}")
    return conditions


def sees_statistics(access: Access) -> bool:
    """Say whether what PostgreSQL knows of all rows tells this caller of nothing hidden."""
    return access.sees_restricted and access.sees_organisations is None


def belonging(access: Access, bound: Parameters, line: str) -> list[str]:
    """Return the conditions of lines of the journal whose resource is of those `access` sees.

    `line` names a row with seq, origin, type and id. A resource is seen by whom its current
    row says, a deleted one by those on whose behalf any of its versions was accepted. Labels
    are not looked at (`results.lines.visible`).
    """
    seen = numbers_seen(access)
    if seen is None:
        return []
    numbers, types = bound.add(seen, "bigint[]"), bound.add(OPEN_NUMBERS, "smallint[]")
    return [
        f"({line}.type = any({types}) or exists (select from journal.head h"
        " left join records.entry o on o.seq = h.seq"
        f" where h.key = journal.head_key({line}.origin, {line}.type, {line}.id)"
        f" and coalesce(o.organisations, journal.owners(h.seq)) && {numbers}))"
    ]
