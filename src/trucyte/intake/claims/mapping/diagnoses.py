"""Diagnoses and coded procedures of a visit.

One encounter-diagnosis a code, ranked by the order of the fields. A final code has no
verification status: a billing code is not "confirmed". The reception diagnosis is text
and provisional. Nothing from claims enters the problem list.
"""

from collections.abc import Sequence
from typing import Any

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping.lexical import clean_code, clean_text, split_list
from trucyte.intake.claims.mapping.raw import keep_raw
from trucyte.intake.claims.mapping.rules import Systems
from trucyte.intake.claims.mapping.scope import Lookup, Scope
from trucyte.intake.claims.tables import Row

_CATEGORY = [
    {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/condition-category",
                "code": "encounter-diagnosis",
            }
        ]
    }
]
_PROVISIONAL = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
            "code": "provisional",
        }
    ]
}
_ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
FIELDS = ("CHAN_DOAN_VAO", "MA_BENH_CHINH", "MA_BENH_KT", "MA_BENH_YHCT", "MA_PTTT_QT")


def make_diagnoses(scope: Scope, encounter: Resource) -> list[Draft]:
    """Return the Conditions and Procedures of XML1 and list them on the Encounter."""
    drafts = [*_reception(scope), *_final(scope)]
    entries = [_entry(draft.resource) for draft in drafts]
    rank = 0
    for entry in entries:
        if entry["use"]["coding"][0]["code"] == "DD":
            rank += 1
            entry["rank"] = rank
    if entries:
        encounter["diagnosis"] = entries
    procedures = _procedures(scope)
    _keep_raws(scope, encounter, [draft.resource for draft in (*drafts, *procedures)])
    return [*drafts, *procedures]


def _keep_raws(scope: Scope, encounter: Resource, made: Sequence[Resource]) -> None:
    by_id = {f"{each['resourceType']}/{each['id']}": each for each in made}
    procedures = [each for each in made if each["resourceType"] == "Procedure"]
    told = read_diagnoses(encounter, by_id.__getitem__, procedures, scope.node.systems)
    for name in FIELDS:
        raw = scope.summary.get(name)
        if raw != told.get(name):
            keep_raw(encounter, name, raw)


def _entry(condition: Resource) -> dict[str, Any]:
    use = "AD" if "verificationStatus" in condition else "DD"
    return {
        "condition": {"reference": f"Condition/{condition['id']}"},
        "use": {"coding": [{"system": _ROLE, "code": use}]},
    }


def _condition(scope: Scope, identity: str, code: dict[str, Any]) -> Resource:
    condition = scope.begin("Condition", identity)
    condition["category"] = _CATEGORY
    condition["code"] = code
    condition["subject"] = scope.patient()
    condition["encounter"] = scope.reference("Encounter")
    return condition


def _reception(scope: Scope) -> list[Draft]:
    text = clean_text(scope.summary.get("CHAN_DOAN_VAO", ""))
    if text is None:
        return []
    condition = _condition(scope, scope.row_id("Condition", "reception"), {"text": text})
    condition["verificationStatus"] = _PROVISIONAL
    return [Draft(condition, "XML1", 1)]


def _final(scope: Scope) -> list[Draft]:
    row, systems = scope.summary, scope.node.systems
    codes: list[str] = []
    main = clean_code(row.get("MA_BENH_CHINH", ""))
    for code in ([main] if main else []) + _codes(row.get("MA_BENH_KT", "")):
        if code not in codes:
            codes.append(code)
    traditional = _codes(row.get("MA_BENH_YHCT", ""))
    is_aligned = len(traditional) == len(codes)
    drafts = []
    for place, code in enumerate(codes):
        display = scope.display("icd10", code)
        concept: dict[str, Any] = {"coding": [{"system": systems["icd-10"].uri, "code": code}]}
        if display:
            concept["coding"][0]["display"] = display
        if is_aligned:
            concept["coding"].append({"system": systems["yhct"].uri, "code": traditional[place]})
        drafts.append(_condition(scope, scope.row_id("Condition", "icd-10", code), concept))
    for code in () if is_aligned else dict.fromkeys(traditional):
        concept = {"coding": [{"system": systems["yhct"].uri, "code": code}]}
        drafts.append(_condition(scope, scope.row_id("Condition", "yhct", code), concept))
    return [Draft(condition, "XML1", 1) for condition in drafts]


def _codes(raw: str) -> list[str]:
    return [code for piece in split_list(raw) if (code := clean_code(piece))]


def _procedures(scope: Scope) -> list[Draft]:
    drafts = []
    for code in _codes(scope.summary.get("MA_PTTT_QT", "")):
        procedure = scope.begin("Procedure", scope.row_id("Procedure", "icd-9-cm", code), "XML1")
        procedure["status"] = "completed"
        procedure["code"] = {
            "coding": [{"system": scope.node.systems["icd-9-cm"].uri, "code": code}]
        }
        procedure["subject"] = scope.patient()
        procedure["encounter"] = scope.reference("Encounter")
        drafts.append(Draft(procedure, "XML1", 1))
    return drafts


def read_diagnoses(
    encounter: Resource, at: Lookup, procedures: Sequence[Resource], systems: Systems
) -> Row:
    """Return the fields of XML1 that `make_diagnoses` wrote.

    Procedures come in the order of the file where the Claim lists them; XML1's codes are
    read in the order given.
    """
    row: Row = {}
    found: dict[str, list[str]] = {"icd-10": [], "yhct": []}
    names = {systems[name].uri: name for name in found}
    for entry in encounter.get("diagnosis", ()):
        condition = at(entry["condition"]["reference"])
        if entry["use"]["coding"][0]["code"] == "AD":
            row["CHAN_DOAN_VAO"] = condition["code"]["text"]
            continue
        for coding in condition["code"]["coding"]:
            found[names[coding["system"]]].append(coding["code"])
    main, *others = found["icd-10"] or [""]
    texts = {
        "MA_BENH_CHINH": main,
        "MA_BENH_KT": ";".join(others),
        "MA_BENH_YHCT": ";".join(found["yhct"]),
        "MA_PTTT_QT": ";".join(each["code"]["coding"][0]["code"] for each in procedures),
    }
    row.update({name: text for name, text in texts.items() if text})
    return row
