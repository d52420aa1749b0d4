"""Requests of persons about their data: taken in, moved along the table, answered."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.records.access import Access
from trucyte.shared.access.consent.erasure import Plan
from trucyte.shared.access.consent.moves import Event, KindUnknown, MoveRefused, clocks, moved
from trucyte.shared.access.consent.requests import Request
from trucyte.web.handlers.rights import package as packages
from trucyte.web.handlers.rights.asked import agreements, text, today
from trucyte.web.render import Call
from trucyte.web.views import agreements as view
from trucyte.web.views.person import PersonLine, person_line

PURPOSE: Final = "PATRQT"
RESTRICT_ARTICLE: Final = "Luật 91/2025/QH15 (quyền hạn chế xử lý)"


def listing(call: Call) -> Response:
    """List the requests, the longest overdue first."""
    access, all = call.access(PURPOSE), agreements(call)
    show = "ended" if call.request.query_params.get("show") == "ended" else "open"
    found = all.requests.ended(access) if show == "ended" else all.requests.open(access)
    lines = [view.request_line(one, today(call), call.language) for one in found]
    return call.page(
        "rights/requests.html",
        show=show,
        lines=lines,
        overdue=sum(line.is_overdue for line in lines),
        notices=all.holders.waiting(),
        clocks=clocks(),
    )


def one(call: Call) -> Response:
    """Show a request with its course, and what can be done."""
    access = call.access(PURPOSE)
    return _page(call, access, agreements(call).requests.one(access, _number(call)))


def take(call: Call) -> Response:
    """Take in a request that somebody brings to the desk."""
    access, person = call.access(PURPOSE), f"Patient/{call.request.path_params['id']}"
    call.services.records.read(access, "Patient", call.request.path_params["id"])
    made = agreements(call).requests.receive(
        access, person, text(call, "kind", 20), words=text(call, "words"), channel="paper",
        by=person,
    )  # fmt: skip
    return RedirectResponse(f"/rights/{made.number}", status_code=303)


def move(call: Call) -> Response:
    """Take a step; answering carries out what was asked where this node can."""
    access, all = call.access(PURPOSE), agreements(call)
    request = all.requests.one(access, _number(call))
    said = {"note": text(call, "note"), "article": text(call, "article", 300)}
    if text(call, "event") == "lift":
        all.erasures.lift(access, request.patient)
        return RedirectResponse(f"/rights/{request.number}", status_code=303)
    event = _event(call, request)
    try:
        moved(request.state, event, **said)  # nothing is carried out for a step that cannot be
        if event is Event.ANSWER and text(call, "carry-out", 5):
            _carry_out(call, access, request)
        all.requests.move(access, request.number, event, note=said["note"], article=said["article"])
    except Problem as problem:
        words = wording(problem, call.language)
        fresh = all.requests.one(access, request.number)
        return _page(call, access, fresh, mistake=words, said=said)
    return RedirectResponse(f"/rights/{request.number}", status_code=303)


def package(call: Call) -> Response:
    """Send all data of the person, to be handed over."""
    access = call.access(PURPOSE)
    request = agreements(call).requests.one(access, _number(call))
    return packages.answer(call, access, request.patient, f"yeu-cau-{request.number}")


def _event(call: Call, request: Request) -> Event:
    """Return the step that the form says; dropping a request is for whom it is of."""
    try:
        event = Event(text(call, "event", 20))
    except ValueError:
        raise KindUnknown from None
    if event is Event.DROP:
        raise MoveRefused(state=request.state.value, event=event.value)
    return event


def _carry_out(call: Call, access: Access, request: Request) -> None:
    erasures = agreements(call).erasures
    if request.kind == "erase":
        erasures.carry_out(access, request.patient)
    elif request.kind == "restrict":
        erasures.restrict(access, request.patient, article=RESTRICT_ARTICLE)


def _page(
    call: Call,
    access: Access,
    request: Request,
    *,
    mistake: str = "",
    said: Mapping[str, str] | None = None,
) -> Response:
    all = agreements(call)
    is_erasing = request.kind == "erase" and request.ended_at is None
    facts: dict[str, Any] = {
        "line": view.request_line(request, today(call), call.language),
        "person": _person(call, access, request.patient),
        "moves": view.moves(request, by_staff=True),
        "plan": _plan(call, access, request) if is_erasing else None,
        "can_erase": all.erasures.can_erase,
        "restriction": all.erasures.restriction(request.patient),
        "view": view,
        "clocks": clocks(),
        "mistake": mistake,
        "said": said or {"note": "", "article": ""},
    }
    return call.page("rights/request.html", http_status=422 if mistake else 200, **facts)


def _plan(call: Call, access: Access, request: Request) -> Plan | None:
    try:
        return agreements(call).erasures.plan(access, request.patient)
    except Problem:
        return None  # the record is not for who answers


def _person(call: Call, access: Access, patient: str) -> PersonLine | None:
    """Return who it is; None where the record is restricted or gone for who answers."""
    try:
        shown = call.services.records.read(access, "Patient", patient.partition("/")[2])
    except Problem:
        return None
    return person_line(shown.resource, today(call)) if shown.resource else None


def _number(call: Call) -> int:
    number: int = call.request.path_params["number"]
    return number
