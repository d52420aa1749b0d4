"""A node with accounts of people, and browsers that log in to it; no server, no sockets."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.asgi import Reply, ask
from tests.support.web_services import fake_services
from trucyte.base.clock import FixedClock
from trucyte.base.settings import AccessSettings
from trucyte.database.connect import Database
from trucyte.journal.keyring import Keyring
from trucyte.shared.access.local import subject_access
from trucyte.shared.access.staff.account import OPERATOR, Rights
from trucyte.shared.access.staff.book import StaffBook, open_book
from trucyte.shared.access.subject import Subject
from trucyte.shared.audit import Trail
from trucyte.web.app import make_app
from trucyte.web.doorway import Doorway

COST = 2  # log2 of scrypt's N: what is tested is not how slow it is
PASSWORD = "năm con chim sẻ bay qua"
SHORT = "chim sẻ 7"


@dataclass
class Noted:
    """Keeps what it hears; the trail does so in a node."""

    logins: list[tuple[str, str]] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)

    def logged_in(self, account: str, organisation: str, code: str) -> None:
        self.logins.append((account, code))

    def changed(self, by: Subject, what: str, account: str) -> None:
        self.changes.append((by.account, what, account))


@dataclass
class House:
    """Accounts, the pages over them, and what was noted."""

    book: StaffBook
    noted: Noted
    clock: FixedClock
    app: Any
    trail: Trail

    def account(self, name: str, *roles: str, password: str = PASSWORD, **more: Any) -> None:
        """Make an account that can log in."""
        secret = self.book.accounts.add(name, f"Mẫu {name}", Rights(roles, **more), OPERATOR)
        self.book.logins.set_by_link(secret, password)

    def browser(self, **more: Any) -> "Browser":
        return Browser(self.app, **more)

    def logged_in(self, name: str, *roles: str, **more: Any) -> "Browser":
        """Return a browser in which a new account is logged in."""
        self.account(name, *roles, **more)
        browser = self.browser()
        reply = browser.log_in(name)
        assert reply.status == 303, reply.body.decode()
        return browser


@dataclass
class Browser:
    """Keeps cookies, and sends forms as pages give them."""

    app: Any
    source: str = "10.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)
    scheme: str = "http"

    def get(self, path: str, **headers: str) -> Reply:
        return self._sent("GET", path, b"", headers)

    def post(self, path: str, at: str = "", **fields: str | list[str]) -> Reply:
        """Send a form with the key of the page `at`, where one is given."""
        if at:
            fields = {"csrf": self.form_key(at), **fields}
        body = urlencode(fields, doseq=True).encode()
        return self._sent("POST", path, body, {"origin": f"{self.scheme}://127.0.0.1:8080"})

    def form_key(self, at: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(at).body.decode())
        return found[1] if found else ""

    def log_in(self, name: str, password: str = PASSWORD, then: str = "/") -> Reply:
        return self.post("/login", at="/login", name=name, password=password, then=then)

    def _sent(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        sent = {"x-forwarded-for": self.source, "x-forwarded-proto": self.scheme, **headers}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body:
            sent.setdefault("content-type", "application/x-www-form-urlencoded")
        return ask(_Listening(self.app, self.cookies), method, path, body=body, headers=sent)


class _Listening:
    """Keeps the cookies of an answer, each of its headers."""

    def __init__(self, app: Any, cookies: dict[str, str]) -> None:
        self._app = app
        self._cookies = cookies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def listen(message: Any) -> None:
            for name, value in message.get("headers", ()):
                if name == b"set-cookie":
                    for key, morsel in SimpleCookie(value.decode()).items():
                        self._cookies[key] = morsel.value
                        if not morsel.value:
                            del self._cookies[key]
            await send(message)

        await self._app(scope, receive, listen)


def words(reply: Reply) -> str:
    """Return what a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", reply.body.decode())).split())


def empty(database: Database) -> None:
    """Forget all accounts and what belongs to them: quicker than a database of its own."""
    with database.connection() as connection:
        connection.execute(
            "truncate access.staff, access.account, access.session, access.lane, access.challenge"
            " cascade"
        )


@contextmanager
def open_house(
    database: Database, folder: Path, clock: FixedClock, **settings: Any
) -> Iterator[House]:
    """Open a node's pages over invented people, with accounts in `database`."""
    keyring, noted = Keyring.open(folder / "keys"), Noted()
    book = open_book(database, keyring, clock, AccessSettings(**settings), noted, cost=COST)
    trail = Trail(database, keyring, clock)
    doorway = Doorway(
        book.sessions, book.asks_login, keyring.derive("browsers", 32), trusts_forwarded=True
    )
    services = replace(
        fake_services(),
        clock=clock,
        access=lambda subject, purpose: subject_access(subject, purpose, "pages", trail),
        trail=trail,
        doorway=doorway,
        staff=book,
    )
    yield House(book, noted, clock, make_app(services), trail)
    trail.close()
