"""Registers in memory, as pages ask for them: people and places who do not exist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from tests.support.registers import licence, practitioner, state
from trucyte.records import Access
from trucyte.records.shown import ResourceNotFound
from trucyte.shared.identity.registers.codes import FACILITIES, GLN, HOURS
from trucyte.shared.identity.registers.communes import coded
from trucyte.shared.identity.registers.licence import licences_of, practice_of
from trucyte.shared.identity.registers.standing import Facts, standing_of
from trucyte.web.registers import Facility, Practitioner, Version

ACCEPTED = datetime(2026, 7, 1, 1, 5, tzinfo=UTC)


def people() -> list[dict[str, Any]]:
    good = licence("000001/MAU-GPHN", "2024-05-02", "2029-05-01", scope="Nội khoa")
    lost = licence(
        "000002/MAU-GPHN", "2024-01-10", "2029-01-09",
        state("suspended", "2025-03-01", "2025-05-31"), state("revoked", "2026-10-01"),
        scope="Ngoại khoa",
    )  # fmt: skip
    return [
        practitioner("dr-1", good, name=[{"text": "Nguyễn Thị Mẫu"}]),
        practitioner("dr-2", lost, name=[{"text": "Trần Văn Thử"}]),
        practitioner("dr-3", name=[{"text": "Lê Thị Ví Dụ"}]),
    ]


def facility(id: str, code: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Organization", "id": id, "name": name,
        "identifier": [{"system": FACILITIES, "value": code}],
        "type": [{"text": "Trạm y tế"}],
        "address": [{"text": "Xã Thử", "state": "Tỉnh Mẫu"}], **more,
    }  # fmt: skip


def places() -> list[dict[str, Any]]:
    new = facility("o5", "00005", "Trạm Y tế Xã Mẫu Mới")
    new["address"][0]["extension"] = [coded("00262")]  # a ward until July 2025
    new["identifier"].append({"system": GLN, "value": "8930000000019"})
    return [new, facility("o3", "00003", "Trạm Y tế Xã Thử Một", active=False)]


@dataclass
class FakeRegisterBook:
    """A `RegisterBook` over lists."""

    people: Sequence[Mapping[str, Any]] = field(default_factory=people)
    places: Sequence[Mapping[str, Any]] = field(default_factory=places)

    def practitioners(
        self, access: Access, words: str, at: datetime, *, count: int
    ) -> Sequence[Practitioner]:
        found = [self._one(one, at) for one in self.people]
        return [one for one in found if words.casefold() in str(one.resource).casefold()][:count]

    def practitioner(self, access: Access, id: str, at: datetime) -> Practitioner:
        for one in self.people:
            if one["id"] == id:
                return self._one(one, at)
        raise ResourceNotFound(type="Practitioner")

    def facilities(self, access: Access, words: str, *, count: int) -> Sequence[Mapping[str, Any]]:
        return [one for one in self.places if words.casefold() in str(one).casefold()][:count]

    def facility(self, access: Access, id: str, day: date) -> Facility:
        found = next((one for one in self.places if one["id"] == id), None)
        if found is None:
            raise ResourceNotFound(type="Organization")
        return Facility(
            resource=found,
            services=[{"name": "Tiêm chủng"}, {"name": "Khám thai", "active": False}],
            endpoints=[{"name": "FHIR", "status": "active", "address": "https://mau.example/fhir"}],
            places=[
                {"name": "Trạm chính", "address": {**found["address"][0], "text": "Xã Thử Một"}}
            ],
            before=self.places[1:] if id == "o5" else (),
            after=self.places[:1] if id == "o3" else (),
            versions=[Version(1, ACCEPTED, str(found["name"]))],
            practitioners=4,
        )

    def _one(self, resource: Mapping[str, Any], at: datetime) -> Practitioner:
        role = {
            "resourceType": "PractitionerRole",
            "extension": [{"url": HOURS, "valueString": "Thứ 2–6: 07:00–16:30"}],
            "organization": {"reference": "Organization/o5",
                             "identifier": {"system": FACILITIES, "value": "00005"}},
            "period": {"start": "2024-05-15"}, "specialty": [{"text": "Nội khoa"}],
        }  # fmt: skip
        facts = Facts(True, licences_of(resource), (practice_of(role),), is_register=True)
        return Practitioner(resource, standing_of(facts, at), facts, [role])
