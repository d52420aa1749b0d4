"""Named converters of the mapping table, each with its inverse.

A rule turns a field's raw text into a FHIR value and back. The table writer runs the
inverse on every value it writes; where that does not give the raw text again, the raw
text travels beside the value. So a rule may lose form (spaces, zeros, an odd comma), and
nothing is lost. A rule answers None where FHIR cannot hold the text at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any, Protocol

from trucyte.intake.claims.mapping.lexical import (
    clean_code,
    clean_text,
    read_day,
    read_decimal,
    read_integer,
    read_moment,
    read_time,
    split_list,
    write_decimal,
    write_time,
)
from trucyte.vietnam.systems import System

Systems = Mapping[str, System]


class Links(Protocol):
    """What a rule may ask about the visit it is applied in."""

    def person(self, text: str) -> dict[str, Any] | None:
        """Return the Reference of one person who treats."""
        ...

    def signer(self, text: str) -> dict[str, Any] | None:
        """Return the Reference of one signer (a social-insurance number)."""
        ...

    def facility(self, code: str) -> dict[str, Any]:
        """Return the Reference of a facility."""
        ...

    def department(self, code: str) -> dict[str, Any]:
        """Return the Reference of a department of the visit's facility."""
        ...

    def display(self, list_name: str, code: str) -> str | None:
        """Return the list's words for a code at the end of the visit."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One converter. `to_fhir(raw, links)`; `to_text(value)`; `kind` is the FHIR type."""

    kind: str
    to_fhir: Callable[[str, Any], Any]
    to_text: Callable[[Any], str]
    is_many: bool = False
    matches: Callable[[Any], bool] = lambda _: True


def make_rule(text: str, systems: Systems) -> Rule:
    """Return the rule a table row names, e.g. "code care-type".

    Raises KeyError where no such rule or system exists: a defect of the table.
    """
    name, _, argument = text.partition(" ")
    if name in _PLAIN:
        return _PLAIN[name]
    return _MAKERS[name](systems, argument)


def _same(value: str) -> str:
    return value


def _narrative(raw: str, _: Any) -> str | None:
    text = clean_text(raw)
    if text is None:
        return None
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{escape(text, quote=False)}</div>'


def _narrative_text(value: str) -> str:
    inner = value[value.index(">") + 1 : value.rindex("<")]
    return inner.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _percent(raw: str, _: Any) -> Decimal | None:
    value = read_decimal(raw)
    return value if value is None else value.scaleb(-2)


def _percent_text(value: Decimal | int) -> str:
    return write_decimal(Decimal(value).scaleb(2))


def _money(raw: str, _: Any) -> dict[str, Any] | None:
    value = read_decimal(raw)
    return None if value is None else {"value": value, "currency": "VND"}


def _birth_text(value: str) -> str:
    return value.replace("-", "").ljust(12, "0")


_PLAIN: Mapping[str, Rule] = {
    "text": Rule("string", lambda raw, _: clean_text(raw), _same),
    "narrative": Rule("xhtml", _narrative, _narrative_text),
    "word": Rule("code", lambda raw, _: clean_code(raw), _same),
    "decimal": Rule("decimal", lambda raw, _: read_decimal(raw), write_decimal),
    "integer": Rule("integer", lambda raw, _: read_integer(raw), str),
    "money": Rule("Money", _money, lambda value: write_decimal(value["value"])),
    "percent": Rule("decimal", _percent, _percent_text),
    "time": Rule("dateTime", lambda raw, _: read_time(raw), write_time),
    "day": Rule("date", lambda raw, _: read_day(raw), write_time),
    "moment": Rule("instant", lambda raw, _: read_moment(raw), write_time),
    "birth": Rule("date", lambda raw, _: read_day(raw), _birth_text),
    "decimals": Rule(
        "decimal",
        lambda raw, _: (
            [found for x in split_list(raw) if (found := read_decimal(x)) is not None] or None
        ),
        lambda values: ";".join(map(write_decimal, values)),
        is_many=True,
    ),
    "times": Rule(
        "dateTime",
        lambda raw, _: [value for piece in split_list(raw) if (value := read_time(piece))] or None,
        lambda values: ";".join(map(write_time, values)),
        is_many=True,
    ),
}


def _concept(uri: str, code: str, display: str | None) -> dict[str, Any]:
    return {"coding": [_coding(uri, code, display)]}


def _coding(uri: str, code: str, display: str | None) -> dict[str, Any]:
    if display:
        return {"system": uri, "code": code, "display": display}
    return {"system": uri, "code": code}


def _has_system(uri: str) -> Callable[[Any], bool]:
    def matches(item: Any) -> bool:
        return bool(item.get("system") == uri and "code" in item)

    return matches


