"""Who asks, as rules see them: an account, its kind and its roles; nothing of a person."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["local", "staff", "system", "citizen", "node"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whoever is before a page or holds a token."""

    account: str  # a stable name or number, never a person's name
    kind: Kind
    roles: frozenset[str] = frozenset()
    organisation: str = ""  # for whom it acts: `Organization/79001`
    wards: tuple[str, ...] = ()  # `Location/x`
    practitioner: str = ""  # `Practitioner/x` where the account is a practitioner's
    persons: frozenset[int] = frozenset()  # a citizen's own key and those it may act for
    assurance: int = 1  # 1 password, 2 with a second factor or VNeID level 2, 3 in person
    scopes: tuple[str, ...] | None = None  # SMART scopes of a token; None: as the roles say
    session: str = ""
    client: str = ""  # the application, where there is one between


LOCAL = Subject("local", "local")  # whoever sits at this machine, before accounts exist

NOBODY = Subject("nobody", "citizen", assurance=0)  # whoever has not logged in: no role, no person
