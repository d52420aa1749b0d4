"""The pages of applications and of citizens' logins, as rows of the table of pages."""

from collections.abc import Sequence
from typing import Final

from trucyte.shared.access.staff.roles import CITIZEN, STAFF_ROLES
from trucyte.web.admission import OPEN, PEOPLE
from trucyte.web.oauth import consent, login
from trucyte.web.page import Page

ASKED: Final = frozenset((*STAFF_ROLES, CITIZEN))  # whoever may let an application act

OAUTH_PAGES: Sequence[Page] = (
    Page("authorize", "GET", "/oauth/authorize", consent.authorize, roles=OPEN),
    Page("consent", "GET", f"{consent.ASKED}/{{secret}}", consent.show, roles=ASKED),
    Page(
        "consent-decide",
        "POST",
        f"{consent.ASKED}/{{secret}}",
        consent.decide,
        reason="page Patient",
        roles=ASKED,
    ),
    Page(
        "app-launch",
        "POST",
        "/oauth/launch/{client}",
        consent.launch,
        reason="page Patient",
        roles=PEOPLE,
    ),
    Page("vneid", "GET", "/login/vneid", login.begin, roles=OPEN),
    Page("vneid-back", "GET", "/login/vneid/callback", login.finish, roles=OPEN),
)
