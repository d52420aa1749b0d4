"""What a grant is narrowed to, `category=vital-signs`: as tokens of the index, and of bodies.

Codes alone narrow: a parameter that is no token, that a type does not have, or that is asked
with a modifier grants nothing of the type.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from trucyte.base.problem import Problem
from trucyte.fhir.search import Extractor, SearchValues
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.access import Access, Grant
from trucyte.records.hashing import Hasher
from trucyte.records.search.asked.leaf import Criterion
from trucyte.records.search.asked.names import Language, Names
from trucyte.records.search.asked.tree import Node
from trucyte.records.search.match import Matcher
from trucyte.records.search.tokens import token_hashes

_REMEMBERED: Final = 500
Pairs = tuple[tuple[str, str], ...]


class _NoLinks:
    """Codes are told by the resource itself."""

    def holds(self, resource_type: str, node: Node, id: str, values: SearchValues) -> bool | None:
        """Nothing lies elsewhere."""
        return False


@lru_cache(maxsize=_REMEMBERED)
def tokens_of(
    types: tuple[str, ...], pairs: Pairs, language: Extractor, hasher: Hasher
) -> tuple[tuple[int, ...], ...]:
    """Return by pair the tokens of which a row must have one; types that lack one have none."""
    found: list[list[int]] = [[] for _ in pairs]
    for name in types:
        criteria = _criteria(name, pairs, language)
        if criteria is None:
            continue
        for place, criterion in enumerate(criteria):
            found[place] += token_hashes(criterion, name, language.parameters(name), hasher)
    return tuple(map(tuple, found))


def grants_of(access: Access, letters: str, type: str) -> Iterator[Grant]:
    """Yield the grants that give one of some interactions with resources of a type."""
    for grant in access.grants or ():
        if not grant.letters.isdisjoint(letters) and (grant.types is None or type in grant.types):
            yield grant


def is_granted(
    access: Access, letters: str, resource: Mapping[str, Any], extractor: Extractor
) -> bool:
    """Say whether one of some interactions with this very resource is granted."""
    if access.grants is None:
        return True
    kind = resource["resourceType"]
    mine = list(grants_of(access, letters, kind))
    if not mine or any(not grant.query for grant in mine):
        return bool(mine)
    values = extractor.values(dict(resource))
    return any(
        Matcher(kind, criteria, extractor.parameters(kind), 0, _NoLinks()).matches(
            resource.get("id", ""), values
        )
        for grant in mine
        if (criteria := _criteria(kind, grant.query, extractor)) is not None
    )


def _criteria(type: str, pairs: Pairs, language: Language) -> Sequence[Criterion] | None:
    """Return what the pairs ask of a type; None where it cannot be asked."""
    if type not in TYPE_NUMBERS:
        return None
    names, found = Names(language), []
    for name, text in pairs:
        try:
            node = names.read(type, name, text)
        except Problem:
            return None
        is_code = isinstance(node, Criterion) and node.type == "token" and not node.modifier
        if not is_code:
            return None
        assert isinstance(node, Criterion)
        found.append(node)
    return found
