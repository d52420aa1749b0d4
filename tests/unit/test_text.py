"""What the door refuses, each by its own name and place."""

import tracemalloc
from decimal import Decimal

import pytest

from trucyte.base.problem import Kind, Problem
from trucyte.fhir import text

REFUSED = [
    (b'{"a":"\xff"}', "json-not-utf8", 6),
    (b'{"a":"\xed\xa0\x80"}', "json-not-utf8", 6),
    (b'{"\xc0\xaf":1}', "json-not-utf8", 2),
    (rb'{"a":"\ud83d"}', "json-lone-surrogate", 6),
    (rb'{"a":"\ud83d\ud83d"}', "json-lone-surrogate", 6),
    (rb'{"a":"\ud83d\n\ude00"}', "json-lone-surrogate", 6),
    (rb'{"a":"x\ude00\ud83d"}', "json-lone-surrogate", 7),
    (rb'{"\uDFFF":1}', "json-lone-surrogate", 2),
    (rb'{"a":"x\u0000"}', "json-nul", 7),
    (b'{"a":"x\0"}', "json-malformed", 7),
    (b'{"a":1}\0', "json-malformed", 7),
    (b'{"a":1,"b":2,"a":3}', "json-duplicate-key", 13),
    (rb'{"a":1,"\u0061":2}', "json-duplicate-key", 7),
    (b'{"x":[{"a:":":","c":{"d":1 , "d" : 1}}]}', "json-duplicate-key", 29),
    (b'{"a":1} {"b":2}', "json-malformed", 8),
    (b'{"a":1}]', "json-malformed", 7),
    (b'{"a":1', "json-malformed", 6),
    (b'{"a":01}', "json-malformed", 6),
    (b'{"a":NaN}', "json-malformed", 5),
    (b"{'a':1}", "json-malformed", 1),
    (b'{"a":1,}', "json-malformed", 7),
    (b"\xef\xbb\xbf{}", "json-malformed", 0),
    (b"", "json-malformed", 0),
    (b" [1]", "json-not-object", 1),
    (b'"text"', "json-not-object", 0),
    (b"null", "json-not-object", 0),
    (b'{"a":' + b"9" * 5000 + b"}", "json-number", 5),
    (b'{"a":[1,1E999999999999999999999]}', "json-number", 9),
    (b'{"a":' * 101 + b"1" + b"}" * 101, "json-too-deep", 500),
    (b'{"b":"[[[","a":' + b"[" * 100 + b"]" * 100 + b"}", "json-too-deep", 114),
    (b"[" * 5000, "json-too-deep", 100),
]


@pytest.mark.parametrize(("body", "code", "offset"), REFUSED)
def test_the_door_refuses_by_name_and_place(body: bytes, code: str, offset: int) -> None:
    with pytest.raises(Problem) as caught:
        text.scan(body)
    assert (caught.value.code, caught.value.facts["offset"]) == (code, offset)
    assert "{" not in caught.value.message


def test_a_hundred_levels_pass_and_the_limit_is_the_callers() -> None:
    body = b'{"a":' * 100 + b"1" + b"}" * 100
    text.scan(body)
    with pytest.raises(text.TooDeep):
        text.scan(body, depth_max=99)


def test_too_many_bytes_are_refused_before_they_are_looked_at() -> None:
    with pytest.raises(text.TooLarge) as caught:
        text.scan(b"{}" + b" " * 100, size_max=101)
    assert caught.value.kind is Kind.TOO_LARGE


def test_endless_nesting_fails_in_constant_memory() -> None:
    body = b"[" * (64 * 1024 * 1024)
    tracemalloc.start()
    with pytest.raises(text.TooDeep):
        text.scan(body, size_max=len(body))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_what_only_looks_hostile_passes() -> None:
    body = rb'{"a:":"\"a:\":{[","b\\":"\\u0000\\ud800 \ud83d\ude00","a":{"a:":{"a":1.50}}}'
    scanned = text.scan(body)
    assert scanned.resource["b\\"] == r"\u0000\ud800 " + "😀"
    assert scanned.resource["a"]["a:"]["a"] == Decimal("1.50")


