"""Who asks the FHIR API: the holder of a token, or someone at this machine.

The server binds to loopback only, so whoever brings no token sits at the node and acts for
it. A token narrows: its holder acts for one organisation, and sees what is of that one.
"""

from collections.abc import Callable

from trucyte.records.access import Access, Recorder
from trucyte.shared.access.accounts import Accounts, TokenRefused
from trucyte.shared.access.local import local_access, sender_access
from trucyte.web.api.asgi import Call

DOOR = "fhir"


def access_by_token(accounts: Accounts, recorder: Recorder) -> Callable[[Call], Access]:
    """Return what makes the access of a call; it raises TokenRefused."""

    def access(call: Call) -> Access:
        said = call.headers.get("authorization")
        if said is None:
            return local_access(DOOR, recorder)
        kind, _, text = said.partition(" ")
        if kind.lower() != "bearer" or not text.strip():
            raise TokenRefused
        return sender_access(accounts.holder(text.strip()), recorder)

    return access
