"""Tables that are documents: each row a Composition, a certificate also a DocumentReference.

A document attests its own content, so what repeats XML1 stands in it as sent.
"""

from collections.abc import Sequence
from typing import Any

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping.paths import absent
from trucyte.intake.claims.mapping.plan import TablePlan
from trucyte.intake.claims.mapping.scope import Scope
from trucyte.intake.claims.tables import Row

LOINC = "http://loinc.org"


def make_documents(scope: Scope, plan: TablePlan, rows: Sequence[Row]) -> list[Draft]:
    """Return the Composition (and DocumentReference) of each row."""
    drafts = []
    for place, row in enumerate(rows, start=1):
        natural = tuple(row.get(name, "") for name in plan.document["natural"])
        composition = _composition(scope, plan, row, natural)
        drafts.append(Draft(composition, plan.name, place))
        if plan.document.get("is_certificate"):
            reference = _document_reference(scope, plan, composition, natural)
            drafts.append(Draft(reference, plan.name, place))
    return drafts


def document_type(scope: Scope, plan: TablePlan) -> dict[str, Any]:
    """Return the type of a table's documents: LOINC where one fits, and the table's own."""
    codings = [{"system": scope.node.systems["document"].uri, "code": plan.document["code"]}]
    if loinc := plan.document.get("loinc"):
        codings.insert(0, {"system": LOINC, "code": loinc})
    return {"coding": codings, "text": plan.document["title"]}


def _composition(scope: Scope, plan: TablePlan, row: Row, natural: tuple[str, ...]) -> Resource:
    identity = scope.row_id("Composition", plan.name, *natural)
    document = scope.begin("Composition", identity, plan.name)
    document["status"] = "final"
    document["type"] = document_type(scope, plan)
    document["title"] = plan.document["title"]
    document["subject"] = scope.patient()
    document["encounter"] = scope.reference("Encounter")
    plan.write(row, {"document": document}, scope, implied=scope.implied(plan))
    if "date" not in document and "_date" not in document:
        document["_date"] = absent()
    if "author" not in document:
        document["author"] = [scope.here()]
    for attester in document.get("attester", ()):
        attester["mode"] = "legal"
    return document


def _document_reference(
    scope: Scope, plan: TablePlan, composition: Resource, natural: tuple[str, ...]
) -> Resource:
    identity = scope.row_id("DocumentReference", plan.name, *natural)
    reference = scope.begin("DocumentReference", identity)
    reference["status"] = "current"
    reference["docStatus"] = "final"
    reference["type"] = composition["type"]
    reference["subject"] = scope.patient()
    reference["author"] = composition["author"]
    reference["custodian"] = scope.here()
    attachment = {
        "contentType": "application/fhir+json",
        "url": f"Composition/{composition['id']}",
        "title": composition["title"],
    }
    if "date" in composition:
        attachment["creation"] = composition["date"]
    reference["content"] = [{"attachment": attachment}]
    reference["context"] = {"encounter": [scope.reference("Encounter")]}
    return reference