SPLICED = [
    # a link inside a value that goes away as a whole; a key that only ends like a link
    (
        b'{"resourceType":"A","id":{"reference":"urn:u:1"},"meta":{"versionId":{"url":"urn:u:1"}}}',
        "x",
        {"urn:u:1": "P/7"},
        b'{"resourceType":"A","id":"x"#}',
    ),
    (
        rb'{"resourceType":"A","say \"reference":"urn:u:1","preference":"urn:u:1"}',
        None,
        {"urn:u:1": "P/7"},
        rb'{"resourceType":"A"#,"say \"reference":"urn:u:1","preference":"urn:u:1"}',
    ),
    # body, id, references, body as accepted (# marks where meta goes)
    (b'{"resourceType":"A"}', "x", {}, b'{"resourceType":"A","id":"x"#}'),
    (b'{"resourceType":"A"}', None, {}, b'{"resourceType":"A"#}'),
    (b'{"id" : "y", "resourceType":"A"}', "x", {}, b'{"id" : "x"#, "resourceType":"A"}'),
    (rb'{"id":"\u0078","resourceType":"A"}', "x", {}, rb'{"id":"\u0078"#,"resourceType":"A"}'),
    (b'{"meta":{},"resourceType":"A"}', "x", {}, b'{"meta":{#},"resourceType":"A","id":"x"}'),
    (
        b'{"resourceType":"A","meta":{"versionId":"1" ,\n "profile":["p"] , "lastUpdated":"t" }}',
        None,
        {},
        b'{"resourceType":"A","meta":{#"profile":["p"] }}',
    ),
    (
        b'{"resourceType":"A","meta":{ "versionId":"1","lastUpdated":"t" },"b":1.50}',
        None,
        {},
        b'{"resourceType":"A"#,"b":1.50}',
    ),
    (
        b'{"resourceType":"A","contained":[{"id":"c","meta":{"versionId":"1"}}]}',
        "x",
        {},
        b'{"resourceType":"A","id":"x"#,"contained":[{"id":"c","meta":{"versionId":"1"}}]}',
    ),
    (
        rb'{"resourceType":"A","contained":[{"subject":{"reference" : "urn:u:1"}}],'
        rb'"a":{"url":"urn:u:1"},"i":{"value":"urn:u:1","note":"\"reference\":\"urn:u:1\""},'
        rb'"text":{"div":"<div>href=\"urn:u:2\" <a href=\"urn:u:1\"/><img src=' + b"'urn:u:1'/>"
        rb'"},"s":"<a href=\"urn:u:1\">","l":{"reference":"urn:u:\u0031"}}',
        None,
        {"urn:u:1": "P/7"},
        rb'{"resourceType":"A"#,"contained":[{"subject":{"reference" : "P/7"}}],'
        rb'"a":{"url":"P/7"},"i":{"value":"urn:u:1","note":"\"reference\":\"urn:u:1\""},'
        rb'"text":{"div":"<div>href=\"urn:u:2\" <a href=\"P/7\"/><img src=' + b"'P/7'/>"
        rb'"},"s":"<a href=\"urn:u:1\">","l":{"reference":"P/7"}}',
    ),
]


@pytest.mark.parametrize(("body", "id", "references", "marked"), SPLICED)
def test_only_what_must_change_is_spliced(
    body: bytes, id: str | None, references: dict[str, str], marked: bytes
) -> None:
    accepted = text.accept(body, id=id, references=references)
    assert accepted.body == marked.replace(b"#", b"")
    assert abs(accepted.meta_offset) == marked.index(b"#")
    assert (accepted.meta_offset > 0) == (b'"meta":{#' in marked)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"id":"x"}', text.NoResourceType),
        (b'{"resourceType":"A","meta":null}', text.NotAnObject),
        (b'{"resourceType":"A","meta":[]}', text.NotAnObject),
        (b'{"resourceType":"A","a":1,"a":22}', text.DuplicateKey),
    ],
)
def test_what_cannot_be_spliced_is_refused(body: bytes, problem: type[Problem]) -> None:
    with pytest.raises(problem):
        text.accept(body, id="x")


def test_a_resource_of_our_own_keeps_the_digits_of_its_amounts() -> None:
    resource = {"a": Decimal("72.50"), "resourceType": "A", "b": "đ", "id": "x"}
    accepted = text.accept_own(resource)
    assert accepted.body == '{"resourceType":"A","id":"x","a":72.50,"b":"đ"}'.encode()
    assert accepted.meta_offset == -len('{"resourceType":"A","id":"x"')
    assert list(resource) == ["a", "resourceType", "b", "id"]


def test_a_resource_of_our_own_with_meta_has_room_for_the_servers_fields() -> None:
    resource = {"resourceType": "A", "meta": {"versionId": "9", "source": "s"}, "id": "x"}
    accepted = text.accept_own(resource)
    shown = text.with_meta(accepted.body, accepted.meta_offset, 2, "T")
    assert shown == (
        b'{"resourceType":"A","id":"x","meta":{"versionId":"2","lastUpdated":"T","source":"s"}}'
    )
