"""Two records side by side: rows, marks and masks."""

import pytest

from trucyte.web.views.identity import Piece, masked, rows_of

CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"


def person(name: str, birth: str = "1985-03-15", **more: object) -> dict:
    return {"name": [{"text": name}], "birthDate": birth, **more}


def row(low: dict, high: dict, key: str):
    return next(one for one in rows_of(low, high, "vi") if one.key == key)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("Nguyễn Văn Mẫu", "Nguyễn Văn Mẫu", "same"),
        ("Nguyễn Văn Mẫu", "NGUYEN VAN MAU", "near"),
        ("Nguyễn Văn Mẫu", "Nguyễn Văn Thử", "differs"),
        ("Nguyễn Văn Mẫu", "", "missing"),
    ],
)
def test_a_name_is_as_its_worst_part(one: str, other: str, verdict: str) -> None:
    assert row(person(one), person(other), "name").verdict == verdict


def test_words_that_differ_are_marked_and_marks_alone_are_not() -> None:
    found = row(person("Nguyễn Văn Mẫu"), person("Nguyễn Văn Thử"), "name")
    assert found.low == [Piece("Nguyễn Văn"), Piece(" "), Piece("Mẫu", True)]
    assert found.high[-1] == Piece("Thử", True)
    bare = row(person("Nguyễn Văn Mẫu"), person("NGUYEN VAN MAU"), "name")
    assert not any(piece.differs for piece in (*bare.low, *bare.high))


def test_digits_are_marked_at_their_places() -> None:
    low = person("A", identifier=[{"system": CCCD, "value": "000085000001"}])
    high = person("A", identifier=[{"system": CCCD, "value": "000085000017"}])
    found = row(low, high, "personal")
    assert found.low == [Piece("0000850000"), Piece("01", True)]
    assert found.high == [Piece("0000850000"), Piece("17", True)]


@pytest.mark.parametrize(
    ("number", "shown"), [("000085000001", "•••• 0001"), ("0001", "••••"), ("", "••••")]
)
def test_a_masked_number_shows_its_last_four_at_most(number: str, shown: str) -> None:
    assert masked(number) == shown


@pytest.mark.parametrize(
    "resource",
    [{}, {"name": "x", "birthDate": 3}, {"name": [{"text": "\u202e" * 9000}]},
     {"gender": "<b>", "telecom": [3], "address": [{"line": 5}]}],
)  # fmt: skip
def test_anything_can_be_put_side_by_side(resource: dict) -> None:
    for one in rows_of(resource, person("Nguyễn Văn Mẫu"), "en"):
        assert sum(len(piece.text) for piece in (*one.low, *one.high)) < 500
