"""Orders that only bodies tell: references, identifiers and what else is one of a kind.

The index has them as hashes. So many matches and no more are read and sorted here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.parse import parse
from trucyte.fhir.search import Extractor, SearchValues
from trucyte.fhir.search.parameters import Parameter
from trucyte.records.results.order import TEXT_MAX, Order
from trucyte.records.results.wishes import SortKey
from trucyte.records.search.page_token import Key, PageState

if TYPE_CHECKING:
    from trucyte.records.results.finding import Row

ROWS_MAX = 5_000


class SortTooBroad(Problem):
    """This order can be had of at most {most} resources: narrow the search, or sort by a date."""

    kind = Kind.TOO_LARGE
    code = "sort-broad"


def ordered(
    rows: Sequence["Row"],
    keys: Sequence[SortKey],
    order: Order,
    extractor: Extractor,
    after: PageState | None,
) -> list["Row"]:
    """Return the rows in order, those behind the last one shown. Raises SortTooBroad."""
    if len(rows) > ROWS_MAX:
        raise SortTooBroad(most=ROWS_MAX)
    told = [_with_keys(row, keys, order, extractor) for row in rows]
    told.sort(key=lambda row: row.seq, reverse=order.tie_is_descending)
    # From the last key to the first, each sort keeping what those before it did.
    for place in range(len(order.keys) - 1, -1, -1):
        present = [row for row in told if row.keys[place] is not None]
        absent = [row for row in told if row.keys[place] is None]
        present.sort(key=lambda row: row.keys[place], reverse=order.keys[place].is_descending)  # type: ignore[arg-type,return-value]  # one kind a column
        told = present + absent
    if after is None:
        return told
    seqs = [row.seq for row in told]
    return told[seqs.index(after.seq) + 1 :] if after.seq in seqs else _behind(told, after, order)


def _behind(rows: Sequence["Row"], after: PageState, order: Order) -> list["Row"]:
    """The last row shown is gone: go on behind where it stood."""
    last = [*after.keys, after.seq]
    return [row for row in rows if _comes_after([*row.keys, row.seq], last, order)]


def _comes_after(row: Sequence[Key], last: Sequence[Key], order: Order) -> bool:
    ways = [key.is_descending for key in order.keys] + [order.tie_is_descending]
    for mine, other, is_descending in zip(row, last, ways, strict=True):
        if mine == other:
            continue
        if mine is None or other is None:
            return mine is None
        return (mine < other) == is_descending  # type: ignore[operator]  # one kind a column
    return False


def _with_keys(row: "Row", keys: Sequence[SortKey], order: Order, extractor: Extractor) -> "Row":
    told = list(row.keys)
    resource = parse(row.kept.line.body) if row.kept.line.body else None
    for place, (key, placed) in enumerate(zip(keys, order.keys, strict=False)):
        if not placed.sql and resource is not None and key.parameter is not None:
            values = extractor.values_of(resource, frozenset(key.parameter.sources))
            told[place] = _key(values, key.parameter, key.is_descending)
    return type(row)(tuple(told), row.kept)


def _key(values: SearchValues, parameter: Parameter, is_descending: bool) -> str | None:
    """Return the least value as text, upwards, or the greatest."""
    texts = [code for _, _, code, _ in values.tokens if code]
    texts += [code for _, _, code, _, _ in values.identifiers if code]
    texts += [uri for _, uri in values.uris]
    for _, kind, id_, url, _, identifier in values.references:
        if parameter.target_only in (None, kind):
            texts.append(f"{kind}/{id_}" if kind and id_ else url or identifier or "")
    cut = [text[:TEXT_MAX] for text in texts if text]
    if not cut:
        return None
    return max(cut) if is_descending else min(cut)
