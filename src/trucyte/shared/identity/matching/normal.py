"""Names and addresses in the forms that are compared, remembered where they repeat.

The country's readers do the work (`vietnam.people`, `vietnam.places`, `vietnam.numbers`);
here is what matching takes of them. Nothing raises on any text.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from trucyte.vietnam.numbers.number import read_number
from trucyte.vietnam.people.fold import folded
from trucyte.vietnam.people.name import read_name
from trucyte.vietnam.places.address import read_address
from trucyte.vietnam.places.history import FormerUnitsNotBuilt
from trucyte.vietnam.places.units import UnitsNotBuilt

TEXT_LETTERS_MAX = 300
_KEPT = 100_000
_NOT_BARE = re.compile(r"[^a-z0-9]+")
_LEADS = re.compile(r"^(so|ap|thon|xom|ban|to|khu|sn|duong|pho)\b|\b(duong|pho)\b")
_remembered = {"max": 0}
_names: dict[str, Mapping[str, str]] = {}
_numbers: dict[tuple[str, str], tuple[str, str]] = {}


@lru_cache(maxsize=_KEPT)
def bare_text(text: str) -> str:
    """Return the words of any text without marks, in lower case, single spaces between."""
    return " ".join(filter(None, _NOT_BARE.split(folded(text[:TEXT_LETTERS_MAX]))))


def remember(values: int) -> None:
    """Read so many names and numbers once each: for a process that reads files, then ends."""
    _remembered["max"] = values


def name_layers(text: str) -> Mapping[str, str]:
    """Return the parts of a name in their layers, by the fields of `Person`."""
    found = _names.get(text)
    if found is None:
        found = _layers_of(text)
        if len(_names) < _remembered["max"]:
            _names[text] = found
    return found


def _layers_of(text: str) -> Mapping[str, str]:
    name = read_name(text)
    if name.newborn_of:
        return {"newborn_of": bare_text(name.newborn_of), "birth_order": name.newborn_number}
    plain, bare, sounds = name.plain.split(), name.skeleton.split(), name.sounds.split()
    if not len(plain) == len(bare) == len(sounds):  # another script: compared as a whole
        plain, bare, sounds = [name.plain], [name.plain], [name.plain]
    family = len(name.family.split()) if name.family else 0
    given = len(plain) - len(name.given.split()) if name.given else len(plain)
    found = {"name": " ".join(plain), "name_sound": " ".join(sorted(sounds))}
    for layer, words in (("", plain), ("_bare", bare), ("_sound", sounds)):
        found[f"family{layer}"] = " ".join(words[:family])
        found[f"middle{layer}"] = " ".join(words[family:given])
        found[f"given{layer}"] = " ".join(words[given:])
    found["initial"] = found["given_sound"][:1]
    if plain:
        found["marks"] = "1" if name.marks else "0"
    return found


@lru_cache(maxsize=_KEPT)
def part_layers(part: str, text: str) -> Mapping[str, str]:
    """Return the layers of a part of a name that came in a column of its own."""
    name = read_name(text)
    return {part: name.plain, f"{part}_bare": name.skeleton, f"{part}_sound": name.sounds}


@lru_cache(maxsize=_KEPT)
def _below(text: str) -> str:
    """Return house, street or hamlet without the words that all of them share."""
    return " ".join(_LEADS.sub(" ", text).split())


@lru_cache(maxsize=_KEPT)
def units_of(text: str) -> tuple[str, str, str, str]:
    """Return province, commune, former commune (codes) and the rest of an address."""
    try:
        address = read_address(text)
    except (UnitsNotBuilt, FormerUnitsNotBuilt):  # without set-up only the words are compared
        return "", "", "", bare_text(text)
    commune = address.commune.code if address.commune else (*address.communes, "")[0]
    if not commune and address.province and address.rest and address.former_province:
        # a commune in force, written under the province of before the merger
        again = read_address(f"{address.rest}, {address.province.name}")
        if again.commune:
            return address.province.code, again.commune.code, "", bare_text(again.rest)
    return (
        address.province.code if address.province else "",
        commune,
        address.former_commune.code if address.former_commune else "",
        bare_text(address.rest),
    )


def place_of(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return the units and the rest of an address from its text, or else from its columns.

    The text is read from its first comma on, where units that repeat stand; the house
    before it need not be remembered.
    """
    text = fields.get("address", "")
    if text and "," not in text:
        units = (fields.get("commune", ""), fields.get("province", ""))
        text = ", ".join((text, *(unit for unit in units if unit and not unit.isdigit())))
    house, comma, tail = text.partition(",")
    province, commune, former, rest = units_of(tail if comma else text)
    if comma:
        rest = f"{bare_text(house)} {rest}".strip()
    province = province or _named(fields.get("province", ""))
    if not commune:
        commune = _named(fields.get("commune", ""))
    return {
        "province": province,
        "commune": commune if province else "",
        "former_commune": former or bare_text(fields.get("former_commune", "")),
        "address": _below(rest),
    }


@lru_cache(maxsize=_KEPT)
def _named(text: str) -> str:
    """Return a unit that came in a column of its own: its code, or its bare name."""
    code = text.strip()
    if code.isdigit():
        return code
    province, commune, _, _ = units_of(text) if text else ("", "", "", "")
    return commune or province or bare_text(text)


def number_of(text: str, *, expected: str = "") -> tuple[str, str]:
    """Return kind and value of a number; ("", "") for a placeholder or what is none."""
    found = _numbers.get((text, expected))
    if found is None:
        number = read_number(text, expected=expected)
        found = (number.kind, number.value) if number.usable else ("", "")
        if len(_numbers) < _remembered["max"]:
            _numbers[text, expected] = found
    return found
