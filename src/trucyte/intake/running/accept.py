"""Accept pieces of any kind, and outlast a database that is away."""

from collections.abc import Iterator, Sequence
from threading import Event

from trucyte.intake.claims.accept import ClaimsAcceptor, Task, Told
from trucyte.intake.fhir.accept import FhirAcceptor
from trucyte.intake.limits import DEFAULT, Limits
from trucyte.intake.piece import Form
from trucyte.intake.running.patience import patiently
from trucyte.intake.tools import Tools

_FHIR = (Form.BUNDLE, Form.RESOURCE)


class Acceptor:
    """Takes pieces into the journal. One a thread."""

    def __init__(self, tools: Tools, limits: Limits = DEFAULT) -> None:
        """Work with `tools` until `close`."""
        self._tools = tools
        self._claims = ClaimsAcceptor(tools, limits)
        self._fhir = FhirAcceptor(tools, limits)

    def accept(self, tasks: Sequence[Task], stop: Event) -> list[Told]:
        """Return what became of each piece, after waiting for the database as long as it takes.

        Raises a NO_SPACE Problem, and an UNAVAILABLE one when `stop` is set meanwhile; what
        was committed until then is found again on the next try.
        """
        told: list[Told] = []
        done: set[tuple[int, int]] = set()

        def go_on() -> None:
            for source, result in self._once([t for t in tasks if _key(t) not in done]):
                told.append((source, result))
                done.add((source, result.ordinal))

        patiently(go_on, stop)
        return told

    def _once(self, tasks: Sequence[Task]) -> Iterator[Told]:
        claims = [task for task in tasks if task[1].form not in _FHIR]
        fhir = [task for task in tasks if task[1].form in _FHIR]
        if claims:
            yield from self._claims.accept(claims)
        if fhir:
            yield from self._fhir.accept(fhir)

    def close(self) -> None:
        """Close what the tools hold open."""
        self._tools.journal.close()
        self._tools.database.close()


def _key(task: Task) -> tuple[int, int]:
    return task[0], task[1].ordinal
