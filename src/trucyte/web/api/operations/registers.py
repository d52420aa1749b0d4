"""What registers are asked of through the API: who may sign, and what a facility became.

`Practitioner/$standing` is a short-lived status for other nodes and systems: the answer
says until when it may be relied on.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.fhir.parse import parse
from trucyte.fhir.search.moments import moment_range
from trucyte.records.gate import Records
from trucyte.shared.identity.registers.communes import COMMUNES, Lies, full_name, lies_in
from trucyte.shared.identity.registers.facilities import Facilities
from trucyte.shared.identity.registers.licence import NUMBERS
from trucyte.shared.identity.registers.reader import Registers
from trucyte.shared.identity.registers.standing import Standing
from trucyte.shared.terminology.operations.given import ParameterRefused
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FhirCall
from trucyte.web.api.operations.asked import BOTH, answered, given_of
from trucyte.web.api.operations.table import Level, Operation

_MCSD: Final = "https://profiles.ihe.net/ITI/mCSD/CapabilityStatement/IHE.mCSD."
# Whose part this node can play: care services found (ITI-90), by distance too, and followed
# by history (ITI-91), of Mobile Care Services Discovery.
DIRECTORY: Final = tuple(
    f"{_MCSD}{part}" for part in ("Directory", "Directory.LocationDistance", "Directory.Update")
)
_DEFINITIONS: Final = "https://trucyte.vn/fhir/OperationDefinition/"
_ASKED: Final = {"at": "date", "scope": "text", "place": "text", "licence": "text"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def register_operations(
    registers: Registers,
    facilities: Facilities,
    records: Records,
    clock: Clock,
    *,
    status_seconds: int,
) -> Sequence[Operation]:
    """Return the rows."""

    def standing(call: FhirCall) -> Answer:
        given = given_of(call, _ASKED)
        now = clock.now()
        at = _moment(given.text("at"), now)
        found = registers.standing(
            call.access,
            _who(call, given.text("licence"), records),
            at=at,
            scope=given.text("scope") or None,
            place=given.text("place") or None,
        )
        return answered(_told(found, at, now, timedelta(seconds=status_seconds)))

    def successors(call: FhirCall) -> Answer:
        given = given_of(call, {"on": "date"})
        own = parse(records.read(call.access, "Organization", call.id).body)  # or it is not here
        day = given.day("on") or clock.now().astimezone(VIETNAM).date()
        found = facilities.successors(call.access, call.id, day)
        parts: list[dict[str, Any]] = [
            {"name": "return", "valueReference": {"reference": f"Organization/{id_}"}}
            for id_ in found
        ]
        parts += [_unit(one) for address in own.get("address", ()) for one in lies_in(address, day)]
        return answered(_parameters(parts))

    both = frozenset({Level.TYPE, Level.INSTANCE})
    return [
        Operation(
            name="standing",
            levels=both,
            methods=BOTH,
            affects_state=False,
            definition=f"{_DEFINITIONS}practitioner-standing",
            handler=standing,
            types=frozenset({"Practitioner", "PractitionerRole"}),
            documentation="Whether a practitioner may sign at a moment, and why.",
        ),
        Operation(
            name="successors",
            levels=frozenset({Level.INSTANCE}),
            methods=BOTH,
            affects_state=False,
            definition=f"{_DEFINITIONS}organization-successors",
            handler=successors,
            types=frozenset({"Organization"}),
            documentation="What a facility is on a day, after mergers and splits, and where.",
        ),
    ]


def _who(call: FhirCall, licence: str, records: Records) -> dict[str, Any]:
    if call.id:
        records.read(call.access, call.type, call.id)  # or it is not here
        return {"reference": f"{call.type}/{call.id}"}
    if not licence:
        raise ParameterRefused(name="licence", reason="it is needed where no practitioner is named")
    return {"identifier": {"system": NUMBERS, "value": licence}}


def _told(found: Standing, at: datetime, now: datetime, relied: timedelta) -> dict[str, Any]:
    """Return the answer; what it says of the past may be relied on no longer than the rest."""
    until = now + relied
    if found.until and found.until > now:
        until = min(until, found.until)
    parts: list[dict[str, Any]] = [
        {"name": "maySign", "valueBoolean": found.may_sign},
        {"name": "why", "valueCode": found.why.value},
        {"name": "at", "valueDateTime": _written(at)},
        {"name": "until", "valueDateTime": _written(until)},
    ]
    if found.licence and found.licence.number:
        number = {"system": NUMBERS, "value": found.licence.number}
        parts.append({"name": "licence", "valueIdentifier": number})
    return _parameters(parts)


def _unit(lies: Lies) -> dict[str, Any]:
    """Tell a commune, and whether it is all of what the address names."""
    coding = {"system": COMMUNES, "code": lies.unit.code, "display": full_name(lies.unit)}
    shared = {"name": "share", "valueCode": lies.share}
    return {"name": "commune", "part": [{"name": "unit", "valueCoding": coding}, shared]}


def _parameters(parts: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(parts)}


def _written(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).isoformat(timespec="seconds")


def _moment(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        return _EPOCH + timedelta(microseconds=moment_range(text)[0])
    except (ValueError, OverflowError):
        raise ParameterRefused(name="at", reason="not a dateTime") from None
