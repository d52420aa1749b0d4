"""An account as a delegation keeps it, and the access that a token's account has."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Final, Protocol

import msgspec

from trucyte.records.access import Access, Recorder
from trucyte.shared.access.accounts import Account
from trucyte.shared.access.local import sender_access, subject_access
from trucyte.shared.access.oauth.records import Delegation
from trucyte.shared.access.oauth.scopes import narrowed
from trucyte.shared.access.subject import Subject

Base = Callable[[Subject, Recorder], Access]  # what an account may, whatever its token says
DOOR: Final = "fhir"


class Current(Protocol):
    """What an account is now."""

    def __call__(self, subject: Subject, *, lives_with_session: bool) -> Subject | None:
        """Return it with its rights of now; None where it, or its session, has ended."""
        ...


def as_it_was(subject: Subject, *, lives_with_session: bool) -> Subject | None:
    """Return an account as it was: of a provider whose accounts do not change."""
    return subject


def kept(subject: Subject) -> str:
    """Return an account as text; its persons as texts, for JSON's numbers are short."""
    told = asdict(subject)
    told["roles"] = sorted(subject.roles)
    told["persons"] = [str(one) for one in sorted(subject.persons)]
    return msgspec.json.encode(told).decode()


def again(text: str, *, scopes: Sequence[str], client: str) -> Subject:
    """Return an account that was kept, with the scopes of a token and its application."""
    told: dict[str, Any] = msgspec.json.decode(text)
    told["roles"] = frozenset(told["roles"])
    told["persons"] = frozenset(map(int, told["persons"]))
    told["wards"] = tuple(told["wards"])
    return replace(Subject(**told), scopes=tuple(scopes), client=client)


def base_access(subject: Subject, recorder: Recorder) -> Access:
    """Return what an account may by its kind, before its token narrows that.

    A system what is of its organisation, people what the pages show them.
    """
    if subject.kind == "system":
        return sender_access(Account(subject.account, "", subject.organisation), recorder)
    purpose = "PATRQT" if subject.kind == "citizen" else "TREAT"
    return subject_access(subject, purpose, DOOR, recorder)


def access_of(
    subject: Subject, patient: frozenset[int] | None, recorder: Recorder, base: Base = base_access
) -> Access:
    """Return the access of a token's account: what it may itself, within the token's scopes."""
    return narrowed(base(subject, recorder), subject.scopes or (), patient)


def current_of(current: Current, delegation: Delegation, scopes: Sequence[str]) -> Subject | None:
    """Return the account of a delegation as it is now; None where it has ended."""
    subject = again(delegation.subject, scopes=scopes, client=delegation.client)
    return current(subject, lives_with_session=bool(delegation.session))
