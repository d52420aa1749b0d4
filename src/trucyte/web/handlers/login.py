"""Logging in and out, locking and unlocking, and the one-time link that begins an account.

What goes wrong is said without telling whether there is such an account.
"""

from collections.abc import Callable
from dataclasses import replace

from starlette.responses import JSONResponse, RedirectResponse, Response

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.shared.access.accounts import LoginRefused, LoginTooOften
from trucyte.shared.access.staff.account import StaffAccount
from trucyte.shared.access.staff.book import StaffBook
from trucyte.shared.access.staff.lockout import Place
from trucyte.shared.access.staff.login import Opened
from trucyte.shared.access.staff.passkeys import Asked
from trucyte.shared.access.staff.passwords import LEAST_ALONE, LEAST_WITH_FACTOR, MOST
from trucyte.shared.access.staff.problems import (
    AccountDormant,
    CodeRefused,
    LinkRefused,
    PasskeyRefused,
    PasskeysAbsent,
    PasswordCommon,
    PasswordLong,
    PasswordShort,
)
from trucyte.web.doorway import Doorway
from trucyte.web.handlers import errors
from trucyte.web.render import Call
from trucyte.web.security import own_path

_REFUSALS = (LoginRefused, LoginTooOften, AccountDormant, CodeRefused, PasskeyRefused)
_STATUSES = {"login-too-often": 429, "staff-dormant": 403}
WEAK = (PasswordShort, PasswordLong, PasswordCommon)
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")
_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))


def form(call: Call) -> Response:
    """Ask for name and password; say how to begin where there is no account yet."""
    parts = _parts(call)
    if parts is None:
        return errors.plain(call, 404)
    if call.visitor.session is not None and not call.visitor.session.is_half:
        return RedirectResponse(_then(call), status_code=303)
    return _form(call)


def enter(call: Call) -> Response:
    """Log in by name and password."""
    return _tried(call, _form, lambda book, place, browser: book.logins.by_password(
        str(call.form.get("name", "")), str(call.form.get("password", "")), place, browser=browser
    ))  # fmt: skip


def passkey(call: Call) -> Response:
    """Log in, or open a locked session, by a passkey."""
    answer = str(call.form.get("credential", ""))
    return _tried(call, _form, lambda book, place, browser: book.logins.by_passkey(
        answer, asked_of(call), place, browser=browser
    ))  # fmt: skip


def passkey_options(call: Call) -> Response:
    """Give a browser what it needs to answer with a passkey."""
    parts = _parts(call)
    if parts is None:
        return errors.plain(call, 404)
    return as_json(lambda: parts[0].passkeys.options_to_log_in(asked_of(call)))


def code_form(call: Call) -> Response:
    """Ask for the second factor of a login that is half done."""
    session = call.visitor.session
    if session is None or not session.is_half:
        return RedirectResponse("/login", status_code=303)
    return _code_form(call)


def code(call: Call) -> Response:
    """Finish a login by its second factor."""
    session, cookie = call.visitor.session, call.visitor.cookie
    if session is None or not session.is_half:
        return RedirectResponse("/login", status_code=303)
    return _tried(call, _code_form, lambda book, place, browser: book.logins.by_code(
        cookie, session, str(call.form.get("code", "")), place
    ))  # fmt: skip


def leave(call: Call) -> Response:
    """Log out: the session ends here and everywhere."""
    parts = _parts(call)
    if parts is None:
        return errors.plain(call, 404)
    book, doorway = parts
    book.sessions.end(call.visitor.cookie)
    if call.visitor.session is not None:
        subject = call.visitor.session.subject
        book.noting.changed(subject, "logout", subject.account)
    response = RedirectResponse("/login", status_code=303)
    doorway.forget_session(response, call.visitor)
    return response


def lock_form(call: Call) -> Response:
    """Ask who locked, or let idle, to say that it is still they."""
    session = call.visitor.session
    if session is None or session.is_half:
        return RedirectResponse("/login", status_code=303)
    if not session.is_locked:
        return RedirectResponse(_then(call), status_code=303)
    return _lock_form(call)


def lock(call: Call) -> Response:
    """Lock the session now."""
    parts = _parts(call)
    if parts is None or call.visitor.session is None:
        return errors.plain(call, 404)
    parts[0].sessions.lock(call.visitor.cookie)
    return RedirectResponse("/lock", status_code=303)


def unlock(call: Call) -> Response:
    """Open a locked session again by the password."""
    session, cookie = call.visitor.session, call.visitor.cookie
    if session is None or session.is_half:
        return RedirectResponse("/login", status_code=303)
    return _tried(call, _lock_form, lambda book, place, browser: book.logins.unlock(
        cookie, session, str(call.form.get("password", "")), place
    ))  # fmt: skip


def link_form(call: Call) -> Response:
    """Show whose one-time link it is, and ask for a password."""
    parts = _parts(call)
    if parts is None:
        return errors.plain(call, 404)
    try:
        account = parts[0].accounts.invited(call.request.path_params["secret"])
    except LinkRefused as problem:
        return _link_gone(call, problem)
    return _link_form(call, account.name, account.display)


