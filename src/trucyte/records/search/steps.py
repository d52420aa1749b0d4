"""One search as one statement: named steps, read from top to bottom.

A search for several frequent values that never meet must not walk the whole table
backwards for its first row, as PostgreSQL would by its estimates. So the nearest rows are
walked first, a bounded number of them; only if they do not fill the page are the matches
of all others taken together from the indexes. The page's lines of the journal, and where
the journal stood, come in the same answer.
"""

# ruff: noqa: S608 - the text comes from this module alone, every value is a parameter

from collections.abc import Sequence
from dataclasses import dataclass

from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.journal.rows import LINE_COLUMNS
from trucyte.records.results.order import Order
from trucyte.records.search.bound import NOTHING, Parameters
from trucyte.records.search.page_token import PageState

NEAR_ROWS = 3000
WALKED_ROWS = 1000  # along another order: each is looked up
NO_CIRCLES = "null::text[]"


def position(circles: str = NO_CIRCLES) -> str:
    """Return what stands in the first columns of every answer.

    Where the journal stood, and who is one person with those whom the search names.
    """
    return (
        f"select tail.last_seq, tail.epoch, horizon.seq as horizon, {circles} as circles"
        " from journal.tail, records.horizon"
    )


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


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rows of a page must meet, and how they are looked for."""

    conditions: Sequence[str]
    dated: Sequence[str]  # of those the ones that a walk by date may begin with
    type: str  # "": several
    is_several: bool  # two criteria or more: statistics multiply where they should not
    is_few: bool  # ids or persons are named: a handful of rows is all there can be
    is_linked: bool
    circles: str = NO_CIRCLES  # the column that tells of links between Patients
    brings_lines: bool = False  # the lines of the journal, not their places alone


@dataclass(slots=True)
class _Page:
    """One statement in the making."""

    asked: Asked
    order: Order
    bound: Parameters
    limit: str
    here: Sequence[str]  # conditions of the moment and place, of rows of the index
    behind: str  # of rows with the columns of the page
    start: str  # of a walk by the first key


def page_statement(
    asked: Asked, order: Order, bound: Parameters, count: int, after: PageState | None
) -> str:
    """Return the statement for one page, and one row more.

    Its columns: journal position, epoch, horizon, circles; the sort keys; the line of the
    journal, or its place alone. One row at least, whose line is null where nothing is found.
    """
    limit = bound.add(count + 1, "integer")
    here: list[str] = []
    behind = start = ""
    if after is not None:
        position = bound.add(after.snapshot, "bigint")
        here = [f"e.seq <= {position}"]
        if order.is_by_body:
            pass  # where the page begins is found in the bodies: all of the moment is asked for
        elif order.keys:
            behind = order.behind(after.keys, after.seq, bound)
            start = order.start(after.keys, bound)
        else:
            here.append(order.behind((), after.seq, bound))
    page = _Page(asked, order, bound, limit, here, behind, start)
    steps = _current(page)
    names = ["current"]
    if after is not None:
        ended = [*here, f"e.ended > {position}", *asked.conditions]
        steps.append(Step("replaced", _rows("records.ended", ended, page)))
        names.append("replaced")
    union = "\nunion all ".join(f"select * from {name}" for name in names)
    steps.append(
        Step("page", f"select * from (\n{union}\n) e\norder by {order.by} limit {limit}", True)
    )
    told = _with_lines(page) if asked.brings_lines else _with_places(page)
    return f"with {_listed(steps)}\n{told}\norder by {order.by}"


def _with_lines(page: _Page) -> str:
    return (
        f"{_with_keys(page)}{LINE_COLUMNS}\n{_from_position(page)}"
        "\nleft join journal.change c on c.seq = e.seq"
    )


def _with_places(page: _Page) -> str:
    return f"{_with_keys(page)}e.seq\n{_from_position(page)}"


def _with_keys(page: _Page) -> str:
    return "select p.*, " + "".join(f"e.k{n}, " for n in range(len(page.order.keys)))


def _from_position(page: _Page) -> str:
    return f"from ({position(page.asked.circles)}) p left join page e on true"


def count_statement(conditions: Sequence[str], circles: str = NO_CIRCLES) -> str:
    """Return the statement that counts the current matches: (count, circles)."""
    return f"select count(*), {circles} from records.entry e\n{_where('false', conditions)}"


def timeline_statement(
    conditions: Sequence[str], bound: Parameters, person: int, count: int
) -> str:
    """Return the statement of a person's rows, the newest date first: (seq, date, label)."""
    place = bound.add(person, "bigint")
    # All who are one person with this one; asked once, before any row.
    whose = (
        f"e.person = any(array(select {place} union select member.person"
        " from records.linked own join records.linked member on member.circle = own.circle"
        f" where own.person = {place}))"
    )
    where = _where("false", [whose, *conditions])
    return (
        f"select e.seq, e.date_low, e.sensitivity from records.entry e\n{where}\n"
        f"order by e.date_low desc nulls last, e.seq desc limit {bound.add(count, 'integer')}"
    )


