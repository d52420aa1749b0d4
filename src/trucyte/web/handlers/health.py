"""The node's health page."""

from starlette.responses import Response

from trucyte.base.clock import VIETNAM
from trucyte.web.render import Call
from trucyte.web.views import health


def page(call: Call) -> Response:
    """Show journal, rates, checkpoint, disk, database and versions."""
    status = call.services.status()
    now = call.services.clock.now()
    return call.page(
        "health.html",
        status=status,
        signs=health.signs_of(status, now),
        bars=health.rate_bars(status.rates, call.language, now.astimezone(VIETNAM)),
    )
