"""`Patient/$merge`, `$unmerge` and `$links`: two Patients are one person, or are not.

`$merge` has the parameters of R5's Patient-merge. What it does is another thing: it makes a
Linkage and rewrites neither Patient nor any resource that refers to one, so `$unmerge` gives
back exactly what was there before. Reading follows the links (decision 0260).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from trucyte.base.problem import Kind, Problem
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.shown import ResourceNotFound
from trucyte.shared.identity.links.link import NOTE_MAX, Decided, Link
from trucyte.shared.identity.links.links import Links
from trucyte.shared.terminology.operations.given import Given, ParameterRefused
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FhirCall
from trucyte.web.api.operations.asked import GET, POST, answered, given_of
from trucyte.web.api.operations.table import Level, Operation

_R5: Final = "http://hl7.org/fhir/OperationDefinition/Patient-merge"
_OURS: Final = "https://trucyte.vn/fhir/OperationDefinition"
_NOTE: Final = {"note": "text"}
_ENDS: Final = {
    f"{end}-patient{way}": kind
    for end in ("source", "target")
    for way, kind in (("", "reference"), ("-identifier", "no"))
}
_MERGE: Final = {**_ENDS, **_NOTE, "preview": "boolean", "result-patient": "no"}
_UNMERGE: Final = {**_ENDS, **_NOTE, "different": "boolean"}
_BY_PERSON: Final = ("clerk",)  # the rule by which a person decided
_PATIENT: Final = frozenset({"Patient"})


class TwoPatientsNeeded(Problem):
    """Name both Patients: source-patient and target-patient."""

    kind = Kind.INVALID
    code = "merge-two-patients"


def merge_operations(links: Links, records: Records) -> Sequence[Operation]:
    """Return the rows."""

    def row(name: str, handler: Callable[[FhirCall], Answer], level: Level, **more: Any) -> Any:
        given: dict[str, Any] = {"methods": POST, "affects_state": True, **more}
        return Operation(
            name=name, levels=frozenset({level}), handler=handler, types=_PATIENT, **given
        )

    return [
        row(
            "merge",
            lambda call: _merge(links, records, call),
            Level.TYPE,
            definition=_R5,
            documentation="Makes a Linkage; no Patient and no reference is rewritten. Patients"
            " are named by reference. result-patient is refused.",
        ),
        row(
            "unmerge",
            lambda call: _unmerge(links, call),
            Level.TYPE,
            definition=f"{_OURS}/Patient-unmerge",
            documentation="Breaks the link; with different=true the two are remembered as two"
            " persons.",
        ),
        row(
            "links",
            lambda call: _links(links, records, call),
            Level.INSTANCE,
            methods=GET,
            affects_state=False,
            definition=f"{_OURS}/Patient-links",
            documentation="Who is one person with this Patient, as far as the caller sees them,"
            " and what was decided on each pair.",
        ),
    ]


def _merge(links: Links, records: Records, call: FhirCall) -> Answer:
    given = given_of(call, _MERGE)
    source, target = _two(given, call.base)
    if given.flag("preview"):
        found = links.preview(call.access, target, source)
        known = [] if found.state is None else [_part("state", valueCode=found.state.value)]
        return _answer(
            "These would be one person; nothing was written.",
            [_part("linkage", valueReference={"reference": f"Linkage/{found.id}"})],
            known,
            _members(records, call.access, found.members),
        )
    link = links.link(call.access, target, source, _decided(given))
    members = _members(records, call.access, links.group(target))
    return _answer("The two are one person.", [_linkage(link)], members)


def _unmerge(links: Links, call: FhirCall) -> Answer:
    given = given_of(call, _UNMERGE)
    source, target = _two(given, call.base)
    decide = links.differ if given.flag("different") else links.unlink
    link = decide(call.access, target, source, _decided(given))
    return _answer("Each has its own records alone.", [_linkage(link)])


def _links(links: Links, records: Records, call: FhirCall) -> Answer:
    given_of(call, {})
    records.read(call.access, "Patient", call.id)
    own = f"Patient/{call.id}"
    seen = _seen(records, call.access, links.group(own))
    parts = [_part("member", valueReference={"reference": member}) for member in seen]
    for other in seen:
        if other != own:
            parts += map(_decision, links.history(call.access, own, other)[-1:])
    return answered({"resourceType": "Parameters", "parameter": parts})


def _two(given: Given, base: str) -> tuple[str, str]:
    named = [given.text(f"{end}-patient").removeprefix(f"{base}/") for end in ("source", "target")]
    if not all(named):
        raise TwoPatientsNeeded
    return named[0], named[1]


def _decided(given: Given) -> Decided:
    note = given.text("note")
    if len(note) > NOTE_MAX:
        raise ParameterRefused(name="note", reason=f"longer than {NOTE_MAX}")
    return Decided(_BY_PERSON, note=note)


def _seen(records: Records, access: Access, members: Sequence[str]) -> list[str]:
    """Return the members that the caller may know of: of the others it is told nothing."""
    own = [member for member in members if member.startswith("Patient/")]
    ids = ",".join(member.partition("/")[2] for member in own)
    page = records.search(access, "Patient", [("_id", ids), ("_count", str(len(own)))])
    found = {f"Patient/{one.id}" for one in page.entries}
    is_all = access.sees_organisations is None
    return [m for m in members if m in found or (is_all and not m.startswith("Patient/"))]


def _members(records: Records, access: Access, members: Sequence[str]) -> list[Mapping[str, Any]]:
    seen = _seen(records, access, members)
    if not seen:
        raise ResourceNotFound(type="Patient")
    return [_part("member", valueReference={"reference": member}) for member in seen]


def _linkage(link: Link) -> Mapping[str, Any]:
    return _part("linkage", valueReference={"reference": f"Linkage/{link.id}"})


def _decision(link: Link) -> Mapping[str, Any]:
    told = [
        _part("linkage", valueReference={"reference": f"Linkage/{link.id}"}),
        _part("source", valueReference={"reference": link.source}),
        _part("alternate", valueReference={"reference": link.alternate}),
        _part("state", valueCode=link.state.value),
        *(_part("rule", valueString=rule) for rule in link.decided.rules),
    ]
    return {"name": "decision", "part": told}


def _part(name: str, **value: Any) -> Mapping[str, Any]:
    return {"name": name, **value}


def _answer(words: str, *parts: Sequence[Mapping[str, Any]]) -> Answer:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "information", "code": "informational", "diagnostics": words}],
    }
    listed = [{"name": "outcome", "resource": outcome}, *(part for one in parts for part in one)]
    return answered({"resourceType": "Parameters", "parameter": listed})
