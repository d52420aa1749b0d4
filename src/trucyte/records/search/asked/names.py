"""A parameter's name, read: plain, chained through references, or asked backwards.

`subject:Patient.organization.name` goes from reference to reference (R4 3.1.1.4.12),
`_has:Observation:patient:code` comes back from those that refer (R4 3.1.1.4.13); both
nest. What a name may ask is bounded: links one after another, and branches in all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.search.parameters import Parameter
from trucyte.fhir.types import RESOURCE_TYPES, TYPE_NUMBERS
from trucyte.records.search.asked.codes import Codes, asks_codes, with_codes
from trucyte.records.search.asked.leaf import (
    BadSearchValue,
    Criterion,
    ModifierNotSupported,
    ParameterNotSupported,
    UnknownParameter,
    read_leaf,
    shown_name,
    split_at,
    unescape,
)
from trucyte.records.search.asked.tree import Chain, Has, Listed, Node, Words
from trucyte.records.search.asked.words import words_of

LINKS_MAX = 10  # one after another
BRANCHES_MAX = 60  # in one search, where a reference may lead to several types
WORDS_MAX = 16
_OF_INDEX = ("_id", "_lastUpdated")
_NOT_HERE = ("_query", "_include", "_revinclude")
_CURRENT_LISTS = "$"
Leaf = Callable[[str, str], "Node"]  # reads the last name of a chain, of a type


class ChainTooLong(Problem):
    """The search goes through more than {most} references one after another."""

    kind = Kind.TOO_LARGE
    code = "search-chain-long"


class ChainTooWide(Problem):
    """{parameter} may lead to too many types; name the one you mean, as in subject:Patient.name."""

    kind = Kind.TOO_LARGE
    code = "search-chain-wide"


class Language(Protocol):
    """Knows the search parameters of each type; `fhir.search.Extractor` is one."""

    def parameters(self, resource_type: str) -> tuple[Parameter, ...]:
        """Return the type's parameters."""

    def left_to_full_language(self, resource_type: str) -> Sequence[str]:
        """Return the codes of those that have no values."""

    def check_ready(self, resource_type: str, code: str) -> None:
        """Raise a Problem where a parameter is there but cannot be asked yet."""


@dataclass(slots=True)
class Names:
    """Reads the names of one search, and counts what they ask for."""

    language: Language
    codes: Codes | None = None
    _branches: int = 0
    _known: dict[str, dict[str, Parameter]] = field(default_factory=dict)

    def read(self, resource_type: str, name: str, text: str) -> Node:
        """Return what (name, value) asks of a resource of a type; raises a Problem."""

        def leaf(type_name: str, last: str) -> Node:
            return self._leaf(type_name, name, last, text)

        return self.follow(resource_type, name, name, leaf)

    def parameter(self, resource_type: str, code: str, name: str) -> Parameter:
        """Return a parameter of a type. Raises UnknownParameter, ParameterNotSupported."""
        known = self._known.get(resource_type)
        if known is None:
            known = {p.code: p for p in self.language.parameters(resource_type)}
            self._known[resource_type] = known
        found = known.get(code)
        if found is None or found.is_custom:
            self.language.check_ready(resource_type, code)
        if found is not None:
            return found
        if code in _NOT_HERE or code in self.language.left_to_full_language(resource_type):
            raise ParameterNotSupported(parameter=shown_name(name))
        raise UnknownParameter(parameter=shown_name(name), type=resource_type)

    def follow(self, type_name: str, whole: str, name: str, leaf: Leaf, depth: int = 0) -> Node:
        """Go from link to link; `leaf` reads what stands at the end, of the type that is there.

        `whole` is the name as the caller wrote it.
        """
        if depth > LINKS_MAX:
            raise ChainTooLong(most=LINKS_MAX)
        if name.startswith("_has:"):
            return self._has(whole, name, leaf, depth)
        link, dot, rest = name.partition(".")
        if not dot:
            return leaf(type_name, name)
        return self.chain(
            type_name,
            whole,
            link,
            lambda target: self.follow(target, whole, rest, leaf, depth + 1),
        )

    def chain(self, type_name: str, whole: str, link: str, rest: Callable[[str], Node]) -> Node:
        """Go through a reference, `code` or `code:Type`, to what `rest` reads of a type."""
        code, _, only = link.partition(":")
        parameter = self._reference(type_name, code, whole)
        read: list[tuple[str, Node]] = []
        for target in _targets(parameter, only, whole):
            self._count(whole)
            try:
                read.append((target, rest(target)))
            except UnknownParameter:
                # Where the type is not named, it is among those that know the rest.
                if only or parameter.target_only is not None:
                    raise
        if not read:
            raise UnknownParameter(parameter=shown_name(whole), type=type_name)
        return Chain(parameter, tuple(read))

    def _has(self, whole: str, name: str, leaf: Leaf, depth: int) -> Node:
        parts = name.split(":", 3)
        if len(parts) != 4 or not parts[3] or parts[1] not in TYPE_NUMBERS:
            raise BadSearchValue(parameter=shown_name(whole), expected="_has:Type:reference:name")
        _, type_name, code, rest = parts
        parameter = self._reference(type_name, code, whole)
        self._count(whole)
        return Has(type_name, parameter, self.follow(type_name, whole, rest, leaf, depth + 1))

    def _reference(self, type_name: str, code: str, whole: str) -> Parameter:
        parameter = self.parameter(type_name, code, whole)
        if parameter.type != "reference":
            raise BadSearchValue(parameter=shown_name(whole), expected="chain of references")
        return parameter

    def _count(self, whole: str) -> None:
        self._branches += 1
        if self._branches > BRANCHES_MAX:
            raise ChainTooWide(parameter=shown_name(whole))

    def _leaf(self, type_name: str, whole: str, name: str, text: str) -> Node:
        code, _, modifier = name.partition(":")
        if code in ("_text", "_content", "_list"):
            if modifier:
                raise ModifierNotSupported(parameter=shown_name(whole))
            return _listed(text) if code == "_list" else _words(code, text)
        parameter = None if code in _OF_INDEX else self.parameter(type_name, code, whole)
        return self.coded(read_leaf(whole, code, modifier, text, parameter))

    def coded(self, criterion: Criterion) -> Criterion:
        """Return a criterion with the codes that its modifier stands for."""
        return with_codes(criterion, self.codes) if asks_codes(criterion) else criterion


def _targets(parameter: Parameter, only: str, whole: str) -> Sequence[str]:
    possible: Sequence[str] = parameter.targets
    if parameter.target_only is not None:
        possible = (parameter.target_only,)
    elif not possible or "Resource" in possible:
        possible = RESOURCE_TYPES
    if not only:
        return possible
    if only not in possible:
        raise ModifierNotSupported(parameter=shown_name(whole))
    return (only,)


def _words(code: str, text: str) -> Words:
    alternatives = []
    for part in split_at(text, ","):
        words = words_of(unescape(part))
        if not words or len(words) > WORDS_MAX or "\0" in part:
            raise BadSearchValue(parameter=code, expected=f"text of at most {WORDS_MAX} words")
        alternatives.append(tuple(words))
    return Words(code == "_text", tuple(alternatives))


def _listed(text: str) -> Listed:
    lists = [unescape(part).removeprefix("List/") for part in split_at(text, ",")]
    if any(one.startswith(_CURRENT_LISTS) for one in lists):
        raise ParameterNotSupported(parameter="_list")
    if not all(lists) or any("\0" in one for one in lists):
        raise BadSearchValue(parameter="_list", expected="List id")
    return Listed(tuple(lists))
