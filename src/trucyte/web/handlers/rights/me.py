"""A citizen's own page: the record in plain words, who looked, consents, requests, proxies.

Whoever is logged in sees the own record and those of whom it may act for (`of=`), and nothing
of anyone else. At this machine, before people log in, the page says how one gets there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Kind, Problem
from trucyte.base.wording import wording
from trucyte.journal.evidence import evidence_to_json
from trucyte.records.access import Access
from trucyte.shared.access.consent import proxies as held
from trucyte.shared.access.consent.moves import Event, State
from trucyte.shared.access.consent.requests import RequestUnknown
from trucyte.shared.access.consent.service import Asked
from trucyte.web.handlers.looks import LOOKS_A_PAGE
from trucyte.web.handlers.rights import package as packages
from trucyte.web.handlers.rights.asked import agreements, name_of, text, text_version, today
from trucyte.web.language import marked
from trucyte.web.render import Call
from trucyte.web.views import agreements as view
from trucyte.web.views.look import looks_of
from trucyte.web.views.person import PersonLine, conditions_by_visit, person_line, visit_line
from trucyte.web.views.trend import trends_of

PURPOSE: Final = "PATRQT"
VISITS_SHOWN: Final = 30
PROXY_UNKNOWN: Final = marked("Không tìm thấy người này. Hãy hỏi họ mã hồ sơ trên trang của họ.")
CHOOSE_RECEIVER: Final = marked("Hãy chọn doanh nghiệp bảo hiểm.")


class PersonsUnknown(Problem):
    """None of your records is here."""

    kind = Kind.NOT_FOUND
    code = "persons-unknown"


@dataclass(frozen=True, slots=True)
class Mine:
    """Whose record is on the page, and who looks at it."""

    access: Access
    patient: str  # "Patient/x" that is shown
    own: str  # the own record
    person: PersonLine
    people: Sequence[tuple[str, PersonLine]]  # all that may be chosen: id, who
    by: str  # who agrees where something is agreed to: the person, or its proxy
    relation: str

    @property
    def query(self) -> str:
        """What addresses carry to stay with this person."""
        own = self.patient == self.own
        return "" if own else "?" + urlencode({"of": self.patient.partition("/")[2]})


def page(call: Call) -> Response:
    """Show the record in plain words."""
    if call.subject.kind != "citizen":
        return call.page("rights/me_how.html")
    mine = _mine(call)
    key = agreements(call).persons.key(mine.patient)
    story: dict[str, list[Any]] = {}
    for shown in call.services.records.of_person(mine.access, key):
        story.setdefault(shown.type, []).append(shown)
    by_visit = conditions_by_visit(story.get("Condition", []))
    visits = [visit_line(one, by_visit.get(one.id, ())) for one in story.get("Encounter", [])]
    return _page(
        call,
        mine,
        "record",
        visits=visits[:VISITS_SHOWN],
        is_cut=len(visits) > VISITS_SHOWN,
        trends=trends_of(story.get("Observation", [])),
    )


def looked(call: Call) -> Response:
    """Show who looked, newest first."""
    mine, trail = _mine(call), call.services.trail
    before = call.request.query_params.get("before", "")
    found = None
    if trail is not None:
        found = trail.of_person(
            mine.access,
            agreements(call).persons.key(mine.patient),
            count=LOOKS_A_PAGE,
            before=int(before) if before.isdecimal() and len(before) < 19 else None,
        )
    return _page(
        call,
        mine,
        "looks",
        looks=looks_of(found.entries) if found else [],
        next=found.next if found else None,
    )


def evidence(call: Call) -> Response:
    """Send the evidence of one time that somebody looked."""
    mine, trail = _mine(call), call.services.trail
    if trail is None:
        raise PersonsUnknown
    id, key = call.request.path_params["entry"], agreements(call).persons.key(mine.patient)
    trail.entry_of_person(mine.access, key, id)
    body = evidence_to_json(trail.prove(mine.access, id))
    headers = {"Content-Disposition": f'attachment; filename="evidence-{id}.json"'}
    return Response(body, media_type="application/json", headers=headers)


def consents(call: Call) -> Response:
    """Show what was agreed to, each with its switch."""
    return _consents(call, _mine(call))


def decide(call: Call) -> Response:
    """Agree to something, or take it back: one act, at once."""
    mine, all = _mine(call), agreements(call)
    purpose, withdrawn = text(call, "purpose", 40), text(call, "withdraw", 64)
    if withdrawn:
        all.consents.withdraw(mine.access, mine.patient, withdrawn)
        return _to(mine, "consents")
    receiver = text(call, "receiver", 120)
    if purpose == "insurer" and not receiver:
        return _consents(call, mine, mistake=call.text(CHOOSE_RECEIVER), at=purpose)
    asked = Asked(
        mine.patient, purpose, text(call, "text", 20), text(call, "language", 2), (mine.by,),
        "web", receiver if purpose == "insurer" else "", mine.relation,
    )  # fmt: skip
    try:
        all.consents.give(mine.access, asked)
    except Problem as problem:
        return _consents(call, mine, mistake=wording(problem, call.language), at=purpose)
    return _to(mine, "consents")


def requests(call: Call) -> Response:
    """Show the requests with their clocks, and the form of a new one."""
    mine = _mine(call)
    found = agreements(call).requests.of_person(mine.patient)
    lines = [view.request_line(one, today(call), call.language) for one in found]
    return _page(call, mine, "requests", lines=lines, kinds=view.kinds(call.language))


def ask(call: Call) -> Response:
    """Send a request, or take one back."""
    mine, all = _mine(call), agreements(call)
    dropped = text(call, "drop", 18)
    if dropped.isdecimal():
        number = int(dropped)
        _own_request(call, mine, number)
        all.requests.move(mine.access, number, Event.DROP)
    else:
        all.requests.receive(
            mine.access, mine.patient, text(call, "kind", 20), words=text(call, "words"),
            channel="web", by=mine.by,
        )  # fmt: skip
    return _to(mine, "requests")


def package(call: Call) -> Response:
    """Send all data once the request for them was answered."""
    mine = _mine(call)
    number: int = call.request.path_params["number"]
    request = _own_request(call, mine, number)
    if request.kind != "access" or request.state is not State.ANSWERED:
        raise RequestUnknown
    return packages.answer(call, mine.access, mine.patient, f"ho-so-{number}")


def proxies(call: Call) -> Response:
    """Show who may act for the person, and for whom the person may act."""
    return _proxies(call, _mine(call))


def appoint(call: Call) -> Response:
    """Let a relative act for oneself, or end that."""
    mine, all = _mine(call), agreements(call)
    revoked = text(call, "revoke", 64)
    if revoked:
        all.proxies.revoke(mine.access, mine.patient, f"{held.TYPE}/{revoked}")
        return _to(mine, "proxies")
    code = text(call, "holder", 64)
    version, language = text_version(call, "proxy")
    if mine.patient != mine.own or not all.persons.exists(f"Patient/{code}"):
        return _proxies(call, mine, mistake=call.text(PROXY_UNKNOWN))
    wish = held.Appointing(
        mine.patient, f"Patient/{code}", text(call, "name", 200), text(call, "relation", 20),
        version, language, "web",
    )  # fmt: skip
    try:
        all.proxies.appoint(mine.access, wish)
    except Problem as problem:
        return _proxies(call, mine, mistake=wording(problem, call.language))
    return _to(mine, "proxies")


def _consents(call: Call, mine: Mine, *, mistake: str = "", at: str = "") -> Response:
    all = agreements(call)
    standings = all.consents.standings(mine.access, mine.patient)
    notices = all.holders.notices(mine.patient)
    references = [one.receiver for standing in standings for one in standing.consents]
    references += [one.holder for one in notices]
    return _page(
        call,
        mine,
        "consents",
        http_status=422 if mistake else 200,
        lines=[view.purpose_line(one, call.language) for one in standings],
        receivers=all.consents.receivers(mine.access),
        band=all.consents.decides(mine.access, mine.patient),
        notices=notices,
        has_carrier=all.holders.has_carrier,
        names=view.names(references, lambda reference: name_of(call, mine.access, reference)),
        restriction=all.erasures.restriction(mine.patient),
        mistake=mistake,
        at=at,
    )


def _proxies(call: Call, mine: Mine, *, mistake: str = "") -> Response:
    all = agreements(call)
    return _page(
        call,
        mine,
        "proxies",
        http_status=422 if mistake else 200,
        proxies=all.proxies.of(mine.access, mine.patient),
        relations=view.RELATIONS,
        mistake=mistake,
    )


def _page(call: Call, mine: Mine, part: str, *, http_status: int = 200, **facts: Any) -> Response:
    return call.page(
        f"rights/me_{part}.html", http_status=http_status, mine=mine, part=part, view=view, **facts
    )


def _mine(call: Call) -> Mine:
    """Return whose record is on the page; raises PersonsUnknown for any that is not theirs.

    Whom one may act for is asked anew at every look: what was taken back is gone at once,
    whatever the session began with.
    """
    if call.subject.kind != "citizen" or not call.subject.account.startswith("Patient/"):
        raise PersonsUnknown
    all, own = agreements(call), call.subject.account
    if not all.persons.exists(own):
        raise PersonsUnknown
    acted = _acted(call, own)
    keys = all.persons.circles(map(all.persons.key, (own, *acted)))
    access = call.services.access(replace(call.subject, persons=frozenset(keys)), PURPOSE)
    access = access if call.asked is None else call.asked.of(access)
    wished = call.form.get("of") or call.request.query_params.get("of", "")
    chosen = f"Patient/{wished}" if wished else own
    if chosen != own and chosen not in acted:
        raise PersonsUnknown
    people = {one: _line(call, access, one) for one in (own, *acted)}
    proxy = acted.get(chosen)
    return Mine(
        access=access,
        patient=chosen,
        own=own,
        person=people[chosen],
        people=[(one.partition("/")[2], line) for one, line in people.items()],
        by=proxy.reference if proxy else chosen,
        relation=proxy.relation if proxy else "",
    )


def _acted(call: Call, own: str) -> dict[str, held.Proxy]:
    """Return for whom the citizen acts now, each person once, and by what right."""
    persons = agreements(call).persons
    seen = set(persons.circle(own))
    found: dict[str, held.Proxy] = {}
    for proxy in agreements(call).proxies.held_by(own):
        if persons.key(proxy.person) not in seen:
            found[proxy.person] = proxy
            seen.update(persons.circle(proxy.person))
    return found


def _line(call: Call, access: Access, patient: str) -> PersonLine:
    shown = call.services.records.read(access, "Patient", patient.partition("/")[2])
    assert shown.resource is not None  # a restricted one is refused by the gate
    return person_line(shown.resource, today(call))


def _own_request(call: Call, mine: Mine, number: int) -> Any:
    """Return a request of the person on the page; raises RequestUnknown."""
    for one in agreements(call).requests.of_person(mine.patient):
        if one.number == number:
            return one
    raise RequestUnknown


def _to(mine: Mine, part: str) -> Response:
    return RedirectResponse(f"/me/{part}{mine.query}", status_code=303)