def _code_rule(systems: Systems, argument: str) -> Rule:
    name, _, list_name = argument.partition(" ")
    uri = systems[name].uri
    has_system = _has_system(uri)

    def to_fhir(raw: str, links: Links) -> dict[str, Any] | None:
        code = clean_code(raw)
        if code is None:
            return None
        return _concept(uri, code, links.display(list_name, code) if list_name else None)

    return Rule(
        "CodeableConcept",
        to_fhir,
        lambda value: value["coding"][0]["code"],
        matches=lambda item: has_system(item.get("coding", ({},))[0]),
    )


def _coding_rule(systems: Systems, argument: str) -> Rule:
    name, _, list_name = argument.partition(" ")
    uri = systems[name].uri

    def to_fhir(raw: str, links: Links) -> dict[str, Any] | None:
        code = clean_code(raw)
        if code is None:
            return None
        return _coding(uri, code, links.display(list_name, code) if list_name else None)

    return Rule("Coding", to_fhir, lambda value: value["code"], matches=_has_system(uri))


def _codes_rule(systems: Systems, argument: str) -> Rule:
    name, _, list_name = argument.partition(" ")
    uri = systems[name].uri
    has_system = _has_system(uri)

    def to_fhir(raw: str, links: Links) -> list[dict[str, Any]] | None:
        codes = [code for piece in split_list(raw) if (code := clean_code(piece))]
        return [
            _concept(uri, code, links.display(list_name, code) if list_name else None)
            for code in codes
        ] or None

    return Rule(
        "CodeableConcept",
        to_fhir,
        lambda values: ";".join(value["coding"][0]["code"] for value in values),
        is_many=True,
        matches=lambda item: has_system(item.get("coding", ({},))[0]),
    )


def _identifier_rule(systems: Systems, argument: str) -> Rule:
    uri = systems[argument].uri

    def to_fhir(raw: str, _: Any) -> dict[str, Any] | None:
        text = clean_text(raw)
        return None if text is None else {"system": uri, "value": text}

    return Rule(
        "Identifier",
        to_fhir,
        lambda value: value["value"],
        matches=lambda item: item.get("system") == uri,
    )


def _gender_rule(_: Systems, __: str) -> Rule:
    codes = {"1": "male", "2": "female", "3": "unknown"}
    back = {value: code for code, value in codes.items()}
    return Rule("code", lambda raw, _: codes.get(raw.strip()), lambda value: back[value])


def personal_number(raw: str, systems: Systems) -> dict[str, Any] | None:
    """Return the Identifier of a personal paper; its system follows from its form."""
    text = clean_text(raw)
    if text is None:
        return None
    name = "e-identity"
    if text.isascii() and text.isdigit() and len(text) in {9, 12}:
        name = "cccd" if len(text) == 12 else "cmnd"
    elif len(text) == 8 and text[0].isupper() and text[1:].isdigit():
        name = "passport"
    return {"system": systems[name].uri, "value": text}


def _personal_rule(systems: Systems, _: str) -> Rule:
    uris = {systems[name].uri for name in ("cccd", "cmnd", "passport", "e-identity")}
    return Rule(
        "Identifier",
        lambda raw, _: personal_number(raw, systems),
        lambda value: value["value"],
        matches=lambda item: item.get("system") in uris,
    )


def _shown(value: Any) -> str:
    text: str = value["identifier"]["value"]
    return text


def _is_of(uris: set[str]) -> Callable[[Any], bool]:
    return lambda item: item.get("identifier", {}).get("system") in uris


def _persons_rule(systems: Systems, argument: str) -> Rule:
    ask = "signer" if argument == "signer" else "person"
    uris = {systems[name].uri for name in ("bhxh", "cchn", "staff")}

    def to_fhir(raw: str, links: Links) -> list[dict[str, Any]] | None:
        one = getattr(links, ask)
        return [found for piece in split_list(raw) if (found := one(piece))] or None

    return Rule(
        "Reference",
        to_fhir,
        lambda values: ";".join(map(_shown, values)),
        is_many=True,
        matches=_is_of(uris),
    )


def _facility_rule(systems: Systems, _: str) -> Rule:
    def to_fhir(raw: str, links: Links) -> dict[str, Any] | None:
        code = clean_code(raw)
        return links.facility(code) if code else None

    return Rule("Reference", to_fhir, _shown, matches=_is_of({systems["cskcb"].uri}))


def _departments_rule(systems: Systems, _: str) -> Rule:
    def to_fhir(raw: str, links: Links) -> list[dict[str, Any]] | None:
        return [
            links.department(code) for piece in split_list(raw) if (code := clean_code(piece))
        ] or None

    return Rule(
        "Reference",
        to_fhir,
        lambda values: ";".join(_shown(value).partition(":")[2] for value in values),
        is_many=True,
        matches=_is_of({systems["department"].uri}),
    )


_MAKERS: Mapping[str, Callable[[Systems, str], Rule]] = {
    "code": _code_rule,
    "coding": _coding_rule,
    "codes": _codes_rule,
    "identifier": _identifier_rule,
    "gender": _gender_rule,
    "personal": _personal_rule,
    "persons": _persons_rule,
    "facility": _facility_rule,
    "departments": _departments_rule,
}
