"""The decision: a subject and a purpose become an `Access` value, or a refusal.

Pure, and the same for the same question. Of the permits that apply the first one decides;
others that ask exactly the same conditions add their grants. Permits of different
conditions are never mixed: what one gives under a relation, another does not give without.
Then reveals add labels, forbids take away, and the scopes of a token narrow what is left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from trucyte.base.problem import Kind, Problem
from trucyte.records.access import Access, Grant, Labels, Recorder
from trucyte.shared.access.emergency import Emergency
from trucyte.shared.access.local import local_access
from trucyte.shared.access.policy.book import RuleBook
from trucyte.shared.access.policy.compiling import (
    APPLIES,
    Asked,
    Below,
    Bounds,
    Match,
    compiled_bounds,
    compiled_permit,
    compiled_who,
)
from trucyte.shared.access.policy.explaining import (
    BY_DEFAULT,
    LOCAL,
    SCOPES,
    Explained,
    Step,
    denied_step,
    local_step,
    scope_step,
)
from trucyte.shared.access.policy.grants import Scoped, narrowed, read_scopes, without
from trucyte.shared.access.policy.rule import Forbid, Permit, Reveal
from trucyte.shared.access.policy.vocabulary import default_purpose
from trucyte.shared.access.release import Release
from trucyte.shared.access.subject import Subject

_KEPT_MAX: Final = 4096  # narrowed grants; made again when more were asked for
# Named one by one: the complement of a flag is not the same number in every Python.
_MEDICAL: Final = Labels(sum(label for label in Labels if label is not Labels.SECRET))


class AccessDenied(Problem):
    """Nothing permits this to you for this purpose; the rule is {rule}."""

    kind = Kind.FORBIDDEN
    code = "access-denied"

    @property
    def rule(self) -> str:
        """The rule that denied, or the one of denying by default."""
        return str(self.facts.get("rule", BY_DEFAULT))


@dataclass(frozen=True, slots=True)
class _Permit:
    permit: Permit
    match: Match
    bounds: Callable[[Asked], Bounds]
    conditions: tuple[object, ...]  # what permits must have alike to be one


@dataclass(frozen=True, slots=True)
class _Other:
    rule: Reveal | Forbid
    match: Match


@dataclass(frozen=True, slots=True)
class _Left:
    """What forbids and scopes leave of some grants."""

    grants: tuple[Grant, ...]
    took: frozenset[str]  # ids of the forbids that took something
    scoped: Scoped | None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A decision before it is an access: who decided, and what is left."""

    chosen: tuple[_Permit, ...]
    reveals: tuple[str, ...]
    forbids: tuple[Forbid, ...]
    labels: Labels
    grants: tuple[Grant, ...]
    scoped: Scoped | None
    refused: str = ""  # the rule because of which nothing is left

    @property
    def why(self) -> tuple[str, ...]:
        """The rules that decided."""
        permits = tuple(each.permit.id for each in self.chosen)
        forbids = tuple(forbid.id for forbid in self.forbids)
        return (*permits, *self.reveals, *forbids, *((SCOPES,) if self.scoped else ()))


def nobody_else(organisation: str) -> frozenset[str]:
    """Return the organisations below one: none."""
    return frozenset()


def themselves(persons: frozenset[int]) -> frozenset[int]:
    """Return the circles of persons where nobody is linked."""
    return persons


