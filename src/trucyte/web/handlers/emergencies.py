"""Breaking the glass, and the queue of those who review it.

No number and no reason ever stands in an address: both come by POST.
"""

from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Kind, Problem
from trucyte.base.wording import wording
from trucyte.shared.access.emergency import (
    REASON_LETTERS,
    EmergencyReasonMissing,
    EmergencyReviewed,
    Ground,
    OwnEmergency,
    Verdict,
)
from trucyte.web.glass.glass import Glass, PersonUnclear, may_open
from trucyte.web.language import marked
from trucyte.web.render import Call

PURPOSE = "HCOMPL"
GROUNDS = {
    Ground.LIFE: marked("Tính mạng hoặc sức khỏe đang nguy hiểm"),
    Ground.UNCONSCIOUS: marked("Người bệnh không nói được, không hỏi được"),
    Ground.REFERRAL: marked("Vừa chuyển đến, chưa ghi nhận ở đây"),
    Ground.OTHER: marked("Lý do khác"),
}
VERDICTS = {
    Verdict.JUSTIFIED: (marked("có lý do chính đáng"), "green", "check"),
    Verdict.UNJUSTIFIED: (marked("không có lý do chính đáng"), "red", "stop"),
}
NO_GROUND = marked("Hãy chọn một lý do.")
NO_VERDICT = marked("Hãy chọn một kết luận.")
NO_NUMBER = marked("Hãy nhập một số giấy tờ của người bệnh.")


class NoEmergenciesHere(Problem):
    """This node keeps no emergencies."""

    kind = Kind.UNSUPPORTED
    code = "no-emergencies-here"


def form(call: Call) -> Response:
    """Show what breaking the glass means, and the form for it."""
    return _form(call)


def open_one(call: Call) -> Response:
    """Open a person's record in an emergency, and go there."""
    glass, id = _glass(call), _id(call)
    if call.asked is not None:  # who tried is named in the trail, however it ends
        call.access("TREAT")
    try:
        ground = Ground(_text(call, "ground"))
    except ValueError:
        return _form(call, ground_mistake=call.text(NO_GROUND))
    number = "".join(_text(call, "number").split())
    if not id and not number:
        return _form(call, number_mistake=call.text(NO_NUMBER))
    try:
        opened = glass.open(call.subject, ground, _text(call, "reason"), number=number, id=id)
    except EmergencyReasonMissing as problem:
        return _form(call, reason_mistake=wording(problem, call.language))
    except PersonUnclear as problem:
        if id:
            raise
        return _form(call, number_mistake=wording(problem, call.language))
    if call.asked is not None:
        call.asked.shown(call.access("TREAT"), [opened.person], "emergency Patient")
    return RedirectResponse(f"/people/{opened.patient}?emergency={opened.number}", status_code=303)


def end(call: Call) -> Response:
    """End one's own emergency before its time."""
    if call.asked is not None:
        call.access("TREAT")
    _glass(call).emergencies.end(call.subject, call.request.path_params["number"])
    return RedirectResponse("/people", status_code=303)


def listing(call: Call) -> Response:
    """List what waits for a review, overdue ones first, and what was judged."""
    return _listing(call)


def review(call: Call) -> Response:
    """Judge an emergency of another."""
    glass, number = _glass(call), call.request.path_params["number"]
    call.access(PURPOSE)
    reason = _text(call, "reason")
    try:
        verdict = Verdict(_text(call, "verdict"))
    except ValueError:
        return _listing(call, number=number, reason=reason, mistake=call.text(NO_VERDICT))
    try:
        glass.review(call.subject, number, verdict, reason)
    except (EmergencyReasonMissing, EmergencyReviewed, OwnEmergency) as problem:
        return _listing(call, number=number, reason=reason, mistake=wording(problem, call.language))
    return RedirectResponse("/emergencies", status_code=303)


def _form(
    call: Call, *, ground_mistake: str = "", number_mistake: str = "", reason_mistake: str = ""
) -> Response:
    _glass(call)
    has_mistake = bool(ground_mistake or number_mistake or reason_mistake)
    return call.page(
        "emergency.html",
        id=_id(call),
        may=may_open(call.subject),
        grounds=[(ground.value, call.text(words)) for ground, words in GROUNDS.items()],
        ground=_text(call, "ground"),
        number=_text(call, "number"),
        reason=_text(call, "reason"),
        ground_mistake=ground_mistake,
        number_mistake=number_mistake,
        reason_mistake=reason_mistake,
        reason_letters=REASON_LETTERS,
        http_status=422 if has_mistake else 200,
    )


def _listing(call: Call, *, number: int = 0, reason: str = "", mistake: str = "") -> Response:
    glass, now = _glass(call), call.services.clock.now()
    call.access(PURPOSE)
    waiting = glass.waiting()
    own = call.subject.account
    if number not in {each.number for each in waiting if each.account != own}:
        number = 0  # it has no form: what is wrong is said above the list
    return call.page(
        "emergencies.html",
        waiting=[(each, each.is_overdue(now)) for each in waiting],
        overdue=sum(each.is_overdue(now) for each in waiting),
        reviewed=glass.reviewed(),
        grounds={ground: call.text(words) for ground, words in GROUNDS.items()},
        verdicts=VERDICTS,
        own=own,
        number=number,
        reason=reason,
        mistake=mistake,
        reason_letters=REASON_LETTERS,
        http_status=422 if mistake else 200,
    )


def _id(call: Call) -> str:
    return str(call.request.path_params.get("id", ""))


def _text(call: Call, name: str) -> str:
    value = call.form.get(name, "")
    if not isinstance(value, str):
        return ""
    return "".join(sign for sign in value if sign.isprintable() or sign in "\n\t").strip()


def _glass(call: Call) -> Glass:
    if call.services.glass is None:
        raise NoEmergenciesHere
    return call.services.glass
