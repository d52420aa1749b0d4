"""One amount in several units: `5.4 g/L` is found by `540 mg/dL`.

UCUM knows which units measure the same. An amount in a *common* unit has no row more than
it had: the search asks in each of them that measures the same. An amount in any other unit
gets one more row, in base units, so that it is found too.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from trucyte.fhir.path.units.ucum import Unit, read_unit

# A change of this list is a new form of the index (`records.index`).
_COMMON_TEXT: Final = """
    % 1 10*3/uL 10*6/uL 10*9/L 10*12/L /uL /mL /L {score} {ratio} [pH] kg g mg ug ng pg [lb_av]
    [oz_av] m cm mm um nm km [in_i] [ft_i] m2 cm2 mm2 L dL mL uL fL cm3 mm3 m3 s ms min h d wk
    mo a Cel [degF] K /min /h /s Hz g/L g/dL mg/L mg/dL mg/mL ug/L ug/dL ug/mL ng/L ng/dL ng/mL
    pg/L pg/mL pg/dL g/mL mol mmol umol nmol pmol mol/L mmol/L umol/L nmol/L pmol/L mmol/mol
    mmol/kg mm[Hg] Pa kPa cm[H2O] bar mbar U/L kU/L mU/L U/mL kat/L ukat/L m[IU]/L [IU]/L
    k[IU]/L [IU]/mL u[IU]/mL m[IU]/mL meq/L meq/dL eq/L kg/m2 g/m2 mL/min mL/h L/min L/h L/s
    mL/min/{1.73_m2} mL/kg mg/kg ug/kg mg/h mg/d g/d mg/g ug/g ug/mg ng/mg mosm/kg mosm/L J kJ
    cal kcal V mV W
"""
UCUM: Final = "http://unitsofmeasure.org"
COMMON_UNITS: Final = tuple(_COMMON_TEXT.split())
_COMMON: Final = frozenset(COMMON_UNITS)
Ends = tuple[float, ...]
_REMEMBERED: Final = 4096  # amounts; a fraction costs more than looking it up


@dataclass(frozen=True, slots=True)
class Alternative:
    """A unit that measures the same as another, and the way there."""

    code: str
    origin: str  # a code that measures the same

    def converted(self, ends: Ends) -> Ends:
        """Express amounts of the origin in this unit."""
        converted = converted_to(self.origin, self.code, ends)
        assert converted is not None
        return converted


@lru_cache(maxsize=1024)
def alternatives(code: str) -> tuple[Alternative, ...]:
    """Return the common units that measure the same as a UCUM code, without itself."""
    origin = read_unit(code)
    if origin is None:
        return ()
    return tuple(
        Alternative(other, code)
        for other in COMMON_UNITS
        if other != code
        and (unit := read_unit(other)) is not None
        and unit.dimensions == origin.dimensions
    )


@lru_cache(maxsize=_REMEMBERED)
def in_base_units(code: str, ends: Ends) -> tuple[str, Ends] | None:
    """Return what an amount measures, as text, and it in base units; None for no UCUM code."""
    unit = read_unit(code)
    if unit is None:
        return None
    return _measure(unit), tuple(_to_base(end, unit) for end in ends)


@lru_cache(maxsize=_REMEMBERED)
def to_base(code: str, ends: Ends) -> Ends:
    """Express amounts of a readable UCUM code in base units."""
    unit = read_unit(code)
    assert unit is not None
    return tuple(_to_base(end, unit) for end in ends)


def is_rare(system: str | None, code: str | None) -> bool:
    """Say whether a unit claims to be of UCUM and is not one that searches try."""
    return system == UCUM and code not in _COMMON


@lru_cache(maxsize=_REMEMBERED)
def converted_to(code: str, wanted: str, ends: Ends) -> Ends | None:
    """Return amounts of one UCUM unit in another, or None where they measure different things."""
    origin, unit = read_unit(code), read_unit(wanted)
    if origin is None or unit is None or origin.dimensions != unit.dimensions:
        return None
    return tuple(_converted(end, origin, unit) for end in ends)


def _measure(unit: Unit) -> str:
    return ".".join(f"{name}{power}" for name, power in unit.dimensions)


def _converted(end: float, origin: Unit, unit: Unit) -> float:
    exact = _exact(end)
    return end if exact is None else _float(unit.from_base(origin.to_base(exact)))


def _to_base(end: float, unit: Unit) -> float:
    exact = _exact(end)
    return end if exact is None else _float(unit.to_base(exact))


def _exact(end: float) -> Fraction | None:
    """Return the decimal that people wrote, None for an open end."""
    return None if end in (float("inf"), float("-inf")) else Fraction(Decimal(repr(end)))


def _float(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return float("inf") if exact > 0 else float("-inf")
