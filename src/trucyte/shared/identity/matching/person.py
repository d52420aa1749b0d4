"""`Person`: what matching compares, in normal form, and how records become one.

All fields are short strings, "" where not known. Nothing here raises on any text: what
cannot be read is not known. Placeholder numbers (all one digit, a counted row) are not
known either, so that a shared dummy can neither make a pair nor support one.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec

from trucyte.shared.identity.matching.normal import (
    bare_text,
    name_layers,
    number_of,
    part_layers,
    place_of,
)

_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ].*)?")
_LOCAL = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})(?:[ T].*)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})\d{0,6}")
YEAR_MIN, YEAR_MAX = 1880, 2100
GENERATION = 13  # years between parent and child at the least
_DUMMY_DATES = frozenset({"1900-01-01", "1800-01-01", "9999-12-31"})
_SEXES = {
    **dict.fromkeys(("1", "nam", "male", "m", "trai", "boy"), "1"),
    **dict.fromkeys(("2", "nu", "female", "f", "gai", "girl"), "2"),
}


class Person(msgspec.Struct, frozen=True, array_like=True):
    """One record of a person as matching sees it."""

    name: str = ""  # plain, all words
    family: str = ""
    middle: str = ""
    given: str = ""
    family_bare: str = ""
    middle_bare: str = ""
    given_bare: str = ""
    family_sound: str = ""
    middle_sound: str = ""
    given_sound: str = ""
    initial: str = ""  # of the given name, as it sounds
    name_sound: str = ""  # the sounds of all words, sorted: order does not matter
    marks: str = ""  # "1" where any word of the name has a mark, "0" where none has
    birth: str = ""  # YYYY-MM-DD where the day is known
    birth_pair: str = ""  # year, then day and month in the order of their size
    birth_year: str = ""
    birth_day: str = ""  # MM-DD
    birth_known: str = ""  # "day" or "year"
    month: str = ""
    day: str = ""
    sex: str = ""  # "1" male, "2" female
    personal: str = ""  # 12 digits
    identity: str = ""  # 9 digits
    social: str = ""  # 10 digits: of the card too
    passport: str = ""
    phone: str = ""
    province: str = ""  # code of today's unit, or its bare name where no code is known
    commune: str = ""
    former_commune: str = ""  # the unit of before July 2025, where it is known
    address: str = ""  # what is below the commune, bare
    mother_bare: str = ""
    mother_sound: str = ""
    newborn_of: str = ""  # bare name of the parent that a newborn is written under
    birth_order: str = ""  # of a multiple birth


COLUMNS: tuple[str, ...] = Person.__struct_fields__

# What a row may give; `person_of_row` takes a mapping from these to the row's columns.
FIELDS: tuple[str, ...] = (
    "name",
    "family_name",
    "middle_name",
    "given_name",
    "birth_date",
    "birth_year",
    "birth_month",
    "birth_day",
    "sex",
    "personal_number",
    "identity_number",
    "card_number",
    "social_number",
    "passport",
    "phone",
    "address",
    "province",
    "commune",
    "former_commune",
    "mother_name",
    "birth_order",
)


def person_of_row(row: Mapping[str, str], columns: Mapping[str, str]) -> Person:
    """Return the person of a row; `columns` maps names of `FIELDS` to the row's columns."""
    return person_of({field: row.get(column) or "" for field, column in columns.items()})


def person_of(fields: Mapping[str, str]) -> Person:
    """Return the person of values by the names in `FIELDS`; absent and "" are one."""
    get = fields.get
    found = dict(_name(get("name", ""), get("family_name", ""), get("given_name", "")))
    if get("middle_name"):
        found.update(part_layers("middle", fields["middle_name"]))
    found.update(_birth(_date_text(fields)))
    found["sex"] = _SEXES.get(bare_text(get("sex", "")), "")
    _add_numbers(found, fields)
    found.update(place_of(fields))
    if get("mother_name"):
        mother = part_layers("mother", fields["mother_name"])
        found["mother_bare"], found["mother_sound"] = mother["mother_bare"], mother["mother_sound"]
        parts = (found.get(part, "") for part in ("family_bare", "middle_bare", "given_bare"))
        if mother["mother_bare"] == " ".join(filter(None, parts)):
            found["newborn_of"] = mother["mother_bare"]  # written under the mother's own name
    elif found.get("newborn_of"):
        found["mother_bare"] = found["mother_sound"] = found["newborn_of"]
    if not found.get("newborn_of") and _is_of_another_generation(found):
        parts = (found.get(part, "") for part in ("family_bare", "middle_bare", "given_bare"))
        found["newborn_of"] = " ".join(filter(None, parts))
    if get("birth_order"):
        found["birth_order"] = fields["birth_order"][:2]
    return Person(**found)


