"""One visit, read as a clinician would."""

from starlette.responses import Response

from trucyte.base.clock import VIETNAM
from trucyte.journal.evidence import evidence_to_json
from trucyte.web.handlers import errors
from trucyte.web.reader import Resource, Shown
from trucyte.web.render import Call
from trucyte.web.views import visit as view
from trucyte.web.views.elements import extension_value, reference_id
from trucyte.web.views.medicines import medicines_of
from trucyte.web.views.person import person_line, ranked, visit_line
from trucyte.web.views.proof import checked_proof


def one(call: Call) -> Response:
    """Show a visit; a restricted one says so, and nothing more."""
    records = call.services.records
    access = call.access("TREAT")
    encounter = _encounter(call)
    assert encounter.resource is not None  # a restricted one is refused by the gate
    resources = view.living(records.of_visit(access, encounter.id))
    patient = records.read(
        access, "Patient", reference_id(encounter.resource.get("subject"), "Patient")
    )
    today = call.services.clock.now().astimezone(VIETNAM).date()
    conditions = resources.get("Condition", [])
    final = ranked(encounter.resource, conditions)
    return call.page(
        "visit.html",
        person=person_line(patient.resource, today) if patient.resource else None,
        visit=visit_line(encounter, conditions),
        diagnoses=view.diagnoses_of(final),
        admission=view.admission_diagnosis(encounter.resource, conditions),
        reports=view.reports_of(resources),
        vitals=view.vitals_of(resources),
        medicines=medicines_of(resources),
        acts=view.acts_of(resources),
        notes=view.notes_of(resources),
        papers=view.papers_of(resources),
        money=view.money_of(resources),
        told=_told(encounter.resource),
        departments=view.departments_of(encounter.resource),
        outcome=view.outcome_of(encounter.resource),
        treated_by=view.treated_by(encounter.resource, resources),
        proof=encounter,
        file=_file(call, encounter.source),
        checked=None,
    )


def proof(call: Call) -> Response:
    """Verify a visit's line of the journal now, before the reader's eyes."""
    encounter = _encounter(call)
    checked = checked_proof(call.services, encounter.seq)
    template = "parts/proof.html" if call.is_part else "proof.html"
    return call.page(template, proof=encounter, checked=checked)


def evidence(call: Call) -> Response:
    """Send the evidence of a visit's line, to be verified by anyone without this node."""
    encounter = _encounter(call)
    if call.services.prove is None:
        return errors.plain(call, 501)
    body = evidence_to_json(call.services.prove(encounter.seq))
    name = f"evidence-{encounter.seq}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type="application/json", headers=headers)


def _encounter(call: Call) -> Shown:
    access = call.access("TREAT")
    return call.services.records.read(access, "Encounter", call.request.path_params["id"])


def _told(encounter: Resource) -> dict[str, str]:
    """Return what the visit says in its own words."""
    names = ("final-diagnosis-text", "treatment-method", "advice", "follow-up-date")
    return {name: str(extension_value(encounter, name) or "") for name in names}


def _file(call: Call, number: int) -> object:
    return call.services.receipts.file(number) if number > 0 else None
