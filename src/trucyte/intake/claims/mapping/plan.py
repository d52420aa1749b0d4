"""The mapping table of one claims table, read from data and compiled once.

A row says where a field stands, by which rule, and what stands there when the sender
leaves it empty. A field may name several places; the first whose anchor (a resource or
part of one that the row makes) exists is its home (`path as rule` where that home holds
it by another rule). The same rows write and read.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from trucyte.intake.claims.mapping.paths import Get, Put, absent, compile_path
from trucyte.intake.claims.mapping.raw import keep_raw, raws_of
from trucyte.intake.claims.mapping.rules import Rule, Systems, make_rule
from trucyte.intake.claims.tables import Row

Anchors = Mapping[str, dict[str, Any]]

IMPLIED = "implied"  # the row repeats what the visit says: kept only where it differs
POINTERS = frozenset({"persons", "facility", "departments"})
APART = "apart"  # written and read by a module of its own; the row documents it


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of one table: the row of the mapping table as data."""

    table: str
    field: str
    paths: tuple[str, ...]
    rule: str
    absent: str
    also: tuple[str, ...] = ()
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One field compiled for one set of anchors."""

    field: str
    anchor: str
    to_fhir: Callable[[str, Any], Any]
    to_text: Callable[[Any], str]
    put: Put
    get: Get
    put_absent: Put | None
    also: tuple[tuple[str, Put], ...]

    def write(self, raw: str | None, target: dict[str, Any], anchors: Anchors, links: Any) -> None:
        """Write one field; what FHIR cannot hold, or holds in another form, travels raw."""
        value = None if raw is None else self.to_fhir(raw, links)
        if value is None:
            if self.put_absent is not None:
                self.put_absent(target, None)
            if raw is not None:
                keep_raw(target, self.field, raw)
            return
        self.put(target, value)
        for name, put in self.also:
            put(anchors[name], value)
        if self.to_text(value) != raw:
            keep_raw(target, self.field, raw)


@dataclass(slots=True)
class TablePlan:
    """The compiled mapping of one table."""

    name: str
    root: tuple[str, ...]  # element names from the document's root to the row
    home: str  # the anchor that takes fields this table does not know
    rows: tuple[FieldRow, ...]
    systems: Systems
    known: frozenset[str]  # every field of the table
    implied: tuple[str, ...]  # fields that repeat what the visit says
    document: Mapping[str, Any]  # type, title, natural key of a table that is a document
    pointers: tuple[tuple[str, Rule], ...]  # fields that name a person or place
    _compiled: dict[tuple[str, ...], tuple[Step, ...]] = field(default_factory=dict)

    def steps(self, names: tuple[str, ...]) -> tuple[Step, ...]:
        """Return the steps for a row that has these anchors."""
        found = self._compiled.get(names)
        if found is None:
            found = tuple(self._compile(names))
            self._compiled[names] = found
        return found

    def _compile(self, names: tuple[str, ...]) -> Iterable[Step]:
        for row in self.rows:
            place = self.place(row, names)
            if place is None:
                continue
            place, _, other = place.partition(" as ")
            rule = make_rule(other or row.rule, self.systems)
            anchor, _, path = place.partition(".")
            put, get = compile_path(path, rule, self._section(row))
            yield Step(
                field=row.field,
                anchor=anchor,
                to_fhir=rule.to_fhir,
                to_text=rule.to_text,
                put=put,
                get=get,
                put_absent=_absent_writer(path, rule) if row.absent == "unknown" else None,
                also=tuple(self._also(row, names, rule)),
            )

    @staticmethod
    def place(row: FieldRow, names: tuple[str, ...]) -> str | None:
        """Return the home of a field among these anchors, or None where it has none."""
        if row.rule in {IMPLIED, APART}:
            return None
        return next((path for path in row.paths if path.partition(".")[0] in names), None)

    def _also(self, row: FieldRow, names: tuple[str, ...], rule: Rule) -> Iterable[tuple[str, Put]]:
        for place in row.also:
            anchor, _, path = place.partition(".")
            if anchor in names:
                yield anchor, compile_path(path, rule)[0]

    def _section(self, row: FieldRow) -> dict[str, Any]:
        coding = {
            "system": self.systems["document-field"].uri,
            "code": f"{self.name}.{row.field}",
        }
        return {"title": row.title or row.field, "code": {"coding": [coding]}}

    def write(
        self,
        row: Row,
        anchors: Anchors,
        links: Any,
        *,
        implied: Row | None = None,
        names: tuple[str, ...] | None = None,
    ) -> None:
        """Write every field of `row` into `anchors`.

        `names` are all anchors of the row where some are written at another time: fields
        at home there are left alone. `implied` are values the visit says already.
        """
        for step in self.steps(names or tuple(anchors)):
            target = anchors.get(step.anchor)
            if target is not None:
                step.write(row.get(step.field), target, anchors, links)
        home = anchors.get(self.home)
        if home is not None:
            self._write_rest(row, home, implied or {})

    def _write_rest(self, row: Row, home: dict[str, Any], implied: Row) -> None:
        for name in self.implied:
            raw = row.get(name)
            if raw != implied.get(name):
                keep_raw(home, name, raw)
        for name in sorted(row.keys() - self.known):
            keep_raw(home, name, row[name])

    def read(self, anchors: Anchors, *, implied: Row | None = None) -> Row:
        """Return the row that was written into `anchors`: the inverse of `write`."""
        row: Row = dict(implied or {})
        for step in self.steps(tuple(anchors)):
            value = step.get(anchors[step.anchor])
            if value is not None:
                row[step.field] = step.to_text(value)
        for anchor in {id(anchor): anchor for anchor in anchors.values()}.values():
            for name, raw in raws_of(anchor).items():
                if raw is None:
                    row.pop(name, None)
                else:
                    row[name] = raw
        return row


def _absent_writer(path: str, rule: Rule) -> Put:
    """Return a writer of data-absent-reason at `path` (a primitive takes it beside it)."""
    if rule.kind[0].islower():
        way, _, last = path.rpartition(".")
        path = f"{way}._{last}" if way else f"_{last}"
    put, _ = compile_path(path, rule)

    def put_absent(anchor: dict[str, Any], _: Any) -> None:
        put(anchor, absent())

    return put_absent


def load_plan(name: str, systems: Systems) -> TablePlan:
    """Return the compiled mapping of one table from its packaged file.

    Raises KeyError where a row lacks a part: `absent` is never optional.
    """
    file = resources.files("trucyte.intake.claims.mapping").joinpath(f"tables/{name.lower()}.toml")
    data = tomllib.loads(file.read_text("utf-8"))
    table = data["table"]
    rows = tuple(_field_row(name, row) for row in data["row"])
    return TablePlan(
        name=name,
        root=tuple(table["root"]),
        home=table["home"],
        rows=rows,
        systems=systems,
        known=frozenset(row.field for row in rows),
        implied=tuple(row.field for row in rows if row.rule == IMPLIED),
        document=table.get("document", {}),
        pointers=tuple(
            (row.field, make_rule(row.rule, systems))
            for row in rows
            if row.rule.partition(" ")[0] in POINTERS
        ),
    )


def _field_row(table: str, row: dict[str, Any]) -> FieldRow:
    path = row["path"]
    return FieldRow(
        table=table,
        field=row["field"],
        paths=(path,) if isinstance(path, str) else tuple(path),
        rule=row["rule"],
        absent=row["absent"],
        also=tuple(row.get("also", ())),
        title=row.get("title", ""),
        note=row.get("note", ""),
    )
