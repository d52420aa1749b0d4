"""Signed tokens: written in one way, and read in none but the expected one (RFC 8725).

Who reads says which algorithms, whose key and which `typ` it takes; nothing of that comes
from the token. A token too long to be one of ours is refused before it is decoded.
"""

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key

from trucyte.shared.access.oauth.refusal import OAuthRefused

SIGNED_WITH: Final = "ES256"
# What others may sign with: SMART asks for ES384 and RS384 (Backend Services, 3.1).
TAKEN_OF_CLIENTS: Final = ("ES256", "ES384", "RS256", "RS384", "PS256", "PS384")
LENGTH_MAX: Final = 8192
SKEW_SECONDS: Final = 60
_HEADER_MAX: Final = 2048  # a proof carries a key in its header
_SHAPE: Final = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

Claims = dict[str, Any]
# Of header and claims, neither of which is to be trusted yet.
KeyOf = Callable[[Mapping[str, Any], Claims], Key | None]


class Malformed(Exception):  # noqa: N818 - each reader says what it means to its caller
    """A token is not what it must be; the reason is fixed text."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


class _Registry(jws.JWSRegistry):
    max_header_length = _HEADER_MAX
    max_payload_length = LENGTH_MAX


def signed(claims: Claims, key: Key, *, typ: str, algorithm: str = SIGNED_WITH) -> str:
    """Return claims as a signed token."""
    header = {"alg": algorithm, "typ": typ, "kid": key.kid or key.thumbprint()}
    return jws.serialize_compact(header, msgspec.json.encode(claims), key, [algorithm])


def read_signed(
    text: str, key_of: KeyOf, *, algorithms: Collection[str], types: Collection[str] = ()
) -> tuple[Mapping[str, Any], Claims]:
    """Return header and claims of a token whose signature is right. Raises Malformed.

    `types` are the values of `typ` that are taken, in lower case; none: any.
    """
    raw = text.encode("ascii", "replace")
    if len(raw) > LENGTH_MAX or not _SHAPE.fullmatch(raw):
        raise Malformed("it is no signed token")
    registry = _Registry(algorithms=list(algorithms))
    try:
        found = jws.extract_compact(raw, registry=registry)
        header = found.headers()
        if header.get("alg") not in algorithms:
            raise Malformed("its algorithm is not taken")
        if types and str(header.get("typ", "")).lower() not in types:
            raise Malformed("it is a token of another type")
        claims = msgspec.json.decode(found.payload)
        if not isinstance(claims, dict):
            raise Malformed("it has no claims")
        key = key_of(header, claims)
        if key is None:
            raise Malformed("its key is unknown")
        if not jws.validate_compact(found, key, registry=registry):
            raise Malformed("its signature is wrong")
    except (JoseError, ValueError, TypeError, msgspec.DecodeError, RecursionError):
        raise Malformed("it is no signed token") from None
    return header, claims


def check_times(
    claims: Claims, now: datetime, *, life_seconds_max: int | None = None, needs_exp: bool = True
) -> None:
    """Check `exp`, `nbf` and `iat`, with a minute for clocks that differ. Raises Malformed."""
    at = now.timestamp()
    exp, nbf, iat = (_seconds(claims, name) for name in ("exp", "nbf", "iat"))
    if exp is None and needs_exp:
        raise Malformed("it has no end")
    if exp is not None and exp <= at - SKEW_SECONDS:
        raise Malformed("it has expired")
    if any(moment is not None and moment > at + SKEW_SECONDS for moment in (nbf, iat)):
        raise Malformed("it is not valid yet")
    if life_seconds_max is None or exp is None:
        return
    if exp > at + life_seconds_max + SKEW_SECONDS:
        raise Malformed("it lives too long")


def _seconds(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        raise Malformed("one of its times is no time")
    return float(value)


def is_for(claims: Claims, *audiences: str) -> bool:
    """Say whether a token is for one of these audiences."""
    said = claims.get("aud")
    return any(one in audiences for one in (said if isinstance(said, list) else [said]))


def text_of(claims: Claims, name: str) -> str:
    """Return a claim that must be a text, "" where it is none."""
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def new_secret() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> bytes:
    """Return what is kept of a secret."""
    return sha256(text.encode()).digest()


def encoded(raw: bytes) -> str:
    """Return bytes in base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def half_hash(text: str) -> str:
    """Return the left half of SHA-256, as `at_hash` has it (OpenID Connect Core §3.1.3.6)."""
    return encoded(sha256(text.encode()).digest()[:16])


def is_pkce(verifier: str, challenge: str) -> bool:
    """Say whether a verifier is that of a challenge (RFC 7636 §4.6, S256)."""
    fine = re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier) is not None
    made = encoded(sha256(verifier.encode()).digest())
    return secrets.compare_digest(made, challenge) and fine


def new_key() -> ECKey:
    """Return a new key to sign with, named by its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", private=True)
    return ECKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})


def refused(malformed: Malformed, error: str, what: str) -> OAuthRefused:
    """Return the refusal of a request because of a token in it."""
    return OAuthRefused(error, f"{what}: {malformed.reason}")
