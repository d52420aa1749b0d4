"""Administrative units in force since 1 July 2025: 34 provinces, 3,321 communes, no districts.

The table is generated at set-up from the JSON data of the `vietnam-provinces` wheel
(`build_units`) and read from `generated/units.tsv`. The 63 provinces of before, and which
province each became part of, are the packaged list "tinh".
"""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from trucyte.base.problem import Kind, Problem
from trucyte.vietnam.tables import read_generated

IN_FORCE_FROM = "2025-07-01"
GENERATED = "units.tsv"
_SOURCE = "vietnam_provinces/data/nested-divisions.json"
_KINDS = {"phường": "P", "xã": "X", "đặc khu": "D"}
_CITY = "Thành phố "


class UnitsNotBuilt(Problem):
    """The table of provinces and communes is missing: build the content of the wheel first."""

    kind = Kind.UNAVAILABLE
    code = "units-not-built"


class UnitsUnreadable(Problem):
    """The data for provinces and communes is not what was expected: {reason}."""

    kind = Kind.BAD_INPUT
    code = "units-unreadable"


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune-level unit: xã, phường or đặc khu."""

    code: str  # 5 digits
    name: str  # "Phường Hoàn Kiếm"
    kind: str  # "P" phường, "X" xã, "D" đặc khu
    province: str  # 2 digits


@dataclass(frozen=True, slots=True)
class Province:
    """A province or a city under the central government, with its communes in code order."""

    code: str  # 2 digits
    name: str  # "Hà Nội", without "Tỉnh" or "Thành phố"
    is_city: bool
    communes: Sequence[Commune]

    @property
    def full_name(self) -> str:
        """The name with its kind, as addresses write it."""
        return f"{'Thành phố' if self.is_city else 'Tỉnh'} {self.name}"


@dataclass(frozen=True, slots=True)
class Units:
    """The whole table, and lookup by code."""

    provinces: Sequence[Province]
    by_province: Mapping[str, Province]
    by_commune: Mapping[str, Commune]


def build_units(wheel: bytes) -> bytes:
    """Return the compact table made of the `vietnam-provinces` wheel; raises UnitsUnreadable.

    Only the data file is read, none of the wheel's code. Lines are tab-separated:
    a province is code, name, 1 for a city; a commune is kind, code, name.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            provinces = json.loads(archive.read(_SOURCE))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UnitsUnreadable(reason=type(error).__name__) from error
    lines = [line for province in _ordered(provinces) for line in _province_lines(province)]
    return ("\n".join(lines) + "\n").encode()


def _ordered(items: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(items, key=lambda item: int(str(item["code"])))


def _province_lines(province: dict[str, object]) -> Iterable[str]:
    name = str(province["name"])
    is_city = name.startswith(_CITY) or "thành phố" in str(province["division_type"])
    yield f"{int(str(province['code'])):02d}\t{name.removeprefix(_CITY)}\t{int(is_city)}"
    wards = province["wards"]
    if not isinstance(wards, list):
        raise UnitsUnreadable(reason="wards")
    for ward in _ordered(wards):
        kind = _KINDS.get(str(ward["division_type"]))
        if kind is None:
            raise UnitsUnreadable(reason="division_type")
        yield f"{kind}\t{int(str(ward['code'])):05d}\t{ward['name']}"


def parse_units(table: bytes) -> Units:
    """Read the table that `build_units` wrote."""
    heads: list[tuple[str, str, bool]] = []
    members: dict[str, list[Commune]] = {}
    for line in table.decode().splitlines():
        first, second, third = line.split("\t")
        if first.isdigit():
            heads.append((first, second, third == "1"))
            members[first] = []
        else:
            province = heads[-1][0]
            members[province].append(Commune(second, third, first, province))
    provinces = tuple(Province(*head, communes=tuple(members[head[0]])) for head in heads)
    return Units(
        provinces=provinces,
        by_province={province.code: province for province in provinces},
        by_commune={unit.code: unit for province in provinces for unit in province.communes},
    )


@cache
def load_units() -> Units:
    """Return the units in force; raises UnitsNotBuilt where set-up has not run."""
    table = read_generated(GENERATED)
    if table is None:
        raise UnitsNotBuilt
    return parse_units(table)
