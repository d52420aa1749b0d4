"""Accounts, sessions and clients for attacks: made in a node, and ended again.

Everything made here bears the name `attack-…` and belongs to two organisations of that
name. The marked persons are written by the run itself, through the node's own door.
"""

import contextlib
import json
import secrets
from typing import Any, Final

from joserfc.jwk import ECKey

from trucyte.base.problem import Problem
from trucyte.node.access.people import make_book
from trucyte.node.attack.stage import NAME, Stage
from trucyte.node.wiring import Node
from trucyte.shared.access.oauth.clients import check_client
from trucyte.shared.access.oauth.records import Client
from trucyte.shared.access.oauth.store import PostgresStore
from trucyte.shared.access.staff.account import OPERATOR, Rights
from trucyte.shared.access.staff.book import StaffBook
from trucyte.shared.access.staff.roles import STAFF_ROLES

PREFIX: Final = "attack-"
# Of systems: everything of their organisation, and one group of data only.
_SCOPES: Final = {
    "system-a": ("a", "system/*.cruds"),
    "system-b": ("b", "system/*.cruds"),
    "narrow-a": ("a", "system/Observation.rs"),
}
REDIRECT: Final = "http://127.0.0.1:9/back"


def prepare(node: Node) -> Stage:
    """Make what attacks need; what an earlier run left over is ended first."""
    clean(node)
    book, run = make_book(node, "cli"), secrets.token_hex(3)
    return Stage(_doors(node, run), _sessions(book, run), _clients(node, run))


def organisation(run: str, letter: str) -> str:
    """Return one of the two organisations of a run."""
    return f"Organization/{PREFIX}{run}-{letter}"


def _doors(node: Node, run: str) -> dict[str, dict[str, str]]:
    made = {}
    for letter in ("a", "b", "ended"):
        name = f"{PREFIX}{run}-{letter}"
        whose = organisation(run, letter)
        password = node.accounts.add(name, "", whose)
        made[letter] = {"name": name, "password": password, "organisation": whose}
    node.accounts.end(made["ended"]["name"])
    return made


def _sessions(book: StaffBook, run: str) -> dict[str, dict[str, str]]:
    made = {}
    wanted = [(role, letter) for role in STAFF_ROLES for letter in ("a", "b")]
    for role, letter in [*wanted, ("doctor", "ended"), ("doctor", "half")]:
        account = f"{PREFIX}{run}-{role.replace('_', '-')}-{letter}"
        place = organisation(run, "a" if letter in ("ended", "half") else letter)
        # Whoever treats is a practitioner, so that the run can say whom they treat.
        treats = f"Practitioner/{PREFIX}{run}-{letter}" if role == "doctor" else ""
        book.accounts.add(account, account, Rights((role,), place, practitioner=treats), OPERATOR)
        text = book.sessions.begin(account, assurance=2, is_half=letter == "half")
        made[f"{role}-{letter}"] = {
            "account": account,
            "cookie": text,
            "role": role,
            "practitioner": treats,
        }
        if letter == "ended":
            book.accounts.end(account, OPERATOR)
    return made


def _clients(node: Node, run: str) -> dict[str, dict[str, Any]]:
    store, made = PostgresStore(node.database), {}
    for name, (letter, scope) in _SCOPES.items():
        key = ECKey.generate_key("P-256", private=True)
        public = {**key.as_dict(private=False), "kid": key.thumbprint()}
        client = Client(
            id=f"{PREFIX}{run}-{name}",
            name=f"{PREFIX}{name}",
            kind="system",
            scopes=(scope,),
            jwks=json.dumps({"keys": [public]}),
            organisation=organisation(run, letter),
            created_at=node.clock.now(),
        )
        check_client(client)
        store.add_client(client)
        private = {**key.as_dict(private=True), "kid": key.thumbprint()}
        made[name] = {"id": client.id, "key": private, "scope": scope}
    app = Client(
        id=f"{PREFIX}{run}-app",
        name=f"{PREFIX}app",
        kind="app",
        redirects=(REDIRECT,),
        scopes=("patient/Observation.rs", "openid"),
        created_at=node.clock.now(),
    )
    check_client(app)
    store.add_client(app)
    return {**made, "app": {"id": app.id, "redirect": REDIRECT}}


def clean(node: Node) -> int:
    """End all that earlier runs made, and forget the stage; return how many things ended."""
    book, store, ended = make_book(node, "cli"), PostgresStore(node.database), 0
    for door in node.accounts.list():
        if door.name.startswith(PREFIX) and door.ended_at is None:
            node.accounts.end(door.name)
            ended += 1
    for account in book.accounts.list():
        if account.name.startswith(PREFIX) and account.ended_at is None:
            with contextlib.suppress(Problem):  # the last administrator stays: said by the list
                book.accounts.end(account.name, OPERATOR)
                ended += 1
    for client in store.clients():
        if client.id.startswith(PREFIX) and client.ended_at is None:
            ended += store.end_client(client.id, node.clock.now())
    (node.settings.data / NAME).unlink(missing_ok=True)
    return ended
