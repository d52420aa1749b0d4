"""Decide what a write does, from what is there now: pure of committing.

First `settle` answers the conditions (R4 3.1.0.4.3, 3.1.0.5.3, 3.1.0.7.1, 3.1.0.8.1) and
says which resources are meant, then `plan` makes their changes. Each change names the
version it was decided on and each condition what was found to meet it; whoever commits
and is told that either moved decides anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trucyte.base.clock import Clock
from trucyte.base.new_ids import new_id
from trucyte.fhir.parse import parse
from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.intake.claims.plan import is_same
from trucyte.intake.claims.present import Present
from trucyte.intake.interactions.asks import Ask, Verb, checked_id, read_query
from trucyte.intake.interactions.drafts import Ready, check_own_id, made_ready, patched
from trucyte.intake.interactions.problems import (
    AlreadyThere,
    ConditionClosed,
    ConditionUnmet,
    IdNotYours,
    IdOfAnother,
    IdTaken,
    NothingMeets,
    NotSelective,
    NotYours,
    TooManyDeleted,
)
from trucyte.intake.interactions.settings import WriteSettings
from trucyte.intake.interactions.values import Done
from trucyte.intake.tools import Checker
from trucyte.journal.behalf import Behalf
from trucyte.journal.change import Change, ExpectationFailed, Operation, Stored
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.records.labels import sensitivity_of_body
from trucyte.records.owners import Standing
from trucyte.records.search.expectation import SearchExpectation
from trucyte.records.shown import (
    InteractionNotAllowed,
    ResourceGone,
    ResourceNotFound,
    ResourceRestricted,
    UnknownType,
)

_OWN = 0
_TWO = 2  # as many as show that a condition is not selective
_NO_LINKS: Mapping[str, str] = {}
# Who is written together with a version and may have signed it, by "Type/id".
Coming = Mapping[str, Mapping[str, Any]]
# What is found out of those who sign, once for all that is decided together.
Found = dict[object, Any]
# A version that is to be written, the body it replaces, and what comes along: raises where
# it is signed by someone who may not.
Signed = Callable[[Mapping[str, Any], bytes | None, Coming, Found], None]
_ALONE: Coming = {}
_WHO_SIGNS = frozenset({"Practitioner", "PractitionerRole"})
Key = tuple[str, str]  # type, id


@dataclass(frozen=True, slots=True)
class Settled:
    """An ask whose conditions are answered: which resources it means."""

    ask: Ask
    ids: tuple[str, ...]  # one; of a delete any number
    expectation: SearchExpectation | None = None
    is_met: bool = False  # whether something that is there meets the condition

    @property
    def keys(self) -> list[Key]:
        """The resources it means."""
        return [(self.ask.type, id_) for id_ in self.ids]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a write is decided on: what is there, as far as the caller is to know of it."""

    present: Present
    standing: Standing
    coming: Coming = field(default_factory=lambda: _ALONE)
    found: Found = field(default_factory=dict, repr=False)

    def stored(self, key: Key) -> Stored | None:
        """Return the current line; None where there is none, or it is another's."""
        return None if self.standing.hides(key) else self.present.stored(key)

    def version(self, key: Key) -> int:
        """Return the current version, 0 where there never was one, or it is another's."""
        return 0 if self.standing.hides(key) else self.present.version(key)

    def check_change(self, key: Key) -> None:
        """Raise IdNotYours, NotYours where the caller may not write this resource."""
        if self.standing.hides(key):
            raise IdNotYours(type=key[0])
        if not self.standing.may_change(key):
            raise NotYours(type=key[0])


@dataclass(frozen=True, slots=True)
class Plan:
    """What a write comes to: changes, or what is there already."""

    done: Done
    changes: tuple[Change, ...] = ()
    standing: Stored | None = None  # where nothing is to be written
    expectations: tuple[SearchExpectation, ...] = ()


# What is to be kept of an access before a version is accepted that acts under it later.
Lasting = Callable[[Access, str, int], None]
_LASTS: Final = "Subscription"


def nothing_lasts(access: Access, id: str, version: int) -> None:
    """Refuse what would outlive the access it is written under, where nothing keeps that."""
    raise InteractionNotAllowed(type=_LASTS)


