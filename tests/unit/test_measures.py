"""One amount in several units."""

import pytest

from trucyte.fhir.path.units.ucum import read_unit
from trucyte.records.measures import (
    COMMON_UNITS,
    UCUM,
    alternatives,
    converted_to,
    in_base_units,
    is_rare,
    to_base,
)


def test_every_common_unit_is_one_of_ucum_and_stands_once() -> None:
    assert [unit for unit in COMMON_UNITS if read_unit(unit) is None] == []
    assert len(set(COMMON_UNITS)) == len(COMMON_UNITS)


def test_an_amount_has_the_same_double_whatever_way_it_comes() -> None:
    for unit in COMMON_UNITS:
        for other in alternatives(unit):
            (there,) = other.converted((5.4,))
            converted = converted_to(unit, other.code, (5.4,))
            assert converted == (there,)
            assert to_base(unit, (5.4,))[0] == pytest.approx(to_base(other.code, (there,))[0])


def test_degrees_are_shifted() -> None:
    assert converted_to("[degF]", "Cel", (98.6,)) == (37.0,)


def test_open_ends_stay_open_and_what_is_too_large_is_open() -> None:
    ends = (float("-inf"), float("inf"))
    assert converted_to("g", "mg", ends) == ends
    assert converted_to("kg", "ng", (1e308, -1e308)) == (float("inf"), float("-inf"))


@pytest.mark.parametrize("code", ["", "no unit", "g" * 5000, "(" * 500, "\0", "đ", "10*9999999"])
def test_what_is_no_unit_has_no_other(code: str) -> None:
    assert alternatives(code) == ()
    assert converted_to(code, "g", (1.0,)) is None
    assert in_base_units(code, (1.0, 1.0)) is None


def test_only_rare_units_of_ucum_need_a_row_more() -> None:
    assert not is_rare(UCUM, "mg/dL")
    assert not is_rare("urn:x", "dag")
    assert not is_rare(None, None)
    assert is_rare(UCUM, "dag")
    assert in_base_units("dag", (1.0, 2.0)) == ("g1", (10.0, 20.0))