def _listed(steps: Sequence[Step]) -> str:
    return ",\n".join(step.text() for step in steps)


def _rows(table: str, conditions: Sequence[str], page: _Page) -> str:
    """Return the rows of a table that meet conditions, with the columns of the page."""
    is_ended = "true" if table == "records.ended" else "false"
    rows = f"select {page.order.columns} from {table} e\n{_where(is_ended, conditions)}"
    return f"select * from ({rows}) e where {page.behind}" if page.behind else rows


def _first(rows: str, page: _Page) -> str:
    return f"select * from ({rows}) e\norder by {page.order.by} limit {page.limit}"


def _current(page: _Page) -> list[Step]:
    asked, order = page.asked, page.order
    everything = [*page.here, *asked.conditions]
    if order.keys:
        if asked.is_few or not order.keys[0].walk or page.start == "false":
            return [Step("current", _first(_rows("records.entry", everything, page), page))]
        return _near_or_all(page)
    if not asked.is_few and order.tie_is_descending:
        if asked.is_linked and asked.type:
            # Of a rare type too few are among the newest rows, and all of a link are many.
            return _near_then_far(page, [f"e.type = {TYPE_NUMBERS[asked.type]}", *page.here])
        if asked.is_several:
            return _near_then_far(page, page.here)
    if asked.is_few:
        # All of them, then sorted: no walk along the key for the sake of the order.
        few = Step("few", _rows("records.entry", everything, page), materialized=True)
        return [few, Step("current", _first("select * from few", page))]
    return [Step("current", _first(_rows("records.entry", everything, page), page))]


def _near_or_all(page: _Page) -> list[Step]:
    """By a walk along the first key's index, a bounded one; else all matches, sorted.

    The walk must be whole for its last value, or rows of the same value would be passed over.
    """
    key = page.order.keys[0]
    way = "desc" if key.is_descending else "asc"
    # Of the main date, a walk can begin where the dates asked for do.
    dated = page.asked.dated if "e.date_low" in key.walk else ()
    walked = " and ".join([key.walk, *dated]).replace("e.is_ended", "false")
    start = [page.start] if page.start else []
    within = f" where {' and '.join(start)}" if start else ""
    walk = f"select * from ({walked}) w{within} order by w.k {way} limit {WALKED_ROWS}"
    found = _rows("records.entry", [*page.here, *page.asked.conditions], page)
    # A row with several values stands at its first; the last value of all may go on.
    near = (
        f"select distinct f.* from ({found.replace('records.entry e', _WALKED, 1)}) f"
        f" where (select count(*) from walk) < {WALKED_ROWS} or f.k0 is distinct from"
        f" (select {'min' if key.is_descending else 'max'}(k) from walk)"
    )
    short = f"(select count(*) from near) < {page.limit}"
    rest = [short, *page.here, *page.asked.conditions]
    return [
        Step("walk", walk, materialized=True),
        Step("near", f"select * from ({near}) e order by {page.order.by} limit {page.limit}", True),
        Step("every", _rows("records.entry", rest, page), materialized=True),
        Step(
            "current",
            f"select * from near where not {short} union all\n"
            f"({_first('select * from every', page)})",
        ),
    ]


_WALKED = "(select distinct w.seq from walk w) w join records.entry e on e.seq = w.seq"


def _near_then_far(page: _Page, walked: Sequence[str]) -> list[Step]:
    behind = f"from records.entry e\n{_where('false', walked)}"
    newest = f"order by e.seq desc limit {NEAR_ROWS}"
    far = [
        f"(select count(*) from near) < {page.limit}",
        # Not `e.seq <`: the planner would guess a third of the table and read its whole key.
        f"e.seq + 0 < (select min(w.seq) from (select e.seq {behind} {newest}) w)",
        *page.asked.conditions,
    ]
    columns = page.order.columns
    return [
        Step(
            "near",
            f"select {columns} from (select e.* {behind} {newest}) e\n"
            f"{_where('false', page.asked.conditions)}\norder by e.seq desc limit {page.limit}",
            materialized=True,
        ),
        Step(
            "far",
            f"select {columns} from records.entry e\n{_where('false', far)}",
            materialized=True,
        ),
        Step("current", f"select * from near union all\n({_first('select * from far', page)})"),
    ]


def _where(is_ended: str, conditions: Sequence[str]) -> str:
    if NOTHING in conditions:
        return "where false"
    joined = "\nand ".join(conditions) if conditions else "true"
    return "where " + joined.replace("e.is_ended", is_ended)
