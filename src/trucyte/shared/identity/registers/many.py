"""What is known of many practitioners at once: a few questions, however many they are.

As `reader` has it, but for the places, which nobody asks of what is over.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from trucyte.fhir.parse import parse
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.shown import Resource
from trucyte.shared.identity.registers.licence import licences_of, numbers_of
from trucyte.shared.identity.registers.reader import Key, facts_of
from trucyte.shared.identity.registers.standing import Facts

_AT_ONCE: Final = 100
_COUNT: Final = 500
_VALUE_MAX: Final = 200  # characters of a number, longer is none

_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)

Number = tuple[str, str]  # system, value
Json = Mapping[str, Any]


class Many:
    """Reads registers for one process, through the gate."""

    def __init__(
        self,
        records: Records,
        access: Access,
        of_node: Callable[[Sequence[Resource]], Sequence[Resource]],
    ) -> None:
        """Read through `records`; `of_node` keeps what only this node's operators wrote."""
        self._records = records
        self._access = access
        self._of_node = of_node

    def facts(self, keys: Collection[Key]) -> dict[Key, Facts]:
        """Return what is known; someone of whom nothing is known is left out."""
        named = self._named({target for target, _ in keys if target})
        numbers = {
            key: ({key[1]} if key[1] else set())
            | {number for one in named.get(key[0], ()) for number in numbers_of(parse(one.body))}
            for key in keys
        }
        register = self._register({number for found in numbers.values() for number in found})
        told: dict[Key, Facts] = {}
        for key in keys:
            entries = {one.id: one for number in numbers[key] for one in register.get(number, ())}
            if entries:
                told[key] = facts_of(list(entries.values()), is_register=True)
            elif key[0] in named:
                told[key] = facts_of(named[key[0]], is_register=False)
        return told

    def _named(self, targets: Collection[str]) -> dict[str, list[Resource]]:
        """Return the Practitioner that each reference is to, by way of a role too."""
        split = {target: _split(target) for target in targets}
        roles = self._by_id("PractitionerRole", split.values())
        through = {id_: _practitioner(parse(one.body)) for id_, one in roles.items()}
        wanted = {
            target: ("Practitioner", through[id_][1]) if id_ in through else (kind, id_)
            for target, (kind, id_) in split.items()
        }
        people = self._by_id("Practitioner", wanted.values())
        return {
            target: [people[id_]]
            for target, (kind, id_) in wanted.items()
            if kind == "Practitioner" and id_ in people
        }

    def _by_id(self, kind: str, wanted: Iterable[tuple[str, str]]) -> dict[str, Resource]:
        ids = sorted({id_ for one, id_ in wanted if one == kind and _ID.fullmatch(id_)})
        found: dict[str, Resource] = {}
        for some in _pieces(ids):
            query = [("_id", ",".join(some)), ("_count", str(_COUNT))]
            page = self._records.search(self._access, kind, query)
            found |= {one.id: one for one in page.entries}
        return found

    def _register(self, numbers: Collection[Number]) -> dict[Number, list[Resource]]:
        """Return what the register itself has, with a licence, by number."""
        lines: dict[str, Resource] = {}
        known = sorted(number for number in numbers if len(number[1]) <= _VALUE_MAX)
        for some in _pieces(known):
            lines |= {one.id: one for one in self._with_numbers(some)}
        found: dict[Number, list[Resource]] = {}
        for line in self._of_node(list(lines.values())):
            resource = parse(line.body)
            for number in numbers_of(resource) if licences_of(resource) else ():
                found.setdefault(number, []).append(line)
        return found

    def _with_numbers(self, numbers: Sequence[Number]) -> Sequence[Resource]:
        """Return every Practitioner with one of some numbers; halves what fills a page."""
        values = ",".join(f"{system}|{_escaped(value)}" for system, value in numbers)
        query = [("identifier", values), ("_count", str(_COUNT))]
        entries = self._records.search(self._access, "Practitioner", query).entries
        if len(entries) < _COUNT or len(numbers) == 1:
            return entries
        half = len(numbers) // 2
        return [*self._with_numbers(numbers[:half]), *self._with_numbers(numbers[half:])]


def _split(target: str) -> tuple[str, str]:
    kind, _, rest = target.partition("/")
    return kind, rest.partition("/")[0]


def _practitioner(role: Json) -> tuple[str, str]:
    held = role.get("practitioner")
    return _split(str(held.get("reference", ""))) if isinstance(held, Mapping) else ("", "")


def _pieces(items: Iterable[Any]) -> Iterator[list[Any]]:
    walk = iter(items)
    while piece := list(islice(walk, _AT_ONCE)):
        yield piece


def _escaped(text: str) -> str:
    """Write a value so that a search reads it whole (R4 3.1.1.5.7)."""
    for sign in "\\,$|":
        text = text.replace(sign, f"\\{sign}")
    return text
