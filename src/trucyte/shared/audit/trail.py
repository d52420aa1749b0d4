"""The trail: no data is shown without an entry that was durable before.

A log of its own beside the journal, written by the journal's code: dense order, one
Merkle root a commit, signed checkpoints. Whoever wants to answer while a commit runs joins
the next one, so entries of many requests share one flush to the disk.

Where an entry cannot be written the answer must not leave: every method that writes
raises DatabaseAway, DatabaseFull or OutcomeUnknown, and what was to be shown is not.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final

from trucyte.base.clock import Clock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database, DatabaseAway, DatabaseFull
from trucyte.journal.checkpoint import Checkpoint
from trucyte.journal.codec import Codec
from trucyte.journal.evidence import Evidence
from trucyte.journal.journal import Journal, Noted, nothing_noted
from trucyte.journal.keyring import Keyring
from trucyte.journal.rebuild import Progress
from trucyte.journal.verify import Checkers, Verdict
from trucyte.records.access import Access
from trucyte.shared.audit.asked import Asked, Stream, refusal_of
from trucyte.shared.audit.entry import (
    Deed,
    Entry,
    EntryNotFound,
    Outcome,
    changes_of,
    each_once,
)
from trucyte.shared.audit.event import rendered
from trucyte.shared.audit.interaction import read_reason
from trucyte.shared.audit.persons import ShownPersons
from trucyte.shared.audit.reading import Found, Reading, Wanted
from trucyte.shared.audit.scribe import Scribe

# With the entry's place before it an id needs no more bits than tell requests of a day apart.
_REQUEST_BYTES: Final = 6
_LETTERS: Final = str.maketrans("-_", "xX")
# An answer that waits for its entry must not wait for ever.
_RETRY_SECONDS: Final = 5.0


def _silent(done: int, total: int) -> None:
    """Report progress to nobody."""


class Trail:
    """The trail of one node; a `Recorder`. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        *,
        site: str = "",
        retry_seconds: float = _RETRY_SECONDS,
        noted: Noted = nothing_noted,
    ) -> None:
        """Open lazily; `site` is what AuditEvents call this node, `noted` hears of commits."""
        self.journal = Journal(
            database, keyring, clock, [ShownPersons()],
            schema="audit", has_heads=False, codec=Codec(compresses=False),
            retry_seconds=retry_seconds, noted=noted,
        )  # fmt: skip
        self._scribe = Scribe(self.journal.commit_many)
        self._reading = Reading(self.journal)
        self._site = site

    # Writing

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        """Enter that data of `persons` is about to be shown; return once that is durable."""
        self.enter(access, reason, persons=persons, resources=len(persons)).result()

    def refused(self, access: Access, reason: str, code: str, *, door: str = "") -> None:
        """Enter that something was not allowed; `code` is that of the Problem."""
        self.enter(access, reason, outcome=Outcome.REFUSED, code=code, door=door).result()

    def enter(
        self,
        access: Access,
        reason: str,
        *,
        persons: Sequence[int] = (),
        resources: int = 0,
        outcome: Outcome = Outcome.SUCCESS,
        code: str = "",
        door: str = "",
        request: str = "",
    ) -> Future[None]:
        """Enter what was done under an access; the future is done once that is durable."""
        interaction, kind = read_reason(reason)
        return self._write(
            Deed(
                request or new_request(), door, interaction, kind, access.purpose, access.caller,
                access.organisation, outcome, resources, code, each_once(persons),
            )
        )  # fmt: skip

    def logged_in(self, caller: str, *, organisation: str = "", door: str, code: str = "") -> None:
        """Enter a login, with the `code` of the Problem a failed one.

        A name that no account bears is not for the trail: it may be anything. Give "".
        """
        outcome = Outcome.REFUSED if code else Outcome.SUCCESS
        self._write(
            Deed(new_request(), door, "login", "", "", caller, organisation, outcome, 0, code, ())
        ).result()

    @contextmanager
    def request(
        self, reason: str, *, door: str, request: str = "", waits: bool = True
    ) -> Iterator[Asked]:
        """Gather what one request reads, and enter it as one when the block is left.

        Read with `asked.of(access)` inside, answer behind the block; without `waits` the
        answer has to wait for `asked.entered`. A Problem that leaves the block is entered
        too. Nothing is entered where `asked.of` was never called. `request` is the request's
        id, letters and digits, made by this node.
        """
        asked = Asked(self.enter, reason, door, request or new_request(), waits=waits)
        try:
            yield asked
        except (DatabaseAway, DatabaseFull):
            raise  # nothing was shown, and nothing can be written
        except Problem as problem:
            asked.close(*refusal_of(problem))
            raise
        except Exception:
            asked.close(Outcome.ERROR, "defect")
            raise
        asked.close()

    @contextmanager
    def stream(
        self, access: Access, reason: str, *, door: str, request: str = ""
    ) -> Iterator[Stream]:
        """Enter the begin of an answer in parts before its first byte, and its end with counts.

        Call `stream.showing` before each part leaves: it is durable when that returns.
        """
        stream = Stream(self.enter, access, reason, door, request or new_request())
        stream.begin()
        try:
            yield stream
        except (DatabaseAway, DatabaseFull):
            raise
        except BaseException as error:
            # Also a client that went away: what was sent until then was seen.
            told = refusal_of(error) if isinstance(error, Problem) else (Outcome.ERROR, "cut")
            stream.end(*told)
            raise
        stream.end()

    def _write(self, deed: Deed) -> Future[None]:
        return self._scribe.enter(changes_of(deed))

    # Reading

    def find(self, access: Access, wanted: Wanted) -> Found:
        """Return a page of entries, newest first; reading them is entered as well.

        Who sees the records of some organisations only sees what was done on their behalf.
        """
        found = self._reading.find(access, wanted)
        if wanted.person is not None:
            persons: Sequence[int] = [wanted.person] * len(found.entries)
        else:
            persons = [person for entry in found.entries for person in entry.deed.persons]
        access.recorder.shown(access, persons, "search AuditEvent")
        return found

    def of_person(
        self, access: Access, person: int, *, count: int = 50, before: int | None = None
    ) -> Found:
        """Return who looked at a person's data, newest first; `person` is the person key."""
        return self.find(access, Wanted(person=person, count=count, before=before))

    def entry(self, access: Access, id: str) -> Entry:
        """Return one entry by its id; raises EntryNotFound."""
        found = self._reading.entry(access, id)
        access.recorder.shown(access, found.deed.persons, "read AuditEvent")
        return found

    def entry_of_person(self, access: Access, person: int, id: str) -> Entry:
        """Return one entry that shows a person, by the key of any of its Patients.

        Raises EntryNotFound.
        """
        found = self.entry(access, id)
        if not self._reading.shows(found, person):
            raise EntryNotFound
        return found

    def event(self, access: Access, id: str) -> dict[str, Any]:
        """Return one entry as an R4 AuditEvent; raises EntryNotFound."""
        return self.events([self.entry(access, id)])[0]

    def events(
        self, entries: Sequence[Entry], *, only: Mapping[int, str] | None = None
    ) -> list[dict[str, Any]]:
        """Return entries as R4 AuditEvents; of their persons those of `only`, if given.

        `only` gives the reference of each person by key. A person who asks who looked is not
        told who else was on the same page.
        """
        patients = only if only is not None else self._reading.patients(entries)
        return [rendered(e, patients, self._site, hides_others=only is not None) for e in entries]

    # Proof

    def prove(self, access: Access, id: str) -> Evidence:
        """Return the evidence of an entry, to be verified by anyone; raises EntryNotFound."""
        return self.journal.prove(self.entry(access, id).seq)

    def verify(
        self,
        progress: Progress = _silent,
        trusted: Mapping[str, bytes] | None = None,
        checkers: Checkers | None = None,
    ) -> Verdict:
        """Walk the whole trail and name the first thing altered; see `Journal.verify`."""
        verdict = self.journal.verify(progress, trusted, checkers)
        return verdict if not verdict.is_sound else self._reading.with_index_checked(verdict)

    def checkpoint(self) -> Checkpoint:
        """Sign everything entered so far, now."""
        return self.journal.checkpoint()

    def close(self) -> None:
        """Write what waits and close the connections; they open again when used."""
        self._scribe.close()
        self.journal.close()


def new_request() -> str:
    """Return a new id for a request."""
    return secrets.token_urlsafe(_REQUEST_BYTES).translate(_LETTERS)
