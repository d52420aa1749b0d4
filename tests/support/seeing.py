"""What an access may see, said once more in plain Python, over a small world that is drawn."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tests.support.records import KEY, Node, change_of
from trucyte.journal.behalf import Behalf
from trucyte.journal.change import Change, Operation
from trucyte.records import Access, person_key, person_reference
from trucyte.records.access import Grant, Labels
from trucyte.records.persons.linkage import PatientAt, pair_id

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
OURS = "https://trucyte.vn/fhir/CodeSystem/sensitivity"
CLOSED = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CODINGS: Mapping[Labels, tuple[str, str]] = {
    Labels.RESTRICTED: (CLOSED, "R"),
    Labels.HIV: (ACT, "HIV"),
    Labels.MENTAL: (ACT, "PSY"),
    Labels.TB: (OURS, "TB"),
    Labels.SECRET: (OURS, "STATE-SECRET"),
}
PATIENTS = ("p0", "p1", "p2", "p3")
CIRCLE = frozenset({"p2", "p3"})
DOCTORS = ("Practitioner/d0", "Practitioner/d1")
ORGANISATIONS = ("", "Organization/a", "Organization/b")
NOBODYS = frozenset({"Medication", "Practitioner"})
OPEN = frozenset({"Practitioner"})
Key = tuple[str, str]


def labelled(*labels: Labels) -> dict[str, Any]:
    codings = [dict(zip(("system", "code"), CODINGS[one], strict=True)) for one in labels]
    return {"meta": {"security": codings}} if codings else {}


def key_of(patient: str) -> int:
    return person_key(KEY, f"Patient/{patient}")


@dataclass(frozen=True)
class Version:
    """One version as the oracle knows it."""

    seq: int
    number: int
    body: Mapping[str, Any] | None  # None: deleted
    patient: str  # whose record; "" nobody's
    owner: str
    mask: Labels
    codes: frozenset[str] = frozenset()


@dataclass(repr=False)
class Country:
    """Everything that was accepted, twice: in a node, and here."""

    node: Node
    behalf: Behalf
    of: dict[Key, list[Version]] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return a few words: a failing example is told of by what happened and who asked."""
        return "the country"

    def put(self, resource: dict[str, Any], owner: str = "", labels: Iterable[Labels] = ()) -> None:
        labels = list(labels)
        body = {**resource, **labelled(*labels)}
        source = self.behalf.standing("of " + owner, owner)
        self.node.clock.advance(timedelta(seconds=1))
        (entry,) = self.node.journal.commit([replace(change_of(body), source=source)])
        mask = Labels.NONE
        for one in labels:
            mask |= one
        if mask not in (Labels.NONE, Labels.RESTRICTED):
            mask &= ~Labels.RESTRICTED
        reference = person_reference(body) or ""
        codes = {c["code"] for one in body.get("category", ()) for c in one["coding"]}
        codes |= {c["code"] for c in body.get("code", {}).get("coding", ())}
        known = self.of.setdefault((body["resourceType"], body["id"]), [])
        patient = reference.partition("/")[2]
        known.append(
            Version(entry.seq, entry.version, body, patient, owner, mask, frozenset(codes))
        )

    def delete(self, key: Key) -> None:
        last = self.of[key][-1]
        source = self.behalf.standing("of " + last.owner, last.owner)
        person = key_of(last.patient) if last.patient else 0
        self.node.clock.advance(timedelta(seconds=1))
        change = Change(*key, Operation.DELETE, b"", 0, person, source=source)
        (entry,) = self.node.journal.commit([change])
        self.of[key].append(
            Version(entry.seq, entry.version, None, last.patient, last.owner, Labels.NONE)
        )

    def heads(self) -> Iterable[tuple[Key, Version]]:
        for key, versions in self.of.items():
            if versions[-1].body is not None:
                yield key, versions[-1]

    # What may be seen

    def sees_head(self, access: Access, key: Key, letter: str) -> bool:
        return self.sees(access, key, self.of[key][-1], letter)

    def sees(self, access: Access, key: Key, version: Version, letter: str) -> bool:
        versions = self.of[key]
        head = versions[-1]
        is_gone = head.body is None
        masks = [one.mask for one in versions] if is_gone else [head.mask, version.mask]
        own = union(masks) if is_gone else head.mask
        # A deletion has the labels of all that was deleted, where consents ask about them.
        old = union(one.mask for one in versions) if version.body is None else version.mask
        old = own if is_gone else old
        return (
            access.sees(union(masks))
            and self._of_organisation(access, key)
            and self._granted(access, key, head, letter)
            and (is_gone or self._granted(access, key, version, letter))
            and self._of_person(access, key, head, own)
            and self._of_person(access, key, version, old)
        )

    def _of_organisation(self, access: Access, key: Key) -> bool:
        seen = access.sees_organisations
        owners = {one.owner for one in self.of[key]} - {""}
        return seen is None or key[0] in OPEN or bool(owners & seen)

    def _granted(self, access: Access, key: Key, version: Version, letter: str) -> bool:
        return access.grants is None or any(
            letter in grant.letters
            and (grant.types is None or key[0] in grant.types)
            and self._meets(grant, key, version)
            for grant in access.grants
        )

    def _meets(self, grant: Grant, key: Key, version: Version) -> bool:
        """Codes of this world stand under one parameter each, so the code alone tells."""
        if not grant.query:
            return True
        if version.body is None or key[0] not in ("Observation",):
            return False
        return all(
            name in ("category", "code")
            and any(one.rpartition("|")[2] in version.codes for one in value.split(","))  # one of
            for name, value in grant.query
        )

    def _of_person(self, access: Access, key: Key, version: Version, mask: Labels) -> bool:
        if key[0] in NOBODYS:
            return True
        mine = access.persons is None or (
            bool(version.patient) and key_of(version.patient) in access.persons
        )
        related = access.related is None or bool(
            self.holders(version.patient) & set(access.related.holders)
        )
        return mine and related and self._agreed(access, key, version, mask)

    def holders(self, patient: str) -> set[str]:
        return {
            part["individual"]["reference"]
            for key, head in self.heads()
            if key[0] == "Encounter" and head.patient in circle_of(patient)
            if head.body and head.body["status"] == "in-progress"
            for part in head.body["participant"]
        }

    def _agreed(self, access: Access, key: Key, version: Version, mask: Labels) -> bool:
        if access.agreed is None:
            return True
        decided = None
        for place, consent in sorted(self.heads(), key=lambda one: one[1].seq):
            if place[0] != "Consent" or consent.patient not in circle_of(version.patient):
                continue
            assert consent.body is not None
            rule = consent.body["provision"]
            types = [one["code"] for one in rule.get("class", ())]
            is_hiv = "securityLabel" not in rule or bool(mask & Labels.HIV)
            if (not types or key[0] in types) and is_hiv:
                decided = rule["type"]
        return decided == "permit" if access.agreed.needs_permit else decided != "deny"

    # What is told

    def known(self, access: Access, key: Key, letter: str = "r") -> bool:
        """Whether the caller may know that it is there: medical labels are told of."""
        return key in self.of and self.sees_head(replace(access, sees_restricted=True), key, letter)


