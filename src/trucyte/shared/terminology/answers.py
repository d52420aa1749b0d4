"""What the operations answer, and the R4 resources that say it.

Each answer is a value with `resource()`: Parameters as R4's operation definitions name
them, or the ValueSet with its expansion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trucyte.shared.terminology.concept import Concept, written_period
from trucyte.shared.terminology.members import Member
from trucyte.shared.terminology.names import NOT_SELECTABLE
from trucyte.shared.terminology.system import property_values

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of one code (CodeSystem $lookup)."""

    system: str
    name: str
    edition: str
    concept: Concept
    is_inactive: bool  # not in force on the day asked
    display: str = ""  # in the language asked for; empty: that of the concept

    def resource(self) -> dict[str, Any]:
        """Return the Parameters of $lookup."""
        more = self.concept.more
        parameters = [_text("name", self.name or self.system)]
        if self.edition:
            parameters.append(_text("version", self.edition))
        parameters.append(
            _text("display", self.display or self.concept.display or self.concept.code)
        )
        for word in more.get("designation", ()):
            parameters.append(_designation(word))
        parameters += [_property("parent", "valueCode", parent) for parent in self.concept.parents]
        if more.get("definition"):
            parameters.append(_property("definition", "valueString", more["definition"]))
        for item in more.get("property", ()):
            for key, value in item.items():
                if key.startswith("value"):
                    parameters.append(_property(item["code"], key, value))
        parameters += self._validity()
        return _parameters(parameters)

    def _validity(self) -> list[dict[str, Any]]:
        period = written_period(self.concept.valid_from, self.concept.valid_to)
        found = [
            _property(name, "valueDateTime", period[end])
            for name, end in (("effectiveDate", "start"), ("deprecationDate", "end"))
            if end in period
        ]
        found.append(_property("inactive", "valueBoolean", self.is_inactive))
        found.append(_property("verified", "valueBoolean", self.concept.verified))
        return found


@dataclass(frozen=True, slots=True)
class Validated:
    """Whether a code is valid ($validate-code)."""

    result: bool
    message: str = ""
    display: str = ""

    def resource(self) -> dict[str, Any]:
        """Return the Parameters of $validate-code."""
        parameters: list[dict[str, Any]] = [{"name": "result", "valueBoolean": self.result}]
        if self.message:
            parameters.append(_text("message", self.message))
        if self.display:
            parameters.append(_text("display", self.display))
        return _parameters(parameters)


@dataclass(frozen=True, slots=True)
class Subsumed:
    """How two codes stand to each other ($subsumes)."""

    outcome: str  # equivalent, subsumes, subsumed-by, not-subsumed

    def resource(self) -> dict[str, Any]:
        """Return the Parameters of $subsumes."""
        return _parameters([{"name": "outcome", "valueCode": self.outcome}])


@dataclass(frozen=True, slots=True)
class Match:
    """One translation of a code."""

    equivalence: str  # concept-map-equivalence
    system: str
    code: str
    display: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Translated:
    """What a code is elsewhere ($translate)."""

    source: str  # canonical of the map
    matches: Sequence[Match]
    message: str = ""

    @property
    def result(self) -> bool:
        """Whether there is a translation that says the same or nearly so."""
        return any(match.equivalence not in ("unmatched", "disjoint") for match in self.matches)

    def resource(self) -> dict[str, Any]:
        """Return the Parameters of $translate."""
        parameters: list[dict[str, Any]] = [{"name": "result", "valueBoolean": self.result}]
        if self.message:
            parameters.append(_text("message", self.message))
        parameters += [self._match(match) for match in self.matches]
        return _parameters(parameters)

    def _match(self, match: Match) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [{"name": "equivalence", "valueCode": match.equivalence}]
        if match.code:
            coding = _coding(match.system, match.code, match.display)
            parts.append({"name": "concept", "valueCoding": coding})
        parts.append({"name": "source", "valueUri": self.source})
        return {"name": "match", "part": parts}


@dataclass(frozen=True, slots=True)
class Node:
    """A member with those below it."""

    member: Member
    below: "Sequence[Node]" = ()


@dataclass(frozen=True, slots=True)
class Expanded:
    """A page of a value set ($expand)."""

    url: str
    title: str
    identifier: str  # the same for the same question and content
    at: datetime  # aware
    total: int
    offset: int | None  # None: all of it, not a page
    nodes: Sequence[Node]
    asked: Sequence[tuple[str, str, str | int | bool]] = field(default=())  # name, type, value

    def resource(self) -> dict[str, Any]:
        """Return the ValueSet with its expansion."""
        expansion: dict[str, Any] = {
            "identifier": self.identifier,
            "timestamp": self.at.isoformat(timespec="seconds"),
            "total": self.total,
        }
        if self.offset is not None:
            expansion["offset"] = self.offset
        parameters = [*self._asked(), *self._versions()]
        if parameters:
            expansion["parameter"] = parameters
        contains = [_contained(node) for node in self.nodes]
        if contains:
            expansion["contains"] = contains
        resource: dict[str, Any] = {"resourceType": "ValueSet"}
        if self.url:
            resource["url"] = self.url
        if self.title:
            resource["title"] = self.title
        return resource | {"status": "active", "expansion": expansion}

    def _asked(self) -> list[dict[str, Any]]:
        return [{"name": name, key: value} for name, key, value in self.asked]

    def _versions(self) -> list[dict[str, Any]]:
        used = dict.fromkeys(
            f"{node.member.system}|{node.member.edition}"
            for node in self.nodes
            if node.member.edition
        )
        return [{"name": "version", "valueUri": canonical} for canonical in used]


def _contained(node: Node) -> dict[str, Any]:
    member = node.member
    found: dict[str, Any] = {}
    if member.system:
        found["system"] = member.system
    if member.edition:
        found["version"] = member.edition
    if member.concept is not None and True in property_values(member.concept, NOT_SELECTABLE):
        found["abstract"] = True
    found["code"] = member.code
    if member.display:
        found["display"] = member.display
    if member.concept is not None:
        words = member.concept.more.get("designation", ())
        if words:
            found["designation"] = list(words)
    if node.below:
        found["contains"] = [_contained(below) for below in node.below]
    return found


def _parameters(parameters: Sequence[Json]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(parameters)}


def _text(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "valueString": value}


def _designation(word: Json) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if "language" in word:
        parts.append({"name": "language", "valueCode": word["language"]})
    if "use" in word:
        parts.append({"name": "use", "valueCoding": word["use"]})
    parts.append({"name": "value", "valueString": word["value"]})
    return {"name": "designation", "part": parts}


def _property(code: str, key: str, value: Any) -> dict[str, Any]:
    return {
        "name": "property",
        "part": [{"name": "code", "valueCode": code}, {"name": "value", key: value}],
    }


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    found = {"system": system, "code": code}
    if display:
        found["display"] = display
    return found
