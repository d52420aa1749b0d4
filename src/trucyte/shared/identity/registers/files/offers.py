"""What a facility of a list offers, and where it is spoken to: pure."""

from typing import Any, Final

from trucyte.base.hashing import opaque_id
from trucyte.fhir.search.fold import fold
from trucyte.shared.identity.registers.codes import HOURS, facility_reference
from trucyte.shared.identity.registers.files.hours import available_time
from trucyte.shared.identity.registers.files.rows import FacilityRow

_CONNECTION: Final = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
_PAYLOAD: Final = "http://terminology.hl7.org/CodeSystem/endpoint-payload-type"

Json = dict[str, Any]


def services(key: bytes, row: FacilityRow) -> list[Json]:
    """Return a HealthcareService for each service of a line, open as the facility is."""
    where = {"reference": f"Location/{opaque_id(key, 'Location', 'cskcb', row.code)}"}
    made = []
    for name in row.services:
        service: Json = {
            "resourceType": "HealthcareService",
            "id": opaque_id(key, "HealthcareService", "cskcb", row.code, fold(name)),
            "extension": [{"url": HOURS, "valueString": row.hours}] if row.hours else None,
            "active": row.closed is None,
            "providedBy": facility_reference(key, row.code),
            "specialty": [{"text": name}],
            "location": [where],
            "name": name,
            "availableTime": available_time(row.hours),
        }
        made.append({name: value for name, value in service.items() if value is not None})
    return made


def endpoints(key: bytes, row: FacilityRow) -> list[Json]:
    """Return the Endpoint of a line, none where it names no address; a new one replaces it."""
    if not row.endpoint:
        return []
    return [
        {
            "resourceType": "Endpoint",
            "id": endpoint_id(key, row),
            "status": "active" if row.closed is None else "off",
            "connectionType": {"system": _CONNECTION, "code": "hl7-fhir-rest"},
            "name": f"FHIR {row.name}",
            "managingOrganization": facility_reference(key, row.code),
            "payloadType": [{"coding": [{"system": _PAYLOAD, "code": "any"}]}],
            "address": row.endpoint,
        }
    ]


def endpoint_id(key: bytes, row: FacilityRow) -> str:
    """Return the id of a facility's Endpoint."""
    return opaque_id(key, "Endpoint", "cskcb", row.code)
