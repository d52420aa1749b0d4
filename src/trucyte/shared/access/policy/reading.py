"""From TOML to rules. What is not understood in full is refused, with its place.

A key that is missing, doubled, unknown or of another form is a reason not to start: half
a policy is none.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.access import Grant, Labels
from trucyte.shared.access.policy.rule import (
    LETTERS,
    Consenting,
    Forbid,
    Law,
    Need,
    Organisations,
    Permit,
    Persons,
    Relation,
    Reveal,
    Rule,
    RulesRefused,
    Who,
    Words,
    labels_of,
)
from trucyte.shared.access.policy.vocabulary import (
    DOORS,
    KINDS,
    PERMISSIONS,
    PURPOSES,
    ROLES,
)

SIZE_MAX: Final = 1 << 20
_ID_SIGNS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_ID_LETTERS_MAX: Final = 60
_WORDS_LETTERS_MAX: Final = 600
_SIGNS: Final = ("permit", "reveal", "forbid", "frame", "groups", "codes", "off")
_Named = TypeVar("_Named", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What rules may name: groups of types, and lists of codes."""

    groups: Mapping[str, frozenset[str]]
    codes: Mapping[str, str]  # by name: the value of a token parameter


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file, taken apart and not yet read as rules."""

    name: str
    tables: Mapping[str, Any]


def open_file(name: str, text: str) -> RuleFile:
    """Take a file apart. Raises RulesRefused."""
    if len(text) > SIZE_MAX:
        raise RulesRefused(place=name, reason=f"more than {SIZE_MAX} letters")
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RulesRefused(place=name, reason=f"no TOML: {str(error)[:120]}") from None
    unknown = tables.keys() - set(_SIGNS)
    if unknown:
        raise RulesRefused(place=name, reason=f"unknown tables {sorted(unknown)}")
    return RuleFile(name, tables)


class Row:
    """One table of a file, read key by key; what is left at the end is refused."""

    def __init__(self, file: str, what: str, number: int, row: object) -> None:
        """Read `row`, the `number`th `what` of a file."""
        self.file = file
        self.place = f"{file}, {what} {number}"
        self._row = dict(row) if isinstance(row, dict) else None
        if self._row is None:
            raise self.refused("not a table")

    def refused(self, reason: str) -> RulesRefused:
        """Return the Problem of this place."""
        return RulesRefused(place=self.place, reason=reason)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text, not empty unless by default."""
        value = self._take(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.refused(f"{key} is not a text")
        if len(value) > _WORDS_LETTERS_MAX:
            raise self.refused(f"{key} is longer than {_WORDS_LETTERS_MAX} letters")
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Return true or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.refused(f"{key} is neither true nor false")
        return value

    def number(self, key: str, default: int, *, most: int) -> int:
        """Return a number from 1."""
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise self.refused(f"{key} is not a number from 1 to {most}")
        return value

    def names(self, key: str, known: Iterable[str]) -> frozenset[str]:
        """Return a list of names, each known and once; empty where the key is not there."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self.refused(f"{key} is not a list of names")
        unknown = sorted(set(value) - set(known))
        if unknown:
            raise self.refused(f"{key}: unknown {', '.join(unknown)[:120]}")
        if len(set(value)) != len(value):
            raise self.refused(f"{key} names one thing twice")
        return frozenset(value)

    def choice(self, key: str, kind: type[_Named], default: _Named) -> _Named:
        """Return one of the names of an enumeration."""
        value = self._take(key, default.value)
        try:
            return kind(str(value))
        except ValueError:
            raise self.refused(f"{key} is none of {', '.join(kind)}") from None

    def rows(self, key: str) -> Iterator["Row"]:
        """Return the tables below a key."""
        value = self._take(key, [])
        if not isinstance(value, list):
            raise self.refused(f"{key} is not a list of tables")
        for number, row in enumerate(value, 1):
            yield Row(self.place, key, number, row)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return a list of pairs of texts."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(map(_is_pair, value)):
            raise self.refused(f"{key} is not a list of pairs of texts")
        return tuple((name, told) for name, told in value)

    def any(self, key: str) -> object:
        """Return what stands there, of whatever form."""
        return self._take(key, None)

    def ended(self) -> None:
        """Refuse what was not read."""
        if self._row:
            raise self.refused(f"unknown keys {', '.join(sorted(self._row))[:120]}")

    def _take(self, key: str, default: object) -> object:
        assert self._row is not None
        if key not in self._row and default is None:
            raise self.refused(f"{key} is missing")
        return self._row.pop(key, default)


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, list) and len(value) == 2 and all(isinstance(x, str) and x for x in value)
    )


def vocabulary_of(files: Sequence[RuleFile]) -> Vocabulary:
    """Gather groups and lists of codes. Raises RulesRefused."""
    groups: dict[str, frozenset[str]] = {}
    codes: dict[str, str] = {}
    for file in files:
        told = Row(file.name, "groups", 1, file.tables.get("groups", {}))
        for name in list(file.tables.get("groups", {})):
            _check_new(told, name, groups)
            groups[name] = told.names(name, TYPE_NUMBERS.keys())
        for number, row in enumerate(listed(file, "codes"), 1):
            read = Row(file.name, "codes", number, row)
            name = id_of(read)
            _check_new(read, name, codes)
            codes[name] = _codes(read)
    return Vocabulary(groups, codes)


def _check_new(row: Row, name: str, known: Mapping[str, object]) -> None:
    if name in known:
        raise row.refused(f"{name} is there already")


def _codes(row: Row) -> str:
    """Return a list of stems as the value of a token parameter: each with its digits."""
    system, value = row.text("system"), row.any("stems")
    law_of(row)
    row.ended()
    if not isinstance(value, list) or not value or not all(map(_is_stem, value)):
        raise row.refused("stems is not a list of codes")
    subs = ("", *(f".{digit}" for digit in range(10)))
    whole = [(stem,) if "." in stem else tuple(stem + sub for sub in subs) for stem in value]
    return ",".join(f"{system}|{code}" for codes in whole for code in codes)


def _is_stem(value: object) -> bool:
    return isinstance(value, str) and value.replace(".", "").isalnum() and len(value) <= 8


def listed(file: RuleFile, what: str) -> list[object]:
    """Return the tables of a name. Raises RulesRefused."""
    value = file.tables.get(what, [])
    if not isinstance(value, list):
        raise RulesRefused(place=file.name, reason=f"{what} is not a list of tables")
    return value


def rules_of(file: RuleFile, known: Vocabulary) -> list[Rule]:
    """Read the rules of a file in their order. Raises RulesRefused."""
    readers = (("permit", _permit), ("reveal", _reveal), ("forbid", _forbid))
    found: list[Rule] = []
    for what, reader in readers:
        for number, row in enumerate(listed(file, what), 1):
            read = Row(file.name, what, number, row)
            found.append(reader(read, known))
            read.ended()
    return found


def _permit(row: Row, known: Vocabulary) -> Permit:
    permit = Permit(
        id=id_of(row),
        who=who_of(row),
        law=law_of(row),
        words=words_of(row),
        relation=frozenset(map(Relation, row.names("relation", tuple(Relation)))),
        organisations=row.choice("organisations", Organisations, Organisations.OWN),
        persons=row.choice("persons", Persons, Persons.ALL),
        consenting=row.choice("consent", Consenting, Consenting.UNASKED),
        needs=frozenset(map(Need, row.names("needs", tuple(Need)))),
        labels=labels_in(row),
        grants=tuple(_grant(each, known) for each in row.rows("grant")),
        file=row.file,
    )
    _check_whole(row, permit)
    return permit


def _check_whole(row: Row, permit: Permit) -> None:
    """Refuse a permit that is wider than anyone can have meant."""
    if not permit.who.kinds:
        raise row.refused("a permit names the kinds of its subjects")
    if not permit.who.purposes:
        raise row.refused("a permit names its purposes")
    if not permit.grants:
        raise row.refused("a permit has at least one grant")
    if Labels.SECRET in permit.labels:
        raise row.refused("state secrets are seen by a reveal alone")
    if (permit.persons is Persons.EMERGENCY) != (Need.EMERGENCY in permit.needs):
        raise row.refused("an emergency is needed where its person is seen")


def _reveal(row: Row, known: Vocabulary) -> Reveal:
    permission = row.text("permission")
    if permission not in PERMISSIONS:
        raise row.refused("permission is none there is")
    reveal = Reveal(
        id=id_of(row),
        who=who_of(row),
        permission=permission,
        labels=labels_in(row),
        law=law_of(row),
        words=words_of(row),
        file=row.file,
    )
    if not reveal.who.roles or not reveal.who.purposes or not reveal.labels:
        raise row.refused("a reveal names roles, purposes and labels")
    return reveal


def _forbid(row: Row, known: Vocabulary) -> Forbid:
    unless = row.names("unless", (*Need, Consenting.PERMITTED))
    takes_all = row.flag("everything", default=False)
    types = types_of(row, known) or frozenset()
    all_but = row.flag("all_but", default=False)
    letters = frozenset(row.text("letters", "cruds"))
    if not letters <= LETTERS:
        raise row.refused("letters are of cruds")
    labels = labels_in(row)
    if sum(map(bool, (takes_all, types, labels))) != 1:
        raise row.refused("a forbid takes one: everything, types or labels")
    if all_but:
        types = frozenset(TYPE_NUMBERS) - types
    return Forbid(
        id=id_of(row),
        who=who_of(row),
        law=law_of(row),
        words=words_of(row),
        unless=unless,
        takes_all=takes_all,
        types=types,
        letters=letters,
        labels=labels,
        file=row.file,
    )


def who_of(row: Row) -> Who:
    """Return on whom a rule bears. Raises RulesRefused."""
    return Who(
        roles=row.names("roles", ROLES),
        kinds=row.names("kinds", KINDS),
        purposes=row.names("purposes", PURPOSES),
        doors=row.names("doors", DOORS),
        assurance=row.number("assurance", 1, most=3),
    )


def law_of(row: Row) -> Law:
    """Return where a rule comes from. Raises RulesRefused."""
    return Law(row.text("law"), row.flag("verified"))


def words_of(row: Row) -> Words:
    """Return what a rule says. Raises RulesRefused."""
    return Words(row.text("vi"), row.text("en"))


def id_of(row: Row) -> str:
    """Return the id of a rule; the place of its row says it from now on. Raises RulesRefused."""
    told = row.text("id")
    if not set(told) <= _ID_SIGNS or len(told) > _ID_LETTERS_MAX:
        raise row.refused("id is small letters, digits and hyphens")
    row.place = f"{row.place} ({told})"
    return told


def labels_in(row: Row) -> Labels:
    """Return the labels that a rule names. Raises RulesRefused."""
    known = [label.name or "" for label in Labels if label]
    return labels_of(sorted(row.names("labels", known)))


def types_of(row: Row, known: Vocabulary) -> frozenset[str] | None:
    """Return the types of groups and those named themselves."""
    groups = row.names("groups", tuple(known.groups))
    types = set(row.names("types", tuple(TYPE_NUMBERS)))
    return frozenset(types.union(*(known.groups[name] for name in groups))) or None


def _grant(row: Row, known: Vocabulary) -> Grant:
    every = row.flag("every_type", default=False)
    types = types_of(row, known)
    if every == (types is not None):
        raise row.refused("a grant names types or groups, or every_type")
    letters = frozenset(row.text("letters"))
    if not letters or not letters <= LETTERS:
        raise row.refused("letters are of cruds")
    query = tuple(_coded(row, pair, known) for pair in row.pairs("query"))
    row.ended()
    return Grant(types, letters, query)


def _coded(row: Row, pair: tuple[str, str], known: Vocabulary) -> tuple[str, str]:
    """Return a token parameter; `@name` stands for a list of codes."""
    name, value = pair
    if not value.startswith("@"):
        return pair
    if value[1:] not in known.codes:
        raise row.refused(f"query: no list of codes {value[:60]}")
    return name, known.codes[value[1:]]
