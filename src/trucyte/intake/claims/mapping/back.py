"""FHIR to claim: the visit that gave these resources.

Patient and Coverage are read as of the versions the Encounter pins, so that a later
address, card or phone of the person changes nothing of an older visit's claim.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from trucyte.intake.claims.draft import Resource
from trucyte.intake.claims.mapping.claim import line_system, line_target
from trucyte.intake.claims.mapping.diagnoses import read_diagnoses
from trucyte.intake.claims.mapping.encounter import COVERAGE, DECISION, MADE_ON, read_apart
from trucyte.intake.claims.mapping.people import BOARD, mrn_of, read_cards
from trucyte.intake.claims.mapping.plan import TablePlan
from trucyte.intake.claims.mapping.raw import in_order
from trucyte.intake.claims.mapping.results import read_index, read_value
from trucyte.intake.claims.mapping.rules import Systems
from trucyte.intake.claims.mapping.scope import CARE_COURSE, TABLE_TAG, Lookup
from trucyte.intake.claims.tables import Row, Variant, Visit

_ENDED = "entered-in-error"


class Shelf:
    """The resources of one visit, found by reference, type and table."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.by_reference: dict[str, Resource] = {}
        self.by_home: dict[tuple[str, str], list[Resource]] = {}
        self._after: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            if _is_ended(resource):
                continue
            kind = resource["resourceType"]
            self.by_reference[f"{kind}/{resource['id']}"] = resource
            for tag in resource.get("meta", {}).get("tag", ()):
                if tag.get("system") == TABLE_TAG:
                    self.by_home.setdefault((tag["code"], kind), []).append(resource)
            for target in _orders(resource):
                self._after.setdefault((kind, target), resource)

    def home(self, table: str, kind: str) -> Sequence[Resource]:
        """Return the resources of a type that are home of rows of a table."""
        return self.by_home.get((table, kind), ())

    def after(self, kind: str, order: str) -> Resource | None:
        """Return the resource of a type that carries out an order."""
        return self._after.get((kind, order))

    def only(self, kind: str) -> Resource | None:
        """Return the first resource of a type."""
        return next((r for r in self.by_reference.values() if r["resourceType"] == kind), None)


def _is_ended(resource: Resource) -> bool:
    if resource.get("status") == _ENDED:
        return True
    codings = resource.get("verificationStatus", {}).get("coding", ())
    return any(coding.get("code") == _ENDED for coding in codings)


def _orders(resource: Resource) -> Iterable[str]:
    kind = resource["resourceType"]
    if kind == "MedicationDispense":
        return [each["reference"] for each in resource.get("authorizingPrescription", ())]
    if kind == "MedicationAdministration":
        return [resource["request"]["reference"]] if "request" in resource else []
    if kind == "Procedure":
        return [each["reference"] for each in resource.get("basedOn", ())]
    return []


def read_visit(
    resources: Iterable[Resource], at: Lookup, plans: Mapping[str, TablePlan], systems: Systems
) -> Visit:
    """Return the visit; raises KeyError where there is no Encounter of a claim."""
    shelf = Shelf(resources)
    encounter = _encounter(shelf, systems)
    patient = at(encounter["subject"]["reference"])
    claim = shelf.only("Claim")
    reader = _Reader(
        shelf=shelf,
        plans=plans,
        systems=systems,
        link=_identifier(encounter, systems["ma-lk"].uri),
        patient=mrn_of(patient, systems),
        facility=encounter["serviceProvider"]["identifier"]["value"],
    )
    tables: dict[str, list[Row]] = {}
    if encounter in shelf.home("XML1", "Encounter"):
        coverages = [at(ref["reference"]) for ref in _extensions(encounter, COVERAGE)]
        tables["XML1"] = [reader.summary(encounter, patient, coverages, claim)]
    for name, rows in (*reader.lines(claim).items(), ("XML4", reader.results())):
        if rows:
            tables[name] = rows
    for name, plan in plans.items():
        if plan.document and (rows := reader.documents(plan)):
            tables[name] = rows
    return Visit(
        variant=Variant(next(iter(_extensions(encounter, DECISION)))),
        facility=reader.facility,
        link=reader.link,
        patient=reader.patient or _board_person(reader.link, tables),
        made_on=_made_on(encounter, claim),
        tables=dict(sorted(tables.items(), key=lambda entry: int(entry[0][3:]))),
    )


def _board_person(link: str, tables: Mapping[str, list[Row]]) -> str:
    """Return what the reader made the patient of an assessment board of."""
    rows = tables.get("XML12")
    if not rows or not link.startswith(BOARD):
        return ""
    person = rows[0].get("SO_CCCD") or rows[0].get("MA_BHXH") or rows[0].get("MA_THE_BHYT", "")
    return f"{BOARD}{person}"


def _encounter(shelf: Shelf, systems: Systems) -> Resource:
    uri = systems["ma-lk"].uri
    for resource in shelf.by_reference.values():
        if resource["resourceType"] == "Encounter" and _identifier(resource, uri):
            return resource
    raise KeyError("Encounter")


def _identifier(resource: Resource, uri: str) -> str:
    for entry in resource.get("identifier", ()):
        if entry.get("system") == uri:
            value: str = entry["value"]
            return value
    return ""


