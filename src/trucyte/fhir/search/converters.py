"""From an element of a FHIR type to search values: one function a pair of types.

Called by the generated extractors; each appends to the lists of a `SearchValues`.
Resources are valid when they come here. What a converter cannot read gives no value.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from trucyte.fhir.search.moments import EARLIEST, LATEST, moment_range
from trucyte.fhir.search.values import Json, SearchValues

_INFINITY = float("inf")
_RELATIVE = re.compile(
    r"(https?://.*/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?",
    re.ASCII | re.DOTALL,
)


def concept_token(out: SearchValues, number: int, value: Json) -> None:
    """CodeableConcept: every coding, and the text."""
    add = out.tokens.append
    for coding in value.get("coding", ()):
        get = coding.get
        add((number, get("system"), get("code"), get("display")))
    text = value.get("text")
    if text is not None:
        add((number, None, None, text))


def coding_token(out: SearchValues, number: int, value: Json) -> None:
    """Coding."""
    get = value.get
    out.tokens.append((number, get("system"), get("code"), get("display")))


def code_token(out: SearchValues, number: int, value: str) -> None:
    """A code: its system is implied by the element."""
    out.tokens.append((number, "", value, None))


def plain_token(out: SearchValues, number: int, value: Any) -> None:
    """A string, uri or integer: no system."""
    out.tokens.append((number, None, str(value), None))


def boolean_token(out: SearchValues, number: int, value: bool) -> None:
    """A boolean: `true` or `false`."""
    out.tokens.append((number, "", "true" if value else "false", None))


def contact_token(out: SearchValues, number: int, value: Json) -> None:
    """ContactPoint: its value."""
    text = value.get("value")
    if text is not None:
        out.tokens.append((number, None, text, None))


def identifier_token(out: SearchValues, number: int, value: Json) -> None:
    """Identifier with its type, for `:of-type`."""
    kind = value.get("type")
    codings: tuple[tuple[str | None, str | None], ...] = ()
    text = ""
    if kind is not None:
        codings = tuple((c.get("system"), c.get("code")) for c in kind.get("coding", ()))
        text = kind.get("text", "")
    out.identifiers.append((number, value.get("system"), value.get("value"), codings, text))


def deceased_token(out: SearchValues, number: int, value: Json) -> None:
    """Patient: `true` if there is a time of death or `deceasedBoolean` is true."""
    dead = bool(value.get("deceasedBoolean")) or "deceasedDateTime" in value
    out.tokens.append((number, "", "true" if dead else "false", None))


def reference(out: SearchValues, number: int, value: Json) -> None:
    """Reference: by type and id, by URL, by identifier."""
    identifier = value.get("identifier")
    system = identifier.get("system") if identifier else None
    number_of_it = identifier.get("value") if identifier else None
    kind, id_, url = split_reference(value.get("reference") or "")
    if kind is None:
        kind = value.get("type")
    if id_ is not None or url is not None or number_of_it is not None:
        out.references.append((number, kind, id_, url, system, number_of_it))


def split_reference(text: str) -> tuple[str | None, str | None, str | None]:
    """Return (type, id, url) of a reference's text; contained ones give nothing.

    An absolute URL keeps the URL and the type it shows, without an id: it is not
    of this node.
    """
    if not text or text[0] == "#":
        return None, None, None
    shape = _RELATIVE.fullmatch(text)
    if shape is None:
        return None, None, text
    base, kind, id_, version = shape.groups()
    if base is None:
        return kind, id_, None
    return kind, None, text[: -len(version)] if version else text


def canonical_reference(out: SearchValues, number: int, value: str) -> None:
    """A canonical or uri as a reference, found with and without its version."""
    out.references.append((number, None, None, value, None, None))


def identifier_reference(out: SearchValues, number: int, value: Json) -> None:
    """An Identifier where a reference could stand."""
    out.references.append((number, None, None, None, value.get("system"), value.get("value")))


def moment_date(out: SearchValues, number: int, value: str) -> None:
    """A date, dateTime or instant."""
    try:
        low, high = moment_range(value)
    except ValueError:
        return
    out.dates.append((number, low, high))


def period_date(out: SearchValues, number: int, value: Json) -> None:
    """A Period; a missing end is open."""
    try:
        start, end = value.get("start"), value.get("end")
        low = moment_range(start)[0] if start else EARLIEST
        high = moment_range(end)[1] if end else LATEST
    except ValueError:
        return
    if start or end:
        out.dates.append((number, low, high))


def timing_date(out: SearchValues, number: int, value: Json) -> None:
    """A Timing: only its outer limits matter (R4 3.1.1.4.7)."""
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if bounds is not None:
        period_date(out, number, bounds)
    try:
        ranges = [moment_range(event) for event in value.get("event", ()) if event]
    except ValueError:
        return
    if ranges:
        out.dates.append((number, min(r[0] for r in ranges), max(r[1] for r in ranges)))


def plain_text(out: SearchValues, number: int, value: str) -> None:
    """A string."""
    out.texts.append((number, value))


def name_text(out: SearchValues, number: int, value: Json) -> None:
    """HumanName: each part, and the whole in the order of the country (family first)."""
    add = out.texts.append
    parts = [value.get("family"), *value.get("given", ())]
    for part in (*parts, *value.get("prefix", ()), *value.get("suffix", ())):
        if part is not None:
            add((number, part))
    text = value.get("text")
    if text is None:
        named = [part for part in parts if part is not None]
        text = " ".join(named) if len(named) > 1 else None
    if text is not None:
        add((number, text))


def address_text(out: SearchValues, number: int, value: Json) -> None:
    """Address: each part."""
    add = out.texts.append
    for line in value.get("line", ()):
        if line is not None:
            add((number, line))
    for part in ("city", "district", "state", "postalCode", "country", "text"):
        text = value.get(part)
        if text is not None:
            add((number, text))


def position(out: SearchValues, number: int, value: Json) -> None:
    """Location.position: a place on the earth (WGS84), where it is one."""
    latitude, longitude = value.get("latitude"), value.get("longitude")
    if latitude is None or longitude is None:
        return
    north, east = float(latitude), float(longitude)
    if -90 <= north <= 90 and -180 <= east <= 180:
        out.positions.append((number, north, east))


def first_entry(out: SearchValues, number: int, bundle: Json, kind: str) -> None:
    """The resource of a Bundle's first entry, by its type and id and by its fullUrl."""
    entries = bundle.get("entry")
    first = entries[0] if entries else {}
    resource = first.get("resource")
    if resource is None or resource.get("resourceType") != kind:
        return
    id_, url = resource.get("id"), first.get("fullUrl")
    if id_ is not None or url is not None:
        out.references.append((number, kind, id_, url, None, None))


