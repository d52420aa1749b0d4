"""One concept as every part of this package sees it, and how a CodeSystem writes it.

A code may have had other words at other times. FHIR allows a code once in a code system
(R4 csd-1), so the newest term is the concept and earlier ones are its extensions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from trucyte.fhir.search.fold import fold
from trucyte.shared.terminology.names import EARLIER, PARENT, VALIDITY

Json = Mapping[str, Any]

_EMPTY = "{}"
_UPWARDS = frozenset({PARENT, "subsumedBy"})


class Concept(msgspec.Struct, frozen=True, kw_only=True):
    """One term of one code; `detail` is JSON: definition, designation, property."""

    code: str
    display: str
    parents: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    verified: bool = False
    detail: str = _EMPTY
    folded: str = ""

    def is_in_force(self, on: date | None) -> bool:
        """Say whether the term holds that day; without a day it does."""
        return on is None or (
            (self.valid_from is None or self.valid_from <= on)
            and (self.valid_to is None or on <= self.valid_to)
        )

    @property
    def more(self) -> dict[str, Any]:
        """The detail, read."""
        found: dict[str, Any] = {} if self.detail == _EMPTY else msgspec.json.decode(self.detail)
        return found


def make_concept(
    code: str,
    display: str,
    *,
    english: str = "",
    definition: str = "",
    parents: Sequence[str] = (),
    valid_from: date | None = None,
    valid_to: date | None = None,
    verified: bool = False,
    properties: Sequence[Json] = (),
    designations: Sequence[Json] = (),
) -> Concept:
    """Make a concept; `properties` and `designations` as CodeSystem.concept has them."""
    words = [*designations, {"language": "en", "value": english}] if english else designations
    detail: dict[str, Any] = {
        key: value
        for key, value in (
            ("definition", definition),
            ("designation", list(words)),
            ("property", list(properties)),
        )
        if value
    }
    return Concept(
        code=code,
        display=display,
        parents=tuple(dict.fromkeys(parents)),
        valid_from=valid_from,
        valid_to=valid_to,
        verified=verified,
        detail=msgspec.json.encode(detail).decode() if detail else _EMPTY,
        folded=fold(" ".join([code, display, *(str(word.get("value", "")) for word in words)])),
    )


def text_property(code: str, value: str) -> Json:
    """Return a property with a text."""
    return {"code": code, "valueString": value}


def flag_property(code: str) -> Json:
    """Return a property that is true."""
    return {"code": code, "valueBoolean": True}


# Reading a CodeSystem


def read_concepts(resource: Json) -> Iterator[Concept]:
    """Give the terms of a CodeSystem, parents before children, older terms before newer.

    Takes any valid R4 CodeSystem: nested concepts, and `parent`, `child` and `subsumedBy`
    properties. A code that comes twice keeps its first place.
    """
    said = _children_said(resource)
    seen: set[str] = set()
    waiting = [(concept, "") for concept in reversed(resource.get("concept", ()))]
    while waiting:
        source, above = waiting.pop()
        code = source.get("code", "")
        waiting += [(child, code) for child in reversed(source.get("concept", ()))]
        if not code or code in seen:
            continue
        seen.add(code)
        yield from _terms(source, [above] if above else [], said.get(code, ()))


def _children_said(resource: Json) -> dict[str, list[str]]:
    """Return code to parents for hierarchies that name children by a property."""
    found: dict[str, list[str]] = {}
    waiting = list(resource.get("concept", ()))
    while waiting:
        source = waiting.pop()
        waiting += source.get("concept", ())
        for item in source.get("property", ()):
            if item.get("code") == "child" and "valueCode" in item:
                found.setdefault(item["valueCode"], []).append(source.get("code", ""))
    return found


def _terms(source: Json, above: list[str], said: Iterable[str]) -> Iterator[Concept]:
    properties = source.get("property", ())
    parents = [
        *above,
        *(p["valueCode"] for p in properties if p.get("code") in _UPWARDS and "valueCode" in p),
        *said,
    ]
    own = [p for p in properties if p.get("code") not in _UPWARDS]
    extensions = source.get("extension", ())
    for extension in extensions:
        if extension.get("url") == EARLIER:
            yield _term(source, parents, *_earlier(extension))
    validity: Json = next((e for e in extensions if e.get("url") == VALIDITY), {})
    yield _term(source, parents, source.get("display", ""), _inner(validity), own)


def _term(
    source: Json,
    parents: Sequence[str],
    display: str,
    validity: Mapping[str, Any],
    properties: Sequence[Json],
) -> Concept:
    period = validity.get("period", {})
    return make_concept(
        source["code"],
        display or source.get("display", ""),
        definition=source.get("definition", ""),
        parents=parents,
        valid_from=read_day(period.get("start")),
        valid_to=read_day(period.get("end")),
        verified=bool(validity.get("verified", False)),
        properties=properties,
        designations=source.get("designation", ()),
    )


def _earlier(extension: Json) -> tuple[str, Mapping[str, Any], list[Json]]:
    inner = _inner(extension)
    properties: list[Json] = [
        {key if key != "url" else "code": value for key, value in item.items()}
        for holder in extension.get("extension", ())
        if holder.get("url") == "property"
        for item in holder.get("extension", ())
    ]
    return str(inner.get("display", "")), inner, properties


def _inner(extension: Json) -> dict[str, Any]:
    """Return the values of a complex extension by their names."""
    return {
        item.get("url", ""): value
        for item in extension.get("extension", ())
        for key, value in item.items()
        if key.startswith("value")
    }


def read_day(text: object) -> date | None:
    """Return the day of a FHIR date or dateTime; one without a day counts from its first."""
    if not isinstance(text, str):
        return None
    year, month, day = (*text[:10].split("-"), "01", "01")[:3]
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


# Writing a CodeSystem


def written(terms: Sequence[Concept]) -> dict[str, Any]:
    """Return the terms of one code, newest last, as one CodeSystem.concept."""
    newest = terms[-1]
    more = newest.more
    extensions = [*map(_written_earlier, terms[:-1]), _written_validity(newest)]
    properties = [{"code": PARENT, "valueCode": parent} for parent in newest.parents]
    concept: dict[str, Any] = {"extension": extensions, "code": newest.code}
    if newest.display:
        concept["display"] = newest.display
    if "definition" in more:
        concept["definition"] = more["definition"]
    if "designation" in more:
        concept["designation"] = more["designation"]
    if properties or "property" in more:
        concept["property"] = [*properties, *more.get("property", ())]
    return concept


def _written_validity(term: Concept) -> dict[str, Any]:
    return {"url": VALIDITY, "extension": _period_and_trust(term)}


def _written_earlier(term: Concept) -> dict[str, Any]:
    inner: list[dict[str, Any]] = []
    if term.display:
        inner.append({"url": "display", "valueString": term.display})
    inner += _period_and_trust(term)
    values = [
        {"url": item["code"], **{k: v for k, v in item.items() if k != "code"}}
        for item in term.more.get("property", ())
    ]
    if values:
        inner.append({"url": "property", "extension": values})
    return {"url": EARLIER, "extension": inner}


def _period_and_trust(term: Concept) -> list[dict[str, Any]]:
    inner: list[dict[str, Any]] = []
    period = written_period(term.valid_from, term.valid_to)
    if period:
        inner.append({"url": "period", "valuePeriod": period})
    inner.append({"url": "verified", "valueBoolean": term.verified})
    return inner


def written_period(start: date | None, end: date | None) -> dict[str, str]:
    """Return a FHIR Period of days, empty where both ends are open."""
    return {
        key: day.isoformat() for key, day in (("start", start), ("end", end)) if day is not None
    }