def _extensions(resource: Resource, url: str) -> list[Any]:
    return [
        next(value for key, value in entry.items() if key.startswith("value"))
        for entry in resource.get("extension", ())
        if entry["url"] == url
    ]


def _made_on(encounter: Resource, claim: Resource | None) -> date | None:
    text = claim.get("created") if claim else next(iter(_extensions(encounter, MADE_ON)), None)
    return date.fromisoformat(text) if text else None


class _Reader:
    """Reads the tables of one visit off its shelf."""

    def __init__(
        self,
        *,
        shelf: Shelf,
        plans: Mapping[str, TablePlan],
        systems: Systems,
        link: str,
        patient: str,
        facility: str,
    ) -> None:
        self.shelf, self.plans, self.systems = shelf, plans, systems
        self.link, self.patient, self.facility = link, patient, facility
        self._says = {"MA_LK": link, "MA_BN": patient, "MA_CSKCB": facility}

    def implied(self, plan: TablePlan) -> Row:
        """Return what the visit says already of the fields that repeat it."""
        return {name: self._says[name] for name in plan.implied if self._says.get(name)}

    def summary(
        self,
        encounter: Resource,
        patient: Resource,
        coverages: Sequence[Resource],
        claim: Resource | None,
    ) -> Row:
        """Return the XML1 row."""
        plan = self.plans["XML1"]
        anchors: dict[str, dict[str, Any]] = {
            "patient": patient,
            "coverage": coverages[0],
            "encounter": encounter,
            "claim": claim or {},
        }
        kinds = encounter.get("type", [{}])[0].get("coding", [{}])
        if kinds[0].get("code") in CARE_COURSE:
            anchors["course"] = encounter
        anchors.update(self._summary_parts())
        codes = self._coded_procedures(claim)
        look = self.shelf.by_reference.__getitem__
        known = {
            **self.implied(plan),
            **read_cards(coverages, self.systems),
            **read_apart(encounter, self.systems["department"].uri),
            **read_diagnoses(encounter, look, codes, self.systems),
        }
        return plan.read(anchors, implied=known)

    def _summary_parts(self) -> dict[str, dict[str, Any]]:
        parts = {}
        for parent in self.shelf.home("XML1", "RelatedPerson"):
            parts["parent"] = parent
        for seen in self.shelf.home("XML1", "Observation"):
            code = seen["code"]["coding"][0]["code"]
            parts["weight" if code == "29463-7" else "blood"] = seen
        return parts

    def _coded_procedures(self, claim: Resource | None) -> list[Resource]:
        entries = claim.get("procedure", ()) if claim else ()
        return [
            self.shelf.by_reference[each["procedureReference"]["reference"]] for each in entries
        ]

    def lines(self, claim: Resource | None) -> dict[str, list[Row]]:
        """Return the rows of XML2 and XML3, in the order of the Claim."""
        found: dict[str, list[Row]] = {"XML2": [], "XML3": []}
        for line in claim.get("item", ()) if claim else ():
            system = line_system(line)
            if system == self.systems["drug"].uri:
                name, anchors = "XML2", self._medicine(line)
            else:
                is_supply = system == self.systems["supply"].uri
                name, anchors = "XML3", self._service(line, is_supply=is_supply)
            plan = self.plans[name]
            found[name].append(plan.read(anchors, implied=self.implied(plan)))
        return found

    def _medicine(self, line: dict[str, Any]) -> dict[str, dict[str, Any]]:
        anchors = {"item": line}
        target = line_target(line)
        if target is None:
            return anchors
        order = self.shelf.by_reference[target]
        if order["resourceType"] == "Procedure":
            return {**anchors, "transfusion": order}
        anchors["request"] = order
        for name, kind in (
            ("dispense", "MedicationDispense"),
            ("administration", "MedicationAdministration"),
        ):
            if done := self.shelf.after(kind, target):
                anchors[name] = done
        return anchors

    def _service(self, line: dict[str, Any], *, is_supply: bool) -> dict[str, dict[str, Any]]:
        anchors = {"item": line, "supply" if is_supply else "service": line}
        for device in line.get("udi", ()):
            anchors["device"] = self.shelf.by_reference[device["reference"]]
        target = line_target(line)
        if target is not None:
            anchors["request"] = self.shelf.by_reference[target]
            if done := self.shelf.after("Procedure", target):
                anchors["procedure"] = done
        return anchors

    def results(self) -> list[Row]:
        """Return the rows of XML4."""
        plan = self.plans["XML4"]
        found = []
        for kind, name in (("Observation", "result"), ("DiagnosticReport", "report")):
            for resource in self.shelf.home("XML4", kind):
                known = {
                    **self.implied(plan),
                    **read_index(resource, self.systems["index"].uri),
                    **read_value(resource),
                }
                anchors = {"row": resource, name: resource}
                found.append((resource, plan.read(anchors, implied=known)))
        return in_order(found)

    def documents(self, plan: TablePlan) -> list[Row]:
        """Return the rows of a table whose rows are documents."""
        known = self.implied(plan)
        return in_order(
            (document, plan.read({"document": document}, implied=known))
            for document in self.shelf.home(plan.name, "Composition")
        )
