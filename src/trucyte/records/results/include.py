"""What comes along with what was found: `_include`, `_revinclude`, again and again if asked.

Bounded: so many resources and no more, each once, also where references go in circles.
Every step asks for the caller's permission, so that a restricted resource neither comes
along nor leads on. What comes along is current, also on a later page.
"""

# ruff: noqa: S608 - the text comes from this package alone, every value is a parameter

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.parse import parse
from trucyte.fhir.search.parameters import Parameter
from trucyte.fhir.types import RESOURCE_TYPES
from trucyte.journal.change import Stored
from trucyte.journal.rows import LINE_COLUMNS, binary_cursor, line_of
from trucyte.records.persons.following import AS_SAID, circles_of_ids
from trucyte.records.results.lines import OWN
from trucyte.records.results.sight import Sight
from trucyte.records.results.wishes import Include
from trucyte.records.search.bound import Parameters
from trucyte.records.search.links import Links
from trucyte.records.search.permission import permitted

INCLUDED_MAX = 1000
ROUNDS_MAX = 20
TOKENS_MAX = 20_000  # asked at once of those that refer

Key = tuple[str, str]  # type, id


class IncludeTooWide(Problem):
    """{name} asks for too many kinds of references at once; name a type and a parameter."""

    kind = Kind.TOO_LARGE
    code = "include-wide"


@dataclass(slots=True)
class Included:
    """What came along, and whether there was more than may come."""

    lines: list[Stored] = field(default_factory=list)
    is_cut: bool = False


@dataclass(slots=True)
class Gathering:
    """Follows the includes of one page."""

    sight: Sight
    links: Links
    includes: Sequence[Include]
    _seen: set[Key] = field(default_factory=set)

    def gather(self, matches: Sequence[Stored]) -> Included:
        """Return what comes along with the matches, in the order it was reached."""
        found = Included()
        self._seen = {_key(line) for line in matches}
        frontier = list(matches)
        includes = self.includes
        for _ in range(ROUNDS_MAX):
            frontier = self._round(frontier, includes, found)
            includes = [include for include in self.includes if include.is_iterated]
            if found.is_cut or not frontier or not includes:
                break
        return found

    def _round(
        self, frontier: Sequence[Stored], includes: Sequence[Include], found: Included
    ) -> list[Stored]:
        """Follow each include once from the frontier; return what is new."""
        new: list[Stored] = []
        for include in includes:
            reached = self._backwards if include.is_reverse else self._forwards
            room = INCLUDED_MAX - len(found.lines)
            for line in reached(include, frontier, room):
                if _key(line) in self._seen:
                    continue
                if len(found.lines) == INCLUDED_MAX:
                    found.is_cut = True
                    return new
                self._seen.add(_key(line))
                found.lines.append(line)
                new.append(line)
        return new

    def _forwards(self, include: Include, frontier: Sequence[Stored], _: int) -> Iterable[Stored]:
        wanted = dict.fromkeys(
            key
            for line in frontier
            if include.type in ("*", line.entry.type)
            for key in self._referred(line, include)
            if key not in self._seen
        )
        connection = self.links.cursor.connection
        keys = [(OWN, kind, id_) for kind, id_ in wanted]
        current = self.links.journal.current(keys, connection) if keys else {}
        lines = [current[key] for key in keys if key in current and current[key].body]
        return self.sight.visible(lines)

    def _referred(self, line: Stored, include: Include) -> Iterator[Key]:
        """Yield (type, id) that a line refers to under the parameters of an include."""
        for parameter in self._parameters(line.entry.type, include.code):
            for kind, id_ in _references(self.links, line, parameter):
                if include.target in ("", kind):
                    yield kind, id_

    def _backwards(
        self, include: Include, frontier: Sequence[Stored], room: int
    ) -> Iterable[Stored]:
        sought = {_key(line) for line in frontier if include.target in ("", line.entry.type)}
        sought |= self._one_person_with(include, sought)
        types = RESOURCE_TYPES if include.type == "*" else (include.type,)
        tokens = list(self._tokens(include, types, sought))
        if not tokens:
            return
        bound = Parameters()
        place = bound.add(tokens, "bigint[]")
        conditions = [f"e.tokens && {place}", *self._permitted(bound, include)]
        # Those that are there already may come again, and one more tells that it is cut.
        limit = bound.add(room + len(self._seen) + 1, "integer")
        text = (
            f"with e as materialized (select e.seq from records.entry e"
            f" where {' and '.join(conditions)} order by e.seq desc limit {limit})"
            f" select {LINE_COLUMNS} from e join journal.change c on c.seq = e.seq"
            " order by c.seq desc"
        )
        cursor = binary_cursor(self.links.cursor.connection)
        for row in cursor.execute(text.encode(), bound.values, prepare=False):
            line = line_of(row, self.links.journal.codec)
            if line.body and not sought.isdisjoint(self._referred(line, include)):
                yield line

    def _permitted(self, bound: Parameters, include: Include) -> list[str]:
        type = "" if include.type == "*" else include.type
        return permitted(self.sight.access, bound, OWN, self.sight.basis, type=type)

    def _one_person_with(self, include: Include, sought: Iterable[Key]) -> set[Key]:
        """Return the other Patients of the circles of those that are sought."""
        ids = [id_ for kind, id_ in sought if kind == "Patient"]
        if not ids or not self.links.follows or include.type in AS_SAID:
            return set()
        circles = circles_of_ids(self.links.cursor, self.links.hasher, ids)
        return {("Patient", id_) for circle in circles.values() for id_ in circle}

    def _tokens(
        self, include: Include, types: Sequence[str], sought: Iterable[Key]
    ) -> Iterator[int]:
        """Yield what rows have that refer to what is sought."""
        hasher = self.links.hasher
        targets = [(kind, hasher.reference(OWN, kind, id_)) for kind, id_ in sorted(sought)]
        count = 0
        for type_name in types:
            known = self.links.extractor.parameters(type_name)
            for parameter in self._parameters(type_name, include.code):
                codes = [known[source].code for source in parameter.sources]
                for kind, reference in targets:
                    if not _may_refer(parameter, kind):
                        continue
                    count += len(codes)
                    if count > TOKENS_MAX:
                        raise IncludeTooWide(name="_revinclude")
                    yield from (hasher.parameter(type_name, code) ^ reference for code in codes)

    def _parameters(self, type_name: str, code: str) -> list[Parameter]:
        return [
            parameter
            for parameter in self.links.extractor.parameters(type_name)
            if parameter.type == "reference"
            and (parameter.code == code or (code == "*" and parameter.stored))
        ]


def _key(line: Stored) -> Key:
    return line.entry.type, line.entry.id


def _may_refer(parameter: Parameter, kind: str) -> bool:
    if parameter.target_only is not None:
        return parameter.target_only == kind
    return not parameter.targets or kind in parameter.targets or "Resource" in parameter.targets


def _references(links: Links, line: Stored, parameter: Parameter) -> Iterator[Key]:
    values = links.extractor.values_of(parse(line.body), frozenset(parameter.sources))
    for _, kind, id_, *_ in values.references:
        if kind is not None and id_ is not None and parameter.target_only in (None, kind):
            yield kind, id_
