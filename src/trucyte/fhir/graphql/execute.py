"""Answer a plan: elements are picked, references followed, lists searched. Pure but for the loader.

What goes wrong at one place becomes null there and an error beside it, as GraphQL has it;
what may not be seen is as though it were not there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from trucyte.base.problem import Problem
from trucyte.fhir.graphql.introspection import Schema
from trucyte.fhir.graphql.names import shown_name
from trucyte.fhir.graphql.plan import Wanted
from trucyte.fhir.graphql.problems import QueryTooCostly
from trucyte.fhir.path.path import Paths
from trucyte.fhir.types import TYPE_NUMBERS

LOADS_MAX: Final = 200  # resources read and searches asked, of one request
VALUES_MAX: Final = 100_000  # objects in the answer
_COUNT: Final = 50
_PAGING: Final = frozenset({"_offset", "_count", "fhirpath"})

Json = Mapping[str, Any]
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search."""

    resources: Sequence[Json]
    next: str | None
    total: int | None


class Loader(Protocol):
    """What the caller may see."""

    def read(self, type: str, id: str) -> Json:
        """Return a resource; raises a Problem where there is none to be shown."""
        ...

    def search(self, type: str, pairs: Sequence[tuple[str, str]], cursor: str) -> Found:
        """Return a page of what meets a query, or the one that a cursor names."""
        ...


@dataclass(slots=True)
class Executor:
    """Answers one request."""

    loader: Loader
    paths: Paths
    wording: Callable[[Problem], str]
    local: Callable[[str], tuple[str, str] | None]  # reference -> (type, id) of this node
    errors: list[dict[str, Any]] = field(default_factory=list)
    _loads: int = 0
    _values: int = 0
    _read: dict[tuple[str, str], Json | Problem] = field(default_factory=dict)

    def answer(self, wanted: Sequence[Wanted], resource: Json | None) -> dict[str, Any] | None:
        """Return the data of a plan: of one resource, or of the whole node."""
        try:
            if resource is None:
                return self._object({}, "", wanted, {}, ())
            return self._object(resource, resource["resourceType"], wanted, resource, ())
        except QueryTooCostly as problem:
            self.errors.append({"message": self.wording(problem)})
            return None

    def _object(
        self, value: Json, type: str, wanted: Sequence[Wanted], root: Json, place: Place
    ) -> dict[str, Any]:
        self._values += 1
        if self._values > VALUES_MAX:
            raise QueryTooCostly(what="values", most=VALUES_MAX)
        made: dict[str, Any] = {}
        own = str(value.get("resourceType", "")) or type
        for one in wanted:
            if one.on is not None and own not in one.on:
                continue
            try:
                self._put(made, one, value, own, root, place)
            except QueryTooCostly:
                raise
            except Problem as problem:
                self._refuse(problem, one, place)
                made.setdefault(one.key, None)
        return made

    def _refuse(self, problem: Problem, one: Wanted, place: Place) -> None:
        self.errors.append(
            {
                "message": self.wording(problem),
                "locations": [{"line": one.line, "column": one.column}],
                "path": [*place, one.key],
                "extensions": {"code": problem.code},
            }
        )

    def _put(
        self, made: dict[str, Any], one: Wanted, value: Json, type: str, root: Json, place: Place
    ) -> None:
        """Put the values of a field in: under its key, or flat into what surrounds it."""
        found, is_list = self._values_of(one, value, type, root, place)
        if one.is_first:
            found, is_list = found[:1], False
        if one.type and one.kind not in ("connection", "schema"):
            inner_root = root if one.kind == "element" else {}
            objects = [
                self._object(
                    item, one.type, one.wanted, inner_root or item,
                    (*place, one.key, number) if is_list else (*place, one.key),
                )
                for number, item in enumerate(found)
            ]  # fmt: skip
            suffixes = [self._suffix(one, item, number) for number, item in enumerate(found)]
            if one.is_flat:
                _flatten(made, objects, suffixes, one)
                return
            if one.slice:
                made.update(
                    (one.key + suffix, item) for suffix, item in zip(suffixes, objects, strict=True)
                )
                return
            found = objects
        made[one.key] = found if is_list else (found[0] if found else None)

    def _suffix(self, one: Wanted, item: Json, number: int) -> str:
        if not one.slice:
            return ""
        if one.slice == "$index":
            return f".{number}"
        node = self.paths.model.element(item, one.type)
        values = self.paths.compile(one.slice).evaluate(node)
        shown = getattr(values[0], "value", values[0]) if values else number
        return f".{shown}"

    def _values_of(
        self, one: Wanted, value: Json, type: str, root: Json, place: Place
    ) -> tuple[list[Any], bool]:
        """Return the values of a field, and whether it is a list."""
        if one.kind == "list":
            return list(self._search(one, one.type, value).resources), True
        if one.kind != "element":
            return self._single(one, value, type, root, place), False
        held = value.get(one.name)
        if not isinstance(held, list):
            return ([] if held is None else [held]), False
        return self._filtered(one, held), True

    def _single(self, one: Wanted, value: Json, type: str, root: Json, place: Place) -> list[Any]:
        match one.kind:
            case "typename":
                return [shown_name(type) or "Query"]
            case "schema":
                shown = Schema(self.paths.model.definitions).answer(one)
                return [] if shown is None else [shown]
            case "read":
                return [self._load(one.type, str(one.arguments.get("id", "")))]
            case "reference":
                return self._referred(one, value, root)
            case _:
                return [self._connection(one, value, place)]

    # Elements

    def _filtered(self, one: Wanted, held: list[Any]) -> list[Any]:
        asked = one.arguments
        kept = [item for item in held if self._is_asked(one, item)]
        start = _whole(asked.get("_offset"), 0)
        count = asked.get("_count")
        return kept[start:] if count is None else kept[start : start + _whole(count, 0)]

    def _is_asked(self, one: Wanted, item: Any) -> bool:
        for name, value in one.arguments.items():
            if name in _PAGING:
                continue
            if not isinstance(item, dict) or not _equals(item.get(name), value):
                return False
        expression = one.arguments.get("fhirpath")
        if expression is None or not isinstance(item, dict):
            return True
        node = self.paths.model.element(item, one.type)
        return self.paths.compile(str(expression)).holds(node) is True

    # Resources

    def _referred(self, one: Wanted, value: Json, root: Json) -> list[Json]:
        reference = value.get("reference")
        if not isinstance(reference, str):
            return []
        is_optional = one.arguments.get("optional") is True
        if reference.startswith("#"):
            contained = root.get("contained", ())
            found = [r for r in contained if r.get("id") == reference[1:]]
        else:
            key = self.local(reference)
            try:
                found = [self._load(*key)] if key else []
            except Problem as problem:
                if is_optional and not isinstance(problem, QueryTooCostly):
                    return []
                raise
        if one.type != "Resource":
            found = [r for r in found if r.get("resourceType") == one.type]
        return found

    def _load(self, type: str, id: str) -> Json:
        key = (type, id)
        found = self._read.get(key)
        if found is None:
            self._charge()
            try:
                found = self.loader.read(type, id)
            except Problem as problem:
                found = problem
            self._read[key] = found
        if isinstance(found, Problem):
            raise found
        return found

    def _charge(self) -> None:
        self._loads += 1
        if self._loads > LOADS_MAX:
            raise QueryTooCostly(what="reads and searches", most=LOADS_MAX)

    def _search(self, one: Wanted, type: str, value: Json, *, counted: bool = False) -> Found:
        self._charge()
        asked = dict(one.arguments)
        cursor = str(asked.pop("_cursor", "") or "")
        pairs = list(_pairs(asked, value))
        if not any(name == "_count" for name, _ in pairs):
            pairs.append(("_count", str(_COUNT)))
        if counted:
            pairs.append(("_total", "accurate"))
        return self.loader.search(type, pairs, cursor)

    def _connection(self, one: Wanted, value: Json, place: Place) -> Json:
        type = one.type.partition(" ")[2]
        counted = any(part.name == "count" for part in one.wanted)
        found = self._search(one, type, value, counted=counted)
        made: dict[str, Any] = {}
        facts = {
            "count": found.total,
            "pagesize": len(found.resources),
            "first": None,
            "next": found.next,
            "__typename": f"{type}Connection",
        }
        for part in one.wanted:
            if part.name != "edges":
                made[part.key] = facts[part.name]
                continue
            made[part.key] = [
                self._edge(part, resource, (*place, one.key, part.key, number))
                for number, resource in enumerate(found.resources)
            ]
        return made

    def _edge(self, part: Wanted, resource: Json, place: Place) -> Json:
        made: dict[str, Any] = {}
        for one in part.wanted:
            if one.name == "resource":
                here = (*place, one.key)
                made[one.key] = self._object(
                    resource, resource["resourceType"], one.wanted, resource, here
                )
            else:
                made[one.key] = "match" if one.name == "mode" else f"{resource['resourceType']}Edge"
        return made


