"""The registers of a real node: the command takes lists in, the API refuses and tells."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.registers import prescription
from tests.support.serving import needs_definitions
from tests.support.worlds import World, open_world
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.node.registers.commands import registers
from trucyte.shared.identity.registers.codes import facility_id
from trucyte.shared.identity.registers.reader import register_id

EXAMPLES = Path(__file__).parents[2] / "examples" / "registers"
NOW = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)


@pytest.fixture
def command(empty_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    needs_definitions()
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", empty_database.url)
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path))

    def run(*arguments: str) -> tuple[int, Any]:
        found = CliRunner().invoke(registers, [*arguments, "--json"], standalone_mode=False)
        assert found.exception is None, found.exception
        return found.return_value or 0, json.loads(found.stdout)

    return run


@pytest.fixture
def world(command: Any, empty_database: Database, tmp_path: Path) -> Iterator[World]:
    for kind in ("facilities", "practitioners"):
        code, told = command("import", str(EXAMPLES / f"{kind}.csv"), "--kind", kind)
        assert (code, told["taken"], told["faulty"]) == (0, 5, 0)
    with open_world(empty_database, tmp_path, FixedClock(NOW)) as opened:
        yield opened


def values(reply: Any) -> dict[str, Any]:
    return {
        part["name"]: next(value for key, value in part.items() if key != "name")
        for part in reply.json["parameter"]
    }


def test_the_command_says_who_may_sign_and_names_bad_lines(command: Any, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("so gphn,ho ten,tinh trang,ngay thu hoi\n1/A-GPHN,Một,,\n,Hai,,\n"
                    "3/A-GPHN,Ba,thu hồi,01/02/2020\n")  # fmt: skip
    code, told = command("import", str(file), "--kind", "practitioners")
    assert (code, told["taken"]) == (1, 2)
    assert told["errors"] == [{"row": 3, "reason": "number-missing", "column": "number"}]
    assert command("standing", "1/a-gphn") == (0, {"may_sign": True, "why": "in-force",
                                                   "until": None})  # fmt: skip
    assert command("standing", "3/A-GPHN")[1]["why"] == "revoked"
    assert command("standing", "3/A-GPHN", "--at", "2020-01-31")[1]["why"] == "in-force"
    assert command("standing", "9/A-GPHN")[1]["why"] == "unknown"


def test_the_api_refuses_and_tells_until_when_to_rely_on_it(world: World) -> None:
    key = world.node.keyring.ids
    lost = f"Practitioner/{register_id(key, '000002/MAU-GPHN')}"
    good = f"Practitioner/{register_id(key, '000001/MAU-GPHN')}"
    assert world.ask("a", "POST", "/MedicationRequest", prescription(lost)).status == 403
    assert world.ask("a", "POST", "/MedicationRequest", prescription(good)).status == 201
    told = values(world.ask("a", "GET", f"/{good}/$standing"))
    assert (told["maySign"], told["why"]) == (True, "in-force")
    assert told["until"] == "2026-11-22T09:17:00+07:00"
    told = values(world.ask("a", "GET", "/Practitioner/$standing?licence=000002/MAU-GPHN"))
    assert (told["maySign"], told["why"]) == (False, "revoked")
    asked = "/Practitioner/$standing?licence=000002/MAU-GPHN&at=2026-09-30"
    assert values(world.ask("a", "GET", asked))["maySign"] is True
    asked = f"/{good}/$standing?place=00009"
    assert values(world.ask("a", "GET", asked))["why"] == "out-of-place"
    assert world.ask("a", "GET", "/Practitioner/$standing").status == 400
    assert world.ask("a", "GET", f"/{good}/$standing?at=yesterday").status == 400


def test_an_organisation_cannot_alter_the_register(world: World) -> None:
    id_ = register_id(world.node.keyring.ids, "000002/MAU-GPHN")
    held = world.ask("a", "GET", f"/Practitioner/{id_}").json
    del held["qualification"][0]["extension"]
    assert world.ask("a", "PUT", f"/Practitioner/{id_}", held).status == 403
    assert world.ask("a", "DELETE", f"/Practitioner/{id_}").status == 403


def test_a_facility_tells_in_which_unit_it_lies_that_day(world: World) -> None:
    id_ = facility_id(world.node.keyring.ids, "00003")
    for day, name in (
        ("2025-06-30", "Phường Phố Huế, Thành phố Hà Nội"),
        ("2025-07-01", "Phường Hai Bà Trưng, Thành phố Hà Nội"),
    ):
        reply = world.ask("a", "GET", f"/Organization/{id_}/$successors?on={day}")
        (unit,) = (part for part in reply.json["parameter"] if part["name"] == "commune")
        coding, share = unit["part"]
        assert coding["valueCoding"]["display"] == name
        assert share == {"name": "share", "valueCode": "whole"}


def test_a_facility_is_asked_what_it_became(world: World) -> None:
    key = world.node.keyring.ids
    old, new = facility_id(key, "00003"), facility_id(key, "00005")

    def became(day: str) -> list[str]:
        reply = world.ask("a", "GET", f"/Organization/{old}/$successors?on={day}")
        told = [part for part in reply.json["parameter"] if part["name"] == "return"]
        return [part["valueReference"]["reference"] for part in told]

    assert became("2025-06-30") == [f"Organization/{old}"]
    assert became("2025-07-01") == [f"Organization/{new}"]
    assert world.ask("a", "GET", "/Organization/none/$successors").status == 404
    # What an organisation says of another's end changes nothing.
    forged = {"resourceType": "OrganizationAffiliation", "id": "forged", "active": True,
              "organization": {"reference": f"Organization/{new}"},
              "participatingOrganization": {"reference": "Organization/mine"},
              "code": [{"coding": [{"system": "https://trucyte.vn/fhir/CodeSystem/"
                                              "organization-relation",
                                    "code": "succeeded-by"}]}]}  # fmt: skip
    world.put("a", forged)
    assert became("2026-01-01") == [f"Organization/{new}"]
