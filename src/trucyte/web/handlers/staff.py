"""Administering accounts: who there is, what they may do, leavers, and the review of rights."""

from collections.abc import Callable

from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.shared.access.staff.account import Rights, StaffAccount, State
from trucyte.shared.access.staff.accounts import StaffAccounts, Verdict
from trucyte.shared.access.staff.problems import (
    LastAdministrator,
    OwnRights,
    StaffEnded,
    StaffExists,
    StaffUnknown,
    StaffUnreadable,
)
from trucyte.shared.access.staff.roles import STAFF_ROLES
from trucyte.web.admission import ADMINISTRATION, admitted, denied
from trucyte.web.handlers import errors
from trucyte.web.language import marked
from trucyte.web.render import Call
from trucyte.web.views.staff import FIELDS, ROLES, STATES

_TROUBLES = (
    LastAdministrator, OwnRights, StaffEnded, StaffExists, StaffUnknown, StaffUnreadable,
)  # fmt: skip
DONE = {
    "rights": marked("Đã đổi quyền. Các phiên đang mở khóa lại và mở ra với quyền mới."),
    "wake": marked("Đã cho dùng lại tài khoản."),
    "end": marked("Đã kết thúc tài khoản. Mọi phiên của tài khoản ấy dừng ngay."),
    "keep": marked("Đã xác nhận giữ nguyên quyền."),
}
Act = Callable[[StaffAccounts], str]


def listing(call: Call) -> Response:
    """List all accounts, ended ones last."""
    book = call.services.staff
    if book is None:
        return errors.plain(call, 404)
    return call.page(
        "staff.html",
        accounts=book.accounts.list(),
        states_of=STATES,
        roles=ROLES,
        overdue=book.accounts.overdue(),
        may_change=admitted(ADMINISTRATION, call.subject),
        is_asked=book.asks_login(),
    )


def new_form(call: Call) -> Response:
    """Ask what a new account is to be."""
    return errors.plain(call, 404) if call.services.staff is None else _new_page(call)


def add(call: Call) -> Response:
    """Make an account and show its one-time link once."""
    book = call.services.staff
    if book is None:
        return errors.plain(call, 404)
    name = str(call.form.get("name", "")).strip()
    display = str(call.form.get("display", ""))
    try:
        secret = book.accounts.add(name, display, rights_of(call.form), call.subject)
    except _TROUBLES as problem:
        return _new_page(call, problem)
    return _link_page(call, name, secret, 201)


def one(call: Call) -> Response:
    """Show one account and what can be done with it."""
    book = call.services.staff
    if book is None:
        return errors.plain(call, 404)
    return _one_page(call, book.accounts.find(call.request.path_params["name"]))


def rights(call: Call) -> Response:
    """Give an account other rights."""

    def change(accounts: StaffAccounts) -> str:
        accounts.set_rights(_name(call), rights_of(call.form), call.subject)
        return "rights"

    return _done(call, change)


def reset(call: Call) -> Response:
    """Forget what proves an account's holder, and show a one-time link once."""
    book = call.services.staff
    if book is None:
        return errors.plain(call, 404)
    try:
        secret = book.accounts.reset(_name(call), call.subject)
    except _TROUBLES as problem:
        return _refused(call, book.accounts, problem)
    return _link_page(call, _name(call), secret, 200)


def wake(call: Call) -> Response:
    """Enable an account that was idle for too long."""

    def waken(accounts: StaffAccounts) -> str:
        accounts.wake(_name(call), call.subject)
        return "wake"

    return _done(call, waken)


def end(call: Call) -> Response:
    """End a leaver's account; say to whom the work goes."""

    def ended(accounts: StaffAccounts) -> str:
        handed_to = str(call.form.get("handed_to", "")).strip()
        accounts.end(_name(call), call.subject, handed_to=handed_to)
        return "end"

    return _done(call, ended)


