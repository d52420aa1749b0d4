"""Records become valid Patients, without the truth."""

import json

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.validate import Validator
from trucyte.synth.population.columns import NAMES
from trucyte.synth.population.corruptions import packaged_corruptions
from trucyte.synth.population.patients import people_as_patients
from trucyte.synth.population.run import Options, rows
from trucyte.vietnam.systems import load_systems


def made(*, is_hard: bool) -> list[list[str]]:
    return list(rows(Options(1_500, 6, packaged_corruptions(), is_hard=is_hard)))


def test_every_record_is_a_valid_patient(definitions: Definitions) -> None:
    checker = Validator(definitions)
    for is_hard in (False, True):
        for patient in people_as_patients(iter(made(is_hard=is_hard))):
            assert checker.check(patient) == []


def test_patients_carry_the_numbers_under_the_systems_of_the_node() -> None:
    known = {system.uri for system in load_systems().values()}
    found = made(is_hard=False)
    for row, patient in zip(found, people_as_patients(iter(found)), strict=True):
        record = dict(zip(NAMES, row, strict=True))
        identifiers = {i["system"]: i["value"] for i in patient.get("identifier", ())}
        assert set(identifiers) <= known
        assert identifiers.get(load_systems()["cccd"].uri, "") == record["personal_number"]
        assert identifiers.get(load_systems()["bhyt"].uri, "") == record["card_number"]
        assert patient["name"][0]["text"] == record["name"]
        text = json.dumps(patient)
        assert record["person_id"] not in text
        assert record["household_id"] not in text


def test_newborns_are_marked_as_the_claims_mapping_marks_them() -> None:
    found = made(is_hard=True)
    marked = 0
    for row, patient in zip(found, people_as_patients(iter(found)), strict=True):
        is_newborn = "newborn" in row[NAMES.index("situation")]
        uses_temporary = patient["name"][0]["use"] == "temp"
        urls = [extension["url"].rpartition("/")[2] for extension in patient["extension"]]
        assert is_newborn == uses_temporary == ("no-automatic-merge" in urls)
        marked += is_newborn
    assert marked > 20
