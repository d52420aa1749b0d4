"""Write lists into the journal: all of a list or nothing, and nothing where nothing changed.

Parts of large lists go first; they mean nothing until the CodeSystem that names them is
accepted, together with the end of the edition it replaces. Then old parts are ended.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from trucyte.base.problem import Problem
from trucyte.fhir.issue import Severity
from trucyte.fhir.text import accept_own
from trucyte.fhir.validate import Validator
from trucyte.journal.change import Change, Operation
from trucyte.journal.journal import Journal
from trucyte.shared.terminology.artefact import Artefact, parts_of
from trucyte.shared.terminology.concept import written_period
from trucyte.shared.terminology.edition import Edition, resources_of
from trucyte.shared.terminology.follower import Follower
from trucyte.shared.terminology.library import Library
from trucyte.shared.terminology.names import EFFECTIVE
from trucyte.shared.terminology.problems import ListInvalid

_OWN: Final = 0
_ONE_DAY: Final = timedelta(days=1)

Progress = Callable[[int, int], None]  # (resources written, resources in all)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a load wrote."""

    resources: int  # new versions, parts included
    unchanged: int
    ended: int  # editions whose validity was closed


def _silent(done: int, total: int) -> None:
    """Report progress to nobody."""


class Store:
    """The one way lists are written."""

    def __init__(
        self,
        journal: Journal,
        library: Library,
        follower: Follower,
        checker: Validator,
        person: Callable[[str], int],
    ) -> None:
        """Write to `journal`; `person` is the node's keyed hash of a reference."""
        self._journal = journal
        self._library = library
        self._follower = follower
        self._checker = checker
        self._person = person

    def put(
        self,
        editions: Sequence[Edition],
        others: Iterable[Json] = (),
        progress: Progress = _silent,
    ) -> Written:
        """Accept editions, with value sets and maps, and lay them out.

        A newer edition ends the one before it the day before it begins; one older than what
        is here ends the day before that begins. Raises ListInvalid before anything is
        written, and what the journal raises.
        """
        self._follower.catch_up()
        mains: list[Json] = []
        parts: dict[str, Json] = {}
        ended: list[Json] = []
        for edition in editions:
            fitted, closed = self._fitted(edition)
            own_parts, main = resources_of(fitted)
            parts.update({part["id"]: part for part in own_parts})
            mains.append(main)
            ended += closed
        before = self._parts_before([*mains, *ended])
        wanted = [*parts.values(), *mains, *ended, *others]
        changes = self._changes(wanted)
        self._write(changes, set(parts), len(wanted), progress)
        self._end_parts(before - parts.keys() - self._parts_in_use())
        self._follower.catch_up()
        return Written(len(changes), len(wanted) - len(changes), len(ended))

    def _fitted(self, edition: Edition) -> tuple[Edition, list[Json]]:
        """Return the edition with its end, and the earlier ones with theirs."""
        start = edition.valid_from
        others = [
            one
            for one in self._library.editions("CodeSystem", edition.url)
            if one.keeper == edition.keeper and one.id != edition.id
        ]
        later = [
            o.valid_from for o in others if o.valid_from and o.valid_from > (start or date.min)
        ]
        if later and edition.valid_to is None:
            edition = edition.until(min(later) - _ONE_DAY)
        if start is None:
            return edition, []
        earlier = [
            one
            for one in others
            if (one.valid_from or date.min) < start
            and (one.valid_to is None or one.valid_to >= start)
        ]
        return edition, [self._closed(one, start - _ONE_DAY) for one in earlier]

    def _closed(self, artefact: Artefact, end: date) -> Json:
        resource = dict(self._library.resource(artefact))
        kept = [e for e in resource.get("extension", ()) if e.get("url") != EFFECTIVE]
        period = written_period(artefact.valid_from, end)
        resource["extension"] = [{"url": EFFECTIVE, "valuePeriod": period}, *kept]
        # What the server adds on reading is not part of what was accepted.
        meta = resource.get("meta", {})
        resource["meta"] = {k: v for k, v in meta.items() if k not in ("versionId", "lastUpdated")}
        return resource

    def _changes(self, resources: Sequence[Json]) -> list[Change]:
        """Return the changes that are needed. Raises ListInvalid."""
        for resource in resources:
            self._check(resource)
        keys = [(_OWN, resource["resourceType"], resource["id"]) for resource in resources]
        heads = self._journal.head(keys)
        changes = []
        for key, resource in zip(keys, resources, strict=True):
            head = heads.get(key)
            accepted = accept_own(resource)
            if head is not None and head.operation is not Operation.DELETE:
                stored = self._journal.bodies([head.seq]).get(head.seq)
                if stored is not None and stored.body == accepted.body:
                    continue
            changes.append(
                Change(
                    type=key[1],
                    id=key[2],
                    operation=Operation.UPDATE if head else Operation.CREATE,
                    body=accepted.body,
                    meta_offset=accepted.meta_offset,
                    person=self._person(f"{key[1]}/{key[2]}"),
                    expected=head.version if head else 0,
                    resource=resource,
                )
            )
        return changes

    def _check(self, resource: Mapping[str, Any]) -> None:
        for issue in self._checker.check(resource):
            if issue.severity in (Severity.ERROR, Severity.FATAL):
                raise ListInvalid(issue=issue.message_id, path=issue.location)

    def _write(
        self, changes: Sequence[Change], parts: set[str], total: int, progress: Progress
    ) -> None:
        first = [change for change in changes if change.id in parts]
        rest = [change for change in changes if change.id not in parts]
        done = total - len(changes)
        progress(done, total)
        for change in first:
            self._journal.commit([change])
            done += 1
            progress(done, total)
        if rest:
            self._journal.commit(rest)
        progress(total, total)

    def _parts_before(self, mains: Iterable[Json]) -> set[str]:
        """Return the parts that the present versions of these resources name."""
        ids = {main["id"] for main in mains}
        return {
            part
            for one in self._library.artefacts()
            if one.type == "CodeSystem" and one.id in ids and one.content in _WITH_PARTS
            for part in parts_of(self._library.resource(one))
        }

    def _parts_in_use(self) -> set[str]:
        self._follower.catch_up()
        return {
            part
            for one in self._library.artefacts()
            if one.type == "CodeSystem" and one.content in _WITH_PARTS
            for part in parts_of(self._library.resource(one))
        }

    def _end_parts(self, ids: Iterable[str]) -> None:
        units = [
            [Change("CodeSystem", id, Operation.DELETE, b"", 0, self._person(f"CodeSystem/{id}"))]
            for id in sorted(ids)
        ]
        outcomes = self._journal.commit_many(units) if units else []
        for outcome in outcomes:
            if isinstance(outcome, Problem):
                raise outcome


_WITH_PARTS: Final = frozenset({"not-present", "fragment"})
