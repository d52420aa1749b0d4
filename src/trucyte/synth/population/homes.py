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
    communes: dict[str, tuple[Commune, ...]]  # by province, those whose past is known
    streets: tuple[str, ...]
    hamlets: tuple[tuple[str, ...], tuple[str, ...]]  # of the north, of the south


@cache
def _tables() -> _Tables:
    data = population_data()
    inhabitants = data["inhabitants"]
    former = former_addresses()
    return _Tables(
        codes=tuple(inhabitants),
        cumulative=tuple(accumulate(inhabitants.values())),
        former=former,
        communes={
            code: tuple(commune for commune in unit.communes if commune.code in former)
            for code, unit in load_units().by_province.items()
        },
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
    tables = _tables()
    unit = load_units().by_province[province]
    commune = dice.pick(tables.communes[province])
    if commune.kind == "P":
        lead = f"Số {dice.between(1, 400)} đường {dice.pick(tables.streets)}"
    else:
        lead = f"{dice.pick(tables.hamlets[is_southern(province)])} {dice.between(1, 14)}"
    return Home(old=_old(dice, lead, commune), new=_new(lead, commune, unit))


def _new(lead: str, commune: Commune, unit: Province) -> Address:
    return Address(f"{lead}, {commune.name}, {unit.full_name}", unit.code, commune.code)


def former_addresses() -> dict[str, tuple[Address, ...]]:
    """Return where each commune's addresses lay before, as the end of an address."""
    history = load_history()
    sure: dict[str, list[Address]] = {}
    unsure: dict[str, list[Address]] = {}
    for code, ways in history.ways.items():
        unit = history.former[code]
        if unit.level != "commune":
            continue
        names = (history.former[above].name for above in (unit.parent, unit.province))
        # A code that is ours and no official one is written nowhere.
        written = "" if code.startswith("~") else code
        address = Address(", ".join((unit.name, *names)), unit.province, written)
        for heir, _ in ways:
            (sure if unit.verified else unsure).setdefault(heir, []).append(address)
    return {code: tuple(rows) for code, rows in (unsure | sure).items()}


def _old(dice: Dice, lead: str, commune: Commune) -> Address:
    before = dice.pick(_tables().former[commune.code])
    return Address(f"{lead}, {before.text}", before.province, before.commune)
