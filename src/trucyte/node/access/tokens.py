"""Puts together what gives tokens to applications, and what checks them."""

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from trucyte.base.clock import Clock
from trucyte.base.problem import Kind, Problem
from trucyte.exchange.asking import Asker
from trucyte.exchange.subscriptions.addresses import Policy, read_target
from trucyte.exchange.subscriptions.post import trusting
from trucyte.node.wiring import Node
from trucyte.records.person import person_key
from trucyte.shared.access.local import system_access
from trucyte.shared.access.oauth.authorizing import Authorizing
from trucyte.shared.access.oauth.checking import TokenCheck
from trucyte.shared.access.oauth.clients import Authentication, KeySets
from trucyte.shared.access.oauth.current import CurrentAccounts
from trucyte.shared.access.oauth.discovery import security
from trucyte.shared.access.oauth.keys import SigningKeys
from trucyte.shared.access.oauth.proof import Proofs
from trucyte.shared.access.oauth.provider import Parts, Provider
from trucyte.shared.access.oauth.records import Store
from trucyte.shared.access.oauth.relying import (
    Citizen,
    CitizenAmbiguous,
    CitizenUnknown,
    RelyingParty,
    Terms,
)
from trucyte.shared.access.oauth.store import PostgresStore
from trucyte.shared.access.staff.asking import LoginAsked, mode_of
from trucyte.shared.access.staff.sessions import Sessions
from trucyte.vietnam.systems import load_systems
from trucyte.web.api.capability import Security
from trucyte.web.api.interactions.who import Asking
from trucyte.web.oauth.citizens import CitizenLogin, Known
from trucyte.web.oauth.doors import Tokens
from trucyte.web.oauth.place import Place

_LOOKED_EVERY: Final = timedelta(seconds=2)
_FOUND_MAX: Final = 20


class ClientKeyUnreadable(Problem):
    """The key file {file} of access.vneid.key holds no private JWK that can be read."""

    kind = Kind.BAD_INPUT
    code = "client-key-unreadable"


class AskedLately:
    """Whether people are asked to log in, looked at every two seconds; once yes, always yes."""

    def __init__(self, asked: LoginAsked, clock: Clock) -> None:
        """Ask `asked`."""
        self._asked = asked
        self._clock = clock
        self._seen: tuple[datetime, bool] | None = None

    def __call__(self) -> bool:
        """Say whether whoever comes is asked who they are."""
        now, seen = self._clock.now(), self._seen
        if seen is None or (not seen[1] and now - seen[0] >= _LOOKED_EVERY):
            self._seen = seen = (now, self._asked())
        return seen[1]


def keys_of(node: Node) -> SigningKeys:
    """Return the keys that this node signs tokens with."""
    sealing = node.keyring.derive("oauth signing keys", 32)
    return SigningKeys(PostgresStore(node.database), sealing, node.clock)


def asking_of(node: Node) -> Asking:
    """Return what says who asks the API: applications' tokens, and whether one is needed."""
    asks = AskedLately(LoginAsked(node.database, mode_of(node.settings)), node.clock)
    store, keys = PostgresStore(node.database), partial(keys_of_person, node)
    parts = Parts(
        store=store,
        keys=keys_of(node),
        clients=Authentication(
            store, KeySets(partial(_fetched, asker_of(node)), node.clock), node.clock
        ),
        proofs=Proofs(store.once, node.keyring.derive("oauth nonces", 32), node.clock),
        clock=node.clock,
        current=CurrentAccounts(node.database, node.clock, keys, asks),
    )
    provider = Provider(parts)
    tokens = Tokens(provider, Authorizing(parts), TokenCheck(provider, keys), place_of(node))
    return Asking(tokens, asks)


def place_of(node: Node) -> Place:
    """Return under which address clients see this node."""
    settings = node.settings
    return Place(
        settings.access.issuer, settings.web.trusts_forwarded, settings.access.certificate_header
    )


def security_of(node: Node, asking: Asking) -> Security:
    """Return what the CapabilityStatement says of tokens, by an API's base.

    Nothing where nobody needs one and no application could have one: clients that read of
    tokens ask for one first.
    """
    store = PostgresStore(node.database)

    def said(base: str) -> Mapping[str, Any]:
        given = asking.asks_login() or any(one.ended_at is None for one in store.clients())
        return security(base.removesuffix("/fhir")) if given else {}

    return said


def keys_of_person(node: Node, reference: str) -> frozenset[int]:
    """Return the keys of a Patient's person, of all it is linked with."""
    return frozenset(node.links.persons(person_key(node.keyring.persons, reference)))


def asker_of(node: Node, *, provider: str = "") -> Asker:
    """Return what asks others over HTTP: where subscribers may be, and the operator's provider."""
    settings = node.settings.subscriptions
    hosts, networks = set(settings.http_hosts), [*settings.networks]
    if provider:
        host = read_target(provider).host
        if host in ("localhost", "127.0.0.1", "::1"):  # named by the operator, on this machine
            networks += ["127.0.0.0/8", "::1/128"]
            hosts.add(host)
    policy = Policy(frozenset(hosts), tuple(map(ipaddress.ip_network, networks)))
    return Asker(policy, trust=trusting(settings.trust))


def _fetched(ask: Asker, url: str) -> bytes:
    status, text = ask("GET", url, {"Accept": "application/json"})
    return text if status == 200 else b""


def citizens_of(node: Node, sessions: Sessions) -> CitizenLogin | None:
    """Return the login of citizens; None where no provider is set. Raises ClientKeyUnreadable."""
    settings = node.settings.access.vneid
    if not settings.issuer:
        return None
    terms = Terms(settings.issuer, settings.client_id, settings.level, _key(settings.key))
    store: Store = PostgresStore(node.database)
    return CitizenLogin(
        RelyingParty(terms, store, asker_of(node, provider=settings.issuer), node.clock),
        partial(find_citizen, node),
        sessions,
        place_of(node),
        lambda account, code: node.trail.logged_in(account, door="vneid", code=code),
    )


def find_citizen(node: Node, citizen: Citizen) -> Known:
    """Return the one person of a personal number. Raises CitizenUnknown, CitizenAmbiguous."""
    system = load_systems()["cccd"].uri
    page = node.records.search(
        system_access("login"),
        "Patient",
        [("identifier", f"{system}|{citizen.number}"), ("_count", str(_FOUND_MAX))],
    )
    fit = [
        entry
        for entry in page.entries
        if citizen.born in ("", msgspec.json.decode(entry.body).get("birthDate", citizen.born))
    ]
    if not fit:
        raise CitizenUnknown
    persons = keys_of_person(node, f"Patient/{fit[0].id}")
    if any(entry.person not in persons for entry in fit):
        raise CitizenAmbiguous
    return Known(f"Patient/{fit[0].id}", persons)


def _key(file: Path | None) -> Key | None:
    if file is None:
        return None
    try:
        key = import_key(msgspec.json.decode(file.read_bytes(), type=dict[str, Any]))
    except (OSError, ValueError, TypeError, JoseError, msgspec.DecodeError):
        raise ClientKeyUnreadable(file=file.name) from None
    if not key.is_private or key.key_type not in ("EC", "RSA"):
        raise ClientKeyUnreadable(file=file.name)
    return key
