"""The Encounter: one a visit, without children.

Where NGAY_RA is the last day of drug use (care types 02, 05, 07), weeks ahead, the period
ends at the last real contact and NGAY_RA stands in an extension.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trucyte.intake.claims.draft import Resource
from trucyte.intake.claims.mapping.lexical import (
    clean_code,
    read_moment,
    read_time,
    split_list,
    write_time,
)
from trucyte.intake.claims.mapping.paths import EXTENSION, absent
from trucyte.intake.claims.mapping.people import ACT_CODE, DEATHS, is_before
from trucyte.intake.claims.mapping.raw import keep_raw
from trucyte.intake.claims.mapping.scope import CARE_COURSE, Scope, beds_of
from trucyte.intake.claims.tables import Row

COVERAGE = EXTENSION + "coverage"
DECISION = EXTENSION + "claims-decision"
MADE_ON = EXTENSION + "made-on"
# MA_LOAI_KCB to v3-ActCode (`vn-formats` 3.2); emergency is a visit category, not a care type.
CLASSES: Mapping[str, str] = {
    "01": "AMB", "02": "AMB", "03": "IMP", "04": "SS", "05": "AMB", "06": "IMP", "07": "AMB",
    "08": "AMB", "09": "IMP", "10": "AMB", "11": "FLD", "12": "HH", "13": "AMB", "14": "VR",
    "15": "AMB", "16": "AMB",
}  # fmt: skip
_DISPOSITION = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
DISPOSITIONS: Mapping[str, str] = {
    "1": "home", "2": "other-hcf", "3": "aadvice", "4": "aadvice", "5": "other-hcf",
}  # fmt: skip
_PRIORITY = "http://terminology.hl7.org/CodeSystem/v3-ActPriority"
_BED_GROUPS = frozenset({"14", "15", "16"})


def begin_encounter(
    scope: Scope, versions: Mapping[str, int], coverages: Sequence[str]
) -> Resource:
    """Return the Encounter before the fields of XML1 are written into it."""
    systems = scope.node.systems
    pins = [pinned("Coverage", identity, versions) for identity in coverages]
    extensions: list[dict[str, Any]] = [
        {"url": DECISION, "valueString": scope.visit.variant.value},
        *({"url": COVERAGE, "valueReference": pin} for pin in pins),
    ]
    is_claimed = any(scope.visit.tables.get(name) for name in ("XML1", "XML2", "XML3"))
    if scope.visit.made_on and not is_claimed:
        extensions.append({"url": MADE_ON, "valueDate": scope.visit.made_on.isoformat()})
    table = "XML1" if scope.visit.tables.get("XML1") else ""
    return {
        **scope.begin("Encounter", scope.visit_id("Encounter"), table),
        "extension": extensions,
        "identifier": [{"system": systems["ma-lk"].uri, "value": scope.visit.link}],
        "status": "unknown",
        "class": absent(),
        "subject": pinned("Patient", scope.patient_id(), versions),
        "serviceProvider": scope.here(),
    }


def pinned(kind: str, identity: str, versions: Mapping[str, int]) -> dict[str, Any]:
    """Return the versioned Reference of a Patient or Coverage as the visit was written with."""
    target = f"{kind}/{identity}"
    return {"reference": f"{target}/_history/{versions[target]}"}


def finish_encounter(scope: Scope, encounter: Resource, tables: Mapping[str, list[Row]]) -> None:
    """Add what follows from several fields: class, status, period, places, disposition."""
    row = scope.summary
    if not scope.visit.tables.get("XML1"):
        _tell_check_in(scope, encounter)
    _put_period(scope, encounter, tables)
    if code := CLASSES.get(scope.care):
        encounter["class"] = {"system": ACT_CODE, "code": code}
    if is_emergency(row):
        encounter["priority"] = {"coding": [{"system": _PRIORITY, "code": "EM"}]}
    _put_class_history(scope, encounter)
    _put_locations(scope, encounter, tables.get("XML3", ()))
    _put_disposition(encounter, row)
    for entry in encounter.get("basedOn", ()):
        entry["type"] = "ServiceRequest"


def _tell_check_in(scope: Scope, encounter: Resource) -> None:
    """Tell a visit of which only a check-in or a document was sent; nothing is read back."""
    row = scope.summary
    if came := read_time(row.get("NGAY_VAO", "")):
        encounter["period"] = {"start": came}
    if scope.care:
        uri = scope.node.systems["care-type"].uri
        encounter["type"] = [{"coding": [{"system": uri, "code": scope.care}]}]


def is_emergency(row: Row) -> bool:
    """Say whether the visit came as an emergency (4210: MA_LYDO_VVIEN 2)."""
    return row.get("MA_DOITUONG_KCB", row.get("MA_LYDO_VVIEN", "")).strip() == "2"


def _put_period(scope: Scope, encounter: Resource, tables: Mapping[str, list[Row]]) -> None:
    period = encounter.get("period")
    if scope.care in CARE_COURSE and (last := _last_contact(scope.summary, tables)):
        period = encounter.setdefault("period", {})
        if not is_before(last, period):
            period["end"] = last
    if period and "end" in period and is_before(period["end"], period):
        del period["end"]
        keep_raw(encounter, "NGAY_RA", scope.summary.get("NGAY_RA"))
    if scope.summary.get("NGAY_RA") and scope.visit.tables.get("XML1"):
        encounter["status"] = "finished"
    elif scope.visit.summary:
        encounter["status"] = "in-progress"


def _last_contact(row: Row, tables: Mapping[str, list[Row]]) -> str | None:
    """Return the latest of NGAY_TH_YL, NGAY_YL and NGAY_TTOAN."""
    texts = [row.get("NGAY_TTOAN")]
    for table in ("XML2", "XML3"):
        for line in tables.get(table, ()):
            texts += (line.get("NGAY_YL"), line.get("NGAY_TH_YL"))
    moments = [moment for text in set(texts) if text and (moment := read_moment(text))]
    return max(moments, default=None)


def _put_class_history(scope: Scope, encounter: Resource) -> None:
    raw = scope.summary.get("NGAY_VAO_NOI_TRU")
    if raw is None or not scope.visit.tables.get("XML1"):
        return
    admitted = read_time(raw)
    if admitted is None:
        keep_raw(encounter, "NGAY_VAO_NOI_TRU", raw)
        return
    before: dict[str, str] = {}
    if came := encounter.get("period", {}).get("start"):
        before["start"] = came
    if not is_before(admitted, before):
        before["end"] = admitted
    code = "EMER" if is_emergency(scope.summary) else "AMB"
    encounter["classHistory"] = [
        {"class": {"system": ACT_CODE, "code": code}, "period": before},
        {"class": {"system": ACT_CODE, "code": "IMP"}, "period": {"start": admitted}},
    ]
    if write_time(admitted) != raw:
        keep_raw(encounter, "NGAY_VAO_NOI_TRU", raw)


def _put_locations(scope: Scope, encounter: Resource, lines: Sequence[Row]) -> None:
    beds = [line for line in lines if line.get("MA_NHOM", "").strip() in _BED_GROUPS]
    raw = scope.summary.get("MA_KHOA") if scope.visit.tables.get("XML1") else None
    codes = [code for piece in split_list(raw or "") if (code := clean_code(piece))]
    entries: list[dict[str, Any]] = []
    for code in codes:
        own = [line for line in beds if line.get("MA_KHOA", "").strip() == code]
        entries.append(_location(scope.department(code), own))
    for line in beds:
        for department, bed in beds_of(line):
            entries.append(_location(scope.bed(department, bed), [line]))
    if entries:
        encounter["location"] = entries
    told = read_departments(encounter, scope.node.systems["department"].uri)
    if raw is not None and told != raw:
        keep_raw(encounter, "MA_KHOA", raw)


def _location(reference: dict[str, Any], beds: Sequence[Row]) -> dict[str, Any]:
    """Return one stay; only bed rows say from when until when."""
    entry: dict[str, Any] = {"location": reference}
    starts = [moment for line in beds if (moment := read_time(line.get("NGAY_YL", "")))]
    ends = [moment for line in beds if (moment := read_time(line.get("NGAY_KQ", "")))]
    period: dict[str, str] = {}
    if starts:
        period["start"] = min(starts)
    if ends and not is_before(max(ends), period):
        period["end"] = max(ends)
    if period:
        entry["period"] = period
    return entry


def _put_disposition(encounter: Resource, row: Row) -> None:
    disposition = encounter.get("hospitalization", {}).get("dischargeDisposition")
    if disposition is None:
        return
    code = DISPOSITIONS.get(row.get("MA_LOAI_RV", "").strip())
    if row.get("KET_QUA_DTRI", "").strip() in DEATHS:
        code = "exp"
    if code:
        disposition["coding"].append({"system": _DISPOSITION, "code": code})


def read_departments(encounter: Resource, department_uri: str) -> str:
    """Return MA_KHOA as the places of the Encounter tell it."""
    return ";".join(
        entry["location"]["identifier"]["value"].partition(":")[2]
        for entry in encounter.get("location", ())
        if entry["location"].get("identifier", {}).get("system") == department_uri
    )


def read_apart(encounter: Resource, department_uri: str) -> Row:
    """Return the fields of XML1 this module wrote itself."""
    row: Row = {}
    if departments := read_departments(encounter, department_uri):
        row["MA_KHOA"] = departments
    history = encounter.get("classHistory", ())
    if len(history) == 2:
        row["NGAY_VAO_NOI_TRU"] = write_time(history[1]["period"]["start"])
    return row
