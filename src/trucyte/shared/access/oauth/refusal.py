"""What a request of OAuth is refused with: the error codes of its RFCs, and a sentence."""

from collections.abc import Mapping
from typing import Final

from trucyte.base.problem import Kind, Problem

# What has a status of its own; all others answer 400 (RFC 6749 §5.2).
_STATUS: Final[Mapping[str, int]] = {
    "invalid_client": 401,
    "invalid_token": 401,
    "insufficient_scope": 403,
    "temporarily_unavailable": 503,
}


class OAuthRefused(Problem):
    """The request is refused ({error}): {reason}."""

    kind = Kind.BAD_INPUT
    code = "oauth-refused"

    def __init__(self, error: str, reason: str) -> None:
        """Refuse with an `error` of the RFCs; `reason` is fixed text, nothing of what was sent."""
        super().__init__(error=error, reason=reason)
        self.error = error
        self.reason = reason

    @property
    def status(self) -> int:
        """The HTTP status of a direct answer."""
        return _STATUS.get(self.error, 400)


class NonceNeeded(OAuthRefused):
    """The proof needs the nonce of this server ({error}): {reason}."""

    code = "dpop-nonce-needed"

    def __init__(self, nonce: str) -> None:
        """Ask for a proof with `nonce` (RFC 9449 §8)."""
        super().__init__("use_dpop_nonce", "the proof needs the nonce in the header DPoP-Nonce")
        self.nonce = nonce


class BearerRefused(Problem):
    """The access token is refused: {reason}."""

    kind = Kind.UNAUTHENTICATED
    code = "bearer-refused"

    def __init__(self, reason: str, *, error: str = "invalid_token", nonce: str = "") -> None:
        """Refuse with a fixed `reason`; `nonce` is one to prove possession with."""
        super().__init__(reason=reason)
        self.error = error
        self.reason = reason
        self.nonce = nonce


def challenge(refused: BearerRefused) -> list[tuple[str, str]]:
    """Return the headers that say how to come back (RFC 6750 §3, RFC 9449 §7.1)."""
    said = f'error="{refused.error}", error_description="{refused.reason}"'
    headers = [("WWW-Authenticate", f'Bearer realm="fhir", {said}')]
    if refused.nonce or refused.error == "invalid_dpop_proof":
        headers = [("WWW-Authenticate", f'DPoP realm="fhir", {said}')]
    return [*headers, ("DPoP-Nonce", refused.nonce)] if refused.nonce else headers
