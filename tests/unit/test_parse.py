from decimal import Decimal

import pytest

from trucyte.base.problem import Problem
from trucyte.fhir import parse


def test_fractions_keep_their_digits_and_integers_stay_integers() -> None:
    parsed = parse.parse(b'{"a":72.50,"b":70,"c":1e2,"d":0.00}')
    assert {key: str(value) for key, value in parsed.items()} == {
        "a": "72.50",
        "b": "70",
        "c": "1E+2",
        "d": "0.00",
    }
    assert isinstance(parsed["a"], Decimal)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"a":"\xff"}', b"[" * 9999, b"1E" + b"9" * 30]
)
def test_what_is_no_json_object_is_a_problem(body: bytes) -> None:
    with pytest.raises(Problem):
        parse.parse(body)


def test_the_head_says_what_a_resource_is() -> None:
    head = parse.head(
        b'{"resourceType":"Patient","id":"7","name":[{"x":1}],'
        b'"meta":{"profile":["p"],"versionId":"3","security":[{"system":"s","code":"R"}]}}'
    )
    assert (head.type, head.id, head.meta.profile, head.meta.version_id) == (
        "Patient", "7", ("p",), "3",
    )  # fmt: skip
    assert head.meta.security == (parse.Coding("s", "R"),)
    assert parse.head(b"{}").type == ""


@pytest.mark.parametrize("body", [b'{"resourceType":1}', b"nonsense", b'{"meta":[]}'])
def test_a_head_of_wrong_shape_is_a_problem(body: bytes) -> None:
    with pytest.raises(Problem):
        parse.head(body)


def test_a_bundles_resources_come_out_as_their_own_bytes() -> None:
    bundle = parse.bundle(
        b'{"resourceType":"Bundle","type":"transaction","entry":['
        b'{"fullUrl":"urn:x","resource": {"a" : 1.50 } ,"request":{"method":"POST","url":"A"}},'
        b'{"request":{"method":"DELETE","url":"A/1"}}]}'
    )
    first, second = bundle.entry
    assert bytes(first.resource) == b'{"a" : 1.50 }'
    assert first.request is not None and first.request.method == "POST"
    assert bytes(second.resource) == b""


def test_ndjson_is_cut_the_same_whatever_the_chunks() -> None:
    text = b'\xef\xbb\xbf{"a":1}\r\n\n  \n{"b":"\xc3\xa9"}\n{"c":3}'
    for size in range(1, len(text) + 1):
        chunks = [text[at : at + size] for at in range(0, len(text), size)]
        assert [(line.number, line.body) for line in parse.lines(chunks)] == [
            (1, b'{"a":1}'),
            (4, b'{"b":"\xc3\xa9"}'),
            (5, b'{"c":3}'),
        ]


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    def endless():
        yield b"{}\n"
        while True:
            yield b"x" * 1000

    lines = parse.lines(endless(), size_max=10_000)
    assert next(lines).number == 1
    with pytest.raises(parse.LineTooLong) as caught:
        next(lines)
    assert caught.value.facts["line"] == 2
