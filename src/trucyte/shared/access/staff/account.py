"""An account of a person, as it stands, and what one is made of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from trucyte.shared.access.staff.problems import StaffUnreadable
from trucyte.shared.access.staff.roles import STAFF_ROLES
from trucyte.shared.access.subject import Subject

NAME: Final = re.compile(r"[a-z][a-z0-9._-]{1,31}")
# What the trail calls others than people.
RESERVED: Final = frozenset(
    {"local", "nobody", "cli", "pages", "fhir", "api", "demo", "system", "new", "review"}
)
DISPLAY_MAX: Final = 80
_REFERENCE: Final = r"/[A-Za-z0-9.-]{1,64}"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
OPERATOR: Final = Subject("cli", "local")  # whoever has this machine's command line


class State(StrEnum):
    """Where in its life an account is."""

    INVITED = "invited"  # nothing proves its holder yet
    ACTIVE = "active"
    LOCKED = "locked"  # not used for too long
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Rights:
    """What an account may do and for whom."""

    roles: tuple[str, ...]
    organisation: str = ""  # "Organization/79001"
    wards: tuple[str, ...] = ()  # "Location/x"
    practitioner: str = ""  # "Practitioner/x"


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """An account as it stands."""

    name: str
    display: str
    rights: Rights
    state: State
    has_password: bool
    has_long_password: bool  # one that does without a second factor
    has_codes: bool  # a second factor by time
    passkeys: int
    created_at: datetime
    created_by: str
    used_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    handed_to: str
    reviewed_at: datetime | None
    is_overdue: bool  # its rights were not signed off in time

    @property
    def is_administrator(self) -> bool:
        """Say whether it administers accounts."""
        return "administrator" in self.rights.roles


class Noting(Protocol):
    """Hears of what is done with accounts; the trail is behind it."""

    def logged_in(self, account: str, organisation: str, code: str) -> None:
        """Hear of a login, with the code of the Problem a failed one; `account` "" unknown."""
        ...

    def changed(self, by: Subject, what: str, account: str) -> None:
        """Hear that `what` ("account-roles") was done by someone to an account."""
        ...


class NotNoted:
    """Tells nobody; for tests of what is not about the trail."""

    def logged_in(self, account: str, organisation: str, code: str) -> None:
        """Tell nobody."""

    def changed(self, by: Subject, what: str, account: str) -> None:
        """Tell nobody."""


def check_name(name: str) -> str:
    """Return a name to log in with. Raises StaffUnreadable."""
    if not NAME.fullmatch(name) or name in RESERVED:
        raise StaffUnreadable(field="name")
    return name


def check_display(display: str) -> str:
    """Return what an account is displayed as. Raises StaffUnreadable."""
    plain = " ".join(display.split())
    if not plain or len(plain) > DISPLAY_MAX or _CONTROL.search(plain):
        raise StaffUnreadable(field="display")
    return plain


def checked(rights: Rights) -> Rights:
    """Return rights with each role once, in order. Raises StaffUnreadable."""
    if not rights.roles or not set(rights.roles) <= set(STAFF_ROLES):
        raise StaffUnreadable(field="roles")
    for field, type, references in (
        ("organisation", "Organization", _given(rights.organisation)),
        ("wards", "Location", rights.wards),
        ("practitioner", "Practitioner", _given(rights.practitioner)),
    ):
        if not all(re.fullmatch(type + _REFERENCE, one) for one in references):
            raise StaffUnreadable(field=field)
    return Rights(
        tuple(role for role in STAFF_ROLES if role in rights.roles),
        rights.organisation,
        tuple(dict.fromkeys(rights.wards)),
        rights.practitioner,
    )


def state_of(
    *,
    ended_at: datetime | None,
    activated_at: datetime | None,
    is_provable: bool,
    latest: datetime,
    now: datetime,
    dormant: timedelta,
) -> State:
    """Return where an account is; `latest` is when it was last used, made or woken."""
    if ended_at is not None:
        return State.ENDED
    if activated_at is None or not is_provable:
        return State.INVITED
    return State.LOCKED if now - latest > dormant else State.ACTIVE


def _given(text: str) -> Sequence[str]:
    return (text,) if text else ()
