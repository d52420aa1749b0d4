"""The page of search parameters that users posted, and stopping and resuming their indexing."""

from starlette.responses import RedirectResponse, Response

from trucyte.base.problem import Kind, Problem
from trucyte.web.api.operations.reindex import NotIndexed, Reindex
from trucyte.web.render import Call
from trucyte.web.views.parameters import lines_of


class NoParametersHere(Problem):
    """This node has no index of its own."""

    kind = Kind.UNSUPPORTED
    code = "no-parameters-here"


def page(call: Call) -> Response:
    """List all with their state and progress."""
    return call.page("parameters.html", lines=lines_of(_reindex(call).progress()))


def change(call: Call) -> Response:
    """Stop or resume one, then show the list again."""
    reindex, what = _reindex(call), call.request.path_params["what"]
    act = {"stop": reindex.stop, "resume": reindex.resume}.get(what)
    if act is None or not act(call.request.path_params["id"]):
        raise NotIndexed
    return RedirectResponse("/parameters", status_code=303)


def _reindex(call: Call) -> Reindex:
    if call.services.reindex is None:
        raise NoParametersHere
    return call.services.reindex
