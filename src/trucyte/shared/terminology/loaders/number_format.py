"""How a workbook shows its numbers, where that is what gives a code its zeros.

A cell that shows 01 may hold the number 1 with the format "00" (ECMA-376, 18.8.30).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

_FIXED: Final = re.compile(r"(0{1,32})(?:\.(0{1,32}))?")
_BUILT_IN: Final = {1: "0", 2: "0.00"}
_DIGITS_MAX: Final = 32
_PLAIN: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class Unshaped(str):
    """A number that a workbook keeps without saying how many digits it is written with."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """The least digits before the point, and those behind it."""

    before: int
    behind: int

    def written(self, number: str) -> str:
        """Return a number with its zeros; none of its own digits is ever taken away."""
        try:
            value = Decimal(number)
        except InvalidOperation:
            return number
        if not value.is_finite() or abs(value.adjusted()) > _DIGITS_MAX:
            return number
        digits = f"{value:f}"
        if not _PLAIN.fullmatch(digits):
            return number
        whole, _, rest = digits.partition(".")
        rest = rest.rstrip("0").ljust(self.behind, "0")
        return f"{whole.zfill(self.before)}{'.' if rest else ''}{rest}"


def shape_of(code: str) -> Shape | None:
    """Return the shape that a number format gives; None where it gives no digits."""
    found = _FIXED.fullmatch(code.partition(";")[0].replace('"', "").strip())
    if found is None or found[0] == "0":
        return None
    return Shape(len(found[1]), len(found[2] or ""))


def read_shapes(styles: Iterable[Any], namespace: str) -> Sequence[Shape | None]:
    """Return the shapes of cells by style, from the `numFmts` and `cellXfs` of a workbook."""
    formats = dict(_BUILT_IN)
    shapes: list[Shape | None] = []
    for element in styles:
        for child in element.iterchildren():
            number = child.get("numFmtId", "")
            known = int(number) if number.isdecimal() and len(number) < 10 else 0
            if child.tag == f"{namespace}numFmt":
                formats[known] = child.get("formatCode", "")[:255]
            elif child.tag == f"{namespace}xf":
                shapes.append(shape_of(formats.get(known, "")))
    return shapes
