"""How a search would be answered, as a value: for those who wonder why it is slow.

No value that was searched for is in it, nor any that the database knows: of PostgreSQL's
plan only what is listed here stays.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trucyte.fhir.parse import parse
from trucyte.records.access import Access
from trucyte.records.results.asking import Search
from trucyte.records.results.finding import Finder, Pairs
from trucyte.records.results.lines import microseconds, reading
from trucyte.records.results.traits import is_few
from trucyte.records.search.asked.leaf import Criterion, shown_name
from trucyte.records.search.asked.tree import Chain, Has, Node, Not, Words, nodes_below
from trucyte.records.search.permission import sees_statistics
from trucyte.records.search.steps import NEAR_ROWS

_KEPT = (
    "Node Type", "Parent Relationship", "Subplan Name", "CTE Name", "Join Type", "Strategy",
    "Relation Name", "Schema", "Alias", "Index Name", "Scan Direction", "Startup Cost",
    "Total Cost", "Plan Rows", "Plan Width",
)  # fmt: skip


def explain(
    finder: Finder, access: Access, type: str, pairs: Pairs, compartment: tuple[str, ...]
) -> dict[str, Any]:
    """Return what was read, the statement with its places, the plan and what it expects."""
    queries = finder.read(access, type, pairs, compartment)
    with reading(finder.database, one_moment=True) as cursor:
        now = microseconds(finder.clock.now())
        links = finder.links(cursor, access, now, None)
        search = Search(access, type, queries, links, None)
        finder.compile(search)
        # Statistics know of hidden resources too, and a plan is chosen by them.
        expected = finder.estimate(search) if sees_statistics(access) else None
        text, order = finder.statement(search)
        cursor.execute(
            f"explain (format json, summary, verbose off) {text}".encode(),
            search.bound.values,
            prepare=False,
        )
        row = cursor.fetchone()
    assert row is not None
    plan: Any = row[0] if not isinstance(row[0], bytes) else parse(row[0])
    access.recorder.shown(access, (), f"explain {type or '*'}")
    return {
        "type": type or "*",
        "criteria": [
            {"type": name, **_criterion(node)}
            for name, query in queries.items()
            for node in query.criteria
        ],
        "sort": [
            {"key": key.code, "descending": key.is_descending, "read": _place(placed.sql)}
            for key, placed in zip(search.wishes.sort, order.keys, strict=False)
        ],
        "rowsExpected": expected,
        "rowsWalkedFirst": NEAR_ROWS,
        "isFew": any(is_few(query) for query in queries.values()),
        "slow": _slow(queries.values()),
        "sql": text,
        # How long a plan takes grows with what is known of all.
        "planningMilliseconds": plan[0].get("Planning Time") if sees_statistics(access) else None,
        "plan": _told_plan(access, plan[0]["Plan"]),
    }


def _criterion(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": node.__class__.__name__.lower()}
    if isinstance(node, Criterion):
        told |= {"name": shown_name(node.name), "kind": node.type, "modifier": node.modifier}
        told |= {"values": len(node.values), "prefixes": sorted({v.prefix for v in node.values})}
    elif isinstance(node, Chain | Has):
        told["parameter"] = node.parameter.code
    below = [_criterion(one) for one in nodes_below(node)]
    return told | ({"parts": below} if below else {})


def _place(sql: str) -> str:
    return "index" if sql else "bodies"


def _slow(queries: Any) -> list[str]:
    """Name what reads more than it finds."""
    found = []
    for query in queries:
        for node in query.criteria:
            if isinstance(node, Not) or getattr(node, "modifier", "") in ("not", "missing"):
                found.append("what is not there is looked for in every row")
            if isinstance(node, Words):
                found.append("words are looked for in bodies")
        if any(key.parameter is not None for key in query.wishes.sort[1:]):
            found.append("an order by several parameters sorts all matches")
    return sorted(set(found))


def _told_plan(access: Access, plan: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the plan, without figures or not at all where it would tell of what is hidden."""
    if access.is_narrowed:
        return None
    return _plan(plan, with_rows=sees_statistics(access))


def _plan(node: Mapping[str, Any], *, with_rows: bool) -> dict[str, Any]:
    hidden = () if with_rows else ("Plan Rows", "Startup Cost", "Total Cost")
    kept = {name: node[name] for name in _KEPT if name in node and name not in hidden}
    plans: Sequence[Mapping[str, Any]] = node.get("Plans", ())
    if plans:
        kept["Plans"] = [_plan(one, with_rows=with_rows) for one in plans]
    return kept
