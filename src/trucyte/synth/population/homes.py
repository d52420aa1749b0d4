"""Invented addresses in real units: of before, and of since 1 July 2025."""

from bisect import bisect_right
from functools import cache
from itertools import accumulate

import msgspec

from trucyte.synth.dice import Dice
from trucyte.synth.population.data import population_data
from trucyte.synth.population.names import is_southern
from trucyte.synth.population.shapes import Address, Home
from trucyte.vietnam.places.history import load_history
from trucyte.vietnam.places.units import Commune, Province, load_units


class _Tables(msgspec.Struct, frozen=True):
    codes: tuple[str, ...]
    cumulative: tuple[float, ...]
    former: dict[str, tuple[Address, ...]]  # commune in force -> those it was made of
    streets: tuple[str, ...]
    hamlets: tuple[tuple[str, ...], tuple[str, ...]]  # of the north, of the south


@cache
def _tables() -> _Tables:
    data = population_data()
    inhabitants = data["inhabitants"]
    return _Tables(
        codes=tuple(inhabitants),
        cumulative=tuple(accumulate(inhabitants.values())),
        former=_former(),
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
    return Home(old=_old(dice, lead, commune), new=_new(lead, commune, unit))


def _new(lead: str, commune: Commune, unit: Province) -> Address:
    return Address(f"{lead}, {commune.name}, {unit.full_name}", unit.code, commune.code)


def _former() -> dict[str, tuple[Address, ...]]:
    """Return where each commune's addresses lay before, as the end of an address."""
    history = load_history()
    found: dict[str, list[Address]] = {}
    for code, ways in history.ways.items():
        unit = history.former[code]
        if unit.level != "commune" or not unit.verified:
            continue
        names = (history.former[above].name for above in (unit.parent, unit.province))
        address = Address(", ".join((unit.name, *names)), unit.province, code)
        for heir, _ in ways:
            found.setdefault(heir, []).append(address)
    return {code: tuple(rows) for code, rows in found.items()}


def _old(dice: Dice, lead: str, commune: Commune) -> Address:
    rows = _tables().former.get(commune.code)
    if not rows:  # what it was made of is not known by code: the address names no unit of before
        return Address(lead, "", "")
    before = dice.pick(rows)
    return Address(f"{lead}, {before.text}", before.province, before.commune)
