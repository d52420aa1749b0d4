"""The `Access` value: who may see what, decided once and compiled into every query.

Only `shared.access` and `node` make one. It carries the recorder that writes the
trail, so that nothing can be read without leaving an entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntFlag
from typing import Final, Protocol


class Recorder(Protocol):
    """Keeps the trail of what was shown."""

    def shown(self, access: "Access", persons: Sequence[int], reason: str) -> None:
        """Record that data of `persons` is about to be shown; return once that is durable.

        One person key for each resource shown, 0 for what is of no person; `reason` is an
        interaction and a type: "read Patient".
        """
        ...


class Labels(IntFlag):
    """Why a resource is not for everyone: what its `meta.security` says, as one small mask."""

    NONE = 0
    RESTRICTED = 1  # R or V (v3 Confidentiality) without a kind that we know
    HIV = 2
    MENTAL = 4
    PREGNANCY = 8  # its termination
    GENETICS = 16
    TB = 32
    SECRET = 1 << 14  # state secret (Decision 440/QĐ-TTg): never leaves the node


MEDICAL: Final = ~Labels.SECRET


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be done with some types: a role's part, or a SMART scope."""

    types: frozenset[str] | None  # None: all
    letters: frozenset[str]  # of "cruds": create, read, update, delete, search
    query: tuple[tuple[str, str], ...] = ()  # only what meets these token parameters


@dataclass(frozen=True, slots=True)
class Related:
    """Only persons whom one of these treats or was sent: references, `Practitioner/x`."""

    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the consents of persons must say, for a purpose and those who act."""

    purpose: str  # v3 PurposeOfUse
    actors: tuple[str, ...]  # references of whom the caller acts for
    needs_permit: bool  # only what a consent permits; else all that none denies


@dataclass(frozen=True, slots=True)
class Access:
    """What one caller may see for one purpose."""

    caller: str  # who asks: a stable account name, never a person's name
    purpose: str  # v3 PurposeOfUse, e.g. TREAT, HOPERAT
    sees_restricted: bool  # all labels but that of state secrets; else those of `labels`
    recorder: Recorder
    # For whom the caller acts, and whose accepted resources it sees: references such as
    # `Organization/79001`. What is written belongs to `organisation`; "" is the node itself.
    organisation: str = ""
    sees_organisations: frozenset[str] | None = None  # None: those of all
    labels: Labels = Labels.NONE
    sees_secret: bool = False
    grants: tuple[Grant, ...] | None = None  # None: every interaction with every type
    persons: frozenset[int] | None = None  # keys of whose data it is; None: of all
    related: Related | None = None  # None: no relation is asked for
    agreed: Agreed | None = None  # None: consents are not asked
    why: tuple[str, ...] = ()  # the rules that decided
    until: datetime | None = None  # how long it holds

    @property
    def labels_seen(self) -> Labels:
        """All labels whose resources are seen."""
        seen = MEDICAL if self.sees_restricted else self.labels & MEDICAL
        return seen | Labels.SECRET if self.sees_secret else seen

    @property
    def sees_whole(self) -> bool:
        """Whether nothing at all is kept from it, state secrets aside."""
        return self.sees_restricted and not self.is_narrowed

    @property
    def is_narrowed(self) -> bool:
        """Whether something is kept from it for another reason than a label."""
        bounds = (
            self.sees_organisations, self.grants, self.persons, self.related, self.agreed,
            self.until,
        )  # fmt: skip
        return any(bound is not None for bound in bounds)

    def leaving(self) -> "Access":
        """Return the same for what leaves the node: without state secrets."""
        return replace(self, sees_secret=False)

    def sees(self, mask: int) -> bool:
        """Say whether the labels of a mask keep nothing from it: each of them must be seen."""
        return not mask & ~int(self.labels_seen)

    def may(self, letter: str, type: str) -> bool:
        """Say whether an interaction (a letter of "cruds") with a type is granted at all."""
        return self.grants is None or any(
            letter in grant.letters and (grant.types is None or type in grant.types)
            for grant in self.grants
        )
