"""Which roles open which pages, and what is answered to who may not pass.

Pages are opened by role here; what of the data a role sees is decided where data is read.
"""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from trucyte.base.problem import Problem
from trucyte.shared.access.local import no_access
from trucyte.shared.access.staff.roles import ADMINISTRATOR, CARE, DESK, OVERSIGHT, STAFF_ROLES
from trucyte.shared.access.subject import NOBODY, Subject
from trucyte.web.doorway import FORM_FIELD, FormStale, RoleMissing, check_form, to_login
from trucyte.web.render import Call

OPEN: Final = frozenset({"everyone"})  # without a login, too
ANYONE: Final = frozenset(STAFF_ROLES)
FILES: Final = frozenset({"clerk", "cashier", "registrar"})  # what hospitals' systems send
PEOPLE: Final = frozenset((*CARE, *DESK))
VISITS: Final = frozenset((*CARE, "clerk"))
TRAIL: Final = frozenset((*OVERSIGHT, "clerk"))
IDENTITY: Final = frozenset({"clerk", "registrar"})
OPERATION: Final = frozenset({ADMINISTRATOR, "security_officer"})
ADMINISTRATION: Final = frozenset({ADMINISTRATOR})
RIGHTS: Final = frozenset((ADMINISTRATOR, *OVERSIGHT))  # who may see who may do what


def admitted(roles: frozenset[str], subject: Subject) -> bool:
    """Say whether a page of these roles opens for a subject."""
    return roles is OPEN or subject.kind == "local" or bool(roles & subject.roles)


def turned_away(roles: frozenset[str], call: Call) -> Response | None:
    """Send who has not said who they are to where that is asked; None for all others."""
    if call.subject is not NOBODY or admitted(roles, call.subject):
        return None
    session = call.visitor.session
    is_locked = session is not None and session.is_locked and not session.is_half
    return to_login(call.request, "/lock" if is_locked else "/login")


def check_admission(roles: frozenset[str], call: Call) -> None:
    """Raise RoleMissing, entered in the trail, where the page does not open for who asks."""
    if not admitted(roles, call.subject):
        _deny(call)
        raise RoleMissing


def check_form_of(call: Call) -> None:
    """Raise FormStale, entered in the trail, where a form is not of who sends it."""
    try:
        check_form(call.visitor, str(call.form.get(FORM_FIELD, "")))
    except FormStale:
        _deny(call)
        raise


def resend(call: Call) -> Response:
    """Give a form back that came from nobody, to be sent again after the login: none is lost."""
    if call.is_part:
        raise HTTPException(401)
    session = call.visitor.session
    kept = [(name, value) for name, value in call.form.multi_items() if isinstance(value, str)]
    return call.page(
        "resend.html",
        http_status=401,
        kept=kept,
        is_locked=session is not None and session.is_locked and not session.is_half,
    )


def denied(call: Call, problem: Problem) -> None:
    """Enter a Problem that is answered by a page of its own."""
    if call.asked is not None:
        _deny(call)
        call.asked.failed(problem)


def _deny(call: Call) -> None:
    """Let the trail name who asked; the Problem that follows is its outcome."""
    if call.asked is not None:
        call.asked.of(no_access(call.subject, call.asked))
