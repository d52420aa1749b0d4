"""Lists that an operator loaded, as intake asks for lists (`vietnam.lists.CodeLists`).

A `Mapping` of list name to terms, for `MergedLists`: all editions of a list together, each
term with the days both its edition and it itself are in force. Lists of the national pack
are not here: the program carries them. A list that is not whole is not here either.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from trucyte.database.connect import Database
from trucyte.shared.terminology.concept import Concept
from trucyte.shared.terminology.names import NOT_SELECTABLE, OPERATOR
from trucyte.shared.terminology.statements import statements
from trucyte.vietnam.lists import Term
from trucyte.vietnam.packaged_lists import Terms

_Row = tuple[str, date | None, date | None]  # artefact id, its days
_FRESH_SECONDS: Final = 5.0


class LoadedLists(Mapping[str, Terms]):
    """The operator's lists by name, each read when first asked for; safe between threads."""

    def __init__(self, database: Database, *, fresh_seconds: float = _FRESH_SECONDS) -> None:
        """Read from the tables of this package; look for new lists every `fresh_seconds`."""
        self._database = database
        self._fresh_seconds = fresh_seconds
        self._looked = -fresh_seconds - 1.0
        self._generation = -1
        self._editions: Mapping[str, Sequence[_Row]] = {}
        self._terms: dict[str, Terms] = {}

    def __contains__(self, name: object) -> bool:
        self._refresh()
        return name in self._editions

    def __getitem__(self, name: str) -> Terms:
        self._refresh()
        found = self._terms.get(name)
        if found is None:
            found = self._terms[name] = self._read(self._editions[name])
        return found

    def __iter__(self) -> Iterator[str]:
        self._refresh()
        return iter(self._editions)

    def __len__(self) -> int:
        self._refresh()
        return len(self._editions)

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._looked < self._fresh_seconds:
            return
        with self._database.connection() as connection, connection.cursor() as cursor:
            row = cursor.execute(statements()["generation"]).fetchone()
            assert row is not None
            if row[0] != self._generation:
                cursor.execute(statements()["operator_lists"], {"keeper": OPERATOR})
                editions: dict[str, list[_Row]] = {}
                for name, *rest in cursor:
                    editions.setdefault(name, []).append((rest[0], rest[1], rest[2]))
                self._editions, self._terms = editions, {}
                self._generation = row[0]
        self._looked = now

    def _read(self, editions: Sequence[_Row]) -> Terms:
        found: dict[str, list[Term]] = {}
        with self._database.connection() as connection, connection.cursor() as cursor:
            for id, start, end in editions:
                cursor.execute(statements()["concepts_of"], {"id": id})
                for row in cursor:
                    term = _term(row, start, end)
                    if term is not None and NOT_SELECTABLE not in term.extra:
                        found.setdefault(term.code, []).append(term)
        return found


def _term(row: Sequence[Any], start: date | None, end: date | None) -> Term | None:
    """Return a term within the days of its edition; None where they never meet."""
    code, display, _, own_start, own_end, verified, detail, _ = row
    first = max((day for day in (start, own_start) if day), default=None)
    last = min((day for day in (end, own_end) if day), default=None)
    if first and last and last < first:
        return None
    more = Concept(code=code, display=display, detail=detail).more
    words = more.get("designation", ())
    return Term(
        code=code,
        vi=display,
        en=next((str(w.get("value", "")) for w in words if w.get("language") == "en"), ""),
        valid_from=first,
        valid_to=last,
        verified=verified,
        extra={
            item["code"]: _text(value)
            for item in more.get("property", ())
            for key, value in item.items()
            if key.startswith("value")
        },
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)
