"""Who is before a page: the cookies, the session behind them, and who may pass.

Where nobody is asked to log in, everyone is the local subject. Else a page that is not
open sends whoever has no session to /login, and one whose session is locked to /lock; a
form sent from a locked session comes back to be sent again, so nothing typed is lost.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Kind, Problem
from trucyte.shared.access.staff.sessions import Session
from trucyte.shared.access.subject import LOCAL, NOBODY, Subject
from trucyte.web.security import own_path

COOKIE = "trucyte"
DEVICE_COOKIE = "trucyte-device"
DEVICE_SECONDS = 400 * 24 * 3600
FORM_FIELD = "csrf"
_DEVICE_BYTES = 16


class RoleMissing(Problem):
    """Your role does not open this page."""

    kind = Kind.FORBIDDEN
    code = "role-missing"


class FormStale(Problem):
    """This form is not of your session; load the page again and send it from there."""

    kind = Kind.FORBIDDEN
    code = "form-stale"


class SessionBook(Protocol):
    """What the doorway asks of sessions."""

    def find(self, text: str) -> Session | None:
        """Return the session of a cookie."""
        ...

    def touch(self, text: str) -> None:
        """Remember that someone worked."""
        ...

    def form_key(self, anchor: str) -> str:
        """Return what forms carry that belong to an anchor."""
        ...


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever is before the page."""

    subject: Subject
    session: Session | None = None
    cookie: str = ""  # the session's text
    device: str = ""  # a random name of this browser, proven by its cookie; "" none yet
    source: str = ""  # the address asked from
    is_secure: bool = False  # whether https brought the request
    form_key: str = ""  # what forms of this visitor carry; "" where none is asked for

    @property
    def is_asked(self) -> bool:
        """Say whether this visitor would have to log in."""
        return self.subject is NOBODY


LOCAL_VISITOR = Visitor(LOCAL)


class Doorway:
    """Tells who is before a page. Safe to share between threads."""

    def __init__(
        self,
        sessions: SessionBook,
        asks_login: Callable[[], bool],
        key: bytes,
        *,
        trusts_forwarded: bool = False,
        has_secure_cookies: bool = False,
    ) -> None:
        """Look sessions up; `key` proves that this node gave a browser its name."""
        self._sessions = sessions
        self._asks_login = asks_login
        self._key = key
        self._trusts_forwarded = trusts_forwarded
        self._has_secure_cookies = has_secure_cookies

    def visitor(self, request: Request) -> Visitor:
        """Return who asks, by what the request brings."""
        is_secure, source = self._is_secure(request), self._source(request)
        cookie = request.cookies.get(_cookie_name(COOKIE, is_secure), "")
        session = self._sessions.find(cookie) if cookie else None
        device = self._proven(request.cookies.get(_cookie_name(DEVICE_COOKIE, is_secure), ""))
        is_open = session is not None and not session.is_half and not session.is_locked
        if session is None and not self._asks_login():
            return Visitor(LOCAL, device=device, source=source, is_secure=is_secure)
        return Visitor(
            subject=session.subject if session and is_open else NOBODY,
            session=session,
            cookie=cookie if session else "",
            device=device,
            source=source,
            is_secure=is_secure,
            form_key=self._form_key(session, device),
        )

    def _form_key(self, session: Session | None, device: str) -> str:
        """Return what forms carry: of an account in a browser, so that a new login keeps them."""
        if not device:
            return session.form_key if session else ""
        account = session.subject.account if session and not session.is_half else ""
        return self._sessions.form_key(f"{device}|{account}")

    def subject_of(self, request: Request) -> Subject | None:
        """Return who asks, for doors beside the pages; None where nobody is logged in."""
        visitor = self.visitor(request)
        return None if visitor.subject in (NOBODY, LOCAL) else visitor.subject

    def worked(self, visitor: Visitor) -> None:
        """Remember that the visitor did something."""
        self._sessions.touch(visitor.cookie)

    def named(self, visitor: Visitor) -> Visitor:
        """Return the visitor with a browser that has a name."""
        if visitor.device:
            return visitor
        device = secrets.token_hex(_DEVICE_BYTES)
        key = visitor.form_key or self._form_key(None, device)
        return Visitor(
            visitor.subject, visitor.session, visitor.cookie, device, visitor.source,
            visitor.is_secure, key,
        )  # fmt: skip

    def keep_device(self, response: Response, visitor: Visitor) -> None:
        """Let the browser keep its name."""
        value = f"{visitor.device}.{self._mac(visitor.device)}"
        _set(response, DEVICE_COOKIE, value, visitor.is_secure, seconds=DEVICE_SECONDS)

    def keep_session(self, response: Response, text: str, visitor: Visitor) -> None:
        """Let the browser keep a session."""
        _set(response, COOKIE, text, visitor.is_secure)

    def forget_session(self, response: Response, visitor: Visitor) -> None:
        """Let the browser forget its session."""
        name = _cookie_name(COOKIE, visitor.is_secure)
        response.delete_cookie(
            name, path="/", secure=visitor.is_secure, httponly=True, samesite="lax"
        )

    def _is_secure(self, request: Request) -> bool:
        if self._has_secure_cookies or request.url.scheme == "https":
            return True
        return self._trusts_forwarded and _first(request, "x-forwarded-proto") == "https"

    def _source(self, request: Request) -> str:
        """Return the address asked from: the last one a proxy of ours saw."""
        if self._trusts_forwarded:
            seen = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
            if seen:
                return seen[:64]
        return request.client.host if request.client else ""

    def _proven(self, value: str) -> str:
        device, _, mac = value.partition(".")
        if len(device) != 2 * _DEVICE_BYTES or not mac.isascii():
            return ""
        return device if hmac.compare_digest(mac, self._mac(device)) else ""

    def _mac(self, device: str) -> str:
        made = hmac.new(self._key, b"device " + device.encode("utf-8", "replace"), sha256)
        return made.hexdigest()[:32]


def check_form(visitor: Visitor, sent: str) -> None:
    """Refuse a form that does not carry what this visitor's pages gave it. Raises FormStale."""
    if visitor.subject is LOCAL:
        return  # no session to ride on; the origin is checked for every form
    if not visitor.form_key or not hmac.compare_digest(sent.encode(), visitor.form_key.encode()):
        raise FormStale


def to_login(request: Request, place: str = "/login") -> Response:
    """Send to the page that asks who it is, and from there back to the page asked for."""
    then = own_path(request.url.path)
    target = place if then == "/" else f"{place}?then={quote(then, safe='/')}"
    if "hx-request" in request.headers:  # a part of a page cannot show another page
        return Response(status_code=401, headers={"HX-Redirect": place})
    return RedirectResponse(target, status_code=303)


def _first(request: Request, header: str) -> str:
    return request.headers.get(header, "").partition(",")[0].strip().lower()


def _cookie_name(name: str, is_secure: bool) -> str:
    return f"__Host-{name}" if is_secure else name


def _set(response: Response, name: str, value: str, is_secure: bool, seconds: int = 0) -> None:
    response.set_cookie(
        _cookie_name(name, is_secure),
        value,
        max_age=seconds or None,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure,
    )
