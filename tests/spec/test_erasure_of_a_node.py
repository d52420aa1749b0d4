"""A person is erased from a whole node: records, index, facts, people, trail of sources."""

import json
import os
from pathlib import Path

import pytest

from trucyte.base.settings import load_settings
from trucyte.database.connect import Database
from trucyte.fhir.text import accept
from trucyte.journal.change import Change, Operation
from trucyte.node.people.parts import make_identity
from trucyte.node.wiring import Node, open_node
from trucyte.records import Hasher, person_reference

PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"text": "Mẫu Thị Xóa"}],
    "birthDate": "1990-02-03",
    "gender": "female",
}
OTHER = {**PATIENT, "id": "q", "name": [{"text": "Mẫu Văn Còn"}]}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"coding": [{"system": "urn:c", "code": "c"}], "text": "Kháng thể"},
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2026-02-03",
    "valueQuantity": {"value": 7.20, "unit": "mmol/L"},
}
ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "e",
    "status": "in-progress",
    "class": {"code": "AMB"},
    "subject": {"reference": "Patient/p"},
    "serviceProvider": {"reference": "Organization/k"},
}
CONSENT = {
    "resourceType": "Consent",
    "id": "c",
    "status": "active",
    "scope": {"coding": [{"code": "patient-privacy"}]},
    "category": [{"coding": [{"code": "INFA"}]}],
    "patient": {"reference": "Patient/p"},
    "provision": {"type": "deny"},
}
GROUP = {
    "resourceType": "Group",
    "id": "g",
    "type": "person",
    "actual": True,
    "member": [{"entity": {"reference": "Patient/p"}}, {"entity": {"reference": "Patient/q"}}],
}


def change_of(node: Node, resource: dict) -> Change:
    accepted = accept(json.dumps(resource, ensure_ascii=False).encode())
    kind, id_ = resource["resourceType"], resource["id"]
    reference = person_reference(resource) or f"{kind}/{id_}"
    person = Hasher(node.keyring.persons).person(reference)
    return Change(kind, id_, Operation.UPDATE, accepted.body, accepted.meta_offset, person)


def test_nothing_of_a_person_is_left_and_a_rebuild_finds_the_same(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = os.environ.get("TRUCYTE_DATABASE_URL", database.url)
    settings = load_settings({"TRUCYTE_DATA": str(tmp_path), "TRUCYTE_DATABASE_URL": url})
    with open_node(settings) as node:
        everything = (PATIENT, OTHER, OBSERVATION, ENCOUNTER, CONSENT, GROUP)
        node.journal.commit([change_of(node, one) for one in everything])
        node.journal.commit([change_of(node, {**OBSERVATION, "status": "amended"})])
        make_identity(node).follower.catch_up()
        person = Hasher(node.keyring.persons).person("Patient/p")
        done = node.journal.erase(
            persons=[person], rule="erase-on-request", by="officer", article="Luật 91/2025/QH15"
        )
        assert (done.lines, done.blocked) == (5, 1)  # the group is Patient/q's too
        assert node.journal.verify().is_sound
        assert node.journal.compare() is None
        node.parts.index.sweep_phrases(node.database)  # as a served node does each hour
        assert rows_of(database, person) == []


def rows_of(database: Database, person: int) -> list[str]:
    """Return the derived tables that have rows of a person's key, or words of the erased."""
    found = []
    with database.connection() as connection:
        tables = connection.execute(
            "select distinct table_schema, table_name from information_schema.columns"
            " join information_schema.tables using (table_schema, table_name)"
            " where table_type = 'BASE TABLE' and table_schema in ('records', 'identity', 'intake')"
        ).fetchall()
        for schema, name in tables:
            query = f"select t::text from {schema}.{name} t"  # noqa: S608 - names of the catalogue
            for (text,) in connection.execute(query.encode()):
                words = ("Xóa", "Kháng thể", "khang the", str(person))
                if any(word in text for word in words):
                    found.append(f"{schema}.{name}: {text}")
    return found
