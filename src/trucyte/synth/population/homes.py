"""Invented addresses in real units: of before, and of since 1 July 2025."""

from bisect import bisect_right
from functools import cache
from itertools import accumulate

import msgspec

from trucyte.synth.dice import Dice
from trucyte.synth.population.data import population_data
from trucyte.synth.population.names import is_southern
from trucyte.synth.population.shapes import Address, Home
from trucyte.vietnam.packaged_lists import PackagedLists
from trucyte.vietnam.units import Commune, Province, load_units

_CENTRAL = frozenset(("01", "31", "48", "79", "92"))  # cities under the centre before July 2025


class _Tables(msgspec.Struct, frozen=True):
    codes: tuple[str, ...]
    cumulative: tuple[float, ...]
    former: dict[str, tuple[tuple[str, str], ...]]  # province of the 34 -> (code, name) of the 63
    streets: tuple[str, ...]
    hamlets: tuple[tuple[str, ...], tuple[str, ...]]  # of the north, of the south


@cache
def _tables() -> _Tables:
    data = population_data()
    inhabitants = data["inhabitants"]
    former: dict[str, list[tuple[str, str]]] = {}
    for term in PackagedLists().terms("tinh"):
        if term.valid_to is not None:
            former.setdefault(term.extra["successor"], []).append((term.code, term.vi))
    return _Tables(
        codes=tuple(inhabitants),
        cumulative=tuple(accumulate(inhabitants.values())),
        former={code: tuple(rows) for code, rows in former.items()},
        streets=tuple(data["addresses"]["streets"]),
        hamlets=(tuple(data["addresses"]["north"]), tuple(data["addresses"]["south"])),
    )


def draw_province(dice: Dice) -> str:
    """Draw a province of the 34 by its inhabitants."""
    tables = _tables()
    at = dice.chance() * tables.cumulative[-1]
    return tables.codes[min(bisect_right(tables.cumulative, at), len(tables.codes) - 1)]


def draw_home(dice: Dice, province: str) -> Home:
    """Draw a home in a province of the 34."""
    tables, units = _tables(), load_units()
    unit = units.by_province[province]
    commune = dice.pick(unit.communes)
    if commune.kind == "P":
        lead = f"Số {dice.between(1, 400)} đường {dice.pick(tables.streets)}"
    else:
        lead = f"{dice.pick(tables.hamlets[is_southern(province)])} {dice.between(1, 14)}"
    return Home(old=_old(dice, lead, commune, province), new=_new(lead, commune, unit))


def _new(lead: str, commune: Commune, unit: Province) -> Address:
    return Address(f"{lead}, {commune.name}, {unit.full_name}", unit.code, commune.code)


def _old(dice: Dice, lead: str, commune: Commune, province: str) -> Address:
    rows = _tables().former[province]
    code, name = rows[int(dice.chance() * len(rows))]
    kind = "Thành phố" if code in _CENTRAL else "Tỉnh"
    return Address(f"{lead}, {commune.name}, {kind} {name}", code, "")
