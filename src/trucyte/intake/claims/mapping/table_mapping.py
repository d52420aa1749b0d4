"""The mapping of a whole visit, in both directions."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping.back import read_visit
from trucyte.intake.claims.mapping.certificates import make_consequences
from trucyte.intake.claims.mapping.claim import begin_claim, finish_claim
from trucyte.intake.claims.mapping.diagnoses import make_diagnoses
from trucyte.intake.claims.mapping.documents import make_documents
from trucyte.intake.claims.mapping.encounter import begin_encounter, finish_encounter
from trucyte.intake.claims.mapping.medicines import make_medicines
from trucyte.intake.claims.mapping.older import Older
from trucyte.intake.claims.mapping.people import (
    coverage_ids,
    directory,
    keep_card_raws,
    make_coverages,
    make_patient,
)
from trucyte.intake.claims.mapping.plan import TablePlan, load_plan
from trucyte.intake.claims.mapping.raw import mark_order
from trucyte.intake.claims.mapping.results import Services, Units, load_units, make_results
from trucyte.intake.claims.mapping.scope import CARE_COURSE, Node, Scope
from trucyte.intake.claims.mapping.services import make_services, procedures_by_service
from trucyte.intake.claims.mapping.vitals import (
    begin_blood,
    begin_weight,
    finish_weight,
    make_signs,
)
from trucyte.intake.claims.tables import TABLES, Row, Visit
from trucyte.vietnam.lists import CodeLists
from trucyte.vietnam.sensitivity import load_triggers
from trucyte.vietnam.systems import load_systems


class TableMapping:
    """The one mapping table between claims and FHIR R4."""

    def __init__(self, key: bytes, lists: CodeLists) -> None:
        """Read and compile the table. `key` makes the ids; `lists` give displays."""
        systems = load_systems()
        self._node = Node(key=key, systems=systems, lists=lists)
        self._plans: Mapping[str, TablePlan] = {name: load_plan(name, systems) for name in TABLES}
        self._units: Units = load_units()
        self._triggers = load_triggers()
        self._older = Older()

    def plan(self, table: str) -> TablePlan:
        """Return the rows of one table's mapping."""
        return self._plans[table]

    def people(self, visit: Visit) -> Sequence[Draft]:
        """Return Patient, Coverages and the shared directory resources of a visit."""
        visit = self._older.to_model(visit)
        scope = self._scope(visit, [])
        summary = self._plans["XML1"]
        names = summary_names(scope)
        table = "XML1" if visit.tables.get("XML1") else "XML0"
        drafts = [Draft(make_patient(scope, summary, names), table, 1)]
        coverages = make_coverages(scope, summary, names)
        drafts += [Draft(coverage, table, 1) for coverage in coverages]
        return [*drafts, *directory(scope, self._plans.values(), visit.tables)]

    def sensitivity(self, visit: Visit) -> frozenset[str]:
        """Return the labels that every resource, outcome and quarantine entry of it carries."""
        return self._triggers.of_visit(visit.tables)

    def security(self, labels: Iterable[str]) -> list[dict[str, str]]:
        """Return `meta.security` for labels of `sensitivity`."""
        return self._triggers.codings(labels)

    def _scope(self, visit: Visit, labels: list[dict[str, str]]) -> Scope:
        return Scope(node=self._node, visit=visit, summary=_person_row(visit), labels=labels)

    def rest(self, visit: Visit, versions: Mapping[str, int]) -> Sequence[Draft]:
        """Return every other resource; `versions` gives "Patient/<id>" -> version to pin."""
        labels = self.security(self.sensitivity(visit))
        visit = self._older.to_model(visit)
        scope = self._scope(visit, labels)
        tables = visit.tables
        coverages = coverage_ids(scope)
        encounter = begin_encounter(scope, versions, coverages)
        drafts: list[Draft] = [Draft(encounter, "XML1", 1)]
        claim = begin_claim(scope, versions, coverages)
        if tables.get("XML1"):
            drafts += self._write_summary(scope, encounter, claim)
        finish_encounter(scope, encounter, tables)
        drafts += self._write_lines(scope, encounter, claim, drafts)
        drafts += self._write_documents(scope)
        return drafts

    def claim(self, resources: Iterable[Resource], at: Callable[[str], Resource]) -> Visit:
        """Return the visit that gave `resources`; `at("Patient/<id>/_history/<n>")` reads a pin."""
        visit = read_visit(resources, at, self._plans, self._node.systems)
        return self._older.from_model(visit)

    def _write_summary(self, scope: Scope, encounter: Resource, claim: Resource) -> list[Draft]:
        """Write XML1; returns the resources it makes beside Encounter and Claim."""
        names = summary_names(scope)
        made = {name: _SUMMARY_PARTS[name](scope) for name in names if name in _SUMMARY_PARTS}
        anchors = {"encounter": encounter, "claim": claim, **made}
        if "course" in names:
            anchors["course"] = encounter
        plan = self._plans["XML1"]
        implied = scope.implied(plan)
        plan.write(scope.summary, anchors, scope, implied=implied, names=names)
        if "weight" in made:
            finish_weight(made["weight"])
        drafts = [Draft(resource, "XML1", 1) for resource in made.values()]
        keep_card_raws(scope, encounter, self._cards(scope, names))
        return [*drafts, *make_diagnoses(scope, encounter)]

    def _cards(self, scope: Scope, names: tuple[str, ...]) -> list[Resource]:
        return make_coverages(scope, self._plans["XML1"], names)

    def _write_lines(
        self, scope: Scope, encounter: Resource, claim: Resource, summary: Sequence[Draft]
    ) -> list[Draft]:
        tables = scope.visit.tables
        medicines, services = tables.get("XML2", []), tables.get("XML3", [])
        service_drafts, service_lines = make_services(
            scope, self._plans["XML3"], services, len(medicines) + 1
        )
        by_code = procedures_by_service(services, service_drafts)
        medicine_drafts, lines = make_medicines(scope, self._plans["XML2"], medicines, by_code)
        drafts = [*medicine_drafts, *service_drafts]
        if results := tables.get("XML4"):
            join = Services(services, service_drafts)
            made = make_results(scope, self._plans["XML4"], self._units, results, join)
            mark_order(results, [draft.resource for draft in made[: len(results)]])
            drafts += made
        if tables.get("XML1") or medicines or services:
            coded = [d.resource for d in summary if d.resource["resourceType"] == "Procedure"]
            finish_claim(claim, encounter, coded, [*lines, *service_lines])
            drafts.append(Draft(claim, "XML1", 1))
        return drafts

    def _write_documents(self, scope: Scope) -> list[Draft]:
        drafts: list[Draft] = []
        for name, rows in scope.visit.tables.items():
            plan = self._plans.get(name)
            if plan is None or not plan.document:
                continue
            made = make_documents(scope, plan, rows)
            homes = [d.resource for d in made if d.resource["resourceType"] == "Composition"]
            mark_order(rows, homes)
            drafts += made
            for draft in made:
                if draft.resource["resourceType"] == "Composition":
                    drafts += _consequences(scope, name, rows[draft.row - 1], draft)
        return drafts


