"""One's own account: password, second factor, recovery codes, passkeys, sessions."""

import io
from collections.abc import Callable

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.shared.access.accounts import LoginRefused, LoginTooOften
from trucyte.shared.access.staff import totp
from trucyte.shared.access.staff.book import StaffBook
from trucyte.shared.access.staff.passwords import LEAST_ALONE, LEAST_WITH_FACTOR
from trucyte.shared.access.staff.problems import (
    CodeRefused,
    LastFactor,
    PasskeyRefused,
    StaffUnknown,
)
from trucyte.shared.access.staff.sessions import Session
from trucyte.web.handlers import errors
from trucyte.web.handlers.login import WEAK, as_json, asked_of, place_of
from trucyte.web.language import marked
from trucyte.web.render import Call

Act = Callable[[StaffBook, Session], str]
_TROUBLES = (
    LoginRefused, LoginTooOften, CodeRefused, LastFactor, PasskeyRefused, StaffUnknown, *WEAK,
)  # fmt: skip
DONE = {
    "password": marked("Đã đổi mật khẩu. Các phiên khác của bạn đã kết thúc."),
    "factor-ended": marked("Đã bỏ bước xác nhận thứ hai."),
    "passkey": marked("Đã lưu khóa truy cập."),
    "passkey-removed": marked("Đã xóa khóa truy cập."),
    "session": marked("Đã kết thúc phiên ấy."),
}


def page(call: Call) -> Response:
    """Show one's own account."""
    own = _own(call)
    return errors.plain(call, 404) if own is None else _page(call, *own)


def password(call: Call) -> Response:
    """Change the password by the old one."""

    def change(book: StaffBook, session: Session) -> str:
        new, again = str(call.form.get("password", "")), str(call.form.get("again", ""))
        if new != again:
            raise _Differs
        old = str(call.form.get("old", ""))
        book.logins.change(session, old, new, place_of(call))
        return "password"

    return _done(call, "password", change)


def factor_form(call: Call) -> Response:
    """Begin a second factor: its secret as picture and text."""
    own = _own(call)
    if own is None:
        return errors.plain(call, 404)
    book, session = own
    secret = book.factors.pending(session.subject.account)
    if secret is None:
        return RedirectResponse("/account", status_code=303)
    return _factor_page(call, session, secret)


def factor_begin(call: Call) -> Response:
    """Make a new secret, once the password was given again."""

    def begin(book: StaffBook, session: Session) -> str:
        book.logins.confirm(session, str(call.form.get("password", "")), place_of(call))
        book.factors.begin(session.subject.account)
        return "/account/factor"

    return _done(call, "factor", begin)


def factor_confirm(call: Call) -> Response:
    """Set the second factor in force by its first code; show the recovery codes once."""
    own = _own(call)
    if own is None:
        return errors.plain(call, 404)
    book, session = own
    try:
        codes = book.factors.confirm(session.subject, str(call.form.get("code", "")))
    except CodeRefused as problem:
        secret = book.factors.pending(session.subject.account)
        if secret is None:
            return RedirectResponse("/account", status_code=303)
        return _factor_page(call, session, secret, problem)
    return call.page("recovery.html", codes=codes)


def factor_end(call: Call) -> Response:
    """End the second factor, where the password is long enough to stand alone."""

    def end(book: StaffBook, session: Session) -> str:
        book.logins.confirm(session, str(call.form.get("password", "")), place_of(call))
        account = book.accounts.find(session.subject.account)
        book.factors.end(session.subject, has_long_password=account.has_long_password)
        return "factor-ended"

    return _done(call, "factor", end)


def recovery(call: Call) -> Response:
    """Make new recovery codes and show them once."""
    own = _own(call)
    if own is None:
        return errors.plain(call, 404)
    book, session = own
    try:
        book.logins.confirm(session, str(call.form.get("password", "")), place_of(call))
    except (LoginRefused, LoginTooOften) as problem:
        return _page(call, book, session, problem, "recovery")
    return call.page("recovery.html", codes=book.factors.new_recovery(session.subject))


def passkey_options(call: Call) -> Response:
    """Give a browser what it needs to make a passkey."""
    own = _own(call)
    if own is None:
        return errors.plain(call, 404)
    book, session = own
    return as_json(
        lambda: book.passkeys.options_to_register(
            session.subject.account, session.display, asked_of(call)
        )
    )


def passkey_add(call: Call) -> Response:
    """Keep a passkey that a browser made."""

    def add(book: StaffBook, session: Session) -> str:
        answer, name = str(call.form.get("credential", "")), str(call.form.get("name", ""))
        book.passkeys.register(session.subject, answer, name, asked_of(call))
        return "passkey"

    return _done(call, "passkey", add)


def passkey_remove(call: Call) -> Response:
    """Remove a passkey."""

    def remove(book: StaffBook, session: Session) -> str:
        book.passkeys.remove(session.subject, call.request.path_params["id"])
        return "passkey-removed"

    return _done(call, "passkey", remove)


def session_end(call: Call) -> Response:
    """End one of one's own sessions."""

    def end(book: StaffBook, session: Session) -> str:
        account = session.subject.account
        if not book.sessions.end_of(account, call.request.path_params["id"]):
            raise StaffUnknown
        book.noting.changed(session.subject, "account-session", account)
        return "session"

    return _done(call, "sessions", end)


class _Differs(Problem):
    """The two new passwords are not the same."""

    code = "passwords-differ"


def _own(call: Call) -> tuple[StaffBook, Session] | None:
    book, session = call.services.staff, call.visitor.session
    is_staff = session is not None and session.subject.kind == "staff"
    return (book, session) if book is not None and session is not None and is_staff else None


def _done(call: Call, part: str, act: Act) -> Response:
    """Do something to one's own account and go back to it; say there what went wrong."""
    own = _own(call)
    if own is None:
        return errors.plain(call, 404)
    try:
        done = act(*own)
    except (*_TROUBLES, _Differs) as problem:
        return _page(call, *own, problem, part)
    target = done if done.startswith("/") else f"/account?done={done}"
    return RedirectResponse(target, status_code=303)


def _page(
    call: Call,
    book: StaffBook,
    session: Session,
    problem: Problem | None = None,
    part: str = "",
) -> Response:
    name = session.subject.account
    account = book.accounts.find(name)
    return call.page(
        "account.html",
        http_status=422 if problem else 200,
        account=account,
        sessions=book.sessions.of(name),
        own_session=session.id,
        passkeys=book.passkeys.of(name),
        has_passkeys=book.passkeys.are_here,
        recovery_left=book.factors.recovery_left(name),
        mistake=wording(problem, call.language) if problem else "",
        part=part,
        done=DONE.get(call.request.query_params.get("done", ""), ""),
        least=LEAST_WITH_FACTOR if account.has_codes else LEAST_ALONE,
        least_alone=LEAST_ALONE,
    )


def _factor_page(
    call: Call, session: Session, secret: bytes, problem: Problem | None = None
) -> Response:
    address = totp.as_address(
        secret, account=session.subject.account, issuer=call.services.settings.node_name
    )
    return call.page(
        "factor.html",
        http_status=422 if problem else 200,
        picture=qr_of(address),
        text=totp.as_text(secret),
        mistake=wording(problem, call.language) if problem else "",
    )


def qr_of(text: str) -> Markup:
    """Return a text as a QR picture (SVG); nothing where the extra `login` is not installed."""
    try:
        import segno  # noqa: PLC0415 - of the extra
    except ImportError:
        return Markup("")
    drawn = io.BytesIO()
    segno.make(text, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=False, scale=4, border=4, dark="#000", light="#fff"
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn by us, of squares only
