"""How an application proves who it is: by a signed assertion, or not at all.

An assertion (RFC 7523, as SMART Backend Services wants it) is short-lived, meant for this
server, and counts once. There are no shared secrets: what is not kept cannot be stolen.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.shared.access.oauth.asked import Asked
from trucyte.shared.access.oauth.records import Client, Store
from trucyte.shared.access.oauth.refusal import OAuthRefused
from trucyte.shared.access.oauth.scopes import INTROSPECT, PLAIN, read_scope
from trucyte.shared.access.oauth.tokens import (
    SKEW_SECONDS,
    TAKEN_OF_CLIENTS,
    Claims,
    Malformed,
    check_times,
    digest,
    is_for,
    read_signed,
    refused,
    text_of,
)

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE_SECONDS_MAX: Final = 300
KEYS_MAX: Final = 20
_KEYS_KEPT: Final = timedelta(minutes=10)
_KEYS_SOONEST: Final = timedelta(seconds=30)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")

Fetch = Callable[[str], bytes]  # a key set by its address; raises a Problem


class ClientRefused(Problem):
    """An application cannot be registered so: {reason}."""

    kind = Kind.INVALID
    code = "client-refused"


class ClientExists(Problem):
    """There is an application of that name already."""

    kind = Kind.CONFLICT
    code = "client-exists"


class ClientUnknown(Problem):
    """There is no application of that name."""

    kind = Kind.NOT_FOUND
    code = "client-unknown"


def nothing_is_fetched(url: str) -> bytes:
    """Refuse to fetch: a provider of its own process knows all its keys."""
    raise OAuthRefused("invalid_client", "its keys cannot be fetched")


class KeySets:
    """The public keys of applications, inline or fetched and kept for a while."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        """Fetch with what judges the address first."""
        self._fetch = fetch
        self._clock = clock
        self._mutex = Lock()
        self._kept: dict[str, tuple[datetime, Mapping[str, Key]]] = {}

    def key(self, client: Client, header: Mapping[str, Any]) -> Key | None:
        """Return the key that a header names; the only one where it names none."""
        keys = self._keys(client, sooner=False)
        found = _named(keys, header)
        if found is None and client.jwks_uri:
            found = _named(self._keys(client, sooner=True), header)
        return found

    def _keys(self, client: Client, *, sooner: bool) -> Mapping[str, Key]:
        if not client.jwks_uri:
            return read_keys(client.jwks)
        now = self._clock.now()
        kept = self._kept.get(client.jwks_uri)
        if kept and now - kept[0] < (_KEYS_SOONEST if sooner else _KEYS_KEPT):
            return kept[1]
        try:
            keys = read_keys(self._fetch(client.jwks_uri))
        except Problem:
            keys = kept[1] if kept else {}  # asked again after the same pause
        with self._mutex:
            self._kept[client.jwks_uri] = (now, keys)
        return keys


def _named(keys: Mapping[str, Key], header: Mapping[str, Any]) -> Key | None:
    kid = header.get("kid")
    if kid is None:
        return next(iter(keys.values())) if len(keys) == 1 else None
    return keys.get(kid) if isinstance(kid, str) else None


def read_keys(text: str | bytes) -> Mapping[str, Key]:
    """Return the public keys of a JWK set by name; what is no key to verify with is left out."""
    try:
        told = msgspec.json.decode(text or b'{"keys":[]}', type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    listed = told.get("keys")
    found: dict[str, Key] = {}
    for one in (listed if isinstance(listed, list) else [])[:KEYS_MAX]:
        # A symmetric key in a public list would let anyone sign.
        if not isinstance(one, dict) or one.get("kty") not in ("EC", "RSA"):
            continue
        if one.get("use", "sig") != "sig":
            continue
        try:
            public = {name: value for name, value in one.items() if name not in _PRIVATE}
            key = import_key(public)
            found[key.kid or key.thumbprint()] = key
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found


_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "key_ops"})


class Authentication:
    """Says which application asks."""

    def __init__(self, store: Store, keys: KeySets, clock: Clock) -> None:
        """Look applications up in `store`."""
        self._store = store
        self._keys = keys
        self._clock = clock

    def client(self, asked: Asked) -> Client:
        """Return the application that asks, proven where it has keys. Raises OAuthRefused."""
        form = asked.form
        if "client_secret" in form or asked.headers.get("authorization", "").lower().startswith(
            "basic"
        ):
            raise OAuthRefused("invalid_client", "shared secrets are not taken here")
        if "client_assertion" in form or "client_assertion_type" in form:
            return self._proven(asked)
        client = self._store.client(form.get("client_id", ""))
        # An unknown name and a missing proof are answered alike.
        if client is None or client.is_confidential or client.kind != "app":
            raise OAuthRefused("invalid_client", "the application is unknown or must prove itself")
        return client

    def _proven(self, asked: Asked) -> Client:
        form = asked.form
        if form.get("client_assertion_type") != ASSERTION:
            raise OAuthRefused("invalid_client", "the type of the assertion is not taken")
        known: list[Client] = []

        def key_of(header: Mapping[str, Any], claims: Claims) -> Key | None:
            client = self._store.client(text_of(claims, "sub"))
            known.extend([client] if client else [])
            return self._keys.key(client, header) if client else None

        try:
            _, claims = read_signed(
                form.get("client_assertion", ""), key_of, algorithms=TAKEN_OF_CLIENTS
            )
            self._check(claims, asked)
        except Malformed as malformed:
            raise refused(malformed, "invalid_client", "the assertion is refused") from None
        client = known[0]
        if form.get("client_id", client.id) != client.id:
            raise OAuthRefused("invalid_client", "the assertion is of another application")
        return client

    def _check(self, claims: Claims, asked: Asked) -> None:
        now = self._clock.now()
        subject, jti = text_of(claims, "sub"), text_of(claims, "jti")
        if not subject or text_of(claims, "iss") != subject:
            raise Malformed("its issuer is not its subject")
        if not is_for(claims, f"{asked.issuer}/oauth/token", asked.issuer, asked.url):
            raise Malformed("it is for another server")
        check_times(claims, now, life_seconds_max=LIFE_SECONDS_MAX)
        if not 0 < len(jti) <= 256:
            raise Malformed("it has no id of its own")
        ends_at = now + timedelta(seconds=LIFE_SECONDS_MAX + 2 * SKEW_SECONDS)
        if not self._store.once(digest(f"assertion\0{subject}\0{jti}"), now, ends_at):
            raise Malformed("it was used before")


def check_client(client: Client) -> None:
    """Refuse what would not be safe or could not work. Raises ClientRefused."""
    faults = (
        (_ID.fullmatch(client.id), "its id is letters, digits, . _ : and -"),
        (client.name.strip() and len(client.name) <= 120, "it needs a name for people to read"),
        (all(map(is_redirect, client.redirects)), "an address it is answered at is not exact"),
        (client.kind == "system" or client.redirects, "an app needs an address to be answered at"),
        (client.kind == "app" or client.is_confidential, "a system needs keys"),
        (client.kind == "app" or not client.redirects, "a system is answered at no address"),
        (not (client.jwks and client.jwks_uri), "keys are inline or at an address, not both"),
        (not client.jwks or read_keys(client.jwks), "there is no public key in its key set"),
        (client.scopes, "it needs scopes"),
        (
            client.kind == "system" or not any(s.startswith("system/") for s in client.scopes),
            "an app acts for people: it has no scopes of system/",
        ),
        (all(map(is_scope, client.scopes)), "one of its scopes is not known"),
        (
            not client.launch_uri or is_redirect(client.launch_uri),
            "its launch address is not exact",
        ),
    )
    for fine, reason in faults:
        if not fine:
            raise ClientRefused(reason=reason)


def is_scope(word: str) -> bool:
    """Say whether a word is a scope that can be given here."""
    return word in PLAIN or word == INTROSPECT or read_scope(word) is not None


def is_redirect(address: str) -> bool:
    """Say whether an address may be one to answer at: https, or this machine (RFC 8252 §7)."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.fragment or "*" in address or "@" in parts.netloc or not host or port == 0:
        return False
    if any(character <= " " or character > "~" or character in '"\\<>' for character in address):
        return False
    is_here = host in ("127.0.0.1", "::1", "localhost")
    return parts.scheme == "https" or (parts.scheme == "http" and is_here)
