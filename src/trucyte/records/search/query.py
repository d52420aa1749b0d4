"""A whole search as people write it: what it asks, and how its answer should come.

What this node does not know is refused with its name, unless the caller asked to be
handled leniently: then it is left out, and the answer says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trucyte.records.results.wishes import Wishes, is_wish, read_wishes
from trucyte.records.search.asked.codes import Codes
from trucyte.records.search.asked.filters import read_filter
from trucyte.records.search.asked.leaf import (
    BadSearchValue,
    Criterion,
    LimitedByAuthor,
    ModifierNotSupported,
    ParameterNotSupported,
    SearchTooLarge,
    UnknownParameter,
    shown_name,
)
from trucyte.records.search.asked.names import Language, Names
from trucyte.records.search.asked.tree import Chain, Has, Node, every_node

__all__ = [
    "BadSearchValue",
    "ModifierNotSupported",
    "ParameterNotSupported",
    "Query",
    "SearchTooLarge",
    "UnknownParameter",
    "read_query",
]

CRITERIA_MAX = 50
# Alternatives in all that each need values of their own in the statement, which has room for
# 65,535: a quantity in every unit takes about thirty. Codes and ids go in one array.
SEPARATE_MAX = 1_000
_IN_ONE_ARRAY = frozenset({"token", "reference", "id"})


@dataclass(frozen=True, slots=True)
class Query:
    """A search, read."""

    type: str
    criteria: tuple[Node, ...]  # all of them hold
    wishes: Wishes
    ignored: tuple[str, ...] = ()  # names of what was left out, as the caller wrote them

    @property
    def is_linked(self) -> bool:
        """Whether something is asked of other resources: no statistics know how many meet it."""
        return any(
            isinstance(one, Chain | Has) for node in self.criteria for one in every_node(node)
        )

    @property
    def is_by_id(self) -> bool:
        """Whether ids are named, so that a handful of rows is all there can be."""
        return any(
            isinstance(node, Criterion) and node.type == "id" and not node.modifier
            for node in self.criteria
        )


def read_query(
    resource_type: str,
    pairs: Sequence[tuple[str, str]],
    language: Language,
    *,
    codes: Codes | None = None,
    lenient: bool = False,
) -> Query:
    """Read the (name, value) pairs of a search on one type.

    `codes` answers what value sets and hierarchies hold. Raises a Problem that names the
    parameter: unknown, not supported, a bad value. `lenient` (`Prefer: handling=lenient`,
    R4 3.1.1.5) leaves out parameters that are unknown or not supported and names them in
    `ignored`; a modifier or value that cannot be read is refused all the same.
    """
    names = Names(language, codes)
    criteria: list[Node] = []
    ignored: dict[str, None] = {}
    for name, text in pairs:
        if is_wish(name):
            continue
        if len(criteria) == CRITERIA_MAX:
            raise SearchTooLarge(most=CRITERIA_MAX)
        try:
            criteria.append(_criterion(names, resource_type, name, text))
        except (UnknownParameter, ParameterNotSupported):
            if not lenient:
                raise
            ignored[name] = None
    _check_size(criteria)
    _check_repeated(criteria)
    wishes = read_wishes(resource_type, [pair for pair in pairs if is_wish(pair[0])], names)
    return Query(resource_type, tuple(criteria), wishes, tuple(ignored))


def _criterion(names: Names, resource_type: str, name: str, text: str) -> Node:
    if name == "_filter":
        return read_filter(names, resource_type, text)
    return names.read(resource_type, name, text)


def _check_size(criteria: Sequence[Node]) -> None:
    separate = sum(
        len(node.values)
        for criterion in criteria
        for node in every_node(criterion)
        if isinstance(node, Criterion) and node.type not in _IN_ONE_ARRAY
    )
    if separate > SEPARATE_MAX:
        raise SearchTooLarge(most=SEPARATE_MAX)


def _check_repeated(criteria: Sequence[Node]) -> None:
    """Raise LimitedByAuthor where a parameter that may stand once is asked twice."""
    seen: set[str] = set()
    for node in criteria:
        if isinstance(node, Criterion) and node.parameter is not None:
            code = node.parameter.code
            if code in seen and not node.parameter.limits.multiple_and:
                raise LimitedByAuthor(parameter=shown_name(node.name), element="multipleAnd")
            seen.add(code)
