"""Faults of the file itself: what no reader of tables would see, only a reader of bytes.

A kind takes the text of one HOSO element and gives a broken one; `CUT` breaks a whole file.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from trucyte.synth.write import Style

CUT = "file-cut-short"
CUT_FAMILY = "unreadable"
_CONTENT = re.compile(r"<NOIDUNGFILE>(.+?)</NOIDUNGFILE>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class WireKind:
    """A way to break a HOSO; None where the style does not allow it."""

    name: str
    family: str
    break_it: Callable[[str, Style], str | None]


def _broken_base64(body: str, style: Style) -> str | None:
    if style.is_inline:
        return None
    return _CONTENT.sub(lambda m: f"<NOIDUNGFILE>{m[1][:40]}#!{m[1][40:]}</NOIDUNGFILE>", body, 1)


def _half_base64(body: str, style: Style) -> str | None:
    if style.is_inline:
        return None
    return _CONTENT.sub(
        lambda m: f"<NOIDUNGFILE>{m[1][: len(m[1]) // 8 * 4]}</NOIDUNGFILE>", body, 1
    )


def _empty_summary(body: str, _style: Style) -> str | None:
    return _CONTENT.sub("<NOIDUNGFILE></NOIDUNGFILE>", body, 1)


def _unknown_kind(body: str, _style: Style) -> str | None:
    return body.replace("<LOAIHOSO>XML2</LOAIHOSO>", "<LOAIHOSO>XML99</LOAIHOSO>", 1)


def _sent_twice(body: str, _style: Style) -> str | None:
    return body + body


KINDS: tuple[WireKind, ...] = (
    WireKind("broken-base64", "unreadable", _broken_base64),
    WireKind("half-base64", "unreadable", _half_base64),
    WireKind("empty-summary", "unreadable", _empty_summary),
    WireKind("unknown-table", "structure", _unknown_kind),
    WireKind("visit-sent-twice", "duplicate-visit", _sent_twice),
)


def cut_short(data: bytes) -> bytes:
    """Return the first two thirds of a file."""
    return data[: len(data) * 2 // 3]