def link(call: Call) -> Response:
    """Set the password by a one-time link, and go to log in with it."""
    parts = _parts(call)
    if parts is None:
        return errors.plain(call, 404)
    secret, book = call.request.path_params["secret"], parts[0]
    password, again = str(call.form.get("password", "")), str(call.form.get("again", ""))
    try:
        account = book.accounts.invited(secret)
        if password != again:
            return _link_form(call, account.name, account.display, differs=True)
        book.logins.set_by_link(secret, password)
    except LinkRefused as problem:
        return _link_gone(call, problem)
    except WEAK as problem:
        words = wording(problem, call.language)
        return _link_form(call, account.name, account.display, mistake=words)
    return RedirectResponse("/login?set=1", status_code=303)


def asked_of(call: Call) -> Asked:
    """Return which site this browser is at, as passkeys know it."""
    request = call.request
    scheme = "https" if call.visitor.is_secure else "http"
    host = request.headers.get("host", "")
    return Asked(request.url.hostname or "", f"{scheme}://{host}", call.services.settings.node_name)


def place_of(call: Call) -> Place:
    """Return where this request comes from, as waits are counted."""
    return Place(call.visitor.source, call.visitor.device)


def browser_of(agent: str) -> str:
    """Return the kind of a browser and its system, and nothing finer."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((one for one in _SYSTEMS if one in agent), "").replace("Macintosh", "macOS")
    return ", ".join(filter(None, (browser, system)))


def as_json(make: Callable[[], str]) -> Response:
    """Answer a script with JSON, or with the code of what went wrong."""
    try:
        return Response(make(), media_type="application/json")
    except (PasskeysAbsent, PasskeyRefused) as problem:
        return JSONResponse({"code": problem.code}, status_code=501)


def _parts(call: Call) -> tuple[StaffBook, Doorway] | None:
    services = call.services
    if services.staff is None or services.doorway is None:
        return None
    return services.staff, services.doorway


def _then(call: Call) -> str:
    """Return the page of ours to go on to."""
    given = call.form.get("then") or call.request.query_params.get("then") or "/"
    then = own_path(str(given))
    return "/" if then.split("/")[1] in ("login", "lock", "logout", "unlock") else then


Show = Callable[..., Response]
Try = Callable[[StaffBook, Place, str], Opened]


def _tried(call: Call, show: Show, attempt: Try) -> Response:
    """Try to open a session; where that is refused, show the form again with the reason."""
    parts = _parts(call)
    if parts is None:
        return errors.plain(call, 404)
    book, doorway = parts
    agent = call.request.headers.get("user-agent", "")
    try:
        opened = attempt(book, place_of(call), browser_of(agent))
    except _REFUSALS as problem:
        status = _STATUSES.get(problem.code, 401)
        return show(call, problem=problem, http_status=status)
    if call.visitor.cookie and opened.cookie != call.visitor.cookie:
        book.sessions.end(call.visitor.cookie)  # no session lives on beside its successor
    if opened.needs_code:
        then = _then(call)
        target = "/login/code" if then == "/" else f"/login/code?then={then}"
    else:
        target = _then(call)
    response = RedirectResponse(target, status_code=303)
    doorway.keep_session(response, opened.cookie, call.visitor)
    return response


def _form(call: Call, problem: Problem | None = None, http_status: int = 200) -> Response:
    book, doorway = call.services.staff, call.services.doorway
    assert book is not None and doorway is not None, "looked at before"
    visitor = doorway.named(call.visitor)
    response = replace(call, visitor=visitor).page(
        "login.html",
        http_status=http_status,
        then=_then(call),
        is_first=not any(
            account.has_password or account.passkeys for account in book.accounts.list()
        ),
        is_set="set" in call.request.query_params,
        mistake=wording(problem, call.language) if problem else "",
        name=str(call.form.get("name", ""))[:64],
        has_passkeys=book.passkeys.are_here,
        has_provider=call.services.citizens is not None,
    )
    doorway.keep_device(response, visitor)
    return response


def _can_enter(account: StaffAccount) -> bool:
    return account.has_password or account.passkeys > 0


def _code_form(call: Call, problem: Problem | None = None, http_status: int = 200) -> Response:
    return call.page(
        "login_code.html",
        http_status=http_status,
        then=_then(call),
        mistake=wording(problem, call.language) if problem else "",
    )


def _lock_form(call: Call, problem: Problem | None = None, http_status: int = 200) -> Response:
    book = call.services.staff
    return call.page(
        "lock.html",
        http_status=http_status,
        then=_then(call),
        mistake=wording(problem, call.language) if problem else "",
        has_passkeys=book is not None and book.passkeys.are_here,
    )


def _link_form(
    call: Call, account: str, display: str, *, mistake: str = "", differs: bool = False
) -> Response:
    doorway = call.services.doorway
    assert doorway is not None, "looked at before"
    visitor = doorway.named(call.visitor)
    response = replace(call, visitor=visitor).page(
        "login_link.html",
        http_status=422 if mistake or differs else 200,
        account=account,
        display=display,
        mistake=mistake,
        differs=differs,
        least=LEAST_ALONE,
        least_with_factor=LEAST_WITH_FACTOR,
        most=MOST,
    )
    doorway.keep_device(response, visitor)
    return response


def _link_gone(call: Call, problem: LinkRefused) -> Response:
    return call.page("login_link_gone.html", http_status=404, words=wording(problem, call.language))
