"""Who asks the FHIR API: the holder of a token, or someone at this machine.

Where people are not asked to log in, whoever brings no token sits at the node and acts for
it; else a token is needed. A token narrows: its account sees what it may itself, within
what the token says.
"""

from collections.abc import Callable
from dataclasses import dataclass

from trucyte.records.access import Access, Recorder
from trucyte.shared.access.accounts import Accounts, TokenRefused
from trucyte.shared.access.local import local_access, sender_access
from trucyte.shared.access.oauth.subjects import Base, access_of, base_access
from trucyte.web.api.asgi import Call
from trucyte.web.oauth.doors import Tokens, bearer

DOOR = "fhir"
# What a client must be able to read before it can have a token (R4 §3.1.0.9).
_OPEN = ("/metadata",)


@dataclass(frozen=True, slots=True)
class Asking:
    """What besides the accounts of sending systems says who asks."""

    tokens: Tokens | None = None  # None: only those accounts have tokens
    asks_login: Callable[[], bool] = lambda: False
    base: Base = base_access  # what an account may, whatever its token says


def access_by_token(
    accounts: Accounts, recorder: Recorder, asking: Asking | None = None
) -> Callable[[Call], Access]:
    """Return what makes the access of a call; it raises TokenRefused, BearerRefused."""
    asking = asking or Asking()

    def access(call: Call) -> Access:
        said = call.headers.get("authorization")
        if said is None:
            if asking.asks_login() and not call.path.endswith(_OPEN):
                raise TokenRefused
            return local_access(DOOR, recorder)
        kind, _, text = said.partition(" ")
        text = text.strip()
        if asking.tokens is not None and text.count(".") == 2:
            scheme, text = bearer(said)
            asked = asking.tokens.place.asked(call, {})
            held = asking.tokens.check.held(text, asked, scheme=scheme)
            return access_of(held.subject, held.patient, recorder, asking.base)
        if kind.lower() != "bearer" or not text:
            raise TokenRefused
        return sender_access(accounts.holder(text), recorder)

    return access