def exact_uri(out: SearchValues, number: int, value: str) -> None:
    """A uri, url, oid or canonical."""
    out.uris.append((number, value))


def number_quantity(out: SearchValues, number: int, value: Any) -> None:
    """An integer or decimal."""
    amount = float(value)
    out.quantities.append((number, amount, amount, None, None, None))


def money_quantity(out: SearchValues, number: int, value: Json) -> None:
    """Money: the currency is a code of ISO 4217."""
    if value.get("value") is not None:
        amount, currency = float(value["value"]), value.get("currency")
        system = "urn:iso:std:iso:4217" if currency else None
        out.quantities.append((number, amount, amount, system, currency, None))


def quantity(out: SearchValues, number: int, value: Json) -> None:
    """Quantity; with a comparator it is open on that side."""
    get = value.get
    amount = get("value")
    if amount is None:
        return
    low = high = float(amount)
    comparator = get("comparator")
    if comparator is not None:
        low, high = (-_INFINITY, high) if comparator[0] == "<" else (low, _INFINITY)
    out.quantities.append((number, low, high, get("system"), get("code"), get("unit")))


def range_quantity(out: SearchValues, number: int, value: Json) -> None:
    """Range; a missing side is open."""
    low, high = value.get("low", {}), value.get("high", {})
    side = low or high
    get = side.get
    out.quantities.append(
        (
            number,
            float(low.get("value", -_INFINITY)),
            float(high.get("value", _INFINITY)),
            get("system"),
            get("code"),
            get("unit"),
        )
    )


def sampled_quantity(out: SearchValues, number: int, value: Json) -> None:
    """SampledData: from its smallest to its largest sample."""
    origin = value.get("origin", {})
    factor = Decimal(str(value.get("factor", 1)))
    zero = Decimal(str(origin.get("value", 0)))
    samples = [zero + Decimal(s) * factor for s in value.get("data", "").split() if s[-1].isdigit()]
    if samples:
        get = origin.get
        low, high = float(min(samples)), float(max(samples))
        out.quantities.append((number, low, high, get("system"), get("code"), get("unit")))


Converter = Callable[[SearchValues, int, Any], None]

# Types that are a string in JSON.
STRINGS = ("string", "markdown", "code", "id", "uri", "url", "oid", "uuid", "canonical")
_NUMBERS = ("integer", "decimal", "positiveInt", "unsignedInt")
_AMOUNTS = ("Quantity", "Age", "Duration", "Count", "Distance", "SimpleQuantity")

CONVERTERS: dict[str, dict[str, Converter]] = {
    "token": {
        **dict.fromkeys((*STRINGS, *_NUMBERS), plain_token),
        "code": code_token,
        "boolean": boolean_token,
        "Coding": coding_token,
        "CodeableConcept": concept_token,
        "Identifier": identifier_token,
        "ContactPoint": contact_token,
    },
    "reference": {
        "Reference": reference,
        "Identifier": identifier_reference,
        "canonical": canonical_reference,
        "uri": canonical_reference,
    },
    "date": {
        "date": moment_date,
        "dateTime": moment_date,
        "instant": moment_date,
        "Period": period_date,
        "Timing": timing_date,
    },
    "string": {
        **dict.fromkeys(STRINGS, plain_text),
        "HumanName": name_text,
        "Address": address_text,
    },
    "uri": dict.fromkeys(STRINGS, exact_uri),
    "number": {**dict.fromkeys(_NUMBERS, number_quantity), "Range": range_quantity},
    "quantity": {
        **dict.fromkeys(_NUMBERS, number_quantity),
        **dict.fromkeys(_AMOUNTS, quantity),
        "Money": money_quantity,
        "Range": range_quantity,
        "SampledData": sampled_quantity,
    },
    "special": {"Location.position": position},
}