def _is_of_another_generation(found: Mapping[str, str]) -> bool:
    """Say whether the personal number is of somebody a generation older or younger.

    Its fourth to sixth digits say century, sex and year of birth (Circular 07/2016/TT-BCA,
    Article 7). A child without a number is written under a parent's, often with the
    parent's name.
    """
    number, year = found.get("personal", ""), found.get("birth_year", "")
    if not number or not year:
        return False
    born = 1900 + 100 * (int(number[3]) // 2) + int(number[4:6])
    return abs(born - int(year)) >= GENERATION


def _name(whole: str, family: str, given: str) -> Mapping[str, str]:
    if not family and not given:
        return name_layers(whole)
    found = {**part_layers("family", family), **part_layers("given", given)}
    words = f"{found['family_sound']} {found['given_sound']}".split()
    found["name"] = f"{found['family']} {found['given']}".strip()
    found["name_sound"] = " ".join(sorted(words))
    found["initial"] = found["given_sound"][:1]
    if found["name"]:
        is_bare = found["name"] == f"{found['family_bare']} {found['given_bare']}".strip()
        found["marks"] = "0" if is_bare else "1"
    return found


def _date_text(fields: Mapping[str, str]) -> str:
    text = fields.get("birth_date", "").strip()
    if text or not fields.get("birth_year"):
        return text
    parts = (fields.get(part, "").strip() for part in ("birth_year", "birth_month", "birth_day"))
    return "-".join(part.zfill(2) for part in parts if part)


@lru_cache(maxsize=100_000)
def _birth(text: str) -> Mapping[str, str]:
    found = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if found:
        year, month, day = found.groups()
    else:
        local = _LOCAL.fullmatch(text)
        if local is None:
            return {}
        day, month, year = local.groups()
    if not YEAR_MIN <= int(year) <= YEAR_MAX:
        return {}
    moment = _day(year, month, day)
    if moment in _DUMMY_DATES:
        return {}
    if not moment or moment.endswith("-01-01"):
        return {"birth_year": year, "birth_known": "year"}
    return {
        "birth": moment,
        "birth_pair": ":".join((year, *sorted((moment[5:7], moment[8:])))),
        "birth_year": year,
        "birth_day": moment[5:],
        "birth_known": "day",
        "month": moment[5:7],
        "day": moment[8:],
    }


def _day(year: str, month: str | None, day: str | None) -> str:
    if not month or not day:
        return ""
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


_PLACES = frozenset(("personal", "identity", "social", "passport", "phone"))
_KINDS = {  # field of a row -> the kind that is expected there
    "personal_number": "personal",
    "identity_number": "identity",
    "passport": "passport",
    "social_number": "social",
    "card_number": "card",
    "phone": "phone",
}


def _add_numbers(found: dict[str, str], fields: Mapping[str, str]) -> None:
    """Put numbers where their form says, whatever column of papers they came from."""
    for field, expected in _KINDS.items():
        text = fields.get(field, "")
        if not text:
            continue
        kind, value = number_of(text, expected=expected)
        if kind == "card":
            kind, value = "social", value[-10:]
        if kind in _PLACES and (kind != "phone" or expected == "phone"):
            found.setdefault(kind, value)


_SYSTEM_ENDS = {  # the last part of an identifier's system -> field
    **dict.fromkeys(("cccd", "national_id"), "personal_number"),
    **dict.fromkeys(("cmnd", "citizen_id"), "identity_number"),
    **dict.fromkeys(("passport", "passport_number"), "passport"),
    **dict.fromkeys(("bhyt", "insurance_number"), "card_number"),
    "bhxh": "social_number",
}


def person_of_patient(resource: Mapping[str, Any]) -> Person:
    """Return the person of a FHIR R4 Patient, whatever is wrong in it."""
    fields: dict[str, str] = {}
    for identifier in _objects(resource.get("identifier")):
        field = _SYSTEM_ENDS.get(str(identifier.get("system", "")).rpartition("/")[2])
        if field:
            fields.setdefault(field, str(identifier.get("value", "")))
    fields.update(_patient_name(_objects(resource.get("name"))))
    fields["birth_date"] = str(resource.get("birthDate", ""))
    fields["sex"] = str(resource.get("gender", ""))
    for contact in _objects(resource.get("telecom")):
        if contact.get("system") == "phone":
            fields.setdefault("phone", str(contact.get("value", "")))
    for address in _objects(resource.get("address"))[:1]:
        parts = [*_list(address.get("line"))]
        parts += [address.get(level) for level in ("district", "city", "state")]
        fields["address"] = ", ".join(str(part) for part in parts if part)
    fields["mother_name"] = _mother(_objects(resource.get("contact")))
    order = resource.get("multipleBirthInteger", "")
    fields["birth_order"] = str(order) if isinstance(order, int) else ""
    return person_of(fields)


def _patient_name(names: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    rank = {"official": 0, "usual": 1}
    named = [name for name in names if name.get("use") != "old"]
    if not named:
        return {}
    first = min(named, key=lambda name: rank.get(str(name.get("use")), 2))
    text = str(first.get("text", ""))
    if not text:
        words = [first.get("family", ""), *_list(first.get("given"))]
        text = " ".join(str(word) for word in words if word)
    return {"name": text}


def _mother(contacts: Sequence[Mapping[str, Any]]) -> str:
    for contact in contacts:
        codes = [
            str(coding.get("code"))
            for relation in _objects(contact.get("relationship"))
            for coding in _objects(relation.get("coding"))
        ]
        name = contact.get("name")
        if "MTH" in codes and isinstance(name, Mapping):
            return _patient_name([name]).get("name", "")
    return ""


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
