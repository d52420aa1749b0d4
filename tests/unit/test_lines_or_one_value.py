"""Whether a file is lines, or one JSON value over many of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from trucyte.intake.bulk.slices import Slice, slices
from trucyte.intake.limits import DEFAULT, Limits

LIMITS = replace(DEFAULT, line=80, bundle=300)
PATIENT = b'{"resourceType":"Patient","id":"a"}'


def cut(folder: Path, *lines: bytes, limits: Limits = LIMITS) -> list[Slice]:
    path = folder / "f"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return list(slices(path, limits, size=16))


@pytest.mark.parametrize(
    "first",
    [b"{", b"[", b'{"resourceType":"Patient",', b"  {  ", b'{"a":[', b"{\r", b"\xef\xbb\xbf{"],
)
def test_a_broken_first_line_leaves_the_others_lines(tmp_path: Path, first: bytes) -> None:
    parts = cut(tmp_path, first, PATIENT, PATIENT)
    assert not any(part.is_whole for part in parts)
    assert sum(part.lines for part in parts) == 3


def test_so_does_one_above_more_than_a_bundle_may_hold(tmp_path: Path) -> None:
    parts = cut(tmp_path, b"{", *([b"x"] * 300), PATIENT)
    assert not parts[0].is_whole
    assert sum(part.lines for part in parts) == 302


@pytest.mark.parametrize(
    "lines",
    [
        (b"{", b'"resourceType":"Patient"', b"}"),
        (b"", b"{", b'"contained":[', PATIENT, b"]", b"}"),  # whose line could stand alone
        (b"[", PATIENT, b"]"),
        (b"{", b'"resourceType":"Patient",', b"broken", b"}"),
        (b"{",),
        (b"{", b'{"a":1}', b"}"),  # an object, and no resource
        (b"{", b" " + PATIENT, b"},"),  # indented: within a broken value
    ],
)
def test_what_is_one_value_or_a_broken_one_stays_whole(
    tmp_path: Path, lines: tuple[bytes, ...]
) -> None:
    (part,) = cut(tmp_path, *lines)
    assert part.is_whole


def test_a_value_that_is_too_long_is_told_as_one(tmp_path: Path) -> None:
    (part,) = cut(tmp_path, b"{", *([b'"a":1,'] * 100))
    assert part.is_whole
