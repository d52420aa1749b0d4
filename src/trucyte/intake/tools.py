"""What the pipeline works with, made once a process by whoever wires the node.

`Build` crosses into worker processes, so it must be something pickle can name: a
function of a module, or a `functools.partial` of one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from trucyte.base.clock import Clock
from trucyte.database.connect import Database
from trucyte.fhir.issue import Issue
from trucyte.intake.claims.draft import ClaimsMapping
from trucyte.intake.claims.finding import Finding
from trucyte.intake.claims.tables import Visit
from trucyte.journal.journal import Journal


class Rules(Protocol):
    """The validation rules of claims."""

    def look(self, visits: Iterable[Visit]) -> None:
        """Read at once what `check` will ask of a register about these visits."""
        ...

    def check(self, visit: Visit, on: date | None = None) -> Sequence[Finding]:
        """Return what is wrong with a visit; `on` is the day whose rules count."""
        ...


class Checker(Protocol):
    """Says whether a resource holds to FHIR."""

    def check(self, resource: Any) -> Sequence[Issue]:
        """Return what is wrong with a parsed resource, empty for nothing."""
        ...


class Barred(Protocol):
    """An act of someone whose licence was not in force then."""

    @property
    def place(self) -> str:
        """Where in the resource, as FHIRPath has it."""
        ...

    @property
    def why(self) -> str:
        """The register's code, such as revoked or expired."""
        ...

    @property
    def day(self) -> str:
        """The day of the act."""
        ...


class Signers(Protocol):
    """Says of acts that are past whether the licence was in force then."""

    def barred(self, resources: Sequence[Mapping[str, Any]]) -> Sequence[Barred | None]:
        """Return of each resource the first act of someone who might not sign."""
        ...


class Finder(Protocol):
    """Answers the conditions of FHIR transactions from the index."""

    def find(self, type: str, query: str, organisation: str = "") -> Sequence[str]:
        """Return the ids of at most two current resources that meet a search query.

        `organisation` keeps to what that one may see.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything one worker needs."""

    database: Database
    journal: Journal
    mapping: ClaimsMapping
    rules: Rules
    checker: Checker
    finder: Finder
    person: Callable[[str], int]  # "Patient/<id>" -> person key
    person_of: Callable[[Mapping[str, Any]], str | None]  # resource -> "Patient/<id>"
    ids: bytes  # the key of opaque ids
    clock: Clock
    signers: Signers | None = None  # None: there is no register to ask


Build = Callable[[], Tools]