def unsigned(
    resource: Mapping[str, Any], before: bytes | None, coming: Coming, found: Found
) -> None:
    """Take every signature, where a node has no registers."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the writes of one node."""

    records: Records
    checker: Checker
    person: Callable[[str], int]  # "Patient/<id>" -> person key
    person_of: Callable[[Mapping[str, Any]], str | None]  # resource -> "Patient/<id>"
    clock: Clock
    settings: WriteSettings
    behalf: Behalf
    signed: Signed = unsigned
    lasting: Lasting = nothing_lasts

    def keep_bounds(self, access: Access, changes: Sequence[Change]) -> None:
        """Keep what bounds the access for as long as what is about to be accepted acts under it."""
        bounds = (access.grants, access.persons, access.related, access.agreed, access.until)
        if all(bound is None for bound in bounds):
            return
        for change in changes:
            if change.type == _LASTS and change.operation is not Operation.DELETE:
                assert change.expected is not None  # a plan names the version it was made on
                self.lasting(access, change.id, change.expected + 1)

    def look(self, access: Access, journal: Journal, keys: Sequence[Key]) -> "Scene":
        """Return what is there now of resources, and what the caller may do with each."""
        present = Present(journal)
        present.load(keys)
        return Scene(present, self.records.standing(access, keys))

    def settle(self, access: Access, ask: Ask) -> Settled:
        """Answer the condition of an ask; raises where it does not say which resource."""
        if ask.type not in TYPE_NUMBERS:
            raise UnknownType(type=ask.type if ask.type.isalpha() else "(unreadable)")
        _check_granted(access, ask)
        if not ask.query:
            if ask.verb is Verb.CREATE:
                return Settled(ask, (new_id(self.clock),))
            return Settled(ask, (checked_id(ask.id),))
        limit = self.settings.deletes + 1 if ask.several else _TWO
        expectation = self.records.expectation(access, ask.type, read_query(ask.query), limit=limit)
        met = tuple(sorted(id_ for _, _, id_ in expectation.expected))
        if len(met) >= limit:
            if ask.several:
                raise TooManyDeleted(type=ask.type, most=self.settings.deletes)
            raise NotSelective(type=ask.type)
        ids = met or self._ids_without_match(ask)
        return Settled(ask, ids, expectation, is_met=bool(met))

    def _ids_without_match(self, ask: Ask) -> tuple[str, ...]:
        if ask.verb is Verb.DELETE:
            return ()
        if ask.verb is Verb.PATCH:
            raise NothingMeets(type=ask.type)
        own = ask.draft.id if ask.draft and ask.verb is Verb.UPDATE else ""
        return (checked_id(own) if own else new_id(self.clock),)

    def plan(
        self,
        access: Access,
        settled: Settled,
        scene: Scene,
        links: Mapping[str, str] = _NO_LINKS,
    ) -> Plan:
        """Make the changes of an ask; `scene` has its keys loaded."""
        plan = _PLANS[settled.ask.verb](self, access, settled, scene, links)
        self._check_within(access, settled.ask, scene, plan)
        if settled.expectation is None:
            return plan
        return Plan(plan.done, plan.changes, plan.standing, (settled.expectation,))

    def _create(
        self, access: Access, settled: Settled, scene: Scene, links: Mapping[str, str]
    ) -> Plan:
        ask, (id_,) = settled.ask, settled.ids
        assert ask.draft is not None
        if settled.is_met:
            return Plan(Done.FOUND, standing=_current(access, settled, scene, id_))
        scene.check_change((ask.type, id_))
        ready = made_ready(ask.draft, id_, links, self.checker)
        self.signed(ready.resource, None, scene.coming, scene.found)
        return Plan(Done.CREATED, (self.change(access, ask.type, id_, ready, 0),))

    def _update(
        self, access: Access, settled: Settled, scene: Scene, links: Mapping[str, str]
    ) -> Plan:
        ask, (id_,) = settled.ask, settled.ids
        draft = ask.draft
        assert draft is not None
        stored = _seen(access, settled, scene, id_)
        self._check_update(settled, scene, stored)
        scene.check_change((ask.type, id_))
        ready = made_ready(draft, id_, links, self.checker)
        if stored and ready.accepted.body == stored.body:
            return Plan(Done.UNCHANGED, standing=stored)
        before = stored.body if stored else None
        self.signed(ready.resource, before, scene.coming, scene.found)
        version = scene.version((ask.type, id_))
        change = self.change(access, ask.type, id_, ready, version)
        return Plan(Done.UPDATED if stored else Done.CREATED, (change,))

    def _check_update(self, settled: Settled, scene: Scene, stored: Stored | None) -> None:
        ask, (id_,) = settled.ask, settled.ids
        assert ask.draft is not None
        if not ask.query:
            check_own_id(ask.draft, ask.type, id_)
        elif settled.is_met and ask.draft.id not in ("", id_):
            raise IdOfAnother(type=ask.type)
        elif not settled.is_met and stored is not None:
            raise IdTaken(type=ask.type)  # R4 3.1.0.4.3: no match, and the id is another's
        if ask.must_be_new and stored is not None:
            raise AlreadyThere(type=ask.type)
        _check_version(ask, scene, stored, id_)

    def _patch(
        self, access: Access, settled: Settled, scene: Scene, links: Mapping[str, str]
    ) -> Plan:
        ask, (id_,) = settled.ask, settled.ids
        assert ask.patch is not None
        stored = _current(access, settled, scene, id_)
        _check_version(ask, scene, stored, id_)
        scene.check_change((ask.type, id_))
        ready = patched(stored.body, ask.patch, self.settings.resource, self.checker)
        if is_same(ready.accepted.body, stored.body):
            return Plan(Done.UNCHANGED, standing=stored)
        self.signed(ready.resource, stored.body, scene.coming, scene.found)
        version = scene.version((ask.type, id_))
        return Plan(Done.UPDATED, (self.change(access, ask.type, id_, ready, version),))

    def _delete(
        self, access: Access, settled: Settled, scene: Scene, links: Mapping[str, str]
    ) -> Plan:
        ask, changes = settled.ask, []
        for id_ in settled.ids:
            stored = _seen(access, settled, scene, id_)
            _check_version(ask, scene, stored, id_)
            if stored is not None:
                scene.check_change((ask.type, id_))
                version = scene.version((ask.type, id_))
                changes.append(
                    Change(
                        ask.type, id_, Operation.DELETE, b"", 0, stored.entry.person, version,
                        data_group=stored.entry.data_group, source=self.source(access),
                    )
                )  # fmt: skip
        return Plan(Done.DELETED, tuple(changes))

    def _check_within(self, access: Access, ask: Ask, scene: Scene, plan: Plan) -> None:
        """Raise InteractionNotAllowed for what leaves, or comes from, beyond what may be written.

        A new version stays within it, and so does the one that it follows.
        """
        if access.grants is None and access.persons is None:
            return
        letter = _LETTERS[ask.verb]
        for change in plan.changes:
            stored = scene.stored((change.type, change.id)) if change.expected else None
            if stored is not None and stored.body:
                before = parse(stored.body)
                self.records.check_within(access, letter, before, stored.entry.person)
            if change.resource is not None:
                self.records.check_within(access, letter, change.resource, change.person)

    def change(
        self, access: Access, type_name: str, id_: str, ready: Ready, version: int
    ) -> Change:
        """Return the change that writes a version behind `version`, for the caller."""
        whose = self.person_of(ready.resource) or f"{type_name}/{id_}"
        return Change(
            type=type_name,
            id=id_,
            operation=Operation.UPDATE if version else Operation.CREATE,
            body=ready.accepted.body,
            meta_offset=ready.accepted.meta_offset,
            person=self.person(whose),
            expected=version,
            source=self.source(access),
            resource=ready.resource,
        )

    def source(self, access: Access) -> int:
        """Return the standing source of what a caller writes: it tells whose that is."""
        return self.behalf.standing(access.caller, access.organisation)


