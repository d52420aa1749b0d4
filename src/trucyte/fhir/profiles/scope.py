"""Where a check is: the resource around it, its container, its bundle, the whole run.

A check takes a value, the `_` sibling of a primitive, and a scope; it answers None or
faults, as the checks of structure do.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from trucyte.fhir.profiles.rules import TOO_COSTLY
from trucyte.fhir.validation.fault import Fault, Found, joined

WORK_MAX = 2_000_000
DEPTH_MAX = 60


class Terminology(Protocol):
    """Knows codes. None as an answer says that it cannot tell."""

    def member_of(self, value_set: str, system: str | None, code: str) -> bool | None:
        """Say whether a code is in a value set; without a system, whatever its system."""

    def knows(self, value_set: str) -> bool:
        """Say whether the value set itself is at hand."""

    def subsumes(self, system: str, code: str, other: str) -> bool | None:
        """Say whether `code` is `other` or an ancestor of it."""

    def has_code(self, system: str, code: str) -> bool | None:
        """Say whether a code system has a code."""

    def displays(self, system: str, code: str) -> frozenset[str]:
        """Return what a code may be called, folded; empty where it is not known."""


class Resolver(Protocol):
    """Finds resources outside the one that is checked."""

    def resolve(self, reference: str) -> dict[str, Any] | None:
        """Return the resource a reference points to, None where unknown."""


class TooCostly(Exception):  # noqa: N818 - leaves the walk, never the validator
    """The check has taken more work than one resource may."""


@dataclass(slots=True)
class Run:
    """One call of the validator."""

    resolver: Resolver | None = None
    work: int = WORK_MAX
    depth: int = 0
    # Whether structure found nothing: only then may rules count on the types of what they meet.
    is_sound: bool = True
    conforming: set[tuple[int, str]] = field(default_factory=set)
    conformed: dict[tuple[int, str], Found] = field(default_factory=dict)
    # What links within a narrative may lead to, by the identity of the resource.
    anchors: dict[int, set[str]] = field(default_factory=dict)

    def charge(self, count: int) -> None:
        """Count work; raises `TooCostly`."""
        self.work -= count
        if self.work < 0:
            raise TooCostly


class Bundled(Protocol):
    """The resources of a bundle by where they are."""

    def resolve(self, reference: str, full_url: str) -> list[dict[str, Any]]:
        """Return the resources a reference from the entry at `full_url` points to."""

    def full_url_of(self, resource: dict[str, Any]) -> str:
        """Return the fullUrl of the entry that holds a resource, "" where none does."""


@dataclass(slots=True)
class Scope:
    """A resource under check, and what stands around it."""

    resource: dict[str, Any]
    container: dict[str, Any]  # the resource itself, or the one that contains it
    run: Run
    bundle: Bundled | None = None
    full_url: str = ""
    # Nodes of FHIRPath for the resource and its container, made when first needed.
    environment: Any = None

    def nested(self, resource: dict[str, Any]) -> "Scope":
        """Return the scope of another resource: one contained here keeps its container."""
        listed = self.container.get("contained")
        is_contained = False
        if isinstance(listed, list):
            self.run.charge(len(listed))
            is_contained = any(one is resource for one in listed)
        container = self.container if is_contained else resource
        full_url = self.full_url
        if not is_contained and self.bundle is not None:
            full_url = self.bundle.full_url_of(resource) or full_url
        return Scope(resource, container, self.run, self.bundle, full_url)

    def resolve(self, reference: str) -> dict[str, Any] | None:
        """Return what a reference points to: contained, in the bundle, or elsewhere."""
        if reference.startswith("#"):
            return self._contained(reference[1:])
        if self.bundle is not None:
            found = self.bundle.resolve(reference, self.full_url)
            if found:
                return found[0]
        resolver = self.run.resolver
        return None if resolver is None else resolver.resolve(reference)

    def _contained(self, id: str) -> dict[str, Any] | None:
        if not id:
            return self.container
        listed = self.container.get("contained")
        self.run.charge(len(listed) if isinstance(listed, list) else 0)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict) and one.get("id") == id:
                return one
        return None


class Item(NamedTuple):
    """One value of an element."""

    value: Any  # None where a primitive has only extensions
    extra: dict[str, Any] | None  # the `_` sibling of a primitive
    step: str  # ".name[0]", ".value.ofType(Quantity)"
    type: str


Check = Callable[[Any, Any, Scope], Found]


def together(checks: Iterable[Check | None]) -> Check | None:
    """Return the checks as one, or None where there is none."""
    several = tuple(check for check in checks if check is not None)
    if len(several) < 2:
        return several[0] if several else None

    def check(value: Any, extra: Any, scope: Scope) -> Found:
        found: Found = None
        for one in several:
            more = one(value, extra, scope)
            if more is not None:
                found = joined(found, more, "")
        return found

    return check


def costly() -> Fault:
    """Return the fault of a check that was given up."""
    return Fault(TOO_COSTLY)


Facts = Mapping[str, str | int]
