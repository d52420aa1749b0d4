"""XML4: results as Observations, and DiagnosticReports.

The unit is kept as written; a UCUM code stands beside it only where the reviewed table
(index, unit) has one. There is no reference range: the sender gives none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping.lexical import (
    clean_code,
    clean_text,
    read_decimal,
    read_time,
    write_decimal,
)
from trucyte.intake.claims.mapping.paths import EXTENSION, absent
from trucyte.intake.claims.mapping.plan import TablePlan
from trucyte.intake.claims.mapping.raw import keep_raw
from trucyte.intake.claims.mapping.scope import TABLE_TAG, Scope
from trucyte.intake.claims.tables import Row
from trucyte.vietnam.tables import read_toml

UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_COMPARED = re.compile(r"(<=|>=|<|>|≤|≥)?\s*(.+)", re.DOTALL)
_SIGNS = {"≤": "<=", "≥": ">="}
INDEX_LIST = "chi-so"  # MA_CHI_SO is a coding only where this list holds it
_INDEX = EXTENSION + "index"
_UNIT = EXTENSION + "unit"
# MA_NHOM of the ordering XML3 row to observation category; without one: laboratory.
_CATEGORIES = {"1": "laboratory", "2": "imaging", "3": "procedure"}

Units = Mapping[tuple[str, str], str]


def load_units() -> Units:
    """Return UCUM codes by (index, unit); index "" holds for every index."""
    rows = read_toml("units_of_measure")["row"]
    return {(row["index"], row["unit"]): row["code"] for row in rows}


def make_results(
    scope: Scope, plan: TablePlan, units: Units, rows: Sequence[Row], services: "Services"
) -> list[Draft]:
    """Return Observations and DiagnosticReports of XML4."""
    drafts: list[Draft] = []
    grouped: dict[tuple[str, str], list[tuple[int, Row, Resource]]] = {}
    for place, row in enumerate(rows, start=1):
        if is_report(row):
            report = _own_report(scope, plan, row, services)
            drafts.append(Draft(report, "XML4", place))
            continue
        result = _result(scope, plan, units, row, services)
        drafts.append(Draft(result, "XML4", place))
        key = (row.get("MA_DICH_VU", ""), row.get("NGAY_KQ", ""))
        grouped.setdefault(key, []).append((place, row, result))
    drafts += [_group_report(scope, key, members, services) for key, members in grouped.items()]
    return drafts


def is_report(row: Row) -> bool:
    """Say whether the row describes or concludes without a value."""
    return "GIA_TRI" not in row and ("MO_TA" in row or "KET_LUAN" in row)


class Services:
    """The XML3 rows that results join to, by MA_DICH_VU."""

    def __init__(self, rows: Sequence[Row], drafts: Iterable[Draft]) -> None:
        self._rows: dict[str, list[int]] = {}
        for place, row in enumerate(rows, start=1):
            if code := row.get("MA_DICH_VU"):
                self._rows.setdefault(code, []).append(place)
        self._all = rows
        self._orders = {
            draft.row: draft.resource["id"]
            for draft in drafts
            if draft.resource["resourceType"] == "ServiceRequest"
        }

    def single(self, row: Row) -> tuple[Row, str | None]:
        """Return the one XML3 row of a result's service and its order's id, else nothing."""
        places = self._rows.get(row.get("MA_DICH_VU", ""), ())
        if len(places) != 1:
            return {}, None
        return self._all[places[0] - 1], self._orders.get(places[0])


def _begin(scope: Scope, kind: str, row: Row, natural: tuple[str, ...]) -> Resource:
    resource = scope.begin(kind, scope.row_id(kind, "XML4", *natural), "XML4")
    resource["subject"] = scope.patient()
    resource["encounter"] = scope.reference("Encounter")
    return resource


def _natural(row: Row) -> tuple[str, ...]:
    index = row.get("MA_CHI_SO") or row.get("TEN_CHI_SO", "")
    return (row.get("MA_DICH_VU", ""), index, row.get("NGAY_KQ", ""))


def _join(resource: Resource, order: Row, order_id: str | None) -> None:
    if order_id:
        resource["basedOn"] = [{"reference": f"ServiceRequest/{order_id}"}]
    if done := read_time(order.get("NGAY_TH_YL", "")):
        resource["effectiveDateTime"] = done


def _result(scope: Scope, plan: TablePlan, units: Units, row: Row, services: Services) -> Resource:
    result = _begin(scope, "Observation", row, _natural(row))
    order, order_id = services.single(row)
    category = _CATEGORIES.get(order.get("MA_NHOM", "").strip(), "laboratory")
    result["category"] = [{"coding": [{"system": CATEGORY, "code": category}]}]
    result["code"] = {}
    _join(result, order, order_id)
    plan.write(row, {"row": result, "result": result}, scope, implied={"MA_LK": scope.visit.link})
    _put_index(scope, result, row)
    _put_value(result, row, units)
    if not result["code"]:
        result["code"] = absent()
    return result


def _put_index(scope: Scope, resource: Resource, row: Row) -> None:
    raw = row.get("MA_CHI_SO")
    if raw is None:
        return
    code = clean_code(raw)
    if code is None or code != raw:
        keep_raw(resource, "MA_CHI_SO", raw)
    if code is None:
        return
    coding = {"system": scope.node.systems["index"].uri, "code": code}
    if resource["resourceType"] == "Observation" and scope.is_known(INDEX_LIST, code):
        resource["code"]["coding"] = [coding]
    else:
        resource.setdefault("extension", []).append({"url": _INDEX, "valueString": code})


def _put_value(result: Resource, row: Row, units: Units) -> None:
    raw, unit = row.get("GIA_TRI"), row.get("DON_VI_DO")
    text = clean_text(raw) if raw else None
    result["status"] = "final" if text else "registered"
    quantity = read_quantity(text) if text else None
    shown = clean_text(unit) if unit else None
    if quantity is not None:
        result["valueQuantity"] = quantity
        if shown:
            quantity["unit"] = shown
            name = clean_text(row.get("TEN_CHI_SO", "")) or ""
            if code := units.get((name, shown), units.get(("", shown))):
                quantity.update(system=UCUM, code=code)
    else:
        if text:
            result["valueString"] = text
        if shown:
            result.setdefault("extension", []).append({"url": _UNIT, "valueString": shown})
    told = read_value(result)
    for name in ("GIA_TRI", "DON_VI_DO"):
        if row.get(name) != told.get(name):
            keep_raw(result, name, row.get(name))


def read_quantity(text: str) -> dict[str, Any] | None:
    """Return comparator and number of a result; titres, ranges and signs are no quantity."""
    found = _COMPARED.fullmatch(text)
    value = read_decimal(found[2]) if found else None
    if found is None or value is None:
        return None
    sign = found[1]
    return {"comparator": _SIGNS.get(sign, sign), "value": value} if sign else {"value": value}


def read_value(result: Resource) -> Row:
    """Return GIA_TRI and DON_VI_DO as the Observation tells them."""
    row: Row = {}
    if "valueString" in result:
        row["GIA_TRI"] = result["valueString"]
    quantity = result.get("valueQuantity")
    if quantity:
        row["GIA_TRI"] = quantity.get("comparator", "") + write_decimal(quantity["value"])
        if "unit" in quantity:
            row["DON_VI_DO"] = quantity["unit"]
    for entry in result.get("extension", ()):
        if entry["url"] == _UNIT:
            row["DON_VI_DO"] = entry["valueString"]
    return row


def read_index(resource: Resource, uri: str) -> Row:
    """Return MA_CHI_SO as the resource tells it."""
    for coding in resource.get("code", {}).get("coding", ()):
        if coding.get("system") == uri:
            return {"MA_CHI_SO": coding["code"]}
    for entry in resource.get("extension", ()):
        if entry["url"] == _INDEX:
            return {"MA_CHI_SO": entry["valueString"]}
    return {}


def _own_report(scope: Scope, plan: TablePlan, row: Row, services: Services) -> Resource:
    report = _begin(scope, "DiagnosticReport", row, _natural(row))
    order, order_id = services.single(row)
    report["status"] = "final"
    _join(report, order, order_id)
    plan.write(row, {"row": report, "report": report}, scope, implied={"MA_LK": scope.visit.link})
    _put_index(scope, report, row)
    if "DON_VI_DO" in row:
        keep_raw(report, "DON_VI_DO", row["DON_VI_DO"])
    _name_report(scope, report, row, order)
    if "text" in report:
        report["text"]["status"] = "additional"
    return report


def _name_report(scope: Scope, report: Resource, row: Row, order: Row) -> None:
    code = report.setdefault("code", {})
    if name := clean_text(order.get("TEN_DICH_VU", "") or row.get("TEN_CHI_SO", "")):
        code["text"] = name
    if not code:
        report["code"] = absent()


def _group_report(
    scope: Scope,
    key: tuple[str, str],
    members: Sequence[tuple[int, Row, Resource]],
    services: Services,
) -> Draft:
    """Return the report that holds the results of one service at one time."""
    place, row, _ = members[0]
    order, order_id = services.single(row)
    report = scope.begin("DiagnosticReport", scope.row_id("DiagnosticReport", "results", *key))
    report["subject"] = scope.patient()
    report["encounter"] = scope.reference("Encounter")
    known = [result["status"] == "final" for _, _, result in members]
    report["status"] = "final" if all(known) else "partial" if any(known) else "registered"
    if code := clean_code(key[0]):
        report["code"] = {"coding": [{"system": scope.node.systems["service"].uri, "code": code}]}
    _name_report(scope, report, row, order)
    _join(report, order, order_id)
    issued = next((result["issued"] for _, _, result in members if "issued" in result), None)
    if issued:
        report["issued"] = issued
    readers = next((r["performer"] for _, _, r in members if "performer" in r), None)
    if readers:
        report["resultsInterpreter"] = readers
    texts = (clean_text(member.get("KET_LUAN", "")) for _, member, _ in members)
    if conclusions := list(dict.fromkeys(text for text in texts if text)):
        report["conclusion"] = "\n".join(conclusions)
    report["result"] = [{"reference": f"Observation/{result['id']}"} for _, _, result in members]
    return Draft(report, "XML4", place)


def is_of_table(resource: Resource, table: str) -> bool:
    """Say whether the resource is the home of a row of `table`."""
    return any(
        tag.get("system") == TABLE_TAG and tag.get("code") == table
        for tag in resource.get("meta", {}).get("tag", ())
    )
