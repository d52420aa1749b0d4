"""The pages of consents, requests and a citizen's own record, and who may open them."""

from collections.abc import Sequence
from typing import Final

from trucyte.shared.access.staff.roles import CITIZEN
from trucyte.web.admission import PEOPLE
from trucyte.web.handlers.rights import consents, me, requests
from trucyte.web.page import Page

# Who answers persons about their data, and who watches over it.
ANSWERING: Final = frozenset({"clerk", "security_officer"})
WATCHING: Final = frozenset((*ANSWERING, "auditor"))
TAKING: Final = frozenset((*PEOPLE, "security_officer"))
MINE: Final = frozenset({CITIZEN})
_C, _R = "page Consent", "page Patient"

RIGHTS_PAGES: Sequence[Page] = (
    Page("consents", "GET", "/people/{id}/consents", consents.page, reason=_C, roles=TAKING),
    Page(
        "consent-take", "POST", "/people/{id}/consents", consents.take, takes_files=True,
        reason=_C, roles=TAKING,
    ),
    Page(
        "consent-withdraw", "POST", "/people/{id}/consents/{consent}/withdraw", consents.withdraw,
        reason=_C, roles=TAKING,
    ),
    Page(
        "consent-original", "GET", "/people/{id}/consents/{consent}/original", consents.original,
        reason="read DocumentReference", roles=TAKING,
    ),
    Page(
        "proxy-take", "POST", "/people/{id}/proxies", consents.appoint, takes_files=True,
        reason=_C, roles=TAKING,
    ),
    Page(
        "proxy-revoke", "POST", "/people/{id}/proxies/{proxy}/revoke", consents.revoke,
        reason=_C, roles=TAKING,
    ),
    Page(
        "holder-notice", "POST", "/people/{id}/notices", consents.notice,
        reason=_C, roles=TAKING,
    ),
    Page(
        "request-take", "POST", "/people/{id}/requests", requests.take,
        reason=_R, roles=TAKING,
    ),
    Page("rights", "GET", "/rights", requests.listing, reason=_R, roles=WATCHING),
    Page("right", "GET", "/rights/{number:int}", requests.one, reason=_R, roles=WATCHING),
    Page("right-move", "POST", "/rights/{number:int}", requests.move, reason=_R, roles=ANSWERING),
    Page(
        "right-package", "GET", "/rights/{number:int}/package.zip", requests.package,
        reason="$everything Patient", roles=ANSWERING,
    ),
    Page("me", "GET", "/me", me.page, reason=_R, roles=MINE),
    Page("my-looks", "GET", "/me/looks", me.looked, reason="page AuditEvent", roles=MINE),
    Page(
        "my-look", "GET", "/me/looks/{entry}/evidence.json", me.evidence,
        reason="read AuditEvent", roles=MINE,
    ),
    Page("my-consents", "GET", "/me/consents", me.consents, reason=_C, roles=MINE),
    Page("my-consent", "POST", "/me/consents", me.decide, reason=_C, roles=MINE),
    Page("my-requests", "GET", "/me/requests", me.requests, reason=_R, roles=MINE),
    Page("my-request", "POST", "/me/requests", me.ask, reason=_R, roles=MINE),
    Page(
        "my-package", "GET", "/me/requests/{number:int}/package.zip", me.package,
        reason="$everything Patient", roles=MINE,
    ),
    Page("my-proxies", "GET", "/me/proxies", me.proxies, reason=_C, roles=MINE),
    Page("my-proxy", "POST", "/me/proxies", me.appoint, reason=_C, roles=MINE),
)  # fmt: skip
