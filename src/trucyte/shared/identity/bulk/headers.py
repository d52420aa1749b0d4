"""Which column of a file is which: given by its user, or guessed from its header.

Headers are compared without marks, case and punctuation, so `Họ tên`, `HO_TEN` and `ho ten`
are one. A header that says nothing is left alone; two that say the same are an error.
"""

from collections.abc import Mapping, Sequence

from trucyte.base.problem import Kind, Problem
from trucyte.shared.identity.matching.normal import bare_text
from trucyte.shared.identity.matching.person import FIELDS

RECORD_ID = "record_id"
JOIN = "+"  # "ho+ten": the columns one after the other

_GUESSES: Mapping[str, str] = {
    RECORD_ID: "record id|id|ma|ma bn|ma benh nhan|stt|ma ho so|patient id|mrn|rec id|unique id",
    "name": "name|full name|ho ten|ho va ten|ho ten nguoi benh|ten benh nhan|ten day du",
    "family_name": "family name|surname|last name|ho|ho dem|lname",
    "middle_name": "middle name|ten dem|chu dem",
    "given_name": "given name|first name|forename|ten|fname",
    "birth_date": "birth date|date of birth|dob|ngay sinh|ngay thang nam sinh|ns|birthdate",
    "birth_year": "birth year|year of birth|nam sinh|by",
    "birth_month": "birth month|thang sinh|bm",
    "birth_day": "birth day|bd",
    "sex": "sex|gender|gioi tinh|gt|phai",
    "personal_number": "personal number|so cccd|cccd|so dinh danh|so dinh danh ca nhan|sddcn"
    "|ma dinh danh|national id|so can cuoc|so cccd cmnd|so cmnd cccd",
    "identity_number": "identity number|cmnd|so cmnd|so cmt|cmt",
    "card_number": "card number|ma the|ma the bhyt|so the bhyt|the bhyt|bhyt|insurance card",
    "social_number": "social number|ma bhxh|so bhxh|ma so bhxh|bhxh",
    "passport": "passport|passport number|ho chieu|so ho chieu",
    "phone": "phone|telephone|mobile|dien thoai|so dien thoai|sdt|dt|di dong",
    "address": "address|dia chi|dia chi thuong tru|noi o|noi cu tru",
    "province": "province|tinh|tinh thanh|ma tinh|matinh cu tru|tinh thanh pho",
    "commune": "commune|ward|xa|xa phuong|phuong xa|ma xa|maxa cu tru",
    "former_commune": "former commune|xa cu",
    "mother_name": "mother name|ten me|ho ten me|ho va ten me",
    "birth_order": "birth order|con thu",
}
_FIELD_OF: Mapping[str, str] = {
    header: field for field, headers in _GUESSES.items() for header in headers.split("|")
}
_NAMES = ("name", "given_name", "family_name")


class ColumnUnknown(Problem):
    """There is no column {column} in {file}; it has: {columns}."""

    kind = Kind.BAD_INPUT
    code = "link-column-unknown"


class FieldUnknown(Problem):
    """Nothing is called {field} here; there is: {fields}."""

    kind = Kind.BAD_INPUT
    code = "link-field-unknown"


class ColumnsAmbiguous(Problem):
    """Two columns of {file} look like {field}: {columns}; say which by --column {field}=NAME."""

    kind = Kind.BAD_INPUT
    code = "link-columns-ambiguous"


class NamesMissing(Problem):
    """No column of {file} looks like a name; say which by --column name=COLUMN: {columns}."""

    kind = Kind.BAD_INPUT
    code = "link-names-missing"


def columns_of(
    header: Sequence[str], named: Mapping[str, str], *, file: str
) -> Mapping[str, Sequence[int]]:
    """Return for each field, and for `RECORD_ID`, the places of its columns in a row.

    `named` is what the user says, field to column or columns joined by "+"; the rest is
    guessed. Raises ColumnUnknown, FieldUnknown, ColumnsAmbiguous, NamesMissing.
    """
    found: dict[str, Sequence[int]] = {}
    places = {name.strip(): place for place, name in reversed(list(enumerate(header)))}
    for field, text in named.items():
        if field not in FIELDS and field != RECORD_ID:
            raise FieldUnknown(field=field, fields=", ".join((RECORD_ID, *FIELDS)))
        found[field] = [_place(name, places, file) for name in text.split(JOIN)]
    taken = {place for each in found.values() for place in each}
    guessed: dict[str, int] = {}
    for place, name in enumerate(header):
        guess = _FIELD_OF.get(bare_text(name))
        if guess is None or guess in found or place in taken:
            continue
        if guess in guessed:
            both = f"{header[guessed[guess]]}, {name}"
            raise ColumnsAmbiguous(file=file, field=guess, columns=both)
        guessed[guess] = place
    found.update({field: [place] for field, place in guessed.items()})
    if not any(field in found for field in _NAMES):
        raise NamesMissing(file=file, columns=", ".join(header[:40]))
    return found


def _place(name: str, places: Mapping[str, int], file: str) -> int:
    place = places.get(name.strip())
    if place is None:
        raise ColumnUnknown(file=file, column=name, columns=", ".join(list(places)[:40]))
    return place
