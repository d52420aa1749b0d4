"""Who may practise here, and which facilities there are.

What is looked for comes by POST, so that no name and no number stands in an address.
"""

from starlette.responses import Response

from trucyte.base.clock import VIETNAM
from trucyte.base.problem import Kind, Problem
from trucyte.web.registers import RegisterBook
from trucyte.web.render import Call
from trucyte.web.views import registers as view

FOUND_MAX = 50
_WORDS_MAX = 100


class NoRegistersHere(Problem):
    """This node keeps no registers."""

    kind = Kind.UNSUPPORTED
    code = "no-registers-here"


def search_form(call: Call) -> Response:
    """Show the empty form, and the first facilities."""
    access = call.access("HOPERAT")
    facilities = _book(call).facilities(access, "", count=FOUND_MAX + 1)
    return call.page(
        "registers.html",
        words="",
        mistake=False,
        practitioners=None,
        facilities=[view.facility_line(one) for one in facilities[:FOUND_MAX]],
        is_cut=len(facilities) > FOUND_MAX,
    )


def search(call: Call) -> Response:
    """Show the practitioners and facilities that fit."""
    given = call.form.get("register-words", "")
    words = " ".join(given.split())[:_WORDS_MAX] if isinstance(given, str) else ""
    if len(words) < 2:
        return call.page(
            "registers.html", words=words, mistake=True, practitioners=None, facilities=[],
            is_cut=False, http_status=422,
        )  # fmt: skip
    access, book = call.access("HOPERAT"), _book(call)
    now = call.services.clock.now()
    people = book.practitioners(access, words, now, count=FOUND_MAX + 1)
    facilities = book.facilities(access, words, count=FOUND_MAX + 1)
    return call.page(
        "registers.html",
        words=words,
        mistake=False,
        practitioners=[view.practitioner_line(one) for one in people[:FOUND_MAX]],
        facilities=[view.facility_line(one) for one in facilities[:FOUND_MAX]],
        is_cut=max(len(people), len(facilities)) > FOUND_MAX,
    )


def practitioner(call: Call) -> Response:
    """Show a practitioner: the licence's state, its history, the places."""
    access, now = call.access("HOPERAT"), call.services.clock.now()
    found = _book(call).practitioner(access, call.request.path_params["id"], now)
    return call.page(
        "practitioner.html",
        person=view.practitioner_line(found),
        places=[view.place_line(role) for role in found.roles],
    )


def facility(call: Call) -> Response:
    """Show a facility: what it offers, how it is reached, what it was before."""
    access = call.access("HOPERAT")
    today = call.services.clock.now().astimezone(VIETNAM).date()
    found = _book(call).facility(access, call.request.path_params["id"], today)
    return call.page(
        "facility.html",
        facility=view.facility_line(found.resource, today),
        services=[view.service_line(one) for one in found.services],
        endpoints=[view.endpoint_line(one) for one in found.endpoints],
        places=[view.location_line(one, today) for one in found.places],
        before=[view.facility_line(one) for one in found.before],
        after=[view.facility_line(one) for one in found.after],
        versions=found.versions,
        practitioners=found.practitioners,
    )


def _book(call: Call) -> RegisterBook:
    if call.services.registers is None:
        raise NoRegistersHere
    return call.services.registers
