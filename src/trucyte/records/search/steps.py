"""One search as one statement: named steps, read from top to bottom.

A search for several frequent values that never meet must not walk the whole table
backwards for its first row, as PostgreSQL would by its estimates. So the newest rows are
walked first, a bounded number of them; only if they do not fill the page are the matches
of all others taken together from the indexes.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Sequence
from dataclasses import dataclass

from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.search.bound import NOTHING, Parameters
from trucyte.records.search.compile import Conditions
from trucyte.records.search.page_token import PageState
from trucyte.records.search.query import Query

NEAR_ROWS = 3000
_COLUMNS = "e.seq, e.date_low, e.person"


@dataclass(frozen=True, slots=True)
class Step:
    """One named part of a statement."""

    name: str
    sql: str
    materialized: bool = False

    def text(self) -> str:
        """Return the step as SQL has it."""
        kept = "materialized " if self.materialized else ""
        return f"{self.name} as {kept}(\n{self.sql}\n)"


def page_statement(
    query: Query,
    compiled: Conditions,
    conditions: Sequence[str],
    snapshot: int,
    after: PageState | None,
) -> str:
    """Return the statement for one page: (seq, date_low, person), one row more than asked."""
    bound = compiled.bound
    limit = bound.add(query.count + 1, "integer")
    position = bound.add(snapshot, "bigint")
    order = _order(query)
    behind = _behind(query, after, bound)
    here = [f"e.seq <= {position}", *behind]
    steps = _current(query, compiled.dated, conditions, here, order, limit)
    names = ["current"]
    if after is not None:
        where = _where(
            "true", [f"e.seq <= {position}", f"e.ended > {position}", *behind, *conditions]
        )
        steps.append(Step("replaced", f"select {_COLUMNS} from records.ended e\n{where}"))
        names.append("replaced")
    union = "\nunion all ".join(f"select {_COLUMNS} from {name} e" for name in names)
    steps_text = ",\n".join(step.text() for step in steps)
    return (
        f"with {steps_text}\nselect {_COLUMNS} from (\n{union}\n) e\norder by {order} limit {limit}"
    )


def count_statement(conditions: Sequence[str]) -> str:
    """Return the statement that counts the current matches."""
    return f"select count(*) from records.entry e\n{_where('false', conditions)}"


def _current(
    query: Query,
    dated: Sequence[str],
    conditions: Sequence[str],
    here: Sequence[str],
    order: str,
    limit: str,
) -> list[Step]:
    if query.criteria and not query.is_by_id:
        if query.sort == "date":
            number = TYPE_NUMBERS[query.type]
            walked = [f"e.type = {number}", "e.date_low is not null", *dated, *here]
            return _near_or_all(conditions, here, walked, order, limit)
        if query.descending and query.is_linked:
            # Of a rare type too few are among the newest rows, and all of a link are many.
            walked = [f"e.type = {TYPE_NUMBERS[query.type]}", *here]
            return _near_then_far(conditions, walked, limit)
        if query.descending and len(query.criteria) > 1:
            return _near_then_far(conditions, here, limit)
    where = _where("false", [*here, *conditions])
    text = f"select {_COLUMNS} from records.entry e\n{where}\norder by {order} limit {limit}"
    return [Step("current", text)]


def _near_or_all(
    conditions: Sequence[str], here: Sequence[str], walked: Sequence[str], order: str, limit: str
) -> list[Step]:
    """By date: a bounded walk over the type's dates; if that is not enough, all matches sorted."""
    near_is_short = f"(select count(*) from near) < {limit}"
    nearest = (
        f"select e.* from records.entry e\n{_where('false', walked)}"
        f"\norder by {order.replace(' nulls last', '')} limit {NEAR_ROWS}"
    )
    return [
        Step(
            "near",
            f"select {_COLUMNS} from ({nearest}) e\n{_where('false', conditions)}"
            f"\norder by {order} limit {limit}",
            materialized=True,
        ),
        Step(
            "every",
            f"select {_COLUMNS} from records.entry e\n"
            f"{_where('false', [near_is_short, *here, *conditions])}",
            materialized=True,
        ),
        Step(
            "current",
            f"select * from near e where not {near_is_short} union all\n"
            f"(select * from every e order by {order} limit {limit})",
        ),
    ]


def _near_then_far(conditions: Sequence[str], here: Sequence[str], limit: str) -> list[Step]:
    behind = f"from records.entry e\n{_where('false', here)}"
    newest = f"order by e.seq desc limit {NEAR_ROWS}"
    far = [
        f"(select count(*) from near) < {limit}",
        # Not `e.seq <`: the planner would guess a third of the table and read its whole key.
        f"e.seq + 0 < (select min(w.seq) from (select e.seq {behind} {newest}) w)",
        *conditions,
    ]
    return [
        Step(
            "near",
            f"select {_COLUMNS} from (select e.* {behind} {newest}) e\n"
            f"{_where('false', conditions)}\norder by e.seq desc limit {limit}",
            materialized=True,
        ),
        Step(
            "far",
            f"select {_COLUMNS} from records.entry e\n{_where('false', far)}",
            materialized=True,
        ),
        Step(
            "current",
            f"select * from near union all\n"
            f"(select * from far e order by e.seq desc limit {limit})",
        ),
    ]


def _where(is_ended: str, conditions: Sequence[str]) -> str:
    if NOTHING in conditions:
        return "where false"
    joined = "\nand ".join(conditions) if conditions else "true"
    return "where " + joined.replace("e.is_ended", is_ended)


def _order(query: Query) -> str:
    if query.sort == "date":
        way = "desc" if query.descending else "asc"
        return f"e.date_low {way} nulls last, e.seq desc"
    return "e.seq desc" if query.descending else "e.seq asc"


def _behind(query: Query, after: PageState | None, bound: Parameters) -> list[str]:
    """Return the condition that a row comes after the last one shown."""
    if after is None:
        return []
    seq = bound.add(after.seq, "bigint")
    if query.sort != "date":
        return [f"e.seq {'<' if query.descending else '>'} {seq}"]
    if after.key is None:
        return [f"e.date_low is null and e.seq < {seq}"]
    key = bound.add(after.key, "bigint")
    way = "<" if query.descending else ">"
    return [
        f"(e.date_low {way} {key} or (e.date_low = {key} and e.seq < {seq}) or e.date_low is null)"
    ]
