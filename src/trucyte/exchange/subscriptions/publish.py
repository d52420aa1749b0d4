"""Say in the Subscription itself where it stands: its `status` and, of a failed one, `error`.

The node writes a version of its own into the journal, on top of the version that it looked
at; where the client wrote another meanwhile, that one is looked at first.
"""

from typing import Any, Final

from trucyte.exchange.subscriptions.store import Status, Store
from trucyte.fhir.parse import parse
from trucyte.fhir.text import accept_own
from trucyte.journal.change import Change, Key, Operation, VersionConflict
from trucyte.journal.journal import Journal

_TYPE: Final = "Subscription"
_OWN: Final = 0


class Publisher:
    """Writes what the rows say into the resources."""

    def __init__(self, store: Store, journal: Journal) -> None:
        """Write into `journal`."""
        self._store = store
        self._journal = journal

    def publish(self) -> None:
        """Say what is not said yet; safe to be cut off anywhere."""
        for id, version, status, error in self._store.untold():
            self._say(id, version, status, error)

    def _say(self, id: str, version: int, status: Status, error: str) -> None:
        key: Key = (_OWN, _TYPE, id)
        head = self._journal.head([key]).get(key)
        if head is None or head.version != version or head.operation is Operation.DELETE:
            return  # the follower comes to that version first
        line = self._journal.bodies([head.seq]).get(head.seq)
        if line is None or not line.body:
            return
        resource = parse(line.body)
        if resource.get("status") != status:
            body = accept_own(_with_status(resource, status, error))
            change = Change(
                _TYPE, id, Operation.UPDATE, body.body, body.meta_offset, 0, expected=version
            )
            try:
                (entry,) = self._journal.commit([change])
            except VersionConflict:
                return
            version = entry.version
        self._store.told(id, version, status)


def _with_status(resource: dict[str, Any], status: Status, error: str) -> dict[str, Any]:
    said = {key: value for key, value in resource.items() if key not in ("status", "error")}
    said["status"] = str(status)
    if status is Status.ERROR:
        said["error"] = error
    return said
