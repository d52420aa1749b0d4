"""Finding a person, and one person's visits.

What is looked for comes by POST, so that no name and no number stands in an address.
"""

import re
from collections.abc import Sequence

from starlette.responses import Response

from trucyte.base.clock import VIETNAM
from trucyte.web.glass.glass import glass_of
from trucyte.web.handlers.identity import linked_lines
from trucyte.web.reader import PeopleQuery, Shown
from trucyte.web.render import Call
from trucyte.web.views.person import (
    conditions_by_visit,
    coverage_words,
    person_line,
    visit_line,
)
from trucyte.web.views.trend import trends_of

PEOPLE_MAX = 50
VISITS_MAX = 200
_NUMBER = re.compile(r"[A-Za-z]{0,3}[\d./-]*\d{4,}[\w./-]*")
_YEAR = re.compile(r"(?:19|20)\d{2}")


def search_form(call: Call) -> Response:
    """Show the empty form."""
    return call.page("people.html", query=PeopleQuery(), people=None, mistake="", is_cut=False)


def search(call: Call) -> Response:
    """Show the people that fit."""
    query = understood(call)
    mistake = _mistake(query)
    people: Sequence[Shown] = ()
    if not mistake:
        access = call.access("TREAT")
        people = call.services.records.find_people(access, query, count=PEOPLE_MAX + 1)
    today = call.services.clock.now().astimezone(VIETNAM).date()
    lines = [person_line(shown.resource, today) for shown in people if shown.resource]
    return call.page(
        "people.html",
        query=query,
        people=lines[:PEOPLE_MAX],
        mistake=mistake,
        is_cut=len(lines) > PEOPLE_MAX,
        http_status=422 if mistake else 200,
    )


def understood(call: Call) -> PeopleQuery:
    """Return what the form asks; the one-field search of the header is taken apart."""

    def told(name: str) -> str:
        value = call.form.get(name, "")
        return " ".join(value.split())[:200] if isinstance(value, str) else ""

    if not told("words"):
        return PeopleQuery(told("name"), told("year"), told("number").replace(" ", ""))
    parts = told("words").split()
    years = [part for part in parts if _YEAR.fullmatch(part)]
    digits = "".join(parts)
    if _NUMBER.fullmatch(digits) and not (len(parts) == 1 and years):
        return PeopleQuery(number=digits)
    names = [part for part in parts if part not in years[:1]]
    return PeopleQuery(name=" ".join(names), year=years[0] if years else "")


def one(call: Call) -> Response:
    """Show a person: who it is, what is new, and every visit in order."""
    records = call.services.records
    access = call.access("TREAT")
    patient = records.read(access, "Patient", call.request.path_params["id"])
    assert patient.resource is not None  # a restricted one is refused by the gate
    story: dict[str, list[Shown]] = {}
    for shown in records.of_person(access, patient.person):
        story.setdefault(shown.type, []).append(shown)
    visits = story.get("Encounter", [])
    by_visit = conditions_by_visit(story.get("Condition", []))
    now = call.services.clock.now().astimezone(VIETNAM)
    book = call.services.identity
    return call.page(
        "person.html",
        linked=linked_lines(call, book.linked(access, patient.id) if book else ()),
        person=person_line(patient.resource, now.date()),
        visits=[visit_line(shown, by_visit.get(shown.id, ())) for shown in visits[:VISITS_MAX]],
        is_cut=len(visits) > VISITS_MAX,
        cards=coverage_words(story.get("Coverage", [])),
        breaks_glass=glass_of(call),
        trends=trends_of(story.get("Observation", [])),
        today=now.date().isoformat(),
        proof=patient,
    )


def _mistake(query: PeopleQuery) -> str:
    """Return which field must be mended, "" where the query can be asked."""
    if query.year and not _YEAR.fullmatch(query.year):
        return "year"
    if not query.number and len(query.name) < 2:
        return "empty"
    return ""
