"""XML3: services, beds, examinations and supplies.

A service row is an order and what was done; a bed is a stay at a place; a supply is a
line of money, and a Device only where its own mark (model, serial) is told.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trucyte.intake.claims.draft import Draft, Resource
from trucyte.intake.claims.mapping.claim import begin_line, finish_line
from trucyte.intake.claims.mapping.lexical import clean_text
from trucyte.intake.claims.mapping.people import is_before
from trucyte.intake.claims.mapping.plan import TablePlan
from trucyte.intake.claims.mapping.raw import keep_raw
from trucyte.intake.claims.mapping.scope import Scope
from trucyte.intake.claims.tables import Row

_SUPPLY_GROUPS = frozenset({"10", "11"})
_PLACE_GROUPS = frozenset({"12", "14", "15", "16", "19"})  # transport, beds, meals and lodging
_STOPPED = "_TB"


def kinds_of(row: Row) -> tuple[str, ...]:
    """Return the anchors of an XML3 row beside its line."""
    group = row.get("MA_NHOM", "").strip()
    if row.get("MA_VAT_TU") or group in _SUPPLY_GROUPS:
        return ("supply", "device") if clean_text(row.get("MA_HIEU_SP", "")) else ("supply",)
    if group in _PLACE_GROUPS:
        return ("service",)
    return ("service", "request", "procedure")


def make_services(
    scope: Scope, plan: TablePlan, rows: Sequence[Row], first: int
) -> tuple[list[Draft], list[dict[str, Any]]]:
    """Return the resources and the lines of XML3; lines are numbered from `first`."""
    drafts: list[Draft] = []
    lines = []
    implied = {"MA_LK": scope.visit.link}
    for place, row in enumerate(rows, start=1):
        line = begin_line(scope, first + place - 1)
        kinds = kinds_of(row)
        natural = (row.get("MA_VAT_TU") or row.get("MA_DICH_VU", ""), row.get("NGAY_YL", ""))
        made = {
            kind: _begin(scope, kind, natural)
            for kind in kinds
            if kind not in {"supply", "service"}
        }
        anchors = {"item": line, kinds[0]: line, **made}
        plan.write(row, anchors, scope, implied=implied)
        _finish(scope, row, made, line, is_supply=kinds[0] == "supply")
        lines.append(line)
        drafts += [Draft(resource, "XML3", place) for resource in made.values()]
    return drafts, lines


_TYPES = {"request": "ServiceRequest", "procedure": "Procedure", "device": "Device"}


def _begin(scope: Scope, kind: str, natural: tuple[str, ...]) -> Resource:
    resource_type = _TYPES[kind]
    resource = scope.begin(resource_type, scope.row_id(resource_type, "XML3", *natural), "XML3")
    if kind == "device":
        resource["patient"] = scope.patient()
        return resource
    resource["status"] = "completed"
    if kind == "request":
        resource["intent"] = "order"
    resource["subject"] = scope.patient()
    resource["encounter"] = scope.reference("Encounter")
    return resource


def _finish(
    scope: Scope, row: Row, made: Mapping[str, Resource], line: dict[str, Any], *, is_supply: bool
) -> None:
    request, procedure, device = (made.get(kind) for kind in ("request", "procedure", "device"))
    target = f"ServiceRequest/{request['id']}" if request else None
    finish_line(scope, line, "supply" if is_supply else "service", target)
    if device:
        line["udi"] = [{"reference": f"Device/{device['id']}"}]
        device["type"] = line["productOrService"]
    if request and procedure:
        request["code"] = procedure["code"] = line["productOrService"]
        procedure["basedOn"] = [{"reference": target}]
        _put_status(row, request, procedure)


def _put_status(row: Row, request: Resource, procedure: Resource) -> None:
    period = procedure.get("performedPeriod")
    if period and "end" in period and is_before(period["end"], period):
        del period["end"]
        keep_raw(procedure, "NGAY_KQ", row["NGAY_KQ"])
    if row.get("MA_DICH_VU", "").strip().endswith(_STOPPED):
        procedure["status"] = "stopped"
        request["status"] = "revoked"
    elif not period:
        procedure["status"] = "unknown"
        request["status"] = "unknown"


def procedures_by_service(rows: Sequence[Row], drafts: Sequence[Draft]) -> dict[str, list[str]]:
    """Return ids of procedures by MA_DICH_VU."""
    found: dict[str, list[str]] = {}
    for draft in drafts:
        if draft.resource["resourceType"] == "Procedure":
            code = rows[draft.row - 1].get("MA_DICH_VU", "")
            found.setdefault(code, []).append(draft.resource["id"])
    return found
