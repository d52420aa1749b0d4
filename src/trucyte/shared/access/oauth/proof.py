"""Proof that whoever brings a token holds the key it was given for (RFC 9449, RFC 8705).

A DPoP proof is for one method and one address, made lately with a nonce of this server,
and counts once in all processes of the node.
"""

import hmac
import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from trucyte.base.clock import Clock
from trucyte.shared.access.oauth.refusal import NonceNeeded, OAuthRefused
from trucyte.shared.access.oauth.tokens import (
    SKEW_SECONDS,
    Claims,
    Malformed,
    check_times,
    digest,
    encoded,
    read_signed,
    refused,
    text_of,
)

ALGORITHMS: Final = ("ES256", "ES384", "RS256", "PS256")
_NONCE_SECONDS: Final = 150  # one counts for its own span and the one after
_AGE_SECONDS_MAX: Final = 300
_CERTIFICATE_MAX: Final = 16 * 1024

Once = Callable[[bytes, datetime, datetime], bool]


class Proofs:
    """Checks proofs. Safe to share between threads."""

    def __init__(self, once: Once, secret: bytes, clock: Clock) -> None:
        """Ask `once` whether a proof is new; nonces are made under `secret`."""
        self._once = once
        self._secret = secret
        self._clock = clock

    def nonce(self) -> str:
        """Return the nonce to prove with now; all processes of a node make the same."""
        return self._made(int(self._clock.now().timestamp()) // _NONCE_SECONDS)

    def thumbprint(self, text: str, *, method: str, url: str, token: str = "") -> str:
        """Return the thumbprint of the key of a proof. Raises OAuthRefused, NonceNeeded.

        `token` is the access token it comes with, whose hash must be in it.
        """
        keys: list[Key] = []

        def key_of(header: Mapping[str, Any], claims: Claims) -> Key | None:
            key = _public_key(header.get("jwk"))
            keys.extend([key] if key else [])
            return key

        try:
            _, claims = read_signed(text, key_of, algorithms=ALGORITHMS, types=("dpop+jwt",))
            self._check(claims, method=method, url=url, token=token)
        except Malformed as malformed:
            raise refused(malformed, "invalid_dpop_proof", "the proof is refused") from None
        return keys[0].thumbprint()

    def _check(self, claims: Claims, *, method: str, url: str, token: str) -> None:
        now = self._clock.now()
        if text_of(claims, "htm") != method:
            raise Malformed("it is for another method")
        if not _is_same(text_of(claims, "htu"), url):
            raise Malformed("it is for another address")
        check_times(claims, now, needs_exp=False)
        made_at = claims.get("iat")
        oldest = now.timestamp() - _AGE_SECONDS_MAX
        if not isinstance(made_at, int | float) or made_at < oldest:
            raise Malformed("it is too old")
        if token and not hmac.compare_digest(
            text_of(claims, "ath").encode(), token_hash(token).encode()
        ):
            raise Malformed("it is for another token")
        if not self._is_ours(text_of(claims, "nonce")):
            raise NonceNeeded(self.nonce())
        jti = text_of(claims, "jti")
        if not 0 < len(jti) <= 256:
            raise Malformed("it has no id of its own")
        ends_at = now + timedelta(seconds=_AGE_SECONDS_MAX + 2 * SKEW_SECONDS)
        if not self._once(digest(f"proof\0{url}\0{jti}"), now, ends_at):
            raise Malformed("it was used before")

    def _is_ours(self, nonce: str) -> bool:
        span = int(self._clock.now().timestamp()) // _NONCE_SECONDS
        raw = nonce.encode("utf-8", "replace")
        known = [self._made(one).encode() for one in (span, span - 1)]
        return any([hmac.compare_digest(raw, one) for one in known])  # noqa: C419 - both, always

    def _made(self, span: int) -> str:
        return encoded(hmac.digest(self._secret, b"nonce %d" % span, "sha256")[:18])


def token_hash(token: str) -> str:
    """Return the hash of an access token as a proof names it (`ath`)."""
    return encoded(sha256(token.encode()).digest())


def _public_key(told: object) -> Key | None:
    """Return the key in a proof's header; None where it is private, shared or no key."""
    if not isinstance(told, dict) or told.get("kty") not in ("EC", "RSA"):
        return None
    if {"d", "p", "q", "k"} & told.keys():
        return None
    try:
        return import_key({name: told[name] for name in _PUBLIC[told["kty"]]})
    except (JoseError, ValueError, TypeError, KeyError):
        return None


_PUBLIC: Final = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}


def _is_same(said: str, url: str) -> bool:
    """Say whether two addresses are one, query and fragment apart (RFC 9449 §4.3)."""
    try:
        one, other = urlsplit(said), urlsplit(url)
    except ValueError:
        return False
    known = (one.scheme.lower(), one.netloc.lower(), one.path or "/")
    return known == (other.scheme.lower(), other.netloc.lower(), other.path or "/")


def certificate_thumbprint(told: str) -> str:
    """Return `x5t#S256` of a certificate as a proxy hands it on; "" where it is none.

    Either `:base64 of DER:` (RFC 9440) or percent-encoded PEM.
    """
    if not told or len(told) > _CERTIFICATE_MAX:
        return ""
    try:
        if told.startswith(":"):
            found = x509.load_der_x509_certificate(b64decode(told.strip(":"), validate=True))
        else:
            found = x509.load_pem_x509_certificate(unquote(told).encode("ascii"))
    except ValueError:
        return ""
    return encoded(sha256(found.public_bytes(Encoding.DER)).digest())


def is_thumbprint(text: str) -> bool:
    """Say whether a text is a SHA-256 in base64url."""
    fine = re.fullmatch(r"[A-Za-z0-9_-]{43}", text) is not None
    return fine and len(urlsafe_b64decode(text + "=")) == 32


def check_binding(claims: Claims, *, proof: str, certificate: str) -> None:
    """Check that a token is brought by whom it is bound to. Raises OAuthRefused.

    `proof` is the thumbprint of a proof's key, `certificate` that of the connection's.
    """
    bound = claims.get("cnf")
    if bound is None:
        return
    if not isinstance(bound, dict) or not bound:
        raise OAuthRefused("invalid_token", "the token is bound in a way that is not known")
    for name, shown in (("jkt", proof), ("x5t#S256", certificate)):
        if name in bound and not hmac.compare_digest(str(bound[name]).encode(), shown.encode()):
            raise OAuthRefused("invalid_token", "the token is bound to another key")
    if not bound.keys() <= {"jkt", "x5t#S256"}:
        raise OAuthRefused("invalid_token", "the token is bound in a way that is not known")