def review(call: Call) -> Response:
    """List the accounts whose rights are to be signed off, overdue ones first."""
    book = call.services.staff
    if book is None:
        return errors.plain(call, 404)
    living = [one for one in book.accounts.list() if one.state is not State.ENDED]
    living.sort(key=lambda one: (not one.is_overdue, one.reviewed_at or one.created_at))
    return call.page(
        "staff_review.html",
        accounts=living,
        states_of=STATES,
        roles=ROLES,
        days=book.accounts.terms.review.days,
        may_change=admitted(ADMINISTRATION, call.subject),
        done=call.request.query_params.get("done", "")[:40],
        signed={one.name: next(iter(book.accounts.reviews(one.name, 1)), None) for one in living},
    )


def sign_off(call: Call) -> Response:
    """Sign off one account's rights: keep or end; a change is made on the account's page."""
    book = call.services.staff
    verdict = str(call.form.get("verdict", ""))
    if book is None or verdict not in ("keep", "end"):
        return errors.plain(call, 404 if book is None else 400)
    kept: Verdict = "keep" if verdict == "keep" else "end"
    try:
        book.accounts.review(_name(call), kept, call.subject)
    except _TROUBLES as problem:
        return _refused(call, book.accounts, problem)
    return RedirectResponse(f"/staff/review?done={_name(call)}", status_code=303)


def review_change(call: Call) -> Response:
    """Sign off one account's rights by changing them."""

    def change(accounts: StaffAccounts) -> str:
        accounts.review(_name(call), "change", call.subject, rights=rights_of(call.form))
        return "rights"

    return _done(call, change)


def rights_of(form: FormData) -> Rights:
    """Return the rights that a form gives."""
    wards = str(form.get("wards", "")).replace(",", " ").split()
    return Rights(
        tuple(str(role) for role in form.getlist("role")),
        str(form.get("organisation", "")).strip(),
        tuple(wards),
        str(form.get("practitioner", "")).strip(),
    )


def _name(call: Call) -> str:
    return str(call.request.path_params["name"])


def _done(call: Call, act: Act) -> Response:
    book = call.services.staff
    if book is None:
        return errors.plain(call, 404)
    try:
        done = act(book.accounts)
    except _TROUBLES as problem:
        return _refused(call, book.accounts, problem)
    return RedirectResponse(f"/staff/{_name(call)}?done={done}", status_code=303)


def _refused(call: Call, accounts: StaffAccounts, problem: Problem) -> Response:
    """Show the account again with what went wrong; an unknown one is not found."""
    denied(call, problem)
    return _one_page(call, accounts.find(_name(call)), problem)


def _new_page(call: Call, problem: Problem | None = None) -> Response:
    field = str(problem.facts.get("field", "name")) if problem else ""
    return call.page(
        "staff_new.html",
        http_status=422 if problem else 200,
        roles=ROLES,
        given=rights_of(call.form),
        name=str(call.form.get("name", ""))[:64],
        display=str(call.form.get("display", ""))[:120],
        field=field,
        mistake=_words(call, problem),
    )


def _one_page(call: Call, account: StaffAccount, problem: Problem | None = None) -> Response:
    book = call.services.staff
    assert book is not None, "looked at before"
    others = [
        one for one in book.accounts.list()
        if one.state is not State.ENDED and one.name != account.name
    ]  # fmt: skip
    return call.page(
        "staff_one.html",
        http_status=errors.STATUS_OF_KIND[problem.kind] if problem else 200,
        account=account,
        others=others,
        states_of=STATES,
        roles=ROLES,
        reviews=book.accounts.reviews(account.name),
        may_change=admitted(ADMINISTRATION, call.subject),
        is_own=account.name == call.subject.account,
        is_review="review" in call.request.query_params,
        dormant_days=book.accounts.terms.dormant.days,
        mistake=_words(call, problem),
        done=DONE.get(call.request.query_params.get("done", ""), ""),
    )


def _words(call: Call, problem: Problem | None) -> str:
    """Return what went wrong, and where in the form, in the reader's words."""
    if isinstance(problem, StaffUnreadable):
        return call.text(FIELDS[str(problem.facts["field"])])
    return wording(problem, call.language) if problem else ""


def _link_page(call: Call, name: str, secret: str, status: int) -> Response:
    scheme = "https" if call.visitor.is_secure else "http"
    address = f"{scheme}://{call.request.headers.get('host', '')}/login/link/{secret}"
    return call.page("staff_link.html", http_status=status, name=name, address=address)


assert set(ROLES) == set(STAFF_ROLES), "every role has its words"