def _person_row(visit: Visit) -> Row:
    """Return the row that tells whose visit it is: XML1, XML0, else a document's copy."""
    if visit.tables.get("XML1") or visit.tables.get("XML0"):
        return visit.summary
    for table in ("XML13", "XML14", "XML15", "XML12", "XML6"):
        if rows := visit.tables.get(table):
            return rows[0]
    return {}


def _consequences(scope: Scope, table: str, row: Row, document: Draft) -> list[Draft]:
    if table == "XML5":
        return make_signs(scope, row, document.row, document.resource)
    return make_consequences(scope, table, row, document)


def summary_names(scope: Scope) -> tuple[str, ...]:
    """Return the anchors of the XML1 row of this visit."""
    row = scope.summary
    names = ["patient", "coverage", "encounter", "claim"]
    if scope.care in CARE_COURSE:
        names.append("course")
    if scope.is_newborn and "SO_CCCD" in row:
        names.append("parent")
    if "CAN_NANG" in row:
        names.append("weight")
    if "NHOM_MAU" in row:
        names.append("blood")
    return tuple(names)


def _begin_parent(scope: Scope) -> Resource:
    """Return the parent whose name and number a newborn without a card carries."""
    parent = scope.begin("RelatedPerson", scope.row_id("RelatedPerson", "XML1"), "XML1")
    parent["active"] = True
    parent["patient"] = scope.patient()
    role = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
    parent["relationship"] = [{"coding": [{"system": role, "code": "PRN"}]}]
    if name := scope.summary.get("HO_TEN", "").strip():
        parent["name"] = [{"text": name}]
    return parent


_SUMMARY_PARTS: Mapping[str, Callable[[Scope], Resource]] = {
    "parent": _begin_parent,
    "weight": begin_weight,
    "blood": begin_blood,
}
