"""Who is told of what is accepted here: where each stands, and trying again."""

from starlette.responses import RedirectResponse, Response

from trucyte.records.shown import ResourceNotFound
from trucyte.web.render import Call
from trucyte.web.views.subscription import lines_of


def listing(call: Call) -> Response:
    """List the subscriptions, those that need a person first."""
    subscribers = call.services.subscribers
    return call.page(
        "subscriptions.html", lines=lines_of(subscribers.listed() if subscribers else ())
    )


def retry(call: Call) -> Response:
    """Let one be tried again at once, and show the list."""
    subscribers = call.services.subscribers
    id = call.request.path_params["id"]
    if subscribers is None or not subscribers.retry(id, call.services.clock.now()):
        raise ResourceNotFound(type="Subscription")
    return RedirectResponse("/subscriptions", status_code=303)
