"""What the mapping of one visit knows: ids, references, the care type, code displays.

Ids are opaque and come from natural keys and an occurrence number, never from STT, which
corrections renumber. A Reference carries the identifier beside the id, so that a resource
of a visit is read back without the directory it points into.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from trucyte.base.hashing import opaque_id
from trucyte.intake.claims.mapping.lexical import clean_code, read_day, split_list
from trucyte.intake.claims.mapping.rules import Systems
from trucyte.intake.claims.tables import Row, Visit
from trucyte.vietnam.lists import CodeLists

CARE_COURSE = frozenset({"02", "05", "07"})  # NGAY_RA is the last day of drug use
CARE_STAY = frozenset({"03", "04", "06", "09"})  # drugs are given, not handed over
CARE_DISPENSE = frozenset({"01", "02", "05", "07", "08", "10", "11", "12", "13", "14", "15", "16"})
NEWBORN_DAYS_MAX = 28
TABLE_TAG = "https://trucyte.vn/fhir/CodeSystem/claims-table"
_REMEMBERED_MAX = 100_000
_REMEMBERED_LENGTH_MAX = 200
_MARKS = re.compile(r"\(([^()]*)\)\s*$|\.(?:C|HD)\.[^.;()]+$")


@dataclass(frozen=True, slots=True)
class Node:
    """What every visit's mapping shares: the key of ids, systems and lists."""

    key: bytes = field(repr=False)
    systems: Systems
    lists: CodeLists
    ids: dict[tuple[str, ...], str] = field(default_factory=dict, repr=False)

    def id_of(self, *parts: str) -> str:
        """Return the opaque id of a shared thing; remembered, for they come again and again."""
        found = self.ids.get(parts)
        if found is None:
            found = opaque_id(self.key, *parts)
            if sum(map(len, parts)) > _REMEMBERED_LENGTH_MAX:
                return found
            if len(self.ids) >= _REMEMBERED_MAX:
                self.ids.clear()
            self.ids[parts] = found
        return found


