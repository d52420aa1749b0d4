"""All data of a person as one ZIP: FHIR for machines, pages for people, who looked, consents.

Made in memory up to a size and on the disk beyond, and never kept: the request keeps when it
was handed over and its hash.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from typing import Any, Final, cast

from starlette.responses import Response, StreamingResponse

from trucyte.fhir.parse import parse
from trucyte.records.access import Access
from trucyte.shared.audit import Entry
from trucyte.web.handlers.rights.asked import agreements, name_of, today
from trucyte.web.language import marked
from trucyte.web.reader import Resource, Shown
from trucyte.web.render import Call
from trucyte.web.views import agreements as view
from trucyte.web.views.elements import concept_text
from trucyte.web.views.look import looks_of
from trucyte.web.views.person import conditions_by_visit, coverage_words, person_line, visit_line
from trucyte.web.views.trend import trends_of

LOOKS_MAX: Final = 10_000
_MEMORY: Final = 16 << 20
_CHUNK: Final = 1 << 16
README: Final = marked(
    "ho-so.html mở bằng trình duyệt, in được. fhir/ là bản đầy đủ cho máy đọc, mỗi loại một tệp."
)
# What a page shows beside visits and results: type, its words, where the text is.
_LISTS: Final = {
    "AllergyIntolerance": marked("Dị ứng"),
    "MedicationRequest": marked("Thuốc được kê"),
    "Immunization": marked("Tiêm chủng"),
    "Procedure": marked("Thủ thuật, phẫu thuật"),
}


def answer(call: Call, access: Access, person: str, name: str) -> Response:
    """Send the package; what it shows is entered before its first byte leaves."""
    kept = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115 - it lives as long as the answer
    with zipfile.ZipFile(cast(Any, kept), "w", zipfile.ZIP_DEFLATED) as archive:
        resources = _fhir(call, access, person, archive)
        key = agreements(call).persons.key(person)
        entries = _looks(call, access, key)
        facts = _facts(call, access, person, resources, entries)
        archive.writestr("ho-so.html", _rendered(call, facts))
        archive.writestr("README.txt", call.text(README))
        if call.services.trail is not None:
            archive.writestr("ai-da-xem.ndjson", _lines_of(looks_of(entries)))
    kept.seek(0)

    def chunks() -> Iterator[bytes]:
        with kept:
            while chunk := kept.read(_CHUNK):
                yield chunk

    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return StreamingResponse(chunks(), media_type="application/zip", headers=headers)


def _fhir(call: Call, access: Access, person: str, archive: zipfile.ZipFile) -> list[Shown]:
    """Write each type as NDJSON; return what the page needs of them."""
    found: list[Shown] = []
    lines: dict[str, list[bytes]] = {}
    for one in agreements(call).copies.everything(access, person):
        lines.setdefault(one.type, []).append(one.body + b"\n")
        if one.type in ("Encounter", "Condition", "Coverage", "Observation", "Patient", *_LISTS):
            found.append(
                Shown(
                    one.type, one.id, one.version, parse(one.body), one.seq, one.last_updated,
                    one.source, one.person,
                )
            )  # fmt: skip
    for type, bodies in sorted(lines.items()):
        archive.writestr(f"fhir/{type}.ndjson", b"".join(bodies))
    return found


def _looks(call: Call, access: Access, key: int) -> list[Entry]:
    trail, before = call.services.trail, None
    entries: list[Entry] = []
    while trail is not None and len(entries) < LOOKS_MAX:
        page = trail.of_person(access, key, count=1000, before=before)
        entries += page.entries
        before = page.next
        if before is None:
            break
    return entries


def _lines_of(looks: list[Any]) -> str:
    told = (
        {
            "at": look.at.isoformat(), "id": look.id, "who": look.who,
            "organisation": look.organisation, "what": look.deed, "of": look.kind,
            "purpose": look.purpose, "count": look.resources,
        }
        for look in looks
    )  # fmt: skip
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in told)


def _facts(
    call: Call, access: Access, person: str, resources: list[Shown], entries: list[Entry]
) -> dict[str, Any]:
    story: dict[str, list[Shown]] = {}
    for one in resources:
        story.setdefault(one.type, []).append(one)
    by_visit = conditions_by_visit(story.get("Condition", []))
    standings = agreements(call).consents.standings(access, person)
    visits = [visit_line(one, by_visit.get(one.id, ())) for one in story.get("Encounter", [])]
    patient = next((one.resource for one in story.get("Patient", ()) if one.resource), {})
    return {
        "person": person_line(patient, today(call)) if patient else None,
        "visits": sorted(visits, key=lambda visit: visit.start, reverse=True),
        "cards": coverage_words(story.get("Coverage", [])),
        "trends": trends_of(story.get("Observation", [])),
        "lists": [
            (words, [_words(one.resource) for one in story[type] if one.resource])
            for type, words in _LISTS.items()
            if type in story
        ],
        "looks": looks_of(entries),
        "lines": [view.purpose_line(one, call.language) for one in standings],
        "names": view.names(
            [one.receiver for standing in standings for one in standing.consents],
            lambda reference: name_of(call, access, reference),
        ),
        "view": view,
    }


def _words(resource: Resource) -> str:
    """Return what a resource is about, as it says it."""
    for name in ("code", "medicationCodeableConcept", "vaccineCode"):
        if resource.get(name):
            return concept_text(resource[name])
    return ""


def _rendered(call: Call, facts: dict[str, Any]) -> str:
    template = call.web.environments[call.language].get_template("rights/package.html")
    return template.render(settings=call.services.settings, now=call.services.clock.now(), **facts)
