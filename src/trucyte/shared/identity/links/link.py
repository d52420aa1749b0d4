"""A link between two Patients as a value, and as the Linkage that keeps it; pure.

A link explains itself: by which rules, by which version of which model, on what levels of
comparison it was decided, and by whom. It holds no text about a person: levels have names
such as "name: same-sounds", never what was compared.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from trucyte.base.problem import Kind, Problem
from trucyte.records.persons.linkage import (
    EXTENSION,
    TYPE,
    LinkState,
    PatientAt,
    patient_at,
    read_statement,
)

NOTE_MAX: Final = 1000
_LABELS: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:+=<>/-]{0,99}", re.ASCII)


class NotAPair(Problem):
    """A link is between two different Patients."""

    kind = Kind.INVALID
    code = "link-not-a-pair"


class DecisionUnclear(Problem):
    """A decision names rules, a model and levels, each in 1 to 100 plain characters."""

    code = "link-decision"


@dataclass(frozen=True, slots=True)
class Decided:
    """How it was decided, without a word about the persons.

    `levels` are (comparison, its level) as the model names them; `weight` in bits. `note` is
    what a clerk wrote of the decision, "" of a machine's.
    """

    rules: Sequence[str]  # e.g. ("same-personal-number", "model-agrees"); ("clerk",)
    model: str = ""  # version of the model, "" where none was asked
    levels: Sequence[tuple[str, str]] = ()
    weight: Decimal | None = None
    probability: Decimal | None = None
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse what could hold more than names; raises DecisionUnclear."""
        words = [*self.rules, *(part for level in self.levels for part in level)]
        words += [self.model] if self.model else []
        if not self.rules or not all(_WORD.fullmatch(word) for word in words):
            raise DecisionUnclear
        if len(self.note) > NOTE_MAX:
            raise DecisionUnclear


@dataclass(frozen=True, slots=True)
class Link:
    """What is known of two Patients, in one version."""

    id: str  # of the Linkage
    source: str  # "Patient/x": the one to go on with, where one alone is shown
    alternate: str
    state: LinkState
    decided: Decided
    at: datetime  # aware, UTC
    version: int
    is_new: bool = False  # whether this call wrote it


def pair_of(one: str, other: str) -> tuple[PatientAt, PatientAt]:
    """Read two references; raises NotAPair."""
    first, second = patient_at(one), patient_at(other)
    if first is None or second is None or first == second:
        raise NotAPair
    return first, second


def linkage(
    id: str,
    pair: tuple[PatientAt, PatientAt],
    state: LinkState,
    decided: Decided,
    *,
    organisation: str,
    is_restricted: bool,
) -> dict[str, Any]:
    """Return the Linkage; `organisation` is for whom it was decided, "" the node itself."""
    resource: dict[str, Any] = {"resourceType": TYPE, "id": id}
    if is_restricted:
        resource["meta"] = {"security": [{"system": _LABELS, "code": "R"}]}
    resource["extension"] = [{"url": EXTENSION, "extension": _parts(state, decided)}]
    resource["active"] = state is LinkState.LINKED
    if organisation:
        resource["author"] = {"reference": organisation}
    resource["item"] = [
        {"type": kind, "resource": {"reference": patient.reference, "type": "Patient"}}
        for kind, patient in zip(("source", "alternate"), pair, strict=True)
    ]
    return resource


def _parts(state: LinkState, decided: Decided) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"url": "state", "valueCode": state.value}]
    parts += [{"url": "rule", "valueString": rule} for rule in decided.rules]
    if decided.model:
        parts.append({"url": "model", "valueString": decided.model})
    if decided.weight is not None:
        parts.append({"url": "weight", "valueDecimal": decided.weight})
    if decided.probability is not None:
        parts.append({"url": "probability", "valueDecimal": decided.probability})
    parts += [
        {
            "url": "level",
            "extension": [
                {"url": "comparison", "valueString": comparison},
                {"url": "is", "valueString": level},
            ],
        }
        for comparison, level in decided.levels
    ]
    if decided.note:
        parts.append({"url": "note", "valueString": decided.note})
    return parts


def read_link(resource: Mapping[str, Any], *, at: datetime, version: int) -> Link:
    """Read a Linkage of Patients; raises LinkageRefused, NotAPair for another one."""
    statement = read_statement(resource)
    if statement is None:
        raise NotAPair
    return Link(
        str(resource["id"]),
        statement.source.reference,
        statement.alternate.reference,
        statement.state,
        _decided(resource),
        at,
        version,
    )


def _decided(resource: Mapping[str, Any]) -> Decided:
    parts = [
        part
        for extension in resource.get("extension", ())
        if extension.get("url") == EXTENSION
        for part in extension.get("extension", ())
    ]
    texts: dict[str, list[Any]] = {}
    for part in parts:
        value = next((v for k, v in part.items() if k.startswith("value")), None)
        texts.setdefault(str(part.get("url")), []).append(value)
    rules = [rule for rule in texts.get("rule", ()) if _is_word(rule)]
    model = texts.get("model", [""])[0]
    return Decided(
        # A Linkage that came without our extension was decided elsewhere.
        tuple(rules) or ("stated",),
        model if _is_word(model) else "",
        tuple(_levels(parts)),
        _number(texts.get("weight")),
        _number(texts.get("probability")),
        str(texts.get("note", [""])[0] or "")[:NOTE_MAX],
    )


def _levels(parts: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    levels = []
    for part in parts:
        if part.get("url") == "level":
            held = {one.get("url"): one.get("valueString") for one in part.get("extension", ())}
            pair = held.get("comparison"), held.get("is")
            if all(map(_is_word, pair)):
                levels.append((str(pair[0]), str(pair[1])))
    return levels


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _number(values: Sequence[Any] | None) -> Decimal | None:
    value = values[0] if values else None
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return Decimal(str(value)) if is_number else None