def _pairs(asked: Mapping[str, Any], value: Json) -> Iterator[tuple[str, str]]:
    """Yield a search from arguments; `_` stands for `-`, a list for several parameters."""
    reference = asked.get("_reference")
    for name, said in asked.items():
        if name == "_reference":
            continue
        code = name if name.startswith("_") else name.replace("_", "-")
        for one in said if isinstance(said, list) else [said]:
            if one is not None:
                yield code, _text(one)
    if reference is not None and "resourceType" in value:
        code = str(reference).replace("_", "-")
        yield code, f"{value['resourceType']}/{value.get('id', '')}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _equals(held: Any, asked: Any) -> bool:
    if isinstance(held, list):
        return any(_equals(one, asked) for one in held)
    return held is not None and _text(held) == _text(asked)


def _whole(value: Any, default: int) -> int:
    return max(value, 0) if isinstance(value, int) and not isinstance(value, bool) else default


def _flatten(
    made: dict[str, Any],
    objects: Sequence[Mapping[str, Any]],
    suffixes: Sequence[str],
    one: Wanted,
) -> None:
    """Collate the fields of objects into what surrounds them (R4 GraphQL, @flatten)."""
    single = {part.key for part in one.wanted if part.is_single}
    for item, suffix in zip(objects, suffixes, strict=True):
        for key, value in item.items():
            name = key + suffix
            if key in single:
                if made.get(name) is None:
                    made[name] = value[0] if isinstance(value, list) and value else value
                continue
            held = made.setdefault(name, [])
            if value is not None and isinstance(held, list):
                held += value if isinstance(value, list) else [value]


def local_reference(reference: str) -> tuple[str, str] | None:
    """Return (type, id) of a relative reference, None for any other."""
    parts = reference.partition("#")[0].split("/")
    is_one = len(parts) == 2 or (len(parts) == 4 and parts[2] == "_history")
    return (parts[0], parts[1]) if is_one and parts[0] in TYPE_NUMBERS else None
