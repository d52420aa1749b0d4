"""Searches by value set and hierarchy, answered by the node's own terminology."""

from pathlib import Path

import pytest

from tests.support.records import KEY, open_node
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.node.parts import SearchCodes
from trucyte.records import Records
from trucyte.shared.terminology.follower import Follower

SYSTEM = {
    "resourceType": "CodeSystem",
    "id": "diseases",
    "url": "urn:diseases",
    "status": "active",
    "content": "complete",
    "hierarchyMeaning": "is-a",
    "concept": [
        {"code": "A", "concept": [{"code": "A01"}, {"code": "A02", "concept": [{"code": "A021"}]}]},
        {"code": "B"},
    ],
}
SET = {
    "resourceType": "ValueSet",
    "id": "some",
    "url": "urn:some",
    "status": "active",
    "compose": {
        "include": [{"system": "urn:diseases", "concept": [{"code": "A01"}, {"code": "B"}]}]
    },
}


def test_the_terminology_says_which_codes_are_meant(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> None:
    with open_node(database, tmp_path, clock, definitions) as node:
        node.put(SYSTEM, SET)
        for code in ("A", "A01", "A02", "A021", "B"):
            coding = {"system": "urn:diseases", "code": code}
            node.put({"resourceType": "Condition", "id": code, "code": {"coding": [coding]},
                      "subject": {"reference": "Patient/p"}})  # fmt: skip
        Follower(database, node.journal).catch_up()
        codes = SearchCodes(database, node.records, definitions, clock)
        node.records = Records(database, node.journal, node.index, clock, KEY, codes=codes)
        for name, value, expected in (
            ("code:in", "urn:some", ["A01", "B"]),
            ("code:in", "ValueSet/some", ["A01", "B"]),
            ("code:not-in", "urn:some", ["A", "A02", "A021"]),
            ("code:below", "urn:diseases|A02", ["A02", "A021"]),
            ("code:above", "urn:diseases|A021", ["A", "A02", "A021"]),
            ("_filter", "code sb urn:diseases|A and not (code in urn:some)", ["A", "A02", "A021"]),
        ):
            assert sorted(node.search("Condition", (name, value))) == expected, (name, value)
        with pytest.raises(Problem) as raised:
            node.search("Condition", ("code:in", "urn:none"))
        assert raised.value.code == "value-set-unknown"
