"""Vital signs: the weight of XML1, and what notes say in `CSST<M75_T37_HA120/70_NT18_SP98>`."""

import re
from itertools import islice
from typing import Any

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping.documents import LOINC
from trucyte.intake.claims.mapping.lexical import read_decimal, read_time
from trucyte.intake.claims.mapping.paths import absent
from trucyte.intake.claims.mapping.results import CATEGORY, UCUM
from trucyte.intake.claims.mapping.scope import Scope
from trucyte.intake.claims.tables import Row

_SIGNS = re.compile(r"CSST\s*<([^<>]*)>")
_SIGN = re.compile(r"(HA)\s*(\d{2,3})/(\d{2,3})|([A-Z]{1,2})\s*(\d{1,3}(?:[.,]\d{1,2})?)")
_BLOCKS_MAX = 20  # one note must not make a resource a letter
_BLOCK_LENGTH_MAX = 200
# Mark in the note -> LOINC code, UCUM unit, unit as shown. HL (care level) is no vital sign.
_KINDS = {
    "M": ("8867-4", "/min", "lần/phút"),
    "T": ("8310-5", "Cel", "°C"),
    "NT": ("9279-1", "/min", "lần/phút"),
    "SP": ("2708-6", "%", "%"),
}


def _begin(scope: Scope, identity: str, code: str, when: str | None, table: str = "") -> Resource:
    sign = scope.begin("Observation", identity, table)
    sign["status"] = "final"
    sign["category"] = [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}]
    sign["code"] = {"coding": [{"system": LOINC, "code": code}]}
    sign["subject"] = scope.patient()
    sign["encounter"] = scope.reference("Encounter")
    if when:
        sign["effectiveDateTime"] = when
    else:
        sign["_effectiveDateTime"] = absent()
    return sign


def begin_weight(scope: Scope) -> Resource:
    """Return the body-weight Observation before CAN_NANG is written into it."""
    when = read_time(scope.summary.get("NGAY_VAO", ""))
    return _begin(scope, scope.row_id("Observation", "weight"), "29463-7", when, "XML1")


def finish_weight(weight: Resource) -> None:
    """Add the unit; a weight that is no positive number is told as absent."""
    quantity = weight.get("valueQuantity")
    if quantity is None:
        weight["dataAbsentReason"] = _unknown()
        return
    quantity.update({"unit": "kg", "system": UCUM, "code": "kg"})


def begin_blood(scope: Scope) -> Resource:
    """Return the blood-group Observation before NHOM_MAU is written into it."""
    blood = scope.begin("Observation", scope.row_id("Observation", "blood"), "XML1")
    blood["status"] = "final"
    blood["category"] = [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}]
    blood["code"] = {"coding": [{"system": LOINC, "code": "882-1"}]}
    blood["subject"] = scope.patient()
    blood["encounter"] = scope.reference("Encounter")
    return blood


def _unknown() -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    return {"coding": [{"system": system, "code": "unknown"}]}


def read_signs(text: str) -> list[tuple[str, str, str]]:
    """Return (mark, value, second value) of every vital sign in a note."""
    found = []
    for block in islice(_SIGNS.finditer(text), _BLOCKS_MAX):
        for pressure, high, low, mark, value in _SIGN.findall(block[1][:_BLOCK_LENGTH_MAX]):
            found.append((pressure, high, low) if pressure else (mark, value, ""))
    return found


def make_signs(scope: Scope, row: Row, place: int, note: Resource) -> list[Draft]:
    """Return the Observations of one note and list them in its section."""
    text = row.get("DIEN_BIEN_LS", "")
    if "CSST" not in text:
        return []
    when = read_time(row.get("THOI_DIEM_DBLS", ""))
    drafts = []
    for mark, value, second in read_signs(text):
        natural = (row.get("THOI_DIEM_DBLS", ""), row.get("NGUOI_THUC_HIEN", ""), mark)
        identity = scope.row_id("Observation", "CSST", *natural)
        if mark == "HA":
            sign = _pressure(_begin(scope, identity, "85354-9", when), value, second)
        elif mark in _KINDS:
            code, unit, shown = _KINDS[mark]
            sign = _begin(scope, identity, code, when)
            sign["valueQuantity"] = _quantity(value, unit, shown)
        else:
            continue
        drafts.append(Draft(sign, "XML5", place))
    if drafts and "section" in note:
        note["section"][0]["entry"] = [
            {"reference": f"Observation/{draft.resource['id']}"} for draft in drafts
        ]
    return drafts


def _quantity(value: str, unit: str, shown: str) -> dict[str, Any]:
    return {"value": read_decimal(value), "unit": shown, "system": UCUM, "code": unit}


def _pressure(sign: Resource, high: str, low: str) -> Resource:
    sign["component"] = [
        {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": _quantity(value, "mm[Hg]", "mmHg"),
        }
        for code, value in (("8480-6", high), ("8462-4", low))
    ]
    return sign