class Decider:
    """Decides by a book of rules. Safe to share between threads."""

    def __init__(
        self,
        book: RuleBook,
        *,
        below: Below = nobody_else,
        circles: Callable[[frozenset[int]], frozenset[int]] = themselves,
        release_of: Callable[[Subject, str], Release | None] = lambda subject, purpose: None,
    ) -> None:
        """Compile `book`.

        `below` gives the organisations that one oversees, `circles` the keys of all records
        of persons, `release_of` the release that a subject holds for a purpose.
        """
        self.book = book
        self._circles = circles
        self._release_of = release_of
        self._permits = tuple(_compiled(permit, below) for permit in book.permits)
        self._reveals = tuple(_Other(rule, compiled_who(rule.who)) for rule in book.reveals)
        self._forbids = tuple(_Other(rule, _of_acting(rule)) for rule in book.forbids)
        self._by_cell = _by_cell(self._permits)
        self._releasing = frozenset(
            purpose
            for permit in book.permits
            if "release" in permit.needs
            for purpose in permit.who.purposes
        )
        self._kept: dict[tuple[object, ...], _Left] = {}

    def access(
        self,
        subject: Subject,
        purpose: str,
        recorder: Recorder,
        *,
        door: str,
        emergency: Emergency | None = None,
    ) -> Access:
        """Return what a subject may see and do for a purpose, through a door.

        `emergency` is one of this subject that is open. Raises AccessDenied.
        """
        if subject.kind == "local":
            return local_access(door, recorder)
        asked = self._asked(subject, purpose, door, emergency)
        draft = self._draft(asked)
        if draft.refused:
            raise AccessDenied(rule=draft.refused)
        return self._made(asked, draft, recorder)

    def fitting_purpose(self, subject: Subject, purpose: str) -> str:
        """Return the purpose for which a subject opens what is meant for `purpose`.

        A page of persons is opened by a doctor to treat and by a registrar to receive. Where
        no rule gives the subject's roles that purpose, it is the one their work has.
        """
        there = self._by_cell.get((subject.kind, purpose), ())
        roles = [each.permit.who.roles for each in there]
        if any(not named or named & subject.roles for named in roles):
            return purpose
        return default_purpose(subject.kind, subject.roles) or purpose

    def explained(
        self,
        subject: Subject,
        purpose: str,
        *,
        door: str,
        emergency: Emergency | None = None,
    ) -> Explained:
        """Return each rule that was looked at, whether it applied, and why not."""
        if subject.kind == "local":
            return Explained(is_allowed=True, decided=(LOCAL,), steps=(local_step(),))
        asked = self._asked(subject, purpose, door, emergency)
        draft = self._draft(asked)
        steps = [Step.of(each.permit, self._reason(each, asked, draft)) for each in self._permits]
        acting = _acting(draft.chosen, asked)
        for other in self._reveals:
            steps.append(Step.of(other.rule, self._why_not_shown(other, asked, acting, draft)))
        for other in self._forbids:
            steps.append(Step.of(other.rule, _why_not_forbidden(other, asked, acting, draft)))
        if subject.scopes is not None:
            steps.append(scope_step(draft.refused != SCOPES))
        if draft.refused == BY_DEFAULT:
            steps.append(denied_step())
        decided = draft.why if not draft.refused else (draft.refused,)
        return Explained(not draft.refused, decided, tuple(steps))

    # How it is decided

    def _asked(
        self, subject: Subject, purpose: str, door: str, emergency: Emergency | None
    ) -> Asked:
        release = self._release_of(subject, purpose) if purpose in self._releasing else None
        mine = emergency if emergency and emergency.account == subject.account else None
        return Asked(subject, purpose, door, mine, release)

    def _draft(self, asked: Asked) -> _Draft:
        chosen = self._chosen(asked)
        if not chosen:
            return _nothing(BY_DEFAULT)
        first = chosen[0].permit
        acting = _acting(chosen, asked)
        reveals = [
            other.rule
            for other in self._reveals
            if isinstance(other.rule, Reveal) and _is_shown(other, asked, acting)
        ]
        forbids = tuple(
            other.rule
            for other in self._forbids
            if isinstance(other.rule, Forbid) and _is_forbidden(other, asked, acting, first)
        )
        taking = next((forbid for forbid in forbids if forbid.takes_all), None)
        if taking is not None:
            return _nothing(taking.id)
        shown = _union(first.labels, *(reveal.labels for reveal in reveals))
        hidden = _union(Labels.NONE, *(forbid.labels for forbid in forbids))
        left = self._left(chosen, forbids, asked.subject)
        return _Draft(
            chosen,
            tuple(reveal.id for reveal in reveals),
            tuple(each for each in forbids if each.id in left.took or each.labels & shown),
            shown & ~hidden,
            left.grants,
            left.scoped,
            _who_left_nothing(left, forbids, asked),
        )

    def _chosen(self, asked: Asked) -> tuple[_Permit, ...]:
        """Return the first permit that applies, and those of the same conditions."""
        there = self._by_cell.get((asked.subject.kind, asked.purpose), ())
        chosen: list[_Permit] = []
        for each in there:
            if chosen and each.conditions != chosen[0].conditions:
                continue
            if each.match(asked) == APPLIES:
                chosen.append(each)
        return tuple(chosen)

    def _left(
        self, chosen: Sequence[_Permit], forbids: Sequence[Forbid], subject: Subject
    ) -> _Left:
        key = (
            tuple(each.permit.id for each in chosen),
            tuple(forbid.id for forbid in forbids),
            subject.kind,
            subject.scopes,
        )
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT_MAX:
                self._kept.clear()
            found = self._kept[key] = _narrowed(chosen, forbids, subject)
        return found

    def _made(self, asked: Asked, draft: _Draft, recorder: Recorder) -> Access:
        subject, bounds = asked.subject, draft.chosen[0].bounds(asked)
        persons = bounds.persons
        if draft.scoped is not None and draft.scoped.is_of_patient:
            own = subject.persons
            persons = own if persons is None else persons & own
        if persons:
            persons = self._circles(persons)
        labels = draft.labels
        return Access(
            caller=subject.account,
            purpose=asked.purpose,
            sees_restricted=labels & _MEDICAL == _MEDICAL,
            recorder=recorder,
            organisation=subject.organisation,
            sees_organisations=bounds.sees_organisations,
            labels=labels & _MEDICAL,
            sees_secret=Labels.SECRET in labels,
            grants=draft.grants,
            persons=persons,
            related=bounds.related,
            agreed=bounds.agreed,
            why=draft.why,
            until=_until(asked, draft.chosen[0].permit),
        )

    # Why not

    def _reason(self, each: _Permit, asked: Asked, draft: _Draft) -> str:
        if each in draft.chosen:
            return APPLIES
        return each.match(asked) or "another"

    def _why_not_shown(
        self, other: _Other, asked: Asked, acting: frozenset[str], draft: _Draft
    ) -> str:
        if not draft.chosen:
            return "nothing"
        assert isinstance(other.rule, Reveal)
        if _is_shown(other, asked, acting):
            return APPLIES
        return other.match(asked) or "permission"


