"""JSON Patch as RFC 6902 says it, on parsed JSON."""

from decimal import Decimal

import pytest

from trucyte.fhir.parse import parse
from trucyte.fhir.patch import read_json_patch
from trucyte.fhir.patch.problems import (
    PatchNotApplicable,
    PatchTestFailed,
    PatchTooLarge,
    PatchUnreadable,
)


def patched(document: str, patch: str) -> dict:
    return read_json_patch(patch.encode()).apply(parse(document.encode()))


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        ('{"a":1}', '[{"op":"add","path":"/b","value":2}]', {"a": 1, "b": 2}),
        ('{"a":[1,3]}', '[{"op":"add","path":"/a/1","value":2}]', {"a": [1, 2, 3]}),
        ('{"a":[1]}', '[{"op":"add","path":"/a/-","value":2}]', {"a": [1, 2]}),
        ('{"a":1}', '[{"op":"add","path":"/a","value":2}]', {"a": 2}),
        ('{"a":1}', '[{"op":"add","path":"","value":{"b":1}}]', {"b": 1}),
        ('{"a":1,"b":2}', '[{"op":"remove","path":"/a"}]', {"b": 2}),
        ('{"a":[1,2]}', '[{"op":"remove","path":"/a/0"}]', {"a": [2]}),
        ('{"a":1}', '[{"op":"replace","path":"/a","value":null}]', {"a": None}),
        ('{"a":[1,2]}', '[{"op":"replace","path":"/a/1","value":3}]', {"a": [1, 3]}),
        ('{"a":{"b":1}}', '[{"op":"move","from":"/a/b","path":"/c"}]', {"a": {}, "c": 1}),
        ('{"a":[1,2,3]}', '[{"op":"move","from":"/a/0","path":"/a/2"}]', {"a": [2, 3, 1]}),
        ('{"a":1}', '[{"op":"move","from":"/a","path":"/a"}]', {"a": 1}),
        ('{"a":[1]}', '[{"op":"copy","from":"/a","path":"/b"}]', {"a": [1], "b": [1]}),
        ('{"a/b":1,"m~n":2}', '[{"op":"remove","path":"/a~1b"}]', {"m~n": 2}),
        ('{"m~n":2,"~1":3}', '[{"op":"remove","path":"/~01"}]', {"m~n": 2}),
        ('{"a":1.50}', '[{"op":"test","path":"/a","value":1.5}]', {"a": Decimal("1.50")}),
        ('{"":1}', '[{"op":"remove","path":"/"}]', {}),
        ('{"a":1}', "[]", {"a": 1}),
        ('{"a":1}', '[{"op":"add","path":"/b","value":1,"more":2}]', {"a": 1, "b": 1}),
    ],
)
def test_each_operation_does_what_the_rfc_says(document: str, patch: str, result: dict) -> None:
    assert patched(document, patch) == result


@pytest.mark.parametrize(
    "patch",
    [
        '[{"op":"remove","path":"/x"}]',
        '[{"op":"replace","path":"/x","value":1}]',
        '[{"op":"add","path":"/x/y","value":1}]',
        '[{"op":"add","path":"/a/3","value":1}]',
        '[{"op":"add","path":"/a/01","value":1}]',
        '[{"op":"add","path":"/a/-1","value":1}]',
        '[{"op":"remove","path":"/a/-"}]',
        '[{"op":"add","path":"/a/0/b","value":1}]',
        '[{"op":"move","from":"/x","path":"/b"}]',
        '[{"op":"move","from":"/o","path":"/o/p"}]',
        '[{"op":"remove","path":""}]',
        '[{"op":"add","path":"","value":[]}]',
        '[{"op":"test","path":"/x","value":1}]',
    ],
)
def test_what_does_not_fit_is_told(patch: str) -> None:
    with pytest.raises(PatchNotApplicable):
        patched('{"a":[1,2],"o":{"p":1}}', patch)


@pytest.mark.parametrize(
    ("document", "value"),
    [('{"a":1}', "2"), ('{"a":1}', "true"), ('{"a":true}', "1"), ('{"a":[1]}', "[1,2]"),
     ('{"a":{"b":1}}', '{"b":1,"c":2}'), ('{"a":"1"}', "1"), ('{"a":0}', "false")],
)  # fmt: skip
def test_a_test_that_does_not_hold_stops_the_patch(document: str, value: str) -> None:
    with pytest.raises(PatchTestFailed):
        patched(document, f'[{{"op":"test","path":"/a","value":{value}}}]')


@pytest.mark.parametrize(
    "patch",
    ["", "{}", "1", "[1]", "[{}]", '[{"op":"turn","path":"/a"}]', '[{"op":"add","path":"/a"}]',
     '[{"op":"remove"}]', '[{"op":"remove","path":"a"}]', '[{"op":"remove","path":"/~2"}]',
     '[{"op":"move","path":"/a"}]', '[{"op":"add","op":"remove","path":"/a"}]',
     '[],"patch":[]', '[],"b":1', '[{"op":{},"path":"/a"}]'],
)  # fmt: skip
def test_what_is_no_json_patch_is_refused_on_reading(patch: str) -> None:
    with pytest.raises(PatchUnreadable):
        read_json_patch(patch.encode())


def test_copies_of_copies_are_bounded() -> None:
    doubling = ",".join('{"op":"copy","from":"/a","path":"/a/-"}' for _ in range(60))
    with pytest.raises(PatchTooLarge):
        patched('{"a":[1]}', f"[{doubling}]")


def test_too_many_operations_are_refused() -> None:
    one = '{"op":"remove","path":"/a"}'
    with pytest.raises(PatchTooLarge):
        read_json_patch(f"[{','.join([one] * 1001)}]".encode())


def test_a_patch_leaves_the_resource_it_was_given_and_can_be_applied_again() -> None:
    patch = read_json_patch(
        b'[{"op":"add","path":"/b","value":[1]},{"op":"add","path":"/b/-","value":2}]'
    )
    before = {"a": {"c": [1]}}
    assert patch.apply(before) == patch.apply(before) == {"a": {"c": [1]}, "b": [1, 2]}
    assert before == {"a": {"c": [1]}}


def test_copied_values_that_grow_too_deep_are_refused_not_crashed_on() -> None:
    deep = '{"a":' * 90 + "1" + "}" * 90
    operations = [
        f'{{"op":"add","path":"{"/a" * (90 * level + 90)}","value":{deep}}}' for level in range(3)
    ]
    operations.append('{"op":"copy","from":"/a","path":"/b"}')
    patch = read_json_patch(f"[{','.join(operations)}]".encode())
    with pytest.raises(PatchTooLarge):
        patch.apply(parse(deep.encode()))
