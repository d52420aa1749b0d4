"""Read the rows of a register's file: which column is what, and what is wrong with a line.

A line that cannot be taken is named by its number, a reason and a column, never by its
text; the others are taken, for one bad line must not hold up a revocation.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

from trucyte.fhir.search.fold import fold
from trucyte.shared.identity.registers.communes import commune_code
from trucyte.shared.identity.registers.files.hours import read_hours
from trucyte.shared.identity.registers.licence import normal_number
from trucyte.shared.terminology.loaders.report import RowNote, parse_day
from trucyte.shared.terminology.loaders.table import Names, Record, read_table

SAID_MAX: Final = 1000  # lines named one by one
TEXT_MAX: Final = 300  # characters
_CODE: Final = re.compile(r"[0-9A-Z]{5}")
_NUMBER: Final = re.compile(r"[0-9A-ZĐ][0-9A-ZĐ./_-]{2,59}")
_ADDRESS: Final = re.compile(r"https?://[^\s/@?#]+(/[^\s@?#]*)?")
_DAYS: Final = range(1900, 2200)
_Row = TypeVar("_Row")


class Kind(Enum):
    """What a file lists."""

    FACILITIES = "facilities"
    PRACTITIONERS = "practitioners"


NEEDED: Final[Mapping[Kind, Sequence[str]]] = {
    Kind.FACILITIES: ("code", "name"),
    Kind.PRACTITIONERS: ("number", "name"),
}


@dataclass(frozen=True, slots=True)
class FacilityRow:
    """One facility of a list."""

    line: int
    code: str
    name: str
    gln: str = ""
    kind: str = ""
    level: str = ""
    address: str = ""
    province: str = ""
    commune: str = ""  # its code
    services: tuple[str, ...] = ()
    hours: str = ""
    endpoint: str = ""
    phone: str = ""
    place: tuple[str, str] | None = None  # latitude, longitude, as written
    opened: date | None = None
    closed: date | None = None
    replaces: tuple[str, ...] = ()
    replaced_from: date | None = None


@dataclass(frozen=True, slots=True)
class PractitionerRow:
    """One line of a list of practitioners: a licence, and at most one place."""

    line: int
    number: str
    name: str
    social: str = ""
    title: str = ""
    scope: str = ""
    issued: date | None = None
    expires: date | None = None
    issuer: str = ""
    state: str = "in-force"  # a code of columns.toml
    state_from: date | None = None
    state_to: date | None = None
    decision: str = ""
    facility: str = ""
    role_from: date | None = None
    role_to: date | None = None
    hours: str = ""


@dataclass(slots=True)
class Notes:
    """What is wrong with lines."""

    faults: list[RowNote] = field(default_factory=list)
    warnings: list[RowNote] = field(default_factory=list)
    rows: int = 0
    faulty: int = 0

    def fault(self, line: int, reason: str, column: str = "") -> None:
        """Say that a line was not taken."""
        self.faulty += 1
        if len(self.faults) < SAID_MAX:
            self.faults.append(RowNote(line, reason, column))

    def warn(self, line: int, reason: str, column: str = "") -> None:
        """Say that a line was taken and looks wrong."""
        if len(self.warnings) < SAID_MAX:
            self.warnings.append(RowNote(line, reason, column))


class _Refused(Exception):  # noqa: N818 - leaves one line, not a program
    def __init__(self, reason: str, column: str) -> None:
        super().__init__(reason)
        self.reason, self.column = reason, column


@cache
def words() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return headings and words of states and titles, by table."""
    package = files("trucyte.shared.identity.registers.files")
    return tomllib.loads(package.joinpath("columns.toml").read_text(encoding="utf-8"))


def headings(kind: Kind, more: Mapping[str, str]) -> Names:
    """Return what columns of a kind are called; `more` has headings of the operator's."""
    known = words()[kind.value]
    return {
        purpose: (*names, *filter(None, [more.get(purpose)])) for purpose, names in known.items()
    }


def read_facilities(
    path: Path, notes: Notes, names: Names, sheet: str | None = None
) -> Iterator[FacilityRow]:
    """Give the facilities of a file. Raises ListFileUnreadable, ListFileTooLarge."""
    seen: set[str] = set()
    for record in read_table(path, names, NEEDED[Kind.FACILITIES], sheet):
        row = _taken(record, notes, _facility)
        if row is not None and row.code in seen:
            notes.fault(row.line, "facility-twice", "code")
        elif row is not None:
            seen.add(row.code)
            yield row


def read_practitioners(
    path: Path, notes: Notes, names: Names, sheet: str | None = None
) -> Iterator[PractitionerRow]:
    """Give the lines of a file. Raises ListFileUnreadable, ListFileTooLarge."""
    for record in read_table(path, names, NEEDED[Kind.PRACTITIONERS], sheet):
        row = _taken(record, notes, _practitioner)
        if row is not None:
            yield row


def _taken(record: Record, notes: Notes, read: Callable[[Record, Notes], _Row]) -> _Row | None:
    notes.rows += 1
    try:
        return read(record, notes)
    except _Refused as refused:
        notes.fault(record.number, refused.reason, refused.column)
        return None


def _facility(record: Record, notes: Notes) -> FacilityRow:
    code = facility_code(record, notes, "code")
    if not code:
        raise _Refused("code-missing", "code")
    replaces = tuple(_each_code(record))
    if code in replaces:
        raise _Refused("replaces-itself", "replaces")
    return FacilityRow(
        line=record.number,
        code=code,
        name=_text(record, "name", is_needed=True),
        gln=_gln(record, notes),
        kind=_text(record, "kind"),
        level=_text(record, "level"),
        address=_text(record, "address"),
        province=_text(record, "province"),
        commune=_commune(record, notes),
        services=_services(record),
        hours=_hours(record, notes),
        endpoint=_endpoint(record),
        phone=_text(record, "phone"),
        place=_place(record),
        opened=_day(record, "opened"),
        closed=_day(record, "closed"),
        replaces=replaces,
        replaced_from=_day(record, "replaced_from") or _day(record, "opened"),
    )


