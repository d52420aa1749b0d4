"""Pages that read nothing: help, the styleguide, and what a browser likes to remember."""

from starlette.responses import RedirectResponse, Response

from trucyte.web.language import COOKIE, LANGUAGES
from trucyte.web.render import THEMES, Call
from trucyte.web.samples import styleguide_samples
from trucyte.web.security import own_path

YEAR_SECONDS = 365 * 24 * 3600


def help_page(call: Call) -> Response:
    """Show the keys and the first steps."""
    return call.page("help.html")


def styleguide(call: Call) -> Response:
    """Show every component in every state, with invented people."""
    return call.page("styleguide.html", samples=styleguide_samples())


def preferences(call: Call) -> Response:
    """Keep the theme or language chosen, and go back to the page it was chosen on."""
    back = str(call.form.get("back", "/"))
    response = RedirectResponse(own_path(back), status_code=303)
    for cookie, allowed in (("theme", THEMES), (COOKIE, LANGUAGES)):
        wish = call.form.get(cookie)
        if wish in allowed:
            response.set_cookie(
                cookie,
                str(wish),
                max_age=YEAR_SECONDS,
                httponly=True,
                samesite="lax",
                secure=call.services.settings.has_secure_cookies,
            )
    return response
