"""What makes a visit sensitive: one versioned trigger list for intake and access.

Labels are short names of the list ("HIV", "MH"); `codings` gives what stands in
`meta.security`. A visit is looked at whole: one trace anywhere labels all of it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from trucyte.base.normal_form import normal_form
from trucyte.vietnam.tables import read_toml

RESTRICTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "code": "R",
}
Tables = Mapping[str, Sequence[Mapping[str, str]]]
_CACHED_LENGTH_MAX = 300
_CACHED_TEXTS_MAX = 100_000
_NONE: frozenset[str] = frozenset()
_LETTERS = re.compile("[^\\W\\d_]{2}")


@dataclass(frozen=True, slots=True)
class Label:
    """One kind of sensitivity, and its code in `meta.security`."""

    name: str
    system: str
    code: str
    vi: str
    verified: bool
    kind: str  # of `records.access.Labels`: who may see it
    basis: str = ""  # the act that asks for the label, where it is not the list's own


@dataclass(frozen=True, slots=True)
class Triggers:
    """The list, compiled. Pure: the same rows give the same labels."""

    version: str
    labels: Mapping[str, Label]
    tables: Mapping[str, str]  # table -> label
    values: Mapping[str, Mapping[str, str]]  # field -> value ("*": any) -> label
    icd: tuple[tuple[str, str], ...]  # prefix, label
    icd_fields: frozenset[str]
    names: frozenset[str]  # fields never searched for words
    words: tuple[tuple[str, re.Pattern[str]], ...]  # label, pattern
    _known: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    def of_visit(self, tables: Tables) -> frozenset[str]:
        """Return the labels of a visit, empty where nothing in it is sensitive."""
        found: set[str] = set()
        for table, rows in tables.items():
            if rows and table in self.tables:
                found.add(self.tables[table])
            for row in rows:
                for name, text in row.items():
                    found |= self.of_field(name, text)
        return frozenset(found)

    def of_field(self, name: str, text: str) -> frozenset[str]:
        """Return the labels one field of a claim gives."""
        found = _NONE
        values = self.values.get(name)
        if values is not None:
            label = values.get(text.strip()) or values.get("*")
            found = frozenset({label}) if label else _NONE
        if name in self.icd_fields:
            for code in text.split(";"):
                found |= self.of_icd(code)
        elif name not in self.names:
            found |= self.of_text(text)
        return found

    def of_icd(self, code: str) -> frozenset[str]:
        """Return the labels of an ICD-10 code; "B20.1" is under "B20", "Z206" under "Z20.6"."""
        bare = code.strip().upper().replace(".", "")
        return frozenset(label for prefix, label in self.icd if bare.startswith(prefix))

    def of_text(self, text: str) -> frozenset[str]:
        """Return the labels of free text."""
        known = self._known.get(text)
        if known is not None:
            return known
        found = self._search(text) if _LETTERS.search(text) else _NONE
        if len(text) <= _CACHED_LENGTH_MAX:
            if len(self._known) >= _CACHED_TEXTS_MAX:
                self._known.clear()
            self._known[text] = found
        return found

    def _search(self, text: str) -> frozenset[str]:
        folded = fold(text)
        return frozenset(label for label, pattern in self.words if pattern.search(folded))

    def codings(self, labels: Iterable[str]) -> list[dict[str, str]]:
        """Return `meta.security` for labels: R and a code each; nothing for none."""
        names = sorted(labels)
        if not names:
            return []
        found = [self.labels[name] for name in names]
        return [dict(RESTRICTED), *({"system": one.system, "code": one.code} for one in found)]


@dataclass(frozen=True, slots=True)
class Kinds:
    """What codes in `meta.security` mean: kinds of content by (system, code)."""

    of: Mapping[tuple[str, str], str]
    systems: frozenset[str]  # that have such codes; another code of theirs is a kind unknown
    confidentiality: frozenset[str]  # the addresses of v3 Confidentiality


@cache
def load_kinds() -> Kinds:
    """Return the packaged kinds, under every address their systems are known by."""
    data = read_toml("sensitive")
    aliases = data["aliases"]
    rows = [(row["system"], [row["code"]], row["kind"]) for row in data["label"].values()]
    rows += [(row["system"], row["codes"], row["kind"]) for row in data["coding"]]
    found = {
        (address, code): kind
        for system, codes, kind in rows
        for address in (system, *aliases.get(system, ()))
        for code in codes
    }
    closed = RESTRICTED["system"]
    return Kinds(
        of=found,
        systems=frozenset(system for system, _ in found),
        confidentiality=frozenset((closed, *aliases[closed])),
    )


def fold(text: str) -> str:
    """Return text in lower case without Vietnamese marks."""
    spread = normal_form("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in spread if not unicodedata.combining(letter))


@cache
def load_triggers() -> Triggers:
    """Return the packaged list."""
    data = read_toml("sensitive")
    labels = {name: Label(name=name, **row) for name, row in data["label"].items()}
    tables: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    icd: list[tuple[str, str]] = []
    words: dict[str, list[str]] = {}
    for row in data["trigger"]:
        label = labels[row["label"]].name
        tables |= dict.fromkeys(row.get("tables", ()), label)
        if "field" in row:
            values.setdefault(row["field"], {}).update(dict.fromkeys(row["values"], label))
        icd += [(prefix.replace(".", ""), label) for prefix in row.get("icd", ())]
        words.setdefault(label, []).extend(row.get("words", ()))
    return Triggers(
        version=data["version"],
        labels=labels,
        tables=tables,
        values=values,
        icd=tuple(icd),
        icd_fields=frozenset(data["icd_fields"]),
        names=frozenset(data["names"]),
        words=tuple(
            (label, re.compile(rf"(?<![a-z])(?:{'|'.join(parts)})(?![a-z])"))
            for label, parts in words.items()
            if parts
        ),
    )
