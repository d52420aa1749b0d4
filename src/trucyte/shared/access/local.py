"""The one policy there is until access control lands: this machine, nothing restricted.

The server binds to loopback only, so whoever asks sits at the node. Restricted resources
stay masked for everyone. What is shown goes to the recorder that the caller brings: the
trail, or one request's part of it.
"""

from collections.abc import Sequence

from trucyte.records.access import Access, Recorder
from trucyte.shared.access.accounts import Account


class Unshown:
    """The recorder of a part of the program that shows nothing to anyone: it keeps nothing.

    What such a part reads decides what it writes, and that stands in the journal. An entry
    for each of its questions would bury those that a person wants to see.
    """

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        """Keep nothing: nobody is shown anything."""


def local_access(door: str, recorder: Recorder) -> Access:
    """Return the access of someone at this machine, through `door` ("pages", "fhir")."""
    return Access(caller=door, purpose="TREAT", sees_restricted=False, recorder=recorder)


def sender_access(account: Account, recorder: Recorder) -> Access:
    """Return the access of a sending system: its own account and facility, nothing restricted."""
    return Access(
        caller=account.name,
        purpose="HOPERAT",
        sees_restricted=False,
        recorder=recorder,
        organisation=f"Organization/{account.facility}" if account.facility else "",
    )


def system_access(part: str) -> Access:
    """Return the access of a part of the program that shows nothing to anyone, by name.

    Intake decides by it whether a condition of a transaction already holds; hiding
    restricted records from that question would make doubles of them.
    """
    return Access(caller=part, purpose="SYSADMIN", sees_restricted=True, recorder=Unshown())


def access_again(
    caller: str,
    purpose: str,
    *,
    sees_restricted: bool,
    organisation: str,
    sees_organisations: Sequence[str] | None,
    recorder: Recorder,
) -> Access:
    """Return the access of a caller whose work goes on after its request was answered."""
    return Access(
        caller=caller,
        purpose=purpose,
        sees_restricted=sees_restricted,
        recorder=recorder,
        organisation=organisation,
        sees_organisations=None if sees_organisations is None else frozenset(sees_organisations),
    )