@dataclass(slots=True)
class Scope:
    """One visit while it is mapped."""

    node: Node
    visit: Visit
    summary: Row  # XML1, else XML0, in the 4750 model
    labels: list[dict[str, str]]  # meta.security of every resource of the visit
    care: str = field(init=False)  # MA_LOAI_KCB, "" where unknown
    end_day: date | None = field(init=False)  # NGAY_RA, else NGAY_VAO
    is_newborn: bool = field(init=False)  # without a card, so under a parent's name
    _displays: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _own: dict[str, str] = field(default_factory=dict)
    _seen: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Read once what many fields ask."""
        row = self.summary
        came = _day(row.get("NGAY_VAO"))
        self.care = clean_code(row.get("MA_LOAI_KCB", "")) or ""
        self.end_day = _day(row.get("NGAY_RA")) or came
        self.is_newborn = False
        born = _day(row.get("NGAY_SINH"))
        if born and came and not row.get("MA_THE_BHYT"):
            self.is_newborn = 0 <= (came - born).days <= NEWBORN_DAYS_MAX

    def begin(self, kind: str, identity: str, table: str = "") -> dict[str, Any]:
        """Return a resource of the visit with its labels; `table` marks the home of a row."""
        resource: dict[str, Any] = {"resourceType": kind, "id": identity}
        meta: dict[str, Any] = {}
        if self.labels:
            meta["security"] = self.labels
        if table:
            meta["tag"] = [{"system": TABLE_TAG, "code": table}]
        if meta:
            resource["meta"] = meta
        return resource

    def implied(self, plan: Any) -> Row:
        """Return what the visit says already of the fields that repeat it."""
        visit = self.visit
        values = {"MA_LK": visit.link, "MA_BN": visit.patient, "MA_CSKCB": visit.facility}
        return {name: values[name] for name in plan.implied if values.get(name)}

    def row_id(self, kind: str, *natural: str) -> str:
        """Return the id of a row's resource: natural key and occurrence number."""
        key = (kind, *natural)
        self._seen[key] += 1
        occurrence = self._seen[key]
        parts = (kind, self.visit.facility, self.visit.link, *natural, str(occurrence))
        return opaque_id(self.node.key, *parts)

    def visit_id(self, kind: str) -> str:
        """Return the id of the one resource of this kind that a visit has."""
        found = self._own.get(kind)
        if found is None:
            visit = self.visit
            found = self._own[kind] = opaque_id(self.node.key, kind, visit.facility, visit.link)
        return found

    def patient_id(self) -> str:
        """Return the id of the patient at the door: facility and MA_BN."""
        if self.visit.patient:
            return self.node.id_of("Patient", self.visit.facility, self.visit.patient)
        return self.node.id_of("Patient", self.visit.facility, "", self.visit.link)

    def reference(self, kind: str) -> dict[str, Any]:
        """Return the Reference of the one resource of this kind."""
        return {"reference": f"{kind}/{self.visit_id(kind)}"}

    def patient(self) -> dict[str, Any]:
        """Return the unversioned Reference of the patient."""
        return {"reference": f"Patient/{self.patient_id()}"}

    def _logical(self, kind: str, name: str, value: str) -> dict[str, Any]:
        return {
            "reference": f"{kind}/{self.node.id_of(kind, name, value)}",
            "identifier": {"system": self.node.systems[name].uri, "value": value},
        }

    def person(self, text: str) -> dict[str, Any] | None:
        """Return who treats: a licence, or a staff code inside the facility."""
        licence, staff = read_licence(text)
        if licence:
            return self._logical("Practitioner", "cchn", licence)
        if staff:
            return self._logical("Practitioner", "staff", f"{self.visit.facility}:{staff}")
        return None

    def signer(self, text: str) -> dict[str, Any] | None:
        """Return who signs: a social-insurance number, or (since 3176) a licence."""
        code = clean_code(text)
        if code and code.isascii() and code.isdigit() and len(code) == 10:
            return self._logical("Practitioner", "bhxh", code)
        return self.person(text)

    def facility(self, code: str) -> dict[str, Any]:
        """Return the Reference of a facility."""
        return self._logical("Organization", "cskcb", code)

    def here(self) -> dict[str, Any]:
        """Return the Reference of the visit's facility."""
        return self.facility(self.visit.facility)

    def department(self, code: str) -> dict[str, Any]:
        """Return the Reference of a department of this facility."""
        return self._logical("Location", "department", f"{self.visit.facility}:{code}")

    def bed(self, department: str, code: str) -> dict[str, Any]:
        """Return the Reference of a bed."""
        return self._logical("Location", "bed", f"{self.visit.facility}:{department}:{code}")

    def display(self, list_name: str, code: str) -> str | None:
        """Return the list's words for a code at the end of the visit."""
        asked = (list_name, code)
        if asked not in self._displays:
            term = self.node.lists.find(list_name, code, self.end_day)
            self._displays[asked] = term.vi if term and term.vi else None
        return self._displays[asked]

    def is_known(self, list_name: str, code: str) -> bool:
        """Say whether a loaded list holds the code at the end of the visit."""
        return self.node.lists.find(list_name, code, self.end_day) is not None


def beds_of(line: Row) -> list[tuple[str, str]]:
    """Return (department, bed) of an XML3 row; the department may be unknown ("")."""
    departments = [clean_code(piece) or "" for piece in split_list(line.get("MA_KHOA", ""))]
    department = departments[0] if departments else ""
    codes = (clean_code(piece) for piece in split_list(line.get("MA_GIUONG", "")))
    return [(department, code) for code in codes if code]


def read_licence(text: str) -> tuple[str, str]:
    """Return (licence, staff code) of one entry: `L`, `L(S)`, `(S)`, `L.C.XXXXX`, `L.HD.XXXXX`.

    Mobilised staff keep their licence; the facility mark is left to the raw text.
    """
    code = clean_code(text) or ""
    found = _MARKS.search(code)
    if not found:
        return code, ""
    return code[: found.start()].strip(), (found[1] or "").strip()


def _day(raw: str | None) -> date | None:
    text = read_day(raw) if raw else None
    return date.fromisoformat(text) if text and len(text) == 10 else None


Lookup = Callable[[str], dict[str, Any]]