def union(masks: Iterable[Labels]) -> Labels:
    found = Labels.NONE
    for mask in masks:
        found |= mask
    return found


def circle_of(patient: str) -> frozenset[str]:
    return CIRCLE if patient in CIRCLE else frozenset({patient}) - {""}


# What there is


def patient(id: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "name": [{"text": f"Nguyễn Thử {id}"}],
            "generalPractitioner": [{"reference": "Practitioner/d0"}]}  # fmt: skip


def observation(id: str, whose: str, category: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id, "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
        "subject": {"reference": f"Patient/{whose}"},
        "performer": [{"reference": "Practitioner/d1"}],
    }  # fmt: skip


def encounter(id: str, whose: str, doctor: str, status: str = "in-progress") -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "id": id, "status": status, "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{whose}"},
        "participant": [{"individual": {"reference": doctor}}],
        "period": {"start": "2026-01-01"},
    }  # fmt: skip


def prescription(id: str, whose: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
        "medicationReference": {"reference": "Medication/m0"},
        "subject": {"reference": f"Patient/{whose}"},
    }  # fmt: skip


def consent(whose: str, kind: str) -> dict[str, Any]:
    way, _, about = kind.partition("-")
    rule: dict[str, Any] = {"type": way}
    if about == "observations":
        rule["class"] = [{"system": "http://hl7.org/fhir/resource-types", "code": "Observation"}]
    if about == "hiv":
        rule["securityLabel"] = [{"system": ACT, "code": "HIV"}]
    scope = "http://terminology.hl7.org/CodeSystem/consentscope"
    return {
        "resourceType": "Consent", "id": f"c-{whose}", "status": "active",
        "scope": {"coding": [{"system": scope, "code": "patient-privacy"}]},
        "patient": {"reference": f"Patient/{whose}"}, "provision": rule,
    }  # fmt: skip


def linked() -> dict[str, Any]:
    pair = PatientAt("", "p2"), PatientAt("", "p3")
    items = zip(("source", "alternate"), pair, strict=True)
    return {
        "resourceType": "Linkage", "id": pair_id(KEY, *pair), "active": True,
        "item": [{"type": kind, "resource": {"reference": at.reference}} for kind, at in items],
    }  # fmt: skip
