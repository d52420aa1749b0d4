"""Administrative units by code and day, and what became of each on 1 July 2025.

Until 30 June 2025 there were three levels: 63 provinces, 696 districts, 10,038 communes;
since 1 July 34 provinces and 3,321 communes. A code alone says too little: 44 was Quảng
Bình and is Quảng Trị. Communes merged in the two years before are known too; their
successors are those of the district, marked `inferred`. Codes that begin with `~` are ours:
the official one of a unit made in the last mergers is in no source.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.vietnam.places.spelling import key_of, kind_and_short
from trucyte.vietnam.places.units import IN_FORCE_FROM, load_units
from trucyte.vietnam.tables import read_generated, read_rows

GENERATED = "former.tsv"
NEW_FROM = date.fromisoformat(IN_FORCE_FROM)
FORMER_TO = date(2025, 6, 30)
MERGED_TO = date(2025, 2, 28)  # the last day one of them can have been (recalled)
_SHARES = {"w": "whole", "s": "part", "i": "inferred"}


class FormerUnitsNotBuilt(Problem):
    """The table of units before July 2025 is missing: build the content of the wheels first."""

    kind = Kind.UNAVAILABLE
    code = "former-units-not-built"


class Unit(msgspec.Struct, frozen=True):
    """A province, district or commune as it was or is."""

    code: str
    name: str  # with its kind: "Phường Ba Đình", "Thành phố Hà Nội"
    level: str  # "province", "district", "commune"
    kind: str  # key of spelling.KINDS: "P", "X", "T", "D", "Q", "H", "TX", "TP", "TINH"
    parent: str = ""  # code of the unit above, of the same time; provinces have none
    province: str = ""  # code of the province, of the same time
    earlier_parent: str = ""  # the district it lay in before the last moves among districts
    valid_from: date | None = None  # None: not known
    valid_to: date | None = None  # None: in force
    verified: bool = True

    def is_in_force(self, day: date) -> bool:
        """Say whether the unit was there that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Succession:
    """A unit that followed another, or was followed by it."""

    unit: Unit
    share: str  # "whole": all of the former went here; "part"; "inferred": perhaps


@dataclass(frozen=True, slots=True)
class History:
    """All units, and the ways between."""

    former: Mapping[str, Unit]
    current: Mapping[str, Unit]
    ways: Mapping[str, tuple[tuple[str, str], ...]]  # former code -> (current code, share)
    back: Mapping[str, tuple[tuple[str, str], ...]]  # current code -> (former code, share)


def unit(code: str, day: date | None = None) -> Unit | None:
    """Return the unit of a code that `day`; without a day the one in force, else the last."""
    history = load_history()
    found = [one for one in (history.current.get(code), history.former.get(code)) if one]
    if day is None:
        return found[0] if found else None
    return next((one for one in found if one.is_in_force(day)), None)


def successors(code: str, day: date | None = None) -> tuple[Succession, ...]:
    """Return what followed the unit that a code named on `day` (default: before July 2025).

    Empty for a unit that is in force, and for a code that is none.
    """
    history = load_history()
    former = history.former.get(code)
    if former is None or (day is not None and not former.is_in_force(day)):
        return ()
    ways = history.ways.get(code, ())
    return tuple(Succession(history.current[to], share) for to, share in ways)


def predecessors(code: str, day: date | None = None) -> tuple[Succession, ...]:
    """Return the former units that a unit in force on `day` (default: now) was made of."""
    if day is not None and day < NEW_FROM:
        return ()
    history = load_history()
    ways = history.back.get(code, ())
    return tuple(Succession(history.former[of], share) for of, share in ways)


@cache
def load_history() -> History:
    """Return all units; raises FormerUnitsNotBuilt or UnitsNotBuilt where set-up has not run."""
    table = read_generated(GENERATED)
    if table is None:
        raise FormerUnitsNotBuilt
    former, ways = _former(table.decode().splitlines())
    ways |= _province_ways()
    ways |= _district_ways(former, ways)
    back: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for code, found in ways.items():
        for to, share in found:
            if former[code].level != "district" or share == "whole":
                back[to].append((code, share))
    return History(
        former=former,
        current=_current(),
        ways=ways,
        back={code: tuple(sorted(found)) for code, found in back.items()},
    )


Ways = dict[str, tuple[tuple[str, str], ...]]


def _former(lines: Iterable[str]) -> tuple[dict[str, Unit], Ways]:
    found: dict[str, Unit] = {}
    ways: Ways = {}
    for line in lines:
        level, code, name, *rest = line.split("\t")
        kind = kind_and_short(key_of(name))[0]
        verified = not code.startswith("~")
        if level == "P":
            found[code] = Unit(code, name, "province", kind, province=code, valid_to=FORMER_TO)
        elif level == "D":
            found[code] = Unit(
                code, name, "district", kind, rest[0], rest[0],
                valid_to=FORMER_TO, verified=verified,
            )  # fmt: skip
            if rest[1]:
                ways[code] = tuple((one, "whole") for one in rest[1].split(","))
        else:
            district, relation, to, earlier = rest
            found[code] = Unit(
                code, name, "commune", kind, district, found[district].province, earlier,
                valid_to=MERGED_TO if relation == "i" else FORMER_TO,
                verified=verified and relation != "i",
            )  # fmt: skip
            ways[code] = tuple((one, _SHARES[relation]) for one in to.split(","))
    return found, ways


def _province_ways() -> Ways:
    return {
        row["code"]: ((row["extra"].removeprefix("successor="), "whole"),)
        for row in read_rows("lists/tinh")
        if row["to"]
    }


def _district_ways(former: Mapping[str, Unit], ways: Ways) -> Ways:
    """A district has been divided among the communes that its communes went to."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for code, heirs in ways.items():
        one = former[code]
        if one.level == "commune" and one.valid_to == FORMER_TO:
            found[one.parent].update((to, "part") for to, _ in heirs)
    return {code: tuple(sorted(heirs.items())) for code, heirs in found.items()}


def _current() -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for province in load_units().provinces:
        code = province.code
        kind = "TP" if province.is_city else "TINH"
        found[code] = Unit(
            code, province.full_name, "province", kind, province=code, valid_from=NEW_FROM
        )  # fmt: skip
        for commune in province.communes:
            found[commune.code] = Unit(
                commune.code, commune.name, "commune", commune.kind, code, code,
                valid_from=NEW_FROM,
            )  # fmt: skip
    return found
