"""JSON Patch (RFC 6902) over resources: each operation, pointers, decimals, hostile input."""

import json
from decimal import Decimal
from typing import Any

import pytest

from trucyte.base.problem import Problem
from trucyte.fhir.parse import parse
from trucyte.fhir.patch import read_json_patch
from trucyte.fhir.patch.problems import (
    PatchNotApplicable,
    PatchTestFailed,
    PatchTooLarge,
    PatchUnreadable,
)
from trucyte.fhir.text import accept_own

OBSERVATION = parse(
    b'{"resourceType":"Observation","id":"o","status":"final",'
    b'"valueQuantity":{"value":72.50,"unit":"kg"},"note":[{"text":"a"},{"text":"b"}]}'
)


def patched(*steps: dict[str, Any] | str) -> dict[str, Any]:
    texts = [step if isinstance(step, str) else json.dumps(step) for step in steps]
    return read_json_patch(f"[{','.join(texts)}]".encode()).apply(OBSERVATION)


def test_each_operation_does_what_rfc_6902_says() -> None:
    changed = patched(
        {"op": "test", "path": "/status", "value": "final"},
        {"op": "replace", "path": "/status", "value": "amended"},
        {"op": "add", "path": "/note/1", "value": {"text": "between"}},
        {"op": "add", "path": "/note/-", "value": {"text": "last"}},
        {"op": "remove", "path": "/note/0"},
        {"op": "copy", "from": "/note/0", "path": "/note/-"},
        {"op": "move", "from": "/note/1", "path": "/note/0"},
    )
    assert changed["status"] == "amended"
    assert [one["text"] for one in changed["note"]] == ["b", "between", "last", "between"]


def test_the_resource_given_stays_as_it_is() -> None:
    patched({"op": "remove", "path": "/note/0"}, {"op": "remove", "path": "/valueQuantity/unit"})
    assert OBSERVATION["note"] == [{"text": "a"}, {"text": "b"}]
    assert OBSERVATION["valueQuantity"]["unit"] == "kg"


def test_digits_and_order_of_what_is_not_touched_stay() -> None:
    body = accept_own(patched({"op": "replace", "path": "/status", "value": "amended"})).body
    assert b'"value":72.50' in body
    assert body.index(b"valueQuantity") < body.index(b"note")


@pytest.mark.parametrize(
    ("value", "holds"),
    [("72.5", True), ("72.500", True), ("7.25e1", True), ("72.51", False), ('"72.50"', False),
     ("true", False), ("null", False)],
)  # fmt: skip
def test_numbers_are_the_same_where_their_values_are(value: str, holds: bool) -> None:
    step = f'{{"op":"test","path":"/valueQuantity/value","value":{value}}}'
    if holds:
        assert patched(step)["valueQuantity"]["value"] == Decimal("72.50")
    else:
        with pytest.raises(PatchTestFailed):
            patched(step)


def test_a_test_does_not_take_true_for_one() -> None:
    with pytest.raises(PatchTestFailed):
        patched(
            {"op": "add", "path": "/extra", "value": 1},
            {"op": "test", "path": "/extra", "value": True},
        )


def test_order_of_keys_does_not_matter_to_a_test() -> None:
    patched('{"op":"test","path":"/valueQuantity","value":{"unit":"kg","value":72.5}}')


def test_tilde_and_slash_are_escaped_in_pointers() -> None:
    changed = patched({"op": "add", "path": "/a~1b~0c", "value": 1})
    assert changed["a/b~c"] == 1
    assert "~01" not in patched({"op": "add", "path": "/~01", "value": 1})
    assert patched({"op": "add", "path": "/~01", "value": 1})["~1"] == 1


@pytest.mark.parametrize(
    "step",
    [
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "remove", "path": "/note/2"},
        {"op": "remove", "path": "/note/-"},
        {"op": "add", "path": "/note/3", "value": {}},
        {"op": "add", "path": "/note/01", "value": {}},
        {"op": "add", "path": "/note/-1", "value": {}},
        {"op": "add", "path": "/note/9999999999999999999999", "value": {}},
        {"op": "add", "path": "/missing/a", "value": {}},
        {"op": "add", "path": "/status/a", "value": {}},
        {"op": "copy", "from": "/missing", "path": "/a"},
        {"op": "move", "from": "/missing", "path": "/a"},
        {"op": "test", "path": "/missing", "value": None},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "", "value": []},
        {"op": "move", "from": "/note", "path": "/note/0"},
    ],
)
def test_what_does_not_fit_the_resource_is_refused_as_unprocessable(step: dict[str, Any]) -> None:
    with pytest.raises(PatchNotApplicable):
        patched(step)


@pytest.mark.parametrize(
    "document",
    [
        b"", b"{}", b"null", b'"a"', b"[1]", b"[[]]", b'[{"op":"add","path":"/a"}]',
        b'[{"op":"jump","path":"/a"}]', b'[{"op":["add"],"path":"/a","value":1}]',
        b'[{"op":"remove","path":"a"}]', b'[{"op":"remove","path":5}]',
        b'[{"op":"remove","path":"/a~2"}]', b'[{"op":"copy","path":"/a"}]',
        b'[],"more":[]', b'[]},{"a":[]',
    ],
)  # fmt: skip
def test_what_is_no_patch_is_refused(document: bytes) -> None:
    with pytest.raises(Problem):
        read_json_patch(document)


def test_what_says_a_key_twice_is_refused() -> None:
    with pytest.raises(Problem):
        read_json_patch(b'[{"op":"remove","path":"/a","path":"/b"}]')


def test_copies_of_copies_end_in_time() -> None:
    doubling = [{"op": "copy", "from": "", "path": f"/n{number}"} for number in range(60)]
    with pytest.raises(PatchTooLarge):
        patched(*doubling)


def test_too_many_operations_are_refused_before_they_run() -> None:
    with pytest.raises(PatchTooLarge):
        read_json_patch(b"[" + b",".join([b'{"op":"remove","path":"/a"}'] * 1001) + b"]")


def test_a_patch_that_cannot_be_read_says_which_operation() -> None:
    with pytest.raises(PatchUnreadable) as raised:
        patched({"op": "remove", "path": "/note"}, {"op": "remove"})
    assert raised.value.facts["operation"] == 1
