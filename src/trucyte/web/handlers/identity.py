"""Deciding who is who: the pairs that wait, one pair side by side, and taking back.

Addresses hold the worklist's own numbers, never a name or a number of a person.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from trucyte.base.clock import VIETNAM
from trucyte.base.problem import Kind, Problem
from trucyte.shared.identity.links.link import NOTE_MAX
from trucyte.shared.identity.newcomers import Pair, PairState, PairUnknown, Verdict
from trucyte.shared.identity.newcomers.worklist import REVISIONS, WAITING_MAX, PairEnded
from trucyte.web.identity import IdentityBook, Linked, Told, TwoRecords
from trucyte.web.language import marked
from trucyte.web.render import Call
from trucyte.web.views import identity as view
from trucyte.web.views.person import person_line

PAIRS_A_PAGE = 50
PURPOSE = "HOPERAT"
LISTS = {"waiting": (PairState.OPEN,), "later": (PairState.LATER,), "decided": ()}
NO_REASON = marked("Hãy viết lý do.")
NOTE_LONG = marked("Ghi chú có %(count)s chữ; nhiều nhất là %(most)s.")
NOTE_LATER = marked("Để lại sau thì ghi chú không được giữ. Hãy xóa ghi chú, hoặc quyết định luôn.")
_NUMBER_DIGITS_MAX = 18


class NoWorklistHere(Problem):
    """This node does not match people."""

    kind = Kind.UNSUPPORTED
    code = "no-worklist-here"


class DecisionUnreadable(Problem):
    """This form does not say what is decided."""

    code = "decision-unreadable"


def listing(call: Call) -> Response:
    """List the pairs that wait, were put off, or were decided."""
    access, book, asked = call.access(PURPOSE), _book(call), call.request.query_params
    show = asked.get("show", "waiting")
    show = show if show in LISTS else "waiting"
    facility = _facility(asked.get("facility", ""))
    waiting, now = book.waiting(access), call.services.clock.now()
    if show == "decided":
        pairs, following = book.decided(access), None
    else:
        page = book.page(
            access,
            LISTS[show],
            facility=_reference(facility),
            after=_number(asked.get("after", "")),
            count=PAIRS_A_PAGE,
        )
        pairs, following = page.pairs, page.next
    return call.page(
        "identity.html",
        show=show,
        facility=facility,
        facilities=[
            (reference.partition("/")[2], book.organisation(access, reference), count)
            for reference, count in waiting.by_organisation
        ],
        waiting=waiting.pairs,
        waiting_max=WAITING_MAX,
        done=book.done(access, _midnight(now)),
        rows=[(pair, *view.brief(pair, call.language)) for pair in pairs],
        view_states=view.STATES,
        by=view.BY,
        next=following,
        just=_just(call, book),
    )


def one(call: Call) -> Response:
    """Show one pair side by side."""
    return _pair_page(call)


def decide(call: Call) -> Response:
    """Take a decision on a pair that waits, and go to the next."""
    book, number, note = _book(call), call.request.path_params["number"], _text(call, "note")
    verdict = _verdict(call, (Verdict.LINK, Verdict.DIFFER, Verdict.LATER))
    mistake = _too_long(call, note)
    if verdict is Verdict.LATER and note and not mistake:
        mistake = call.text(NOTE_LATER)
    if mistake:
        return _pair_page(call, note=note, mistake=mistake, http_status=422)
    access = call.access(PURPOSE)
    try:
        book.decide(access, number, verdict, note)
    except PairEnded:
        return _pair_page(call, note=note, is_late=True, http_status=409)
    facility = _facility(_text(call, "facility"))
    _, behind = book.beside(access, number, _reference(facility))
    return _forward(f"/identity/pairs/{behind}" if behind else "/identity", number, facility)


def revise(call: Call) -> Response:
    """Take a decision back, and show the pair as it is then."""
    book, number, reason = _book(call), call.request.path_params["number"], _text(call, "reason")
    try:
        was = PairState(_text(call, "was"))
        verdict = REVISIONS[was]
    except (ValueError, KeyError):
        raise DecisionUnreadable from None
    mistake = _too_long(call, reason) or ("" if reason else call.text(NO_REASON))
    if mistake:
        return _pair_page(call, note=reason, mistake=mistake, http_status=422)
    try:
        book.revise(call.access(PURPOSE), number, verdict, was=was, reason=reason)
    except PairEnded:
        return _pair_page(call, note=reason, is_late=True, http_status=409)
    return RedirectResponse(f"/identity/pairs/{number}", status_code=303)


def link(call: Call) -> Response:
    """Show two linked records of a person side by side, and how to part them."""
    return _link_page(call)


def unlink(call: Call) -> Response:
    """Break the link of two records, and show the person as it is then."""
    book, reason = _book(call), _text(call, "reason")
    id, other = call.request.path_params["id"], call.request.path_params["other"]
    mistake = _too_long(call, reason) or ("" if reason else call.text(NO_REASON))
    if mistake:
        return _link_page(call, note=reason, mistake=mistake, http_status=422)
    book.unlink(call.access(PURPOSE), id, other, reason)
    return RedirectResponse(f"/people/{id}", status_code=303)


def linked_lines(call: Call, linked: Sequence[Linked]) -> list[dict[str, object]]:
    """Return the other records of a person as lines of that person's page."""
    today = call.services.clock.now().astimezone(VIETNAM).date()
    return [
        {
            "id": one.reference.partition("/")[2],
            "person": person_line(one.resource, today) if one.resource else None,
            "numbers": [
                view.masked(number.value)
                for number in (person_line(one.resource, today).numbers if one.resource else ())
            ],
            "told": _told(call, one.told) if one.told else None,
        }
        for one in linked
    ]


