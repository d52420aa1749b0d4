"""The code lists that travel with the program, and those an operator loads beside them.

`PackagedLists` answers from `vietnam/data/lists/`, the units table, the ICD-10 subset and
the list "mau" (codes of the samples). `MergedLists` lets an operator's list stand in for
the packaged one of the same name. A list that is not whole counts as not loaded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from trucyte.base.problem import Kind, Problem
from trucyte.vietnam.lists import CodeLists, Term
from trucyte.vietnam.places.units import IN_FORCE_FROM, UnitsNotBuilt, load_units
from trucyte.vietnam.tables import read_rows, read_toml

Terms = Mapping[str, Sequence[Term]]

_GENERATED = {"xa"}
_SUBSETS = {"icd10"}
_UNLOADED = {"co-so-kcb", "don-vi-bhxh", "thuoc", "dich-vu", "chi-so"}
_CODE = ("MA", "CODE", "MÃ", "MA_ICD")
_NAME = ("TEN", "NAME", "TÊN")
_FROM, _TO = "TU_NGAY", "DEN_NGAY"


class ListUnreadable(Problem):
    """The list {name} cannot be read at line {line}: {reason}."""

    kind = Kind.BAD_INPUT
    code = "list-unreadable"


class PackagedLists:
    """The lists of the package."""

    def is_loaded(self, name: str) -> bool:
        """Say whether the list can be asked at all: it is here and it is whole."""
        name = _known(name)
        if not _catalogue().get(name, {}).get("whole", False):
            return False
        return name not in _GENERATED or len(_terms(name)) > len(_samples()[name])

    def find(self, name: str, code: str, on: date | None = None) -> Term | None:
        """Return the term of `code` in force `on` that day (None: the newest), or None."""
        return _in_force(_terms(_known(name)).get(code, ()), on)

    def legal_source(self, name: str) -> str:
        """Return the decision a list comes from, or an empty string."""
        return str(_catalogue().get(_known(name), {}).get("legal", ""))

    def names(self) -> Sequence[str]:
        """Return the names of all lists, loaded or not."""
        return tuple(name for name in _catalogue() if name != "aliases")

    def terms(self, name: str) -> Iterable[Term]:
        """Return every term of a list, in file order."""
        return (term for terms in _terms(_known(name)).values() for term in terms)


@dataclass(frozen=True, slots=True)
class MergedLists:
    """An operator's lists first, the packaged ones where the operator has none."""

    operator: Mapping[str, Terms]
    packaged: CodeLists = field(default_factory=PackagedLists)

    def is_loaded(self, name: str) -> bool:
        """Say whether the list can be asked at all."""
        return _known(name) in self.operator or self.packaged.is_loaded(name)

    def find(self, name: str, code: str, on: date | None = None) -> Term | None:
        """Return the term of `code` in force `on` that day, or None."""
        own = self.operator.get(_known(name))
        if own is None:
            return self.packaged.find(name, code, on)
        return _in_force(own.get(code, ()), on) or _sample(_known(name), code)


def parse_list(name: str, text: str) -> Terms:
    """Read an operator's list: tab- or semicolon-separated, first line names.

    Columns MA (or CODE), TEN (or NAME), and optionally TU_NGAY and DEN_NGAY as yyyymmdd,
    yyyy-mm-dd or dd/mm/yyyy; other columns go into `extra`. Raises ListUnreadable.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines:
        raise ListUnreadable(name=name, line=1, reason="empty")
    separator = "\t" if "\t" in lines[0] else ";"
    columns = [column.strip().upper() for column in lines[0].split(separator)]
    code_column = _column(name, columns, _CODE)
    name_column = _column(name, columns, _NAME)
    found: dict[str, list[Term]] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        row = dict(zip(columns, (cell.strip() for cell in line.split(separator)), strict=False))
        code = row.get(code_column, "")
        if not code:
            raise ListUnreadable(name=name, line=number, reason="no code")
        found.setdefault(code, []).append(
            Term(
                code=code,
                vi=row.get(name_column, ""),
                valid_from=_day(name, number, row.get(_FROM, "")),
                valid_to=_day(name, number, row.get(_TO, "")),
                verified=True,
                extra={k: v for k, v in row.items() if v and k not in (code_column, name_column)},
            )
        )
    return found


def _column(name: str, columns: Sequence[str], wanted: Sequence[str]) -> str:
    for column in wanted:
        if column in columns:
            return column
    raise ListUnreadable(name=name, line=1, reason=f"no column {wanted[0]}")


def _day(name: str, line: int, text: str) -> date | None:
    if not text:
        return None
    if "/" in text:
        text = "-".join(reversed(text.split("/")))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ListUnreadable(name=name, line=line, reason="date") from None


def _in_force(terms: Sequence[Term], on: date | None) -> Term | None:
    if on is None:
        return terms[-1] if terms else None
    for term in terms:
        if (term.valid_from is None or term.valid_from <= on) and (
            term.valid_to is None or on <= term.valid_to
        ):
            return term
    return None


def _known(name: str) -> str:
    return str(_catalogue()["aliases"].get(name, name))


@cache
def _catalogue() -> Mapping[str, Any]:
    return read_toml("lists")


@cache
def _terms(name: str) -> Terms:
    found: dict[str, list[Term]] = {}
    for term in _rows(name):
        found.setdefault(term.code, []).append(term)
    for code in _samples().get(name, {}):
        found.setdefault(code, []).append(_samples()[name][code])
    return found


def _rows(name: str) -> Iterable[Term]:
    if name in _UNLOADED or name not in _catalogue():
        return []
    if name in _GENERATED:
        return _communes()
    if name in _SUBSETS:
        return [Term(row["code"], row["vi"], extra=_limits(row)) for row in read_rows("icd10")]
    return [_term(row) for row in read_rows(f"lists/{name}")]


def _communes() -> Iterable[Term]:
    try:
        units = load_units()
    except UnitsNotBuilt:
        return []
    start = date.fromisoformat(IN_FORCE_FROM)
    return [
        Term(unit.code, unit.name, valid_from=start, verified=True, extra={"tinh": unit.province})
        for unit in units.by_commune.values()
    ]


def _limits(row: Mapping[str, str]) -> dict[str, str]:
    return {key: row[key] for key in ("sex", "age_min", "age_max") if row.get(key)}


def _term(row: Mapping[str, str]) -> Term:
    extra = row.get("extra", "")
    key, _, value = extra.partition("=")
    return Term(
        code=row["code"],
        vi=row["vi"],
        en=row.get("en", ""),
        valid_from=date.fromisoformat(row["from"]) if row.get("from") else None,
        valid_to=date.fromisoformat(row["to"]) if row.get("to") else None,
        verified=row.get("verified") == "1",
        extra={key: value} if extra else {},
    )


def _sample(name: str, code: str) -> Term | None:
    return _samples().get(name, {}).get(code)


@cache
def _samples() -> Mapping[str, Mapping[str, Term]]:
    data = read_toml("mau")
    facilities = data.pop("co-so-kcb")
    found = {
        name: {code: _sample_term(code, words) for code, words in codes.items()}
        for name, codes in data.items()
    }
    numbers = range(facilities["first"], facilities["last"] + 1)
    codes = [f"{facilities['prefix']}{number:02d}" for number in numbers]
    found["co-so-kcb"] = {code: _sample_term(code, facilities["name"]) for code in codes}
    return found


def _sample_term(code: str, words: str) -> Term:
    return Term(code, words, verified=True, extra={"list": "mau"})
