"""The check of every access token that comes to the API: whose it is, and what it reaches.

A token that was checked is remembered by its digest until it ends; what an account is now
and what was revoked is looked at again every few seconds, in every process. Where that
cannot be looked at nothing is believed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import Final

import msgspec

from trucyte.shared.access.oauth.asked import Asked
from trucyte.shared.access.oauth.proof import check_binding
from trucyte.shared.access.oauth.provider import Provider, is_revoked
from trucyte.shared.access.oauth.refusal import BearerRefused, NonceNeeded, OAuthRefused
from trucyte.shared.access.oauth.subjects import current_of
from trucyte.shared.access.oauth.tokens import SKEW_SECONDS, Claims, is_for, text_of
from trucyte.shared.access.subject import Subject

REVOCATION_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 5.0  # at what an account is now
KEPT_MAX: Final = 10_000

Keys = Callable[[str], frozenset[int]]  # "Patient/x" -> the person's keys, circles added


@dataclass(frozen=True, slots=True)
class Held:
    """A token that was checked: its account as it is now, and its patient."""

    subject: Subject
    patient: frozenset[int] | None
    claims: Claims
    looked_at: float


class TokenCheck:
    """Checks access tokens. Safe to share between threads."""

    def __init__(self, provider: Provider, keys: Keys) -> None:
        """Check tokens of `provider`."""
        self._provider = provider
        self._keys = keys
        self._mutex = Lock()
        self._kept: dict[bytes, Held] = {}
        self._revoked: dict[str, float] = {}
        self._revoked_at = float("-inf")

    def held(self, text: str, asked: Asked, *, scheme: str) -> Held:
        """Return whose token this is. Raises BearerRefused, DatabaseAway.

        `scheme` is that of the header: a token bound to a key comes with DPoP, no other does.
        """
        now = self._provider.parts.clock.now()
        at = now.timestamp()
        name = sha256(text.encode()).digest()
        found = self._kept.get(name)
        if found is None or at - found.looked_at > LOOK_SECONDS:
            found = self._looked(text, found, now)
            self._keep(name, found, at)
        claims = found.claims
        if claims["exp"] <= at - SKEW_SECONDS:
            raise BearerRefused("it has expired")
        if claims.get("iss") != asked.issuer or not is_for(claims, asked.audience):
            raise BearerRefused("it is for another server")
        if is_revoked(claims, self._revocations(now)):
            raise BearerRefused("it was revoked")
        self._check_holder(text, claims, asked, scheme)
        return found

    def _looked(self, text: str, before: Held | None, now: datetime) -> Held:
        """Return a token with its account as it is now. Raises BearerRefused."""
        claims = before.claims if before else self._provider.claims_of(text)
        if claims is None:
            raise BearerRefused("it is none of ours, or has expired")
        store = self._provider.parts.store
        scopes, client = text_of(claims, "scope").split(" "), text_of(claims, "client_id")
        known = store.client(client)
        if known is None:
            raise BearerRefused("its application has ended")
        if "dlg" not in claims:
            subject = Subject(
                known.id,
                "system",
                organisation=known.organisation,
                scopes=tuple(scopes),
                client=known.id,
            )
            return Held(subject, None, claims, now.timestamp())
        delegation = store.delegation(text_of(claims, "dlg"), now)
        if delegation is None:
            raise BearerRefused("what it was given by has ended")
        current = current_of(self._provider.parts.current, delegation, scopes)
        if current is None:
            raise BearerRefused("its account has ended")
        patient = msgspec.json.decode(delegation.context).get("patient")
        keys = self._keys(f"Patient/{patient}") if patient else None
        return Held(current, keys, claims, now.timestamp())

    def _check_holder(self, text: str, claims: Claims, asked: Asked, scheme: str) -> None:
        is_bound = "jkt" in claims.get("cnf", {})
        if is_bound != (scheme == "dpop"):
            raise BearerRefused("it comes in the wrong scheme")
        if "cnf" not in claims:
            return
        proofs = self._provider.parts.proofs
        try:
            proof = ""
            if is_bound:
                shown = asked.headers.get("dpop", "")
                proof = proofs.thumbprint(shown, method=asked.method, url=asked.url, token=text)
            check_binding(claims, proof=proof, certificate=asked.certificate)
        except NonceNeeded as needed:
            raise BearerRefused(needed.reason, error=needed.error, nonce=needed.nonce) from None
        except OAuthRefused as refused:
            raise BearerRefused(refused.reason, error=refused.error) from None

    def _revocations(self, now: datetime) -> dict[str, float]:
        at = now.timestamp()
        if at - self._revoked_at >= REVOCATION_SECONDS:
            # Threads that come together may ask together; each gets what holds now.
            self._revoked = dict(self._provider.parts.store.revoked(now))
            self._revoked_at = at
        return self._revoked

    def _keep(self, name: bytes, held: Held, at: float) -> None:
        with self._mutex:
            if len(self._kept) >= KEPT_MAX:
                self._kept = {key: one for key, one in self._kept.items() if one.claims["exp"] > at}
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[name] = held
