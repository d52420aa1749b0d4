"""`Patient/$match` and `Patient/$ihe-pix`: who this may be, and by which numbers a person goes.

R4 Patient-match as IHE PDQm asks it (ITI-119), and IHE PIXm (ITI-83). How a person is found
lies in `shared.identity`; here calls are read and answers written.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import orjson

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.parse import parse
from trucyte.records import Access, Records, Resource
from trucyte.shared.identity.index import Candidate, Grade, Matches
from trucyte.shared.identity.matching.explaining import explain
from trucyte.shared.identity.matching.person import Person, person_of_patient
from trucyte.shared.terminology.operations.given import Given, ParameterRefused
from trucyte.web.api.asgi import Answer
from trucyte.web.api.bundle import OUTCOME, BundleEntry, bundle
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.operations.asked import BOTH, HL7, POST, answered, given_of
from trucyte.web.api.operations.table import Level, Operation
from trucyte.web.api.outcome import information

HITS_MAX: Final = 50  # more than these are no answer, as in the NHS's demographics service
_COUNT: Final = 20
_GRADE: Final = "http://hl7.org/fhir/StructureDefinition/match-grade"
_WHY: Final = "https://trucyte.vn/fhir/StructureDefinition/match-explanation"
_PIX: Final = "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix"
_PDQM: Final = "https://profiles.ihe.net/ITI/PDQm/CapabilityStatement/IHE.PDQm."
# What this node promises by answering these operations and R4's searches for Patients.
INSTANTIATES: Final = (
    f"{_PDQM}PatientDemographicsSupplier",
    f"{_PDQM}PatientDemographicsSupplierMatch",
    "https://profiles.ihe.net/ITI/PIXm/CapabilityStatement/IHE.PIXm.Manager",
)
# ITI-83 fixes status, code and diagnostics of its refusals.
_PIX_REFUSALS: Final[Mapping[str, tuple[int, str, str]]] = {
    "pix-identifier": (404, "not-found", "sourceIdentifier Patient Identifier not found"),
    "pix-source": (400, "code-invalid", "sourceIdentifier Assigning Authority not found"),
    "pix-target": (403, "code-invalid", "targetSystem not found"),
}
_REMARKS: Final[Mapping[str, Mapping[str, str]]] = {
    "match-crowded": {
        "vi": "Quá nhiều người có chung dữ liệu này nên không dùng để tìm: {blocks}.",
        "en": "Too many people share these, so nobody was looked for by them: {blocks}.",
    },
    "match-cut": {
        "vi": "Có nhiều người gần giống hơn số đã so sánh; hãy cho biết thêm.",
        "en": "More people are similar than were compared; say more about the person.",
    },
    "match-not-whole": {
        "vi": "Chỉ mục định danh đang được lập; có thể còn thiếu người.",
        "en": "The index of people is being made; some may be missing.",
    },
}


class TooManyMatches(Problem):
    """More than {most} people may be meant: say more, such as birth date or a number."""

    kind = Kind.INVALID
    code = "too-many-matches"


class MatchTooLittle(Problem):
    """Too little to look for anybody by: give a number, or a name with a birth date."""

    code = "match-too-little"


class IdentifierOfSeveral(Problem):
    """Several people who are not linked bear this identifier."""

    kind = Kind.CONFLICT
    code = "identifier-of-several"


class Matching(Protocol):
    """`Matcher`, as far as it is needed here."""

    def match(self, access: Access, person: Person) -> Matches:
        """Return who a person may be."""
        ...


class Groups(Protocol):
    """`Links`, as far as it is needed here."""

    def group(self, reference: str) -> Sequence[str]:
        """Return the references of all Patients that are one person, that one among them."""
        ...


def identity_operations(
    matching: Matching, groups: Groups, records: Records
) -> Sequence[Operation]:
    """Return the rows of both operations."""

    def match(call: FhirCall) -> Answer:
        return _match(matching, groups, records, call)

    def pix(call: FhirCall) -> Answer:
        return _pix(groups, records, call)

    of_type, patient = frozenset({Level.TYPE}), frozenset({"Patient"})
    return [
        Operation(
            "match", of_type, POST, False, f"{HL7}Patient-match", match, patient,
            "IHE ITI-119 (PDQm Match). More than 50 likely people are refused.",
        ),
        Operation(
            "ihe-pix", of_type, BOTH, False, _PIX, pix, patient,
            "IHE ITI-83 (PIXm): the identifiers of all linked Patients.",
        ),
    ]  # fmt: skip


# $match


def _match(matching: Matching, groups: Groups, records: Records, call: FhirCall) -> Answer:
    known = {"resource": "resource", "onlyCertainMatches": "boolean", "count": "integer"}
    given = given_of(call, known, "resource")
    found = matching.match(call.access, _asked_for(given))
    likely = [one for one in found.candidates if one.grade is not Grade.CERTAINLY_NOT]
    _check_answerable(found, likely)
    count = _count(given)
    if given.flag("onlyCertainMatches"):
        shown = _certain(groups, likely)[:count]
    else:
        # Told apart by a rule although they resemble each other: worth knowing, as of twins.
        parted = [one for one in found.candidates if one.grade is Grade.CERTAINLY_NOT]
        shown = [*likely, *parted][:count]
    return _searchset(records, call, found, shown)


def _asked_for(given: Given) -> Person:
    resource = given.json("resource")
    if resource is None or resource.get("resourceType") != "Patient":
        raise ParameterRefused(name="resource", reason="one Patient")
    return person_of_patient(resource)


def _count(given: Given) -> int:
    count = given.number("count")
    if count is not None and count < 1:
        raise ParameterRefused(name="count", reason="at least 1")
    return min(count or _COUNT, HITS_MAX)


def _check_answerable(found: Matches, likely: Sequence[Candidate]) -> None:
    if not found.asked:
        raise MatchTooLittle
    is_all_crowded = bool(found.crowded) and not found.compared
    if len(likely) > HITS_MAX or is_all_crowded:
        raise TooManyMatches(most=HITS_MAX)


def _certain(groups: Groups, likely: Sequence[Candidate]) -> Sequence[Candidate]:
    """Return those that are certain, if they are one person as far as is known."""
    certain = [one for one in likely if one.grade is Grade.CERTAIN]
    if len(certain) > 1:
        members = set(groups.group(certain[0].reference))
        if not all(one.reference in members for one in certain):
            return ()
    return certain


def _searchset(
    records: Records, call: FhirCall, found: Matches, shown: Sequence[Candidate]
) -> Answer:
    ids = [one.id for one in shown]
    resources = {one.id: one for one in records.read_all(call.access, "Patient", ids, _REASON)}
    entries = [
        BundleEntry(
            f"{call.base}/Patient/{one.id}", resources[one.id].body, _search(one, call.language)
        )
        for one in shown
        if one.id in resources
    ]
    total = len(entries)
    entries += [BundleEntry("", remark, OUTCOME) for remark in _remarks(found, call.language)]
    return Answer(200, bundle("searchset", entries, [("self", call.url)], total), FHIR_JSON)


_REASON: Final = "match Patient"


def _search(candidate: Candidate, language: str) -> bytes:
    """Return how good an entry is, and why in words."""
    grade, decision = candidate.grade, candidate.decision
    probability = decision.evidence.probability
    score = 0.0 if grade is Grade.CERTAINLY_NOT else round(probability, 6)
    search = {
        "extension": [
            {"url": _GRADE, "valueCode": grade.value},
            *({"url": _WHY, "valueString": told} for told in explain(decision, language)),
        ],
        "mode": "match",
        "score": score,
    }
    return b'"search":' + orjson.dumps(search)


def _remarks(found: Matches, language: str) -> Iterator[bytes]:
    told = (
        ("match-crowded", bool(found.crowded)),
        ("match-cut", found.is_cut),
        ("match-not-whole", not found.is_whole),
    )
    for name, holds in told:
        if holds:
            words = _REMARKS[name].get(language, _REMARKS[name]["en"])
            text = words.format(blocks=", ".join(found.crowded))
            yield orjson.dumps(information("incomplete", name, text, "warning"))


# $ihe-pix


def _pix(groups: Groups, records: Records, call: FhirCall) -> Answer:
    given = given_of(call, {"sourceIdentifier": "text", "targetSystem": "texts"})
    system, bar, value = given.text("sourceIdentifier").partition("|")
    if not bar or not system or not value:
        raise ParameterRefused(name="sourceIdentifier", reason="system|value")
    targets = given.texts("targetSystem")
    if any(not _is_domain(records, call, target) for target in targets):
        return _pix_refused("pix-target")
    ids = _bearers(records, call, system, value)
    if not ids:
        is_known = _is_domain(records, call, system)
        return _pix_refused("pix-identifier" if is_known else "pix-source")
    patients = records.read_all(call.access, "Patient", _members(groups, ids), "ihe-pix Patient")
    return answered(_pix_answer(call, patients, (system, value), targets))


def _pix_refused(name: str) -> Answer:
    status, code, text = _PIX_REFUSALS[name]
    return answered(information(code, name, text, "error"), status)


def _is_domain(records: Records, call: FhirCall, system: str) -> bool:
    """Say whether any Patient in the caller's scope has an identifier of a domain."""
    if system == call.base:
        return True
    pairs = [("identifier", f"{_escaped(system)}|")]
    return bool(records.expectation(call.access, "Patient", pairs, limit=1).expected)


