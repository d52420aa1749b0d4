"""Whoever may not even begin is in the trail: refusals met before there is an access."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from trucyte.base.problem import Problem
from trucyte.records.access import Access
from trucyte.web.api.asgi import Call


class Denying(Protocol):
    """Enters refusals of those who have no access."""

    def denied(self, problem: Problem, *, door: str) -> Future[None] | None:
        """Enter a Problem that kept a caller out; None where there is nothing to wait for."""
        ...


def with_refusals_entered(
    access: Callable[[Call], Access], trail: Denying, door: str
) -> Callable[[Call], Access]:
    """Return `access` for a door whose requests the trail does not gather, as sockets.

    What it raises is entered first; the door waits for nothing, since it shows nothing.
    """

    def entered(call: Call) -> Access:
        try:
            return access(call)
        except Problem as problem:
            trail.denied(problem, door=door)
            raise

    return entered
