"""What a rule is: three kinds of it, each with its article of law and its words.

A `Permit` is a whole answer for some subjects and purposes: what, of whom, under which
conditions. A `Reveal` lets the holders of a named permission see a label besides. A
`Forbid` takes away, and nothing gives back.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trucyte.base.problem import Problem
from trucyte.records.access import Grant, Labels

LETTERS: Final = frozenset("cruds")


class RulesRefused(Problem):
    """The rules of access cannot be used, {place}: {reason}."""

    code = "rules-refused"


class Relation(StrEnum):
    """By what of the subject a person is related to it."""

    PRACTITIONER = "practitioner"  # treats the person
    WARD = "ward"  # the person lies, or is expected, in one of the subject's wards
    ORGANISATION = "organisation"  # the subject's organisation treats or got a referral


class Organisations(StrEnum):
    """Whose accepted resources are seen."""

    OWN = "own"  # those of the subject's organisation
    BELOW = "below"  # also of those it oversees
    ALL = "all"


class Persons(StrEnum):
    """Whose data it is."""

    ALL = "all"
    OWN = "own"  # the subject's own and those it acts for
    EMERGENCY = "emergency"  # the one of the emergency
    NOBODY = "nobody"  # only what is of no person


class Consenting(StrEnum):
    """What the consents of persons must say."""

    UNASKED = "unasked"
    UNDENIED = "undenied"  # all but what one denies
    PERMITTED = "permitted"  # only what one permits


class Need(StrEnum):
    """What must be at hand besides."""

    EMERGENCY = "emergency"  # an open emergency of the subject
    RELEASE = "release"  # the managing unit's key, for this subject and purpose


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages."""

    vi: str
    en: str

    def of(self, language: str) -> str:
        """Return the sentence in a language."""
        return self.vi if language == "vi" else self.en


@dataclass(frozen=True, slots=True)
class Law:
    """Where a rule comes from; what is recalled or inferred is not `verified`."""

    text: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Who:
    """On whom and when a rule bears; what is empty is no condition."""

    roles: frozenset[str] = frozenset()  # any of them
    kinds: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    doors: frozenset[str] = frozenset()
    assurance: int = 1  # at least


@dataclass(frozen=True, slots=True)
class Permit:
    """What some may do, of whom, under which conditions."""

    id: str
    who: Who
    grants: tuple[Grant, ...]
    law: Law
    words: Words
    relation: frozenset[Relation] = frozenset()  # empty: none is asked for
    organisations: Organisations = Organisations.OWN
    persons: Persons = Persons.ALL
    consenting: Consenting = Consenting.UNASKED
    needs: frozenset[Need] = frozenset()
    labels: Labels = Labels.NONE
    file: str = ""


@dataclass(frozen=True, slots=True)
class Reveal:
    """Labels that holders of a permission see besides, where a permit of theirs decided."""

    id: str
    who: Who
    permission: str  # a role of that name
    labels: Labels
    law: Law
    words: Words
    file: str = ""


@dataclass(frozen=True, slots=True)
class Forbid:
    """What is taken from any permit; the rest stays."""

    id: str
    who: Who
    law: Law
    words: Words
    unless: frozenset[str] = frozenset()  # Need or "permitted": not where the permit asks it
    takes_all: bool = False
    types: frozenset[str] = frozenset()
    letters: frozenset[str] = LETTERS  # of `types`
    labels: Labels = Labels.NONE
    file: str = ""


Rule = Permit | Reveal | Forbid


def labels_of(names: list[str]) -> Labels:
    """Return the mask of label names; raises KeyError for a name there is none of."""
    mask = Labels.NONE
    for name in names:
        mask |= Labels[name]
    return mask
