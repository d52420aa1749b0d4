"""The rules of a Consent, read from its tree of provisions; pure.

R4 nests rules: each is an exception to the one around it, and holds within that one's bounds.
Here every rule stands by itself, with the bounds of those around it taken in, and knows the
one it is an exception to. What a rule of the tree says that a row cannot hold makes a
permission narrower, or none at all, and a refusal wider: what cannot be read is never in
favour of showing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.records.access import MEDICAL, Labels
from trucyte.records.persons.holders import number_of, read_actor
from trucyte.records.persons.purposes import KNOWN, RESEARCH, with_those_above
from trucyte.records.persons.purposes import SYSTEM as PURPOSES
from trucyte.records.persons.spans import ALWAYS, Span, read_moment, read_period

ROWS_MAX: Final = 200  # rules of one consent
UNLABELLED: Final = 1 << 13  # among `labels`: what has none
NO_PARENT: Final = -1
_SCOPES: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
_ACTIONS: Final = "http://terminology.hl7.org/CodeSystem/consentaction"
_TYPES: Final = "http://hl7.org/fhir/resource-types"
_CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_KINDS: Final = {
    (_ACT_CODE, "HIV"): Labels.HIV,
    (_ACT_CODE, "MH"): Labels.MENTAL,
    (_ACT_CODE, "PSY"): Labels.MENTAL,
    (_ACT_CODE, "PREGNANT"): Labels.PREGNANCY,
    (_ACT_CODE, "GDIS"): Labels.GENETICS,
    ("https://trucyte.vn/fhir/CodeSystem/sensitivity", "TB"): Labels.TB,
}
# Consents of other scopes are about treatment itself, not about who sees its record.
_ELSEWHERE: Final = frozenset({"adr", "treatment"})
_SEEING: Final = frozenset({"access", "use", "disclose"})
_CHANGING: Final = frozenset({"collect", "correct"})
_BASES: Final = {"OPTIN": True, "OPTINR": True, "OPTOUT": False, "OPTOUTE": False}


class Scope(IntEnum):
    """What a consent is about; the newest of one scope decides."""

    PRIVACY = 1
    RESEARCH = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it is about, and when; empty means any."""

    number: int
    parent: int
    scope: Scope
    is_permit: bool
    made: Span | None  # when the consent was given; None: when it was accepted
    span: Span = ALWAYS
    labels: int = 0
    actors: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()

    def row(self, person: int, seq: int, at: int) -> tuple[Any, ...]:
        """Return the row; nothing is given later than it is accepted."""
        return (
            person,
            seq,
            self.made_at(at),
            self.span.begins,
            self.span.ends,
            self.number,
            self.parent,
            self.scope,
            self.labels,
            self.is_permit,
            sorted(map(number_of, self.actors)),
            sorted(TYPE_NUMBERS[name] for name in self.types),
            sorted(self.purposes),
        )

    def made_at(self, at: int) -> int:
        """Return when it was given: of a day alone, a refusal at its end and a permit before."""
        if self.made is None:
            return at
        return min(at, self.made.begins if self.is_permit else self.made.ends - 1)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What a rule is about, by what is known of it; None means any.

    Actors of one rule and of the one around it must both meet, which one set cannot say.
    """

    span: Span = ALWAYS
    labels: int | None = None
    actors: frozenset[str] | None = None
    types: frozenset[str] | None = None
    purposes: frozenset[str] | None = None

    def is_nothing(self) -> bool:
        """Say whether nothing can be within."""
        return self.labels == 0 or any(
            part is not None and not part for part in (self.actors, self.types, self.purposes)
        )


@dataclass(frozen=True, slots=True)
class _Node:
    """A rule of the tree with the bounds around it: `most` for a refusal, `least` for a permit."""

    said: Mapping[str, Any]
    parent: int
    most: _Bounds
    least: _Bounds | None  # None: nothing is permitted within


@dataclass(frozen=True, slots=True)
class _Kind:
    """What all rules of a consent share."""

    scope: Scope
    made: Span | None


def rules_of(resource: Mapping[str, Any]) -> Sequence[Rule]:
    """Return the rules of a Consent; none of one that is not in force; pure.

    One with more than `ROWS_MAX` rules refuses all if any of them refuses, and else says nothing.
    """
    if resource.get("status") != "active":
        return ()
    name = _scope(resource)
    if name in _ELSEWHERE:
        return ()
    kind = _Kind(
        Scope.RESEARCH if name == "research" else Scope.PRIVACY, _made(resource.get("dateTime"))
    )
    nodes, rules = 0, []
    refuses = False
    for rule in _walk(resource, kind):
        nodes += 1
        refuses = refuses or not (rule is None or rule.is_permit)
        if rule is not None and nodes <= ROWS_MAX:
            rules.append(rule)
    if nodes > ROWS_MAX:
        return (Rule(0, NO_PARENT, kind.scope, False, kind.made),) if refuses else ()
    is_known = name in ("patient-privacy", "research")
    return tuple(rule for rule in rules if is_known or not rule.is_permit)


def _walk(resource: Mapping[str, Any], kind: _Kind) -> Iterator[Rule | None]:
    """Yield each rule, the outer ones first; None for one that decides nothing."""
    root, base = resource.get("provision"), _base(resource)
    waiting = [_Node(_object(root), NO_PARENT, _Bounds(), _Bounds())]
    number = 0
    while waiting:
        node = waiting.pop()
        if _is_elsewhere(node.said):
            yield None
            continue
        is_root = node.parent == NO_PARENT
        is_permit = base if is_root else node.said.get("type") == "permit"
        most = _most(node)
        least = None if most is None else _least(node)
        yield _rule(number, node.parent, kind, is_permit, most, least)
        if most is not None:
            nested = node.said.get("provision")
            listed = nested if isinstance(nested, list) else [] if nested is None else [nested]
            waiting += [_Node(_object(one), number, most, least) for one in reversed(listed)]
        number += 1


def _rule(
    number: int,
    parent: int,
    kind: _Kind,
    is_permit: bool | None,
    most: _Bounds | None,
    least: _Bounds | None,
) -> Rule | None:
    bounds = least if is_permit else most
    if is_permit is None or bounds is None:
        return None
    purposes = bounds.purposes
    if kind.scope is Scope.RESEARCH:
        purposes = _research(purposes, is_permit)
        if purposes is not None and not purposes:
            return None
    return Rule(
        number=number,
        parent=parent,
        scope=kind.scope,
        is_permit=is_permit,
        made=kind.made,
        span=bounds.span,
        labels=bounds.labels or 0,
        actors=bounds.actors or frozenset(),
        types=bounds.types or frozenset(),
        purposes=purposes or frozenset(),
    )


def _research(purposes: frozenset[str] | None, is_permit: bool) -> frozenset[str] | None:
    """A consent to research permits nothing else; it refuses what it says, or research."""
    within = frozenset({RESEARCH})
    return purposes_within(purposes, within) if is_permit or purposes is None else purposes


def _most(node: _Node) -> _Bounds | None:
    """Return bounds that hold all a rule may be about; None where that is nothing."""
    said, around = node.said, node.most
    period = read_period(said.get("period"))
    span = around.span if period is None else around.span.within(period)
    if span is None:
        return None
    labels, is_whole = _labels(said)
    own = _Bounds(
        span,
        labels=labels & MEDICAL if is_whole and labels else None,
        actors=_all(*_actors(said)),
        types=_all(*_types(said)),
        purposes=_all(*_purposes(said)),
    )
    bounds = _Bounds(
        span,
        around.labels if own.labels is None else own.labels,
        around.actors if own.actors is None else own.actors,
        _both(around.types, own.types),
        purposes_within(own.purposes, around.purposes),
    )
    return None if bounds.is_nothing() else bounds


def _least(node: _Node) -> _Bounds | None:
    """Return bounds that hold nothing but what a rule is about; None where that is nothing."""
    said, around = node.said, node.least
    period = read_period(said.get("period"))
    if around is None or period is None or not _is_expressed(said):
        return None
    span = around.span.within(period)
    if span is None:
        return None
    bounds = _Bounds(
        span,
        _common(around.labels, _permitted_labels(said)),
        _both(around.actors, _known(*_actors(said))),
        _both(around.types, _known(*_types(said))),
        purposes_within(_known(*_purposes(said)), around.purposes),
    )
    return None if bounds.is_nothing() else bounds


def _is_expressed(said: Mapping[str, Any]) -> bool:
    """Say whether a row can hold all that a rule says: no codes, no data, no period of data."""
    if any(said.get(name) is not None for name in ("code", "data", "dataPeriod")):
        return False
    actions, is_whole = _actions(said)
    return bool(actions & _SEEING) or (not actions and is_whole)


def _is_elsewhere(said: Mapping[str, Any]) -> bool:
    """Say whether a rule is about collecting and correcting alone, not about who sees."""
    actions, is_whole = _actions(said)
    return is_whole and bool(actions) and actions <= _CHANGING


# What an element lists: the values that are known, and whether that is all it says. An
# element that is absent lists nothing, whole.
_Listed = tuple[frozenset[str], bool]


def _all(known: frozenset[str], is_whole: bool) -> frozenset[str] | None:
    """Return the values of a refusal: any, where some are unknown or none are said."""
    return known if is_whole and known else None


def _known(known: frozenset[str], is_whole: bool) -> frozenset[str] | None:
    """Return the values of a permit: those that are known; any where none are said."""
    return None if is_whole and not known else known


def _codings(value: Any) -> tuple[list[Mapping[str, Any]], bool]:
    """Return the objects that an element lists, and whether it lists nothing else."""
    if value is None:
        return [], True
    listed = value if isinstance(value, list) else [value]
    found: list[Mapping[str, Any]] = [one for one in listed if isinstance(one, dict)]
    return found, len(found) == len(listed)


def _coded(value: Any, system: str, known: frozenset[str] | Mapping[str, int]) -> _Listed:
    codings, is_whole = _codings(value)
    codes = [
        code
        for coding in codings
        if coding.get("system") == system and isinstance(code := coding.get("code"), str)
        if code in known
    ]
    return frozenset(codes), is_whole and len(codes) == len(codings)


def _types(said: Mapping[str, Any]) -> _Listed:
    return _coded(said.get("class"), _TYPES, TYPE_NUMBERS)


def _purposes(said: Mapping[str, Any]) -> _Listed:
    return _coded(said.get("purpose"), PURPOSES, KNOWN)


def _actors(said: Mapping[str, Any]) -> _Listed:
    listed, is_whole = _codings(said.get("actor"))
    named = [read_actor(one.get("reference")) for one in listed]
    known = [one for one in named if one is not None]
    return frozenset(known), is_whole and len(known) == len(named)


def _actions(said: Mapping[str, Any]) -> _Listed:
    concepts, is_whole = _codings(said.get("action"))
    found = [_coded(one.get("coding"), _ACTIONS, _SEEING | _CHANGING) for one in concepts]
    known: frozenset[str] = frozenset().union(*(codes for codes, _ in found))
    return known, is_whole and all(codes and whole for codes, whole in found)


def _labels(said: Mapping[str, Any]) -> tuple[int, bool]:
    """Return the mask of the kinds that a rule names, and whether it names nothing else.

    Confidentiality is a high-water mark (R4 Consent): from a refusal up to it nothing that is
    labelled is left out.
    """
    codings, is_whole = _codings(said.get("securityLabel"))
    kinds = [_KINDS.get((str(one.get("system")), str(one.get("code")))) for one in codings]
    mask = 0
    for kind in kinds:
        mask |= kind or 0
    return mask, is_whole and None not in kinds


def _permitted_labels(said: Mapping[str, Any]) -> int | None:
    """Return the mask of what a permit may show; None: whatever the labels.

    Kinds it names and no others. A high-water mark below V permits what has no label: how far a
    labelled one lies below it is not known here.
    """
    mask, is_whole = _labels(said)
    if mask or (is_whole and said.get("securityLabel") is None):
        return mask or None
    codings, _ = _codings(said.get("securityLabel"))
    marks = {one.get("code") for one in codings if one.get("system") == _CONFIDENTIALITY}
    if "V" in marks:
        return None
    return UNLABELLED if marks else 0


def _common(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def purposes_within(
    one: frozenset[str] | None, other: frozenset[str] | None
) -> frozenset[str] | None:
    """Return the purposes that are a kind of one of both; None is any."""
    if one is None or other is None:
        return other if one is None else one
    return frozenset(
        purpose
        for listed, above in ((one, other), (other, one))
        for purpose in listed
        if not above.isdisjoint(with_those_above(purpose))
    )


def _object(value: Any) -> Mapping[str, Any]:
    """Return a rule; what is none refuses, within the bounds around it."""
    return value if isinstance(value, dict) else {}


def _made(value: Any) -> Span | None:
    """Return when a consent was given; an unreadable time is the strict one."""
    return None if value is None else read_moment(value) or ALWAYS


def _scope(resource: Mapping[str, Any]) -> str:
    """Return the scope, "" where it is not one of the standard's."""
    scope = resource.get("scope")
    codes, is_whole = _coded(
        scope.get("coding") if isinstance(scope, dict) else None,
        _SCOPES,
        frozenset({"adr", "patient-privacy", "research", "treatment"}),
    )
    return next(iter(codes)) if is_whole and len(codes) == 1 else ""


def _base(resource: Mapping[str, Any]) -> bool | None:
    """Return whether a consent permits or refuses where no exception does; None: neither.

    R4 has it in the policy; as many write it into the first provision. Where they differ, or
    the type is unknown, it refuses.
    """
    rule, root = resource.get("policyRule"), resource.get("provision")
    codes, _ = _coded(
        rule.get("coding") if isinstance(rule, dict) else None, _ACT_CODE, frozenset(_BASES)
    )
    said = {_BASES[code] for code in codes}
    if root is not None:
        type_name = root.get("type", "") if isinstance(root, dict) else None
        said |= {type_name == "permit"} if type_name != "" else set()
    return None if not said else said == {True}
