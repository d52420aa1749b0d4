"""One row of the table of pages: a name, an address, the function that answers, who may."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from trucyte.web.admission import ANYONE
from trucyte.web.render import Call

Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """One row of the table of pages; the name is what the log calls it."""

    name: str
    method: str
    path: str
    handler: Handler
    takes_files: bool = False
    reason: str = "page"  # what the trail calls it: an interaction and a resource type
    roles: frozenset[str] = ANYONE  # who may; `OPEN`: whoever comes, without a login
