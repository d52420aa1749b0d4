"""The way of a citizen through a provider of others, and into a session of this node."""

from typing import Final

from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Problem
from trucyte.base.wording import wording
from trucyte.shared.access.oauth.asked import read_form
from trucyte.shared.access.oauth.refusal import OAuthRefused
from trucyte.shared.access.oauth.relying import LoginDeclined, LoginNotOffered
from trucyte.web.handlers.errors import STATUS_OF_KIND
from trucyte.web.oauth.citizens import CitizenLogin
from trucyte.web.render import Call
from trucyte.web.security import own_path

COOKIE: Final = "trucyte-login"
_MINUTES: Final = 10
HOME: Final = "/me"  # a citizen's own page
CALLBACK: Final = "/login/vneid/callback"


def begin(call: Call) -> Response:
    """Send to the provider; the browser keeps the state of this login."""
    login = _login(call)
    redirect = login.place.of_page(call.request, {}).issuer + CALLBACK
    then = own_path(call.request.query_params.get("then", HOME))
    try:
        address, state = login.party.begin(redirect, then)
    except Problem as problem:
        return _trouble(call, problem)
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(
        _cookie(call),
        state,
        max_age=_MINUTES * 60,
        path="/",
        httponly=True,
        samesite="lax",
        secure=call.visitor.is_secure,
    )
    return response


def finish(call: Call) -> Response:
    """Take the provider's answer and open a session, or say what is wrong with it."""
    login = _login(call)
    try:
        said = read_form(call.request.url.query)
        citizen = login.party.finish(said, call.request.cookies.get(_cookie(call), ""))
        known = login.find(citizen)
    except OAuthRefused:
        return _refused(call, LoginDeclined())
    except Problem as problem:
        return _refused(call, problem)
    login.entered(known.account, "")
    text = login.sessions.begin(
        known.account,
        kind="citizen",
        assurance=citizen.level,
        persons=sorted(known.persons),
        browser="",
    )
    response = RedirectResponse(own_path(citizen.then), status_code=303)
    doorway = call.services.doorway
    assert doorway is not None, "a node with logins has a doorway"
    visitor = doorway.named(call.visitor)
    doorway.keep_session(response, text, visitor)
    doorway.keep_device(response, visitor)
    return _forgotten(call, response)


def _login(call: Call) -> CitizenLogin:
    login = call.services.citizens
    if login is None:
        raise LoginNotOffered
    return login


def _refused(call: Call, problem: Problem) -> Response:
    _login(call).entered("", problem.code)
    return _forgotten(call, _trouble(call, problem))


def _trouble(call: Call, problem: Problem) -> Response:
    """Say in words of its own what was wrong, and what to do next."""
    return call.page(
        "login_trouble.html",
        http_status=STATUS_OF_KIND[problem.kind],
        words=wording(problem, call.language),
        code=problem.code,
    )


def _forgotten(call: Call, response: Response) -> Response:
    response.delete_cookie(
        _cookie(call), path="/", secure=call.visitor.is_secure, httponly=True, samesite="lax"
    )
    return response


def _cookie(call: Call) -> str:
    return f"__Host-{COOKIE}" if call.visitor.is_secure else COOKIE
