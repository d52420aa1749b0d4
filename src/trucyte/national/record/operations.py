"""`$document` and `$summary`: read within the caller's permission, decide, put together."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.problem import Kind, Problem
from trucyte.fhir.exact import write_exact
from trucyte.fhir.parse import parse
from trucyte.national.record.bundle import Part, by_type, document, references
from trucyte.national.record.narrative import head_text, note_text, section_text, title_of, words
from trucyte.national.record.rules import ABSENT, FETCHES, LOINC, SECTIONS, Section, chosen
from trucyte.records import Access, Records, Resource

RESOURCES_MAX: Final = 1000  # of a document
FETCHED_MAX: Final = 2000  # looked at for one row of `FETCHES`, the newest
_AT_ONCE: Final = 200
# What entries of a summary point to and is taken along, so that it can be read by itself.
_ALONG: Final = frozenset(
    {
        "Practitioner", "PractitionerRole", "Organization", "Location", "Medication",
        "Substance", "Device", "Specimen",
    }
)  # fmt: skip

Key = tuple[str, str]
Json = dict[str, Any]
Taken = Sequence[tuple[Section, Sequence[Mapping[str, Any]]]]


class DocumentTooLarge(Problem):
    """The document would hold more than {most} resources."""

    kind = Kind.TOO_LARGE
    code = "document-too-large"


class PatientUnknown(Problem):
    """No patient of this node has that identifier."""

    kind = Kind.NOT_FOUND
    code = "summary-patient-unknown"


class PatientNotSingle(Problem):
    """More than one patient has that identifier; ask by id."""

    kind = Kind.PRECONDITION
    code = "summary-patient-several"


@dataclass(frozen=True, slots=True)
class Documents:
    """Makes documents of what a node holds."""

    records: Records
    clock: Clock
    node: str  # what the node is called
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())

    def of_composition(self, access: Access, id: str, base: str) -> bytes:
        """Return the document of a Composition: it, and all it leads to (R4 $document).

        What the caller may not see is left out, and leads nowhere. `base` is the address
        that entries live below. Raises as `Records.read`, DocumentTooLarge.
        """
        composition = self.records.read(access, "Composition", id)
        resource = parse(composition.body)
        found = {("Composition", id): composition}
        self._follow(access, references(resource, base), found, base)
        identifier = f"urn:uuid:{self.new_id()}"
        parts = [Part(f"{base}/{kind}/{key}", one.body) for (kind, key), one in found.items()]
        return document(identifier, self.clock.now(), parts)

    def identified(self, access: Access, identifier: str) -> str:
        """Return the id of the patient with an identifier. Raises PatientUnknown and as search."""
        page = self.records.search(access, "Patient", [("identifier", identifier), ("_count", "2")])
        if not page.entries:
            raise PatientUnknown
        if len(page.entries) > 1:
            raise PatientNotSingle
        return page.entries[0].id

    def summary(self, access: Access, patient: str, base: str) -> bytes:
        """Return the summary of a patient as a document (IPS 1.1 sections).

        Raises as `Records.read`.
        """
        person = self.records.read(access, "Patient", patient)
        bodies, resources = self._fetched(access, patient)
        found: dict[Key, Resource] = {("Patient", patient): person}
        sections = [(section, chosen(section, resources)) for section in SECTIONS]
        for _, entries in sections:
            for entry in entries:
                key = (entry["resourceType"], entry["id"])
                found[key] = bodies[key]
        named = [parse(person.body), *(e for _, entries in sections for e in entries)]
        self._follow(access, references(named, base), found, base, _ALONG)
        names = _names(found)
        writer = _SummaryWriter(self, access, base, patient)
        parts = writer.parts(named[0], sections, names)
        parts += [Part(f"{base}/{kind}/{id_}", one.body) for (kind, id_), one in found.items()]
        return document(f"urn:uuid:{self.new_id()}", self.clock.now(), parts)

    def _fetched(
        self, access: Access, patient: str
    ) -> tuple[Mapping[Key, Resource], Sequence[Json]]:
        bodies: dict[Key, Resource] = {}
        for type_name, pairs in FETCHES:
            asked = [("patient", f"Patient/{patient}"), *pairs, ("_count", "1000")]
            page = self.records.search(access, type_name, asked)
            entries = list(page.entries)
            while page.next and len(entries) < FETCHED_MAX:
                page = self.records.next_page(access, page.next)
                entries += page.entries
            bodies.update({(one.type, one.id): one for one in entries})
        return bodies, [parse(one.body) for one in bodies.values()]

    def _follow(
        self,
        access: Access,
        keys: Iterable[Key],
        found: dict[Key, Resource],
        base: str,
        types: frozenset[str] | None = None,
    ) -> None:
        """Add what is pointed to, and what that points to, as far as the caller may see it."""
        looked = set(found)
        waiting = [key for key in dict.fromkeys(keys) if key not in looked]
        while waiting:
            looked.update(waiting)
            following: list[Key] = []
            for type_name, ids in by_type(waiting).items():
                if types is not None and type_name not in types:
                    continue
                for one in self._several(access, type_name, ids):
                    found[one.type, one.id] = one
                    following += references(parse(one.body), base)
                if len(found) > RESOURCES_MAX:
                    raise DocumentTooLarge(most=RESOURCES_MAX)
            waiting = [key for key in dict.fromkeys(following) if key not in looked]

    def _several(self, access: Access, type: str, ids: Sequence[str]) -> Iterable[Resource]:
        for start in range(0, len(ids), _AT_ONCE):
            wanted = ids[start : start + _AT_ONCE]
            pairs = [("_id", ",".join(wanted)), ("_count", str(_AT_ONCE))]
            by_id = {one.id: one for one in self.records.search(access, type, pairs).entries}
            yield from (by_id[id_] for id_ in wanted if id_ in by_id)


class _SummaryWriter:
    """Writes the Composition of a summary and the resources made for it."""

    def __init__(self, documents: Documents, access: Access, base: str, patient: str) -> None:
        self._documents = documents
        self._access = access
        self._base = base
        self._subject = {"reference": f"{base}/Patient/{patient}"}
        self._made: list[Part] = []

    def parts(
        self,
        patient: Mapping[str, Any],
        sections: Taken,
        names: Mapping[str, str],
    ) -> list[Part]:
        """Return the Composition and what was made beside it."""
        now = self._documents.clock.now().astimezone(VIETNAM).isoformat(timespec="milliseconds")
        node = self._documents.node
        author = self._made_of(
            {"resourceType": "Device", "deviceName": [{"name": node, "type": "user-friendly-name"}]}
        )
        written = [
            self._section(section, entries, names)
            for section, entries in sections
            if entries or section.absent
        ]
        if not self._access.sees_restricted:
            written.append({"title": "Ghi chú · Note", "text": note_text()})
        composition = {
            "resourceType": "Composition",
            "id": self._documents.new_id(),
            "text": head_text(patient, node, now),
            "status": "final",
            "type": {"coding": [_loinc("60591-5", "Patient summary Document")]},
            "subject": self._subject,
            "date": now,
            "author": [author],
            "title": "Tóm tắt hồ sơ người bệnh · Patient summary",
            "confidentiality": "N",
            "section": written,
        }
        return [self._part(composition), *self._made]

    def _section(
        self, section: Section, entries: Sequence[Mapping[str, Any]], names: Mapping[str, str]
    ) -> Json:
        listed = [{"reference": f"{self._base}/{e['resourceType']}/{e['id']}"} for e in entries]
        if not listed:
            listed = [self._made_of(_absent(section, self._subject))]
        return {
            "title": title_of(section),
            "code": {"coding": [_loinc(section.code, section.display)]},
            "text": section_text(section, entries, names),
            "entry": listed,
        }

    def _made_of(self, resource: Json) -> Json:
        """Put a resource made for this document into it; return what points to it."""
        made = {"resourceType": resource["resourceType"], "id": self._documents.new_id()}
        part = self._part({**made, **resource})
        self._made.append(part)
        return {"reference": part.url}

    def _part(self, resource: Json) -> Part:
        return Part(f"urn:uuid:{resource['id']}", write_exact(resource))


def _loinc(code: str, display: str) -> Json:
    return {"system": LOINC, "code": code, "display": display}


def _absent(section: Section, subject: Json) -> Json:
    """Return the entry that says that nothing is known (IPS 1.1, absent-unknown)."""
    coding = {"system": ABSENT, "code": section.absent, "display": f"No information ({section.en})"}
    concept = {"coding": [coding], "text": "Không có thông tin · No information available"}
    if section.absent == "no-medication-info":
        return {
            "resourceType": "MedicationStatement",
            "status": "unknown",
            "medicationCodeableConcept": concept,
            "subject": subject,
        }
    is_allergy = section.absent == "no-allergy-info"
    kind, whose = ("AllergyIntolerance", "patient") if is_allergy else ("Condition", "subject")
    place = "allergyintolerance-clinical" if is_allergy else "condition-clinical"
    system = f"http://terminology.hl7.org/CodeSystem/{place}"
    return {
        "resourceType": kind,
        "clinicalStatus": {"coding": [{"system": system, "code": "active"}]},
        "code": concept,
        whose: subject,
    }


def _names(found: Mapping[Key, Resource]) -> Mapping[str, str]:
    """Return what the medicines and devices that are referred to are called."""
    names = {}
    for (kind, id_), one in found.items():
        if kind == "Medication":
            names[f"{kind}/{id_}"] = words(parse(one.body).get("code"))
        elif kind == "Device":
            resource = parse(one.body)
            named = next((name.get("name", "") for name in resource.get("deviceName", ())), "")
            names[f"{kind}/{id_}"] = named or words(resource.get("type"))
    return names
