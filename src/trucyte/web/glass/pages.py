"""The rows of the table of pages about emergencies: breaking the glass, and reviewing it."""

from collections.abc import Sequence

from trucyte.web.admission import REVIEWING, TREATING
from trucyte.web.handlers import emergencies
from trucyte.web.page import Page

EMERGENCY_PAGES: Sequence[Page] = (
    Page("emergency-form", "GET", "/emergency", emergencies.form, roles=TREATING),
    Page(
        "emergency-open",
        "POST",
        "/emergency",
        emergencies.open_one,
        reason="emergency Patient",
        roles=TREATING,
    ),
    Page("emergency-form-of", "GET", "/people/{id}/emergency", emergencies.form, roles=TREATING),
    Page(
        "emergency-open-of",
        "POST",
        "/people/{id}/emergency",
        emergencies.open_one,
        reason="emergency Patient",
        roles=TREATING,
    ),
    Page(
        "emergency-end",
        "POST",
        "/emergencies/{number:int}/end",
        emergencies.end,
        reason="emergency-end",
        roles=TREATING,
    ),
    Page(
        "emergencies",
        "GET",
        "/emergencies",
        emergencies.listing,
        reason="emergency-list",
        roles=REVIEWING,
    ),
    Page(
        "emergency-review",
        "POST",
        "/emergencies/{number:int}",
        emergencies.review,
        reason="emergency-review",
        roles=REVIEWING,
    ),
)
