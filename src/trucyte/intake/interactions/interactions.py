"""The write side of the FHIR API (R4 3.1.0): from create to transaction.

What is accepted are the received bytes, checked and spliced. A condition is answered by
a search, decided on, and asked again by the journal under its lock; where it no longer
holds the decision is made anew, so conditional writes stay unique whoever else writes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trucyte.base.clock import Clock
from trucyte.fhir.patch import Patch
from trucyte.fhir.path.path import Paths
from trucyte.intake.interactions.asks import Ask, Verb
from trucyte.intake.interactions.bundles import Bundles
from trucyte.intake.interactions.committing import TRIES, pause, tell, written
from trucyte.intake.interactions.drafts import read_draft
from trucyte.intake.interactions.kept import Original, Originals, kept
from trucyte.intake.interactions.plans import Lasting, Planner, Signed, nothing_lasts, unsigned
from trucyte.intake.interactions.problems import Contested
from trucyte.intake.interactions.provenance import provenances
from trucyte.intake.interactions.references import check_references
from trucyte.intake.interactions.settings import WriteSettings
from trucyte.intake.interactions.values import BundleDone, Reads, Written
from trucyte.intake.tools import Checker
from trucyte.journal.behalf import Behalf
from trucyte.journal.change import ExpectationFailed, VersionConflict
from trucyte.journal.journal import Journal
from trucyte.records.access import Access
from trucyte.records.gate import Records


class Interactions:
    """Every write of the API; make one a process, it is safe between threads."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        checker: Checker,
        *,
        person: Callable[[str], int],
        person_of: Callable[[Mapping[str, Any]], str | None],
        clock: Clock,
        paths: Paths,
        settings: WriteSettings | None = None,
        signed: Signed = unsigned,
        originals: Originals | None = None,
        lasting: Lasting = nothing_lasts,
    ) -> None:
        """Write into `journal`; `person` and `person_of` as in `intake.tools.Tools`.

        `signed` judges who signs what is written, and raises where that may not be.
        `originals` keeps what came as something else than the JSON that is accepted, and
        `lasting` the access under which something will act later.
        """
        self._originals = originals
        self._settings = settings or WriteSettings()
        self._journal = journal
        self._planner = Planner(
            records,
            checker,
            person,
            person_of,
            clock,
            self._settings,
            Behalf(journal.database),
            signed,
            lasting,
        )
        self._bundles = Bundles(journal, self._planner, paths, originals)

    def create(
        self,
        access: Access,
        type: str,
        body: bytes,
        *,
        if_none_exist: str = "",
        original: bytes = b"",
    ) -> Written:
        """Accept a new resource under an id of this node's own; one in the body is ignored.

        With `if_none_exist`, what meets that query is given back instead (FOUND); raises
        NotSelective where several do. `original` is what came where it was not this body,
        and is kept.
        """
        draft = read_draft(type, body, self._settings.resource)
        return self._one(access, Ask(Verb.CREATE, type, query=if_none_exist, draft=draft), original)

    def update(
        self,
        access: Access,
        type: str,
        id: str,
        body: bytes,
        *,
        if_match: int | None = None,
        if_none_match_any: bool = False,
        original: bytes = b"",
    ) -> Written:
        """Accept a new version, or the first where there is none.

        The body's id must be that of the URL (IdMismatch). What is there with the same
        bytes writes nothing (UNCHANGED). Raises ConditionUnmet, AlreadyThere.
        """
        draft = read_draft(type, body, self._settings.resource)
        ask = Ask(
            Verb.UPDATE, type, id, draft=draft, if_match=if_match, must_be_new=if_none_match_any
        )
        return self._one(access, ask, original)

    def update_where(
        self,
        access: Access,
        type: str,
        query: str,
        body: bytes,
        *,
        if_match: int | None = None,
        original: bytes = b"",
    ) -> Written:
        """Accept a new version of the one that meets a query, a new one where none does.

        Raises NotSelective, IdOfAnother, IdTaken (R4 3.1.0.4.3).
        """
        draft = read_draft(type, body, self._settings.resource)
        ask = Ask(Verb.UPDATE, type, query=_asked(query), draft=draft, if_match=if_match)
        return self._one(access, ask, original)

    def patch(
        self, access: Access, type: str, id: str, patch: Patch, *, if_match: int | None = None
    ) -> Written:
        """Accept a version that is the current one with a patch applied.

        Raises ResourceNotFound, ResourceGone, and what the patch raises.
        """
        return self._one(access, Ask(Verb.PATCH, type, id, patch=patch, if_match=if_match))

    def patch_where(
        self, access: Access, type: str, query: str, patch: Patch, *, if_match: int | None = None
    ) -> Written:
        """Patch the one that meets a query; raises NothingMeets, NotSelective."""
        ask = Ask(Verb.PATCH, type, query=_asked(query), patch=patch, if_match=if_match)
        return self._one(access, ask)

    def delete(
        self, access: Access, type: str, id: str, *, if_match: int | None = None
    ) -> Written | None:
        """Accept the end of a resource; None where nothing is there to be ended."""
        found = self._run(access, Ask(Verb.DELETE, type, id, if_match=if_match))
        return found[0] if found else None

    def delete_where(
        self, access: Access, type: str, query: str, *, several: bool = False
    ) -> Sequence[Written]:
        """Accept the end of the one that meets a query, with `several` of all, as one unit.

        Raises NotSelective, TooManyDeleted.
        """
        return self._run(access, Ask(Verb.DELETE, type, query=_asked(query), several=several))

    def bundle(
        self, access: Access, body: bytes, reads: Reads, *, original: bytes = b""
    ) -> BundleDone:
        """Carry out a transaction or a batch (R4 3.1.0.11); entries are answered in order.

        A transaction raises the Problem of its first entry that cannot be done, with its
        place as `location`, and leaves nothing; in a batch each entry has its own.
        """
        return self._bundles.run(access, body, reads, original)

    def _one(self, access: Access, ask: Ask, original: bytes = b"") -> Written:
        (made,) = self._run(access, ask, original)
        return made

    def _run(self, access: Access, ask: Ask, came: bytes = b"") -> list[Written]:
        """Decide and commit until nobody came between; `came` is an original to keep."""
        draft = ask.draft
        if draft is not None and not came and "signature" in draft.resource:
            came = draft.body  # its signature holds of these bytes alone
        parts = [draft.body] if draft is not None else []
        with kept(self._originals, access, came, parts) as original:
            return self._tries(access, ask, original)

    def _tries(self, access: Access, ask: Ask, original: Original) -> list[Written]:
        for tried in range(TRIES):
            pause(tried)
            try:
                done = self._attempt(access, ask, original)
            except (VersionConflict, ExpectationFailed):
                continue
            tell(access, f"{ask.verb.value} {ask.type}", done)
            return done
        raise Contested(type=ask.type)

    def _attempt(self, access: Access, ask: Ask, original: Original) -> list[Written]:
        settled = self._planner.settle(access, ask)
        # A create under an id of chance has nothing to look for.
        is_known = ask.verb is not Verb.CREATE or settled.is_met
        scene = self._planner.look(access, self._journal, settled.keys if is_known else ())
        plan = self._planner.plan(access, settled, scene)
        if not plan.changes:
            return written(plan, ())
        changes = original.named(plan.changes)
        if self._settings.refuses_missing_references:
            check_references(self._journal, self._planner.records, access, changes)
        if self._settings.writes_provenance(ask.type) or original.number:
            changes += provenances(self._planner, access, changes, original.number)
        self._planner.keep_bounds(access, changes)
        with original.committing():
            entries = self._journal.commit(changes, plan.expectations)
        original.written()
        return written(plan, entries[: len(plan.changes)])


def _asked(query: str) -> str:
    """Return a query that makes an ask conditional even where it is empty, to be refused."""
    return query or "?"