# Pages


def _pair_page(
    call: Call, *, note: str = "", mistake: str = "", is_late: bool = False, http_status: int = 200
) -> Response:
    access, book, number = call.access(PURPOSE), _book(call), call.request.path_params["number"]
    found = book.pair(access, number, call.language)
    asked = call.request.query_params.get("facility", "") or _text(call, "facility")
    facility = _facility(asked)
    before, behind = book.beside(access, number, _reference(facility))
    assert found.pair is not None
    return call.page(
        "pair.html",
        **_facts(call, found),
        number=number,
        pair=found.pair,
        state=view.STATES[found.pair.state],
        view_states=view.STATES,
        waits=found.pair.state in (PairState.OPEN, PairState.LATER),
        revision=REVISIONS.get(found.pair.state),
        before=before,
        behind=behind,
        facility=facility,
        query=_query(facility),
        note=note,
        mistake=mistake,
        is_late=is_late,
        just=_just(call, book),
        http_status=http_status,
    )


def _link_page(
    call: Call, *, note: str = "", mistake: str = "", http_status: int = 200
) -> Response:
    id, other = call.request.path_params["id"], call.request.path_params["other"]
    found = _book(call).two(call.access(PURPOSE), id, other)
    return call.page(
        "link.html",
        **_facts(call, found),
        id=id,
        other=other,
        is_linked=bool(found.history) and found.history[0].link.state.value == "linked",
        note=note,
        mistake=mistake,
        http_status=http_status,
    )


def _facts(call: Call, found: TwoRecords) -> dict[str, object]:
    return {
        "rows": view.rows_of(found.low.resource, found.high.resource, call.language),
        "sides": (found.low, found.high),
        "sentences": found.sentences,
        "history": [_told(call, told) for told in found.history],
        "note_max": NOTE_MAX,
    }


def _told(call: Call, told: Told) -> dict[str, object]:
    link, by = told.link, told.by
    return {
        "state": view.STATES[PairState(link.state.value)],
        "at": link.at,
        "by": call.text(view.BY[by]) if by in view.BY else by,
        "note": link.decided.note,
        "why": [call.text(one) for one in view.rule_words(link.decided.rules, call.language)],
        "model": link.decided.model,
    }


# What a form or an address says


def _verdict(call: Call, allowed: tuple[Verdict, ...]) -> Verdict:
    told = _text(call, "verdict")
    if told not in allowed:
        raise DecisionUnreadable
    return Verdict(told)


def _text(call: Call, name: str) -> str:
    """Return what a field says, without signs that are no text."""
    value = call.form.get(name, "")
    if not isinstance(value, str):
        return ""
    value = value.replace("\r\n", "\n")
    return "".join(sign for sign in value if sign.isprintable() or sign in "\n\t").strip()


def _too_long(call: Call, note: str) -> str:
    if len(note) <= NOTE_MAX:
        return ""
    return call.text(NOTE_LONG) % {"count": f"{len(note):_}".replace("_", " "), "most": NOTE_MAX}


def _facility(told: str) -> str:
    """Return the id of an organisation, "" where it can be none (FHIR R4 id)."""
    is_id = (
        0 < len(told) <= 64 and told.isascii() and told.replace("-", "").replace(".", "").isalnum()
    )
    return told if is_id else ""


def _reference(facility: str) -> str:
    return f"Organization/{facility}" if facility else ""


def _number(told: str) -> int:
    is_number = told.isascii() and told.isdecimal() and len(told) <= _NUMBER_DIGITS_MAX
    return int(told) if is_number else 0


def _query(facility: str) -> str:
    return f"?{urlencode({'facility': facility})}" if facility else ""


def _forward(address: str, done: int, facility: str) -> Response:
    told = {"done": str(done)} | ({"facility": facility} if facility else {})
    return RedirectResponse(f"{address}?{urlencode(told)}", status_code=303)


def _just(call: Call, book: IdentityBook) -> Pair | None:
    """Return the pair that was decided just now, so that it can be taken back."""
    number = _number(call.request.query_params.get("done", ""))
    try:
        return book.one(call.access(PURPOSE), number) if number else None
    except PairUnknown:
        return None


def _midnight(now: datetime) -> datetime:
    return now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)


def _book(call: Call) -> IdentityBook:
    if call.services.identity is None:
        raise NoWorklistHere
    return call.services.identity