def _bearers(records: Records, call: FhirCall, system: str, value: str) -> Sequence[str]:
    if system == call.base:
        kind, _, id = value.rpartition("/")
        pairs = [("_id", _escaped(id))]
        if kind not in ("", "Patient"):
            return ()
    else:
        pairs = [("identifier", f"{_escaped(system)}|{_escaped(value)}")]
    page = records.search(call.access, "Patient", [*pairs, ("_count", str(HITS_MAX))])
    return [entry.id for entry in page.entries]


def _members(groups: Groups, ids: Sequence[str]) -> Sequence[str]:
    """Return the ids of all Patients of this node who are that person."""
    members = groups.group(f"Patient/{ids[0]}")
    if any(f"Patient/{id}" not in members for id in ids[1:]):
        raise IdentifierOfSeveral
    return [one.removeprefix("Patient/") for one in members if one.startswith("Patient/")]


def _pix_answer(
    call: FhirCall,
    patients: Sequence[Resource],
    source: tuple[str, str],
    targets: Sequence[str],
) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for patient in patients:
        for identifier in parse(patient.body).get("identifier", ()):
            pair = identifier.get("system", ""), identifier.get("value", "")
            entry = {"name": "targetIdentifier", "valueIdentifier": identifier}
            is_asked = not targets or pair[0] in targets
            if all(pair) and pair != source and is_asked and entry not in found:
                found.append(entry)
    if not targets or call.base in targets:
        found += [
            {"name": "targetId", "valueReference": {"reference": f"Patient/{patient.id}"}}
            for patient in patients
            if source != (call.base, f"Patient/{patient.id}")
        ]
    return {"resourceType": "Parameters", **({"parameter": found} if found else {})}


def _escaped(value: str) -> str:
    """Return a value as a search takes it literally (R4 §3.1.1.4.0.6)."""
    for sign in "\\,|$":
        value = value.replace(sign, f"\\{sign}")
    return value
