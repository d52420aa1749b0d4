"""The one policy there is until access control lands: this machine, nothing restricted.

The server binds to loopback only, so whoever asks sits at the node. Restricted resources
stay masked for everyone. What is shown is counted in the log; the trail with its own
journal comes with the audit issue and takes this recorder's place.
"""

from collections.abc import Sequence

from trucyte.base.tracing import Event
from trucyte.records.access import Access

SHOWN = Event("records.shown", persons=int, door=str)


class LoggedRecorder:
    """Writes one log line an answer: how many persons it shows, at which door."""

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        """Record that data of `persons` is about to be shown."""
        SHOWN.log(persons=len(set(persons)), door=access.caller)


def local_access(door: str) -> Access:
    """Return the access of someone at this machine, through `door` ("pages", "fhir")."""
    return Access(caller=door, purpose="TREAT", sees_restricted=False, recorder=LoggedRecorder())


def system_access(part: str) -> Access:
    """Return the access of a part of the program that shows nothing to anyone, by name.

    Intake decides by it whether a condition of a transaction already holds; hiding
    restricted records from that question would make doubles of them.
    """
    return Access(caller=part, purpose="SYSADMIN", sees_restricted=True, recorder=LoggedRecorder())


def access_again(
    caller: str,
    purpose: str,
    *,
    sees_restricted: bool,
    organisation: str,
    sees_organisations: Sequence[str] | None,
) -> Access:
    """Return the access of a caller whose work goes on after its request was answered."""
    return Access(
        caller=caller,
        purpose=purpose,
        sees_restricted=sees_restricted,
        recorder=LoggedRecorder(),
        organisation=organisation,
        sees_organisations=None if sees_organisations is None else frozenset(sees_organisations),
    )
