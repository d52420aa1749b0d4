"""Staff's page of one person's consents and proxies: seen, taken on paper, withdrawn."""

from typing import Any, Final
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.records.access import Access
from trucyte.shared.access.consent import proxies as held
from trucyte.shared.access.consent.holders import NoticeState
from trucyte.shared.access.consent.scans import read_scan
from trucyte.shared.access.consent.service import Asked, ConsentUnknown
from trucyte.web.handlers.rights.asked import agreements, name_of, scan, text, text_version, today
from trucyte.web.language import marked
from trucyte.web.render import Call
from trucyte.web.views import agreements as view
from trucyte.web.views.person import person_line

PURPOSE: Final = "HOPERAT"
SHEET_MISSING: Final = marked("Hãy kèm bản quét tờ giấy đã ký.")
NOBODY_SIGNED: Final = marked("Hãy chọn ai đã ký.")
RECEIVER_MISSING: Final = marked("Hãy chọn nơi nhận dữ liệu.")
NAME_MISSING: Final = marked("Hãy ghi họ tên như trên giấy tờ.")


def page(call: Call) -> Response:
    """Show what a person agreed to, who acts for it, who holds its data."""
    return _page(call, call.access(PURPOSE))


def take(call: Call) -> Response:
    """Keep a consent that was signed on paper; the member of staff is the witness."""
    access, person, all = call.access(PURPOSE), _person(call), agreements(call)
    signed = [name.removeprefix("by:") for name in call.form if name.startswith("by:")]
    known = {proxy.reference: proxy for proxy in all.proxies.of(access, person)}
    by = tuple(one for one in signed if one == person or one in known)
    purpose, _, version = text(call, "purpose").partition("@")
    receiver, language = text(call, "receiver"), text(call, "language")
    mistake = "" if call.files else call.text(SHEET_MISSING)
    mistake = mistake or ("" if by else call.text(NOBODY_SIGNED))
    if purpose == "insurer" and not receiver:
        mistake = mistake or call.text(RECEIVER_MISSING)
    if mistake:
        return _page(call, access, mistake=mistake, at="take")
    relation = next((known[one].relation for one in by if one in known), "")
    try:
        asked = Asked(
            person, purpose, version, language, by, "paper",
            receiver if purpose == "insurer" else "", relation, scan(call),
        )  # fmt: skip
        all.consents.give(access, asked)
    except Problem as problem:
        return _page(call, access, mistake=wording(problem, call.language), at="take")
    return _back(call)


def withdraw(call: Call) -> Response:
    """Take a consent back for the person that asks at the desk, at once."""
    agreements(call).consents.withdraw(
        call.access(PURPOSE), _person(call), call.request.path_params["consent"],
        text(call, "reason", 500),
    )  # fmt: skip
    return _back(call)


def original(call: Call) -> Response:
    """Send the scanned sheet of a consent on paper."""
    access = call.access(PURPOSE)
    given = agreements(call).consents.one(
        access, _person(call), call.request.path_params["consent"]
    )
    if not given.original:
        raise ConsentUnknown
    id = given.original.partition("/")[2]
    resource = call.services.records.read(access, "DocumentReference", id).resource
    assert resource is not None  # what is restricted is refused by the gate
    sheet = read_scan(dict(resource))
    ending = sheet.content_type.rpartition("/")[2]
    headers = {"Content-Disposition": f'attachment; filename="consent-{given.id}.{ending}"'}
    return Response(sheet.data, media_type=sheet.content_type, headers=headers)


def appoint(call: Call) -> Response:
    """Let somebody act for the person, by its papers."""
    access, person = call.access(PURPOSE), _person(call)
    mistake = "" if call.files else call.text(SHEET_MISSING)
    if not text(call, "name", 200):
        mistake = call.text(NAME_MISSING)
    if mistake:
        return _page(call, access, mistake=mistake, at="proxy")
    holder = text(call, "holder", 64)
    version, language = text_version(call, "proxy")
    try:
        if holder:
            call.services.records.read(access, "Patient", holder)
        wish = held.Appointing(
            person, f"Patient/{holder}" if holder else "", text(call, "name", 200),
            text(call, "relation", 20), version, language, "paper", scan(call),
        )  # fmt: skip
        agreements(call).proxies.appoint(access, wish)
    except Problem as problem:
        return _page(call, access, mistake=wording(problem, call.language), at="proxy")
    return _back(call)


def revoke(call: Call) -> Response:
    """End what a proxy may do, at once."""
    agreements(call).proxies.revoke(
        call.access(PURPOSE), _person(call),
        f"{held.TYPE}/{call.request.path_params['proxy']}", text(call, "reason", 500),
    )  # fmt: skip
    return _back(call)


def notice(call: Call) -> Response:
    """Say that a holder was told of a withdrawal, by letter or telephone."""
    version = text(call, "version", 9)
    told = (text(call, "consent", 64), int(version) if version.isdecimal() else 0,
            text(call, "holder", 120))  # fmt: skip
    state = NoticeState.CONFIRMED if text(call, "state") == "confirmed" else NoticeState.SENT
    all = agreements(call)
    if told in {
        (one.consent, one.version, one.holder) for one in all.holders.notices(_person(call))
    }:
        all.holders.move(call.access(PURPOSE), told, state)
    return _back(call)


def _page(call: Call, access: Access, *, mistake: str = "", at: str = "") -> Response:
    person, all = _person(call), agreements(call)
    patient = call.services.records.read(access, "Patient", person.partition("/")[2])
    assert patient.resource is not None  # a restricted one is refused by the gate
    standings = all.consents.standings(access, person)
    holders, notices = all.holders.of(person), all.holders.notices(person)
    references = [one.receiver for standing in standings for one in standing.consents]
    references += [one.name for one in holders] + [one.holder for one in notices]
    facts: dict[str, Any] = {
        "person": person_line(patient.resource, today(call)),
        "reference": person,
        "band": all.consents.decides(access, person),
        "lines": [view.purpose_line(one, call.language) for one in standings],
        "proxies": all.proxies.of(access, person),
        "receivers": all.consents.receivers(access),
        "holders": holders,
        "notices": notices,
        "has_carrier": all.holders.has_carrier,
        "restriction": all.erasures.restriction(person),
        "holds": all.holds.standing(person),
        "requests": [
            view.request_line(one, today(call), call.language)
            for one in all.requests.of_person(person)
        ],
        "names": view.names(references, lambda reference: name_of(call, access, reference)),
        "kinds": view.kinds(call.language),
        "view": view,
        "mistake": mistake,
        "at": at,
    }
    return call.page("rights/consents.html", http_status=422 if mistake else 200, **facts)


def _person(call: Call) -> str:
    return f"Patient/{call.request.path_params['id']}"


def _back(call: Call) -> Response:
    id = quote(call.request.path_params["id"], safe="")
    return RedirectResponse(f"/people/{id}/consents", status_code=303)
