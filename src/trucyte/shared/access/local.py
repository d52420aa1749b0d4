"""The one policy there is until access control lands: this machine, nothing restricted.

The server binds to loopback only, so whoever asks sits at the node. Restricted resources
stay masked for everyone. What is shown goes to the recorder that the caller brings: the
trail, or one request's part of it.
"""

from collections.abc import Sequence
from dataclasses import replace

from trucyte.base.problem import Kind, Problem
from trucyte.records.access import Access, Labels, Recorder
from trucyte.records.asker import Asker
from trucyte.shared.access.accounts import Account
from trucyte.shared.access.subject import Subject


class OperatorsOnly(Problem):
    """Only an operator of this node may do that."""

    kind = Kind.FORBIDDEN
    code = "operators-only"


def check_operator(access: Access) -> None:
    """Raise OperatorsOnly for who acts for one organisation among others."""
    if access.sees_organisations is not None:
        raise OperatorsOnly


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


def subject_access(subject: Subject, purpose: str, door: str, recorder: Recorder) -> Access:
    """Return the access of whoever is before a page, by what is known of them so far.

    Staff of an organisation see what is of that one, nothing restricted; a citizen the own
    persons only.
    """
    if subject.kind == "local":
        return local_access(door, recorder)
    if subject.kind == "citizen":
        return replace(no_access(subject, recorder), purpose=purpose, persons=subject.persons)
    organisation = subject.organisation
    return Access(
        caller=subject.account,
        purpose=purpose,
        sees_restricted=False,
        recorder=recorder,
        organisation=organisation,
        sees_organisations=frozenset({organisation}) if organisation else None,
    )


def no_access(subject: Subject, recorder: Recorder) -> Access:
    """Return the access of one who is named and sees nothing: what is denied is entered by it."""
    return Access(
        caller=subject.account,
        purpose="",
        sees_restricted=False,
        recorder=recorder,
        organisation=subject.organisation,
        sees_organisations=frozenset(),
        grants=(),
        persons=frozenset(),
    )


def sender_access(account: Account, recorder: Recorder) -> Access:
    """Return the access of a system that logged in: its organisation's, nothing restricted.

    An account of no organisation sees what is of nobody, and makes nothing.
    """
    organisation = account.organisation or (
        f"Organization/{account.facility}" if account.facility else ""
    )
    return Access(
        caller=account.name,
        purpose="HOPERAT",
        sees_restricted=False,
        recorder=recorder,
        organisation=organisation,
        sees_organisations=frozenset({organisation} if organisation else ()),
    )


def system_access(part: str, organisation: str = "") -> Access:
    """Return the access of a part of the program that shows nothing to anyone, by name.

    Where it works for an organisation, it looks at what that one may see.

    Intake decides by it whether a condition of a transaction already holds; hiding
    restricted records from that question would make doubles of them.
    """
    return Access(
        caller=part,
        purpose="SYSADMIN",
        sees_restricted=True,
        recorder=Unshown(),
        organisation=organisation,
        sees_organisations=frozenset({organisation}) if organisation else None,
    )


def access_again(asker: Asker, recorder: Recorder) -> Access:
    """Return the access of a caller whose work goes on after its request was answered."""
    seen, persons = asker.sees_organisations, asker.persons
    return Access(
        caller=asker.caller,
        purpose=asker.purpose,
        sees_restricted=asker.sees_restricted,
        recorder=recorder,
        organisation=asker.organisation,
        sees_organisations=None if seen is None else frozenset(seen),
        labels=Labels(asker.labels),
        grants=asker.grants,
        persons=None if persons is None else frozenset(persons),
        related=asker.related,
        agreed=asker.agreed,
        why=asker.why,
        until=asker.until,
    )
