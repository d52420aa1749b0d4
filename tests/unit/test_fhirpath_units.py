"""Units of UCUM: exact, and only what can be converted is."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.quantity import Quantity, converted
from trucyte.fhir.path.units.ucum import is_unit, read_unit
from trucyte.fhir.path.units.ucum_table import ARBITRARY, BASE, DEFINED, SHIFTED

SYMBOLS = [
    *sorted(BASE),
    *sorted(ARBITRARY),
    *sorted(SHIFTED),
    *(line.split()[0] for line in DEFINED.split("\n") if line),
]


def test_each_unit_that_r4_lists_is_read(definitions: Definitions) -> None:
    common = definitions.value_set("http://hl7.org/fhir/ValueSet/ucum-common")
    assert common is not None
    listed = common.systems["http://unitsofmeasure.org"]
    assert len(listed) > 1300
    assert [code for code in listed if read_unit(code) is None] == []


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_each_unit_of_the_table_is_read(symbol: str) -> None:
    assert read_unit(symbol) is not None


@pytest.mark.parametrize(
    ("value", "unit", "other", "wanted"),
    [
        ("1", "[in_i]", "cm", "2.54"),
        ("1", "[lb_av]", "g", "453.59237"),
        ("120", "mm[Hg]", "kPa", "15.99864"),
        ("1", "mg/dL", "g/L", "0.01"),
        ("37", "Cel", "[degF]", "98.6"),
        ("1", "kcal", "J", "4184"),
        ("5", "10*9/L", "10*3/uL", "5"),
        ("1", "mmol/L", "umol/mL", "1"),
        ("90", "mL/min/{1.73_m2}", "L/h", "5.4"),
        ("1", "wk", "d", "7"),
        ("1", "%", "[ppth]", "10"),
        ("1", "km/h", "m/min", "16.66666666666666666666666666666667"),
    ],
)
def test_a_quantity_is_converted_exactly(value: str, unit: str, other: str, wanted: str) -> None:
    found = converted(Quantity(Decimal(value), unit), other)
    assert found == Quantity(Decimal(wanted), other)


@pytest.mark.parametrize("text", ["", "kkg", "g/", "/", "mg(", "m99", "[nope]", "g.", "đ",
                                  "0", "m" * 200, "(" * 20 + "m" + ")" * 20, "m-41"])  # fmt: skip
def test_what_is_no_unit_is_none(text: str) -> None:
    assert read_unit(text) is None


@given(st.text("mgskKLl10*^./-+()[]{}'%duUiT", max_size=30))
def test_any_text_is_a_unit_or_none(text: str) -> None:
    unit = read_unit(text)
    assert unit is None or unit.from_base(unit.to_base(Fraction(3))) == 3


@pytest.mark.parametrize(
    "code",
    ["mg/dL", "10*9/L", "mm[Hg]", "{score}", "m[IU]/mL", "/[HPF]", "kg.m/s2", "10.uN.s/(cm5.m2)",
     "KiBy", "tex", "[den]", "[m/s2/Hz^(1/2)]", "dB[10.nV]", "mol/kg{body}", "cal_[15]", "1",
     "m+2", "s-1", "mL/(24.h)", "%{Negative Control}"],
)  # fmt: skip
def test_a_code_of_ucum_is_one(code: str) -> None:
    assert is_unit(code) is True


@pytest.mark.parametrize(
    "code",
    ["mcg", "ea", "TAB", "ml/hr", "mEq", "mmHg", "mgg", "10^^3", "2m", "mg//dL", "mg/dL)", "(mg",
     "mg dL", "{open", "g{a}{b}", "kmin", "µg", "ml/phút", "Kig/", "[NOPE]", "m-", "m2..5", " "],
)  # fmt: skip
def test_a_code_that_is_no_unit_is_none(code: str) -> None:
    assert is_unit(code) is False


@pytest.mark.parametrize("code", ["m99", "10*400", "(" * 20 + "m" + ")" * 20, "m." * 60 + "m"])
def test_of_a_code_too_large_to_read_nothing_is_said(code: str) -> None:
    assert is_unit(code) is None


def test_the_table_holds_every_atom_of_ucum() -> None:

    names = {*BASE, *ARBITRARY, *SHIFTED, *(ln.split()[0] for ln in DEFINED.split("\n") if ln)}
    assert len(names) == 312
