"""JSON Merge Patch as RFC 7396 says it, on parsed JSON."""

from decimal import Decimal

import pytest

from trucyte.fhir.parse import parse
from trucyte.fhir.patch import read_merge_patch
from trucyte.fhir.patch.problems import PatchUnreadable


def patched(document: str, patch: str) -> dict:
    return read_merge_patch(patch.encode()).apply(parse(document.encode()))


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [  # RFC 7396 appendix A, as far as it is about objects
        ('{"a":"b"}', '{"a":"c"}', {"a": "c"}),
        ('{"a":"b"}', '{"b":"c"}', {"a": "b", "b": "c"}),
        ('{"a":"b"}', '{"a":null}', {}),
        ('{"a":"b","b":"c"}', '{"a":null}', {"b": "c"}),
        ('{"a":["b"]}', '{"a":"c"}', {"a": "c"}),
        ('{"a":"c"}', '{"a":["b"]}', {"a": ["b"]}),
        ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', {"a": {"b": "d"}}),
        ('{"a":[{"b":"c"}]}', '{"a":[1]}', {"a": [1]}),
        ('{"e":1}', '{"a":1}', {"e": 1, "a": 1}),
        ('{"a":"b"}', '{"c":{"d":null}}', {"a": "b", "c": {}}),
        ("{}", '{"a":{"bb":{"ccc":null}}}', {"a": {"bb": {}}}),
    ],
)
def test_members_replace_merge_and_go_as_the_rfc_says(
    document: str, patch: str, result: object
) -> None:
    assert patched(document, patch) == result


def test_decimals_keep_their_digits() -> None:
    merged = patched('{"a":{"value":1.50}}', '{"b":{"value":2.500}}')
    assert str(merged["a"]["value"]) == "1.50"
    assert merged["b"]["value"] == Decimal("2.500")
    assert str(merged["b"]["value"]) == "2.500"


def test_the_resource_given_stays_as_it_was() -> None:
    resource = parse(b'{"a":{"b":1}}')
    read_merge_patch(b'{"a":{"b":2}}').apply(resource)
    assert resource == {"a": {"b": 1}}


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"a":1,"a":2}', b'{"a":"\xff"}', b"{"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(PatchUnreadable):
        read_merge_patch(body)


def test_depth_without_end_is_refused() -> None:
    with pytest.raises(PatchUnreadable):
        read_merge_patch(b'{"a":' * 5000 + b"1" + b"}" * 5000)
