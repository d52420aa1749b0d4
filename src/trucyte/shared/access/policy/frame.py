"""Frames: how far an operator's own rules may go.

A facility knows its wards better than any program; the law knows its own bounds better
than any facility. A permit of an operator is taken where some frame holds all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trucyte.records.access import Grant, Labels
from trucyte.shared.access.policy.reading import (
    Row,
    RuleFile,
    Vocabulary,
    id_of,
    labels_in,
    law_of,
    listed,
    types_of,
    who_of,
    words_of,
)
from trucyte.shared.access.policy.rule import (
    LETTERS,
    Consenting,
    Forbid,
    Law,
    Organisations,
    Permit,
    Persons,
    Relation,
    Reveal,
    Rule,
    RulesRefused,
    Who,
    Words,
)

# From narrow to wide.
_ORGANISATIONS: Final = (Organisations.OWN, Organisations.BELOW, Organisations.ALL)
_CONSENTING: Final = (Consenting.PERMITTED, Consenting.UNDENIED, Consenting.UNASKED)


@dataclass(frozen=True, slots=True)
class Frame:
    """The most that a permit of an operator may be."""

    id: str
    who: Who
    types: frozenset[str] | None
    letters: frozenset[str]
    labels: Labels
    relation: frozenset[Relation]  # a relation of these is asked for; empty: none need be
    organisations: Organisations
    consenting: Consenting
    law: Law
    words: Words

    def lacks(self, permit: Permit) -> str:
        """Say in what a permit leaves this frame, "" where it lies within."""
        checks = (
            ("kinds", permit.who.kinds <= self.who.kinds),
            ("roles", _roles_within(permit.who, self.who)),
            ("purposes", permit.who.purposes <= self.who.purposes),
            ("assurance", permit.who.assurance >= self.who.assurance),
            ("relation", self._relation_holds(permit)),
            ("organisations", _not_wider(_ORGANISATIONS, permit.organisations, self.organisations)),
            ("consent", _not_wider(_CONSENTING, permit.consenting, self.consenting)),
            ("persons", permit.persons in (Persons.ALL, Persons.NOBODY)),
            ("needs", not permit.needs),
            ("labels", not permit.labels),  # labels go by permission, so by a reveal
            ("grant", all(map(self._holds, permit.grants))),
        )
        return next((name for name, is_within in checks if not is_within), "")

    def _relation_holds(self, permit: Permit) -> bool:
        return not self.relation or bool(permit.relation and permit.relation <= self.relation)

    def _holds(self, grant: Grant) -> bool:
        if not grant.letters <= self.letters:
            return False
        return self.types is None or (grant.types is not None and grant.types <= self.types)

    def shows(self, reveal: Reveal) -> bool:
        """Say whether a reveal lies within."""
        who = reveal.who
        return (
            _roles_within(who, self.who)
            and who.purposes <= self.who.purposes
            and reveal.labels & ~self.labels == Labels.NONE
        )


def _roles_within(who: Who, most: Who) -> bool:
    return not most.roles or bool(who.roles and who.roles <= most.roles)


def _not_wider(order: Sequence[object], told: object, most: object) -> bool:
    return order.index(told) <= order.index(most)


def read_frames(files: Sequence[RuleFile], known: Vocabulary) -> list[Frame]:
    """Read the frames of the program. Raises RulesRefused."""
    return [
        _frame(Row(file.name, "frame", number, row), known)
        for file in files
        for number, row in enumerate(listed(file, "frame"), 1)
    ]


def _frame(row: Row, known: Vocabulary) -> Frame:
    every = row.flag("every_type", default=False)
    frame = Frame(
        id=id_of(row),
        who=who_of(row),
        types=types_of(row, known),
        letters=frozenset(row.text("letters")),
        labels=labels_in(row),
        relation=frozenset(map(Relation, row.names("relation", tuple(Relation)))),
        organisations=row.choice("organisations", Organisations, Organisations.OWN),
        consenting=row.choice("consent", Consenting, Consenting.UNDENIED),
        law=law_of(row),
        words=words_of(row),
    )
    if every == (frame.types is not None):
        raise row.refused("a frame names types or groups, or every_type")
    if not frame.letters <= LETTERS or Labels.SECRET in frame.labels:
        raise row.refused("letters are of cruds, and no frame holds state secrets")
    row.ended()
    return frame


def check_within(rule: Rule, frames: Sequence[Frame]) -> None:
    """Refuse an operator's rule that no frame holds. Raises RulesRefused."""
    if isinstance(rule, Forbid):
        return
    if isinstance(rule, Reveal):
        if not any(frame.shows(rule) for frame in frames):
            raise RulesRefused(place=f"{rule.file} ({rule.id})", reason="no frame shows so much")
        return
    outside = {frame.id: frame.lacks(rule) for frame in frames}
    if all(outside.values()):
        told = ", ".join(f"{name}: {why}" for name, why in outside.items())
        raise RulesRefused(place=f"{rule.file} ({rule.id})", reason=f"no frame holds it ({told})")
