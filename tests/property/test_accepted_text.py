"""Accepting changes what it says it changes, and not one other byte."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trucyte.fhir import text
from trucyte.fhir.parse import parse

NOW = "2026-11-22T09:12:00.000+07:00"
FIRST, LINK = "urn:uuid:6f1d1a52-8f0a-4bb5-b7f6-0a1f9a3c1b5e", "Patient?identifier=a|b"
LINKS = {FIRST: "Patient/đã-có", LINK: "Patient/7"}

characters = st.characters(codec="utf-8", exclude_characters="\0")
words = st.text(characters, max_size=8)
numbers = st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3)
leaves = st.none() | st.booleans() | numbers | words | st.sampled_from([FIRST, LINK])
keys = words | st.sampled_from(["reference", "url", "value", "id", "meta", "div", "versionId"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)
metas = st.dictionaries(
    st.sampled_from(["versionId", "lastUpdated", "profile", "tag", "source", "_lastUpdated"]),
    values,
    max_size=6,
)
layouts = st.sampled_from(
    [
        {"separators": (",", ":")},
        {"separators": (" , ", " : "), "ensure_ascii": False},
        {"indent": 2},
        {"indent": "\t", "separators": ("\r\n,", ":\r\n")},
    ]
)


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    pairs = draw(st.dictionaries(keys, values, max_size=5))
    pairs.pop("meta", None)
    pairs["resourceType"] = draw(st.sampled_from(["Patient", "Observation"]))
    if draw(st.booleans()):
        pairs["id"] = draw(words)
    if draw(st.booleans()):
        pairs["meta"] = draw(metas)
    order = draw(st.permutations(list(pairs)))
    return {key: pairs[key] for key in order}


def written(resource: Any, layout: dict[str, Any]) -> bytes:
    """Text as others write it, with numbers that keep their digits."""
    marked = json.dumps(_marked(resource), allow_nan=False, **{"ensure_ascii": True, **layout})
    return text_of_numbers(marked).encode()


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    return f"\ue000{value}\ue000" if isinstance(value, Decimal) else value


def text_of_numbers(marked: str) -> str:
    for mark in ('"\\ue000', '\\ue000"', '"\ue000', '\ue000"'):
        marked = marked.replace(mark, "")
    return marked


def exactly(body: bytes) -> Any:
    """Parsed with order, doubled keys and digits kept."""
    return json.loads(body, object_pairs_hook=list, parse_float=str, parse_int=str)


def is_only_own(key: str, value: Any) -> bool:
    """Whether it is a meta with nothing of the client's, which goes as a whole."""
    own = {"versionId", "lastUpdated"}
    return key == "meta" and bool(value) and own.issuperset(name for name, _ in value)


def expected(pairs: list[Any], id: str | None) -> list[Any]:
    """What accept and with_meta must give, worked out slowly on key-value pairs."""
    pairs = [pair for pair in pairs if not is_only_own(*pair)]
    named = dict(pairs)
    result = []
    for key, value in pairs:
        if key == "meta":
            kept = [pair for pair in value if pair[0] not in ("versionId", "lastUpdated")]
            result.append((key, [("versionId", "3"), ("lastUpdated", NOW), *kept]))
        elif key == "id":
            result.append((key, value if id is None else id))
        else:
            result.append((key, value))
        fresh_id = key == "resourceType" and "id" not in named and id is not None
        if fresh_id:
            result.append(("id", id))
        anchor = "id" if "id" in named or fresh_id else "resourceType"
        if "meta" not in named and (key == anchor or (fresh_id and anchor == "id")):
            result.append(("meta", [("versionId", "3"), ("lastUpdated", NOW)]))
    return result


def linked(value: Any, key: str = "") -> Any:
    if isinstance(value, list) and all(isinstance(item, tuple) for item in value):
        return [(name, linked(item, name)) for name, item in value]
    if isinstance(value, list):
        return [linked(item) for item in value]
    return LINKS.get(value, value) if key in ("reference", "url") else value


@given(resources(), layouts, st.none() | st.just("mới.7"))
def test_accept_then_with_meta_changes_id_and_meta_and_keeps_order_and_digits(
    resource: dict[str, Any], layout: dict[str, Any], id: str | None
) -> None:
    body = written(resource, layout)
    text.scan(body)
    accepted = text.accept(body, id=id)
    shown = text.with_meta(accepted.body, accepted.meta_offset, 3, NOW)
    assert [tuple(p) for p in exactly(shown)] == [
        tuple(p) if p[0] != "meta" else ("meta", p[1]) for p in expected(exactly(body), id)
    ]


@given(resources(), layouts)
def test_a_body_that_needs_no_splice_is_the_same_bytes(
    resource: dict[str, Any], layout: dict[str, Any]
) -> None:
    for own in ("versionId", "lastUpdated"):
        resource.get("meta", {}).pop(own, None)
    body = written(resource, layout)
    assert text.accept(body, references={"urn:uuid:absent": "x"}).body == body


@given(resources(), layouts)
def test_links_are_resolved_where_they_are_links_and_nowhere_else(
    resource: dict[str, Any], layout: dict[str, Any]
) -> None:
    body = written(resource, layout)
    without_own = exactly(text.accept(body).body)
    assert exactly(text.accept(body, references=LINKS).body) == linked(without_own)


@given(resources())
def test_a_resource_of_our_own_is_written_with_its_head_first(resource: dict[str, Any]) -> None:
    resource["id"] = "trucyte-7"
    accepted = text.accept_own(resource)
    shown = parse(text.with_meta(accepted.body, accepted.meta_offset, 3, NOW))
    assert list(shown)[:3] == ["resourceType", "id", "meta"]
    assert shown["meta"] == resource.get("meta", {}) | {"versionId": "3", "lastUpdated": NOW}
    rest = {key: value for key, value in resource.items() if key != "meta"}
    assert {key: value for key, value in shown.items() if key != "meta"} == rest


@given(st.binary(max_size=60) | resources().map(lambda r: written(r, {})[:-1]))
def test_the_door_answers_any_bytes_with_a_problem_or_a_resource(body: bytes) -> None:
    try:
        assert isinstance(text.scan(body).resource, dict)
    except text.Problem as problem:
        assert problem.code.startswith("json-")


@given(resources(), layouts)
def test_the_door_parses_as_parse_does(resource: dict[str, Any], layout: dict[str, Any]) -> None:
    body = written(resource, layout)
    assert text.scan(body).resource == parse(body)
