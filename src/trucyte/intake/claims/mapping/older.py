"""Older decisions in the 4750 model and back: fields renamed, codes transcoded.

A source text that turning the table round would not give again travels beside the row
under the name `old.<field>`, so every field of a 4210 or 917 file comes back as sent.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources

from trucyte.intake.claims.mapping.raw import OLD
from trucyte.intake.claims.tables import Row, Variant, Visit

_FILES = {Variant.D4210: "old4210", Variant.D917: "old917"}


@dataclass(frozen=True, slots=True)
class Rename:
    """One field of an older decision."""

    field: str
    becomes: str
    codes: Mapping[str, str]
    back: Mapping[str, str]
    groups: frozenset[str]
    in_groups: str

    def target(self, row: Row) -> str:
        """Return the field's name in the 4750 model."""
        return self.in_groups if row.get("MA_NHOM", "") in self.groups else self.becomes


Renames = Mapping[str, Mapping[str, Rename]]  # table -> field -> rename


class Older:
    """The tables of the older decisions."""

    def __init__(self) -> None:
        """Read the packaged tables."""
        self._renames = {variant: _load(name) for variant, name in _FILES.items()}

    def to_model(self, visit: Visit) -> Visit:
        """Return the visit in the 4750 model; newer visits as they are."""
        renames = self._renames.get(visit.variant)
        if renames is None:
            return visit
        tables = {
            name: [_to_model(row, renames.get(name, {})) for row in rows]
            for name, rows in visit.tables.items()
        }
        return replace(visit, tables=tables)

    def from_model(self, visit: Visit) -> Visit:
        """Return the visit as its own decision says it."""
        renames = self._renames.get(visit.variant)
        if renames is None:
            return visit
        tables = {
            name: [_from_model(row, renames.get(name, {})) for row in rows]
            for name, rows in visit.tables.items()
        }
        return replace(visit, tables=tables)


def _load(name: str) -> Renames:
    file = resources.files("trucyte.intake.claims.mapping").joinpath(f"tables/{name}.toml")
    found: dict[str, dict[str, Rename]] = {}
    for row in tomllib.loads(file.read_text("utf-8"))["row"]:
        codes = row.get("codes", {})
        back: dict[str, str] = {}
        for old, new in codes.items():
            back.setdefault(new, old)
        found.setdefault(row["table"], {})[row["field"]] = Rename(
            field=row["field"],
            becomes=row["becomes"],
            codes=codes,
            back=back,
            groups=frozenset(row.get("groups", ())),
            in_groups=row.get("in_groups", ""),
        )
    return found


def _targets(renames: Mapping[str, Rename]) -> set[str]:
    return {name for each in renames.values() for name in (each.becomes, each.in_groups) if name}


def _to_model(row: Row, renames: Mapping[str, Rename]) -> Row:
    taken = _targets(renames)
    model: Row = {}
    for name, raw in row.items():
        rename = renames.get(name)
        if rename is None:
            # A field that bears a newer decision's name would be renamed on the way back.
            model[OLD + name if name in taken or name.startswith(OLD) else name] = raw
            continue
        value = rename.codes.get(raw, raw)
        model[rename.target(row)] = value
        if rename.back.get(value, value) != raw:
            model[OLD + name] = raw
    return model


def _from_model(row: Row, renames: Mapping[str, Rename]) -> Row:
    old = {name.removeprefix(OLD): raw for name, raw in row.items() if name.startswith(OLD)}
    found = {name: raw for name, raw in row.items() if not name.startswith(OLD)}
    for rename in renames.values():
        for target in (rename.in_groups, rename.becomes):
            if target in found:
                value = found.pop(target)
                found[rename.field] = rename.back.get(value, value)
    return {**found, **old}
