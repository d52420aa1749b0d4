"""What the pages of a citizen's login need of the node."""

from collections.abc import Callable
from dataclasses import dataclass

from trucyte.shared.access.oauth.relying import Citizen, RelyingParty
from trucyte.shared.access.staff.sessions import Sessions
from trucyte.web.oauth.place import Place


@dataclass(frozen=True, slots=True)
class Known:
    """A citizen as this node knows them."""

    account: str  # "Patient/x"
    persons: frozenset[int]


@dataclass(frozen=True, slots=True)
class CitizenLogin:
    """A provider to log in with, and what becomes of who comes back."""

    party: RelyingParty
    find: Callable[[Citizen], Known]  # raises CitizenUnknown, CitizenAmbiguous
    sessions: Sessions
    place: Place
    entered: Callable[[str, str], None]  # account, code of what was wrong: into the trail