def _practitioner(record: Record, notes: Notes) -> PractitionerRow:
    number = normal_number(_text(record, "number", is_needed=True))
    if not _NUMBER.fullmatch(number):
        raise _Refused("number-form", "number")
    row = PractitionerRow(
        line=record.number,
        number=number,
        name=_text(record, "name", is_needed=True),
        social=_social(record),
        title=_text(record, "title"),
        scope=_text(record, "scope"),
        issued=_day(record, "issued"),
        expires=_day(record, "expires"),
        issuer=_text(record, "issuer"),
        state=_state(record),
        state_from=_day(record, "state_from"),
        state_to=_day(record, "state_to"),
        decision=_text(record, "decision"),
        facility=facility_code(record, notes, "facility"),
        role_from=_day(record, "role_from"),
        role_to=_day(record, "role_to"),
        hours=_hours(record, notes),
    )
    _check_days(row)
    if row.state not in ("in-force", "expired") and row.state_from is None:
        notes.warn(row.line, "state-day-missing", "state_from")
    return row


def _check_days(row: PractitionerRow) -> None:
    for first, last, column in (
        (row.issued, row.expires, "expires"),
        (row.state_from, row.state_to, "state_to"),
        (row.role_from, row.role_to, "role_to"),
    ):
        if first and last and last < first:
            raise _Refused("days-reversed", column)
    if row.state == "expired" and row.expires is None and row.state_from is None:
        raise _Refused("expired-without-day", "expires")


def _text(record: Record, column: str, *, is_needed: bool = False) -> str:
    text = " ".join(record.get(column).split())
    if is_needed and not text:
        raise _Refused(f"{column}-missing", column)
    if len(text) > TEXT_MAX:
        raise _Refused("too-long", column)
    if not text.isprintable():
        raise _Refused("signs-unprintable", column)
    return text


def facility_code(record: Record, notes: Notes, column: str) -> str:
    """Return a facility's code, with the zeros that spreadsheets drop put back."""
    text = _text(record, column).upper().replace(" ", "")
    if text.isascii() and text.isdigit() and len(text) in (3, 4):
        notes.warn(record.number, "zeros-put-back", column)
        text = text.zfill(5)
    if text and not _CODE.fullmatch(text):
        raise _Refused("facility-code-form", column)
    return text


def _each_code(record: Record) -> Iterator[str]:
    for part in re.split(r"[;,+ ]+", _text(record, "replaces").upper()):
        if part and not _CODE.fullmatch(part):
            raise _Refused("facility-code-form", "replaces")
        if part:
            yield part


def _gln(record: Record, notes: Notes) -> str:
    text = _text(record, "gln").replace(" ", "")
    if text and not (text.isascii() and text.isdigit() and len(text) == 13):
        raise _Refused("gln-form", "gln")
    if text and not has_check_digit(text):
        notes.warn(record.number, "gln-check-digit", "gln")
    return text


def has_check_digit(digits: str) -> bool:
    """Say whether the last of 13 digits is what GS1's sum makes it."""
    total = sum(int(sign) * (3 if place % 2 else 1) for place, sign in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == int(digits[12])


def _commune(record: Record, notes: Notes) -> str:
    text = _text(record, "commune")
    code = commune_code(text, _text(record, "province")) if text else ""
    if text and not code:
        notes.warn(record.number, "commune-unsure", "commune")
    return code


def _services(record: Record) -> tuple[str, ...]:
    parts = (part.strip() for part in re.split(r"[;\n]", _text(record, "services")))
    return tuple({fold(part): part for part in parts if part}.values())


def _hours(record: Record, notes: Notes) -> str:
    text = _text(record, "hours")
    if text and not read_hours(text):
        notes.warn(record.number, "hours-form", "hours")
    return text


def _endpoint(record: Record) -> str:
    """Return an address to speak to; one with a name and a password in it is no address."""
    text = _text(record, "endpoint")
    if text and not _ADDRESS.fullmatch(text):
        raise _Refused("endpoint-form", "endpoint")
    return text


def _social(record: Record) -> str:
    text = _text(record, "social").replace(" ", "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise _Refused("social-number-form", "social")
    return text.zfill(10) if text else ""


def _state(record: Record) -> str:
    said = fold(_text(record, "state"))
    for code, known in words()["states"].items():
        if said in known:
            return code
    raise _Refused("state-unknown", "state")


def _day(record: Record, column: str) -> date | None:
    text = _text(record, column)
    try:
        day = parse_day(text.replace(".", "/") if text.count(".") == 2 else text)
    except ValueError:
        raise _Refused("day-form", column) from None
    if day is not None and day.year not in _DAYS:
        raise _Refused("day-form", column)
    return day


def _place(record: Record) -> tuple[str, str] | None:
    both = _text(record, "latitude"), _text(record, "longitude")
    if not any(both):
        return None
    for text, most, column in ((both[0], 90, "latitude"), (both[1], 180, "longitude")):
        if not re.fullmatch(r"-?\d{1,3}(\.\d{1,12})?", text) or abs(float(text)) > most:
            raise _Refused("place-form", column)
    return both


def title_code(text: str) -> str:
    """Return the code of a licence's title, "" where the words are none we know."""
    said = fold(text)
    for code, known in words()["titles"].items():
        if said in known:
            return code
    return ""
