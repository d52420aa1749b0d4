"""Who looked at a person's data, with a proof of each time."""

from starlette.responses import Response

from trucyte.base.problem import Kind, Problem
from trucyte.journal.evidence import evidence_to_json
from trucyte.web.reader import Shown
from trucyte.web.render import Call
from trucyte.web.services import WhoLooked
from trucyte.web.views.look import looks_of

LOOKS_A_PAGE = 50


class NoTrailHere(Problem):
    """This node keeps no trail."""

    kind = Kind.UNSUPPORTED
    code = "no-trail-here"


def of_person(call: Call) -> Response:
    """Show who looked at a person's data, newest first."""
    trail, before = _trail(call), call.request.query_params.get("before", "")
    access = call.access("PATRQT")
    patient = _patient(call)
    found = trail.of_person(
        access,
        patient.person,
        count=LOOKS_A_PAGE,
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
    )
    return call.page(
        "looks.html",
        id=patient.id,
        looks=looks_of(found.entries),
        next=found.next,
        is_first=not before,
    )


def evidence(call: Call) -> Response:
    """Send the evidence of one time; only where it showed this person."""
    trail, id_ = _trail(call), call.request.path_params["entry"]
    access = call.access("PATRQT")
    patient = _patient(call)
    trail.entry_of_person(access, patient.person, id_)
    body = evidence_to_json(trail.prove(access, id_))
    name = f"evidence-{id_}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type="application/json", headers=headers)


def _patient(call: Call) -> Shown:
    access = call.access("PATRQT")
    return call.services.records.read(access, "Patient", call.request.path_params["id"])


def _trail(call: Call) -> WhoLooked:
    if call.services.trail is None:
        raise NoTrailHere
    return call.services.trail
