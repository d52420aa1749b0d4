"""The start page: what came in today, what needs attention, and how the node is."""

from collections.abc import Sequence

from starlette.responses import Response

from trucyte.base.clock import VIETNAM
from trucyte.intake.receipts import ReceivedFile
from trucyte.web.render import Call
from trucyte.web.views import health, received

FILES_READ = 500
FILES_SHOWN = 8


def page(call: Call) -> Response:
    """Show today; on the first day, what to do first; to who sees no files, the own work."""
    if not call.opens("/files"):
        signs = health.signs_of(call.services.status(), call.services.clock.now())
        return call.page("start.html", signs=signs)
    receipts = call.services.receipts
    files = receipts.files(count=FILES_READ)
    now = call.services.clock.now()
    today = [file for file in files if received.is_of_day(file, now)]
    status = call.services.status()
    return call.page(
        "today.html",
        is_first_day=not files,
        today=today,
        is_cut=len(today) == FILES_READ,
        totals=_totals(today),
        recent=[(file, received.file_state(file)) for file in files[:FILES_SHOWN]],
        attention=[file for file in files[:50] if file.errors or file.quarantined],
        waiting=len(receipts.quarantined()),
        status=status,
        signs=health.signs_of(status, now),
        bars=health.rate_bars(status.rates, call.language, now.astimezone(VIETNAM)),
        doors=received.DOORS,
    )


def _totals(files: Sequence[ReceivedFile]) -> dict[str, int]:
    return {
        "files": len(files),
        "visits": sum(file.visits for file in files),
        "resources": sum(file.resources for file in files),
        "errors": sum(file.errors for file in files),
    }