_LETTERS: Mapping[Verb, str] = {
    Verb.CREATE: "c", Verb.UPDATE: "u", Verb.PATCH: "u", Verb.DELETE: "d",
}  # fmt: skip


def _check_granted(access: Access, ask: Ask) -> None:
    """Raise InteractionNotAllowed; whoever names no id finds out by a search what is there."""
    letters = f"{_LETTERS[ask.verb]}s" if ask.query else _LETTERS[ask.verb]
    if not all(access.may(letter, ask.type) for letter in letters):
        raise InteractionNotAllowed(type=ask.type)


def _check_version(ask: Ask, scene: Scene, stored: Stored | None, id_: str) -> None:
    """Raise ConditionUnmet unless the version that the client named is the current one."""
    if ask.if_match is None:
        return
    if stored is None or scene.version((ask.type, id_)) != ask.if_match:
        raise ConditionUnmet(type=ask.type)


def _seen(access: Access, settled: Settled, scene: Scene, id_: str) -> Stored | None:
    """Return what is current, None where nothing is; raises where the caller may not see it."""
    stored = scene.stored((settled.ask.type, id_))
    if stored and not access.sees(sensitivity_of_body(stored.body)):
        if settled.ask.query:  # the answer must not tell which one
            raise ConditionClosed()
        raise ResourceRestricted(type=settled.ask.type)
    return stored


def _current(access: Access, settled: Settled, scene: Scene, id_: str) -> Stored:
    stored = _seen(access, settled, scene, id_)
    if stored is None:
        if settled.ask.query:  # it met the condition a moment ago
            raise ExpectationFailed()
        kind = settled.ask.type
        raise (ResourceGone if scene.version((kind, id_)) else ResourceNotFound)(type=kind)
    return stored


def is_labelled(body: bytes) -> bool:
    """Say whether a body in the journal has a label that keeps it from some."""
    return bool(sensitivity_of_body(body))


_PLANS: Mapping[Verb, Callable[[Planner, Access, Settled, Scene, Mapping[str, str]], Plan]] = {
    Verb.CREATE: Planner._create,
    Verb.UPDATE: Planner._update,
    Verb.PATCH: Planner._patch,
    Verb.DELETE: Planner._delete,
}


def coming_of(all_settled: Sequence[Settled], links: Mapping[str, str] = _NO_LINKS) -> Coming:
    """Return who comes along and may sign, by the ids they will have and by their links."""
    found = {
        f"{one.ask.type}/{one.ids[0]}": {**one.ask.draft.resource, "id": one.ids[0]}
        for one in all_settled
        if one.ask.type in _WHO_SIGNS and one.ask.draft is not None and one.ids
    }
    return found | {link: found[target] for link, target in links.items() if target in found}


def keys_of(all_settled: Sequence[Settled]) -> list[Key]:
    """Return every resource that asks mean, for loading."""
    return [key for settled in all_settled for key in settled.keys]
