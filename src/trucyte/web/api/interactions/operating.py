"""Operations (R4 §3.2): a `$name` at the system, a type or an instance, found in the table."""

from collections.abc import Sequence

from trucyte.web.api.asgi import Answer, MediaTypeUnsupported, not_allowed
from trucyte.web.api.call import FhirCall
from trucyte.web.api.headers import Media, answer_media
from trucyte.web.api.operations.table import OperationTable, level_of
from trucyte.web.api.pairs import read_pairs
from trucyte.web.api.routes import ANYTHING, FHIR, OPERATION_PLACES, Row

_METHODS = ("GET", "POST", "DELETE")


class Operating:
    """Passes calls on to the rows of the table."""

    def __init__(self, table: OperationTable) -> None:
        """Answer with the operations of `table`."""
        self._table = table

    def rows(self) -> Sequence[Row]:
        """Return what it answers: nothing where there is no operation."""
        if not self._table.rows:
            return ()
        return tuple(
            Row(place, method, self.operate, takes=ANYTHING)
            for place in OPERATION_PLACES
            for method in _METHODS
        )

    def operate(self, call: FhirCall) -> Answer:
        """Find the operation and let it answer."""
        level = level_of(call.type, call.id)
        method = "GET" if call.method == "HEAD" else call.method
        found = self._table.find(call.places["name"], level, call.type, method)
        if found.affects_state and (call.method == "HEAD" or call.is_in_bundle):
            raise not_allowed(call.method, found.methods)
        if call.body and call.media not in FHIR and not found.takes_any_media:
            raise MediaTypeUnsupported(expected=Media.JSON.value)
        if not found.writes_own:
            check_format(call)
        return found.handler(call)


def check_format(call: FhirCall) -> None:
    """Refuse a format that FHIR has not, which the dispatcher leaves to operations."""
    asked = [value for name, value in read_pairs(call.query) if name == "_format"]
    answer_media(asked[-1] if asked else "", call.headers.get("accept", ""))
