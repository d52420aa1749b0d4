"""Look at what could not be read, and try it again after a mend."""

from collections.abc import Sequence
from threading import Event

from trucyte.intake.door import Door, work_on
from trucyte.intake.keeping.ledger import Held, Ledger
from trucyte.intake.piece import Form
from trucyte.intake.receipts import Quarantined
from trucyte.intake.running.accept import Acceptor
from trucyte.intake.running.results import Outcome


class Quarantine:
    """The quarantine of this node."""

    def __init__(self, door: Door) -> None:
        """Work through `door`."""
        self._door = door
        self._ledger = Ledger(door.database, door.clock, door.receipts.vault)

    def entries(self, *, open_only: bool = True) -> Sequence[Quarantined]:
        """Return the entries, newest first."""
        return self._door.receipts.quarantined(open_only=open_only)

    def show(self, number: int) -> Held:
        """Return one entry with its bytes; raises QuarantineUnknown."""
        return self._ledger.held(number)

    def original(self, held: Held) -> bytes:
        """Return the bytes of an entry: the piece, or the whole source where none could be cut."""
        if held.piece.data or held.piece.form is not Form.FILE:
            return held.piece.data
        return b"".join(self._door.receipts.original(held.entry.source))

    def retry(self, number: int, stop: Event) -> bool:
        """Try an entry again; say whether it was accepted. Raises QuarantineUnknown.

        What was cut out is tried by itself, anything else by reading its source again from
        where it failed. An entry that was resolved is left alone.
        """
        held = self._ledger.held(number)
        if held.entry.resolved_at is not None:
            return True
        source, ordinal = held.entry.source, held.entry.ordinal
        if held.piece.form is Form.FILE or not held.piece.data:
            self._ledger.reopen(source, ordinal - 1)
            work_on(self._door, [source], 0, stop)
            open_ones = {(entry.source, entry.ordinal) for entry in self.entries()}
            return (source, ordinal) not in open_ones
        acceptor = Acceptor(self._door.build(), self._door.limits)
        try:
            ((_, result),) = acceptor.accept([(source, held.piece)], stop)
        finally:
            acceptor.close()
        self._ledger.record_again(source, result, held.piece)
        return result.outcome is not Outcome.QUARANTINED