def _nothing(rule: str) -> _Draft:
    return _Draft((), (), (), Labels.NONE, (), None, rule)


def _compiled(permit: Permit, below: Below) -> _Permit:
    conditions = (
        permit.relation,
        permit.organisations,
        permit.persons,
        permit.consenting,
        permit.needs,
        permit.labels,
    )
    return _Permit(permit, compiled_permit(permit), compiled_bounds(permit, below), conditions)


def _of_acting(forbid: Forbid) -> Match:
    """Return the conditions of a forbid but its roles: those are of the role that acts."""
    return compiled_who(replace(forbid.who, roles=frozenset()))


def _by_cell(permits: Sequence[_Permit]) -> dict[tuple[str, str], tuple[_Permit, ...]]:
    found: dict[tuple[str, str], list[_Permit]] = {}
    for each in permits:
        for kind in each.permit.who.kinds:
            for purpose in each.permit.who.purposes:
                found.setdefault((kind, purpose), []).append(each)
    return {cell: tuple(there) for cell, there in found.items()}


def _acting(chosen: Sequence[_Permit], asked: Asked) -> frozenset[str]:
    """Return the roles in which a subject acts: those by which it was permitted."""
    told = frozenset[str]().union(*(each.permit.who.roles for each in chosen))
    return asked.subject.roles & told if told else asked.subject.roles


def _is_shown(other: _Other, asked: Asked, acting: frozenset[str]) -> bool:
    reveal = other.rule
    return (
        isinstance(reveal, Reveal)
        and reveal.permission in asked.subject.roles
        and not reveal.who.roles.isdisjoint(acting)
        and other.match(asked) == APPLIES
    )


def _is_forbidden(other: _Other, asked: Asked, acting: frozenset[str], permit: Permit) -> bool:
    forbid = other.rule
    assert isinstance(forbid, Forbid)
    if forbid.who.roles and forbid.who.roles.isdisjoint(acting):
        return False
    if forbid.unless and not forbid.unless.isdisjoint({*permit.needs, permit.consenting}):
        return False
    return other.match(asked) == APPLIES


def _why_not_forbidden(other: _Other, asked: Asked, acting: frozenset[str], draft: _Draft) -> str:
    if not draft.chosen:
        return APPLIES if other.rule.id == draft.refused else "nothing"
    if _is_forbidden(other, asked, acting, draft.chosen[0].permit):
        return APPLIES if other.rule in draft.forbids else "nothing"
    if other.rule.who.roles and other.rule.who.roles.isdisjoint(acting):
        return "role"
    return other.match(asked) or "unless"


def _union(first: Labels, *others: Labels) -> Labels:
    for other in others:
        first |= other
    return first


def _narrowed(chosen: Sequence[_Permit], forbids: Sequence[Forbid], subject: Subject) -> _Left:
    grants = tuple(dict.fromkeys(grant for each in chosen for grant in each.permit.grants))
    took: set[str] = set()
    for forbid in forbids:
        left = without(grants, forbid.types, forbid.letters)
        if left != grants:
            took.add(forbid.id)
        grants = left
    if subject.scopes is None:
        return _Left(grants, frozenset(took), None)
    scoped = read_scopes(subject.scopes, subject.kind)
    return _Left(narrowed(grants, scoped.grants), frozenset(took), scoped)


def _who_left_nothing(left: _Left, forbids: Sequence[Forbid], asked: Asked) -> str:
    """Return the rule because of which nothing is left, "" where something is."""
    scoped = left.scoped
    if left.grants and not (scoped and scoped.is_of_patient and not asked.subject.persons):
        return ""
    if scoped is not None:
        return SCOPES
    # A permit has grants, so a forbid took the last of them.
    return next(forbid.id for forbid in reversed(forbids) if forbid.id in left.took)


def _until(asked: Asked, permit: Permit) -> datetime | None:
    ends = [
        given.until
        for need, given in (("emergency", asked.emergency), ("release", asked.release))
        if need in permit.needs and given is not None
    ]
    return min(ends, default=None)
