"""The schema as GraphQL clients ask for it (GraphQL, October 2021, section 4).

Made from R4's definitions when it is asked for, type by type and no further than the query
looks; nothing of it stays in memory. Lists of a resource that point back to it are shown
where the reference names few types; they may be asked of any.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.graphql.names import shown_name
from trucyte.fhir.graphql.plan import RESOURCE_FIELDS, Wanted
from trucyte.fhir.graphql.problems import QueryTooCostly

OBJECTS_MAX: Final = 300_000  # of the schema in one answer
_POINTED_MAX: Final = 20  # a reference to more types points at nothing in particular
_BUILT_IN: Final = {
    "boolean": "Boolean", "integer": "Int", "positiveInt": "Int", "unsignedInt": "Int",
    "decimal": "Float", "string": "String", "xhtml": "String", "id": "ID",
}  # fmt: skip
_PAGES: Final = (("_count", "Int"), ("_cursor", "ID"), ("_sort", "String"))
_DIRECTIVES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "include": (("if", "Boolean"),),
    "skip": (("if", "Boolean"),),
    "flatten": (),
    "first": (),
    "singleton": (),
    "slice": (("path", "String"),),
}
_STANDARD: Final = frozenset({"include", "skip"})
_EVERYWHERE: Final = ("FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT")

Thing = Mapping[str, Any]  # a value may be a function: what is not asked for is not made


@dataclass(slots=True)
class Schema:
    """The schema of one request."""

    definitions: Definitions
    _made: int = 0
    _searches: dict[str, Sequence[Thing]] = field(default_factory=dict)

    def answer(self, one: Wanted) -> Any:
        """Return what is asked of `__schema` or `__type`. Raises QueryTooCostly."""
        if one.name == "__schema":
            return self._picked(one.wanted, self._schema())
        name = str(one.arguments.get("name", ""))
        found = next((made() for known, made in self._types() if known == name), None)
        return None if found is None else self._picked(one.wanted, found)

    def _picked(self, wanted: Sequence[Wanted], thing: Thing) -> dict[str, Any]:
        self._made += 1
        if self._made > OBJECTS_MAX:
            raise QueryTooCostly(what="objects of the schema", most=OBJECTS_MAX)
        made: dict[str, Any] = {}
        for one in wanted:
            value = thing.get(one.name)
            if callable(value):
                value = value()
            if isinstance(value, list):
                made[one.key] = [self._part(one, part) for part in value]
            else:
                made[one.key] = None if value is None else self._part(one, value)
        return made

    def _part(self, one: Wanted, value: Any) -> Any:
        return self._picked(one.wanted, value) if one.wanted else value

    def _schema(self) -> Thing:
        return {
            "__typename": "__Schema",
            "types": lambda: [made() for _, made in self._types()],
            "queryType": self._query,
            "directives": lambda: [_directive(*one) for one in _DIRECTIVES.items()],
        }

    def _types(self) -> Iterator[tuple[str, Callable[[], Thing]]]:
        yield "Query", self._query
        yield "Resource", self._resource
        for name, type_ in self.definitions.types.items():
            if name in ("Resource", "DomainResource"):
                continue
            if type_.kind == "primitive-type":
                shown = _BUILT_IN.get(name, name)
                if shown == name:
                    yield name, lambda name=name: _type("SCALAR", name)  # type: ignore[misc] # a default binds it
                continue
            yield shown_name(name), lambda name=name: self._object(name)  # type: ignore[misc] # as above
        for name in sorted(set(_BUILT_IN.values())):
            yield name, lambda name=name: _type("SCALAR", name)  # type: ignore[misc] # as above
        for name in sorted(self.definitions.resource_types):
            yield f"{name}Connection", lambda name=name: self._connection(name)  # type: ignore[misc] # as above
            yield f"{name}Edge", lambda name=name: self._edge(name)  # type: ignore[misc] # as above

    def _query(self) -> Thing:
        return _type("OBJECT", "Query", fields=lambda: list(self._of_query()))

    def _of_query(self) -> Iterator[Thing]:
        for name in sorted(self.definitions.resource_types):
            yield _field(name, self._named(name), [_input("id", _needed(_named("SCALAR", "ID")))])
            yield from self._lists(name)

    def _lists(self, name: str, *more: Thing) -> Iterator[Thing]:
        given = [*more, *self._search(name)]
        yield _field(f"{name}List", _list(self._named(name)), given)
        yield _field(f"{name}Connection", _named("OBJECT", f"{name}Connection"), given)

    def _search(self, name: str) -> Sequence[Thing]:
        """Return the arguments of a search, made once."""
        found = self._searches.get(name)
        if found is None:
            known = self.definitions.search_parameters(name)
            codes = {code.replace("-", "_") for code in known}
            text = _list(_named("SCALAR", "String"))
            found = [
                *(_input(code, text) for code in sorted(codes)),
                *(_input(code, _named("SCALAR", kind)) for code, kind in _PAGES),
            ]
            self._searches[name] = found
        return found

    def _resource(self) -> Thing:
        return _type(
            "INTERFACE",
            "Resource",
            fields=lambda: [self._of_any(name) for name in sorted(RESOURCE_FIELDS)],
            possibleTypes=lambda: [
                self._named(one) for one in sorted(self.definitions.resource_types)
            ],
        )

    def _of_any(self, name: str) -> Thing:
        if name == "resourceType":
            return _field(name, _needed(_named("SCALAR", "String")))
        return _field(name, self._named(self.definitions.types["Resource"].keys[name][1]))

    def _object(self, name: str) -> Thing:
        is_resource = name in self.definitions.resource_types
        interfaces = [_named("INTERFACE", "Resource")] if is_resource else []
        return _type(
            "OBJECT",
            shown_name(name),
            fields=lambda: list(self._fields(name, is_resource=is_resource)),
            interfaces=interfaces,
        )

    def _fields(self, name: str, *, is_resource: bool) -> Iterator[Thing]:
        for key, (element, kind) in self.definitions.types[name].keys.items():
            of = self._named(kind)
            if element.is_array:
                yield _field(key, _list(of), list(self._filters(kind)))
            else:
                yield _field(key, of)
            if self._is_primitive(kind):
                besides = self._named("Element")
                yield _field("_" + key, _list(besides) if element.is_array else besides)
        if name == "Reference":
            given = [_input("optional", _named("SCALAR", "Boolean"))]
            given.append(_input("type", _named("SCALAR", "code")))
            yield _field("resource", self._named("Resource"), given)
        if is_resource:
            yield _field("resourceType", _needed(_named("SCALAR", "String")))
            yield from self._pointing(name)

    def _filters(self, kind: str) -> Iterator[Thing]:
        """Return what the values of a list may be chosen by."""
        yield _input("fhirpath", _named("SCALAR", "String"))
        yield _input("_offset", _named("SCALAR", "Int"))
        yield _input("_count", _named("SCALAR", "Int"))
        if self._is_primitive(kind) or kind == "Resource":
            return
        for key, (_, of) in self.definitions.types[kind].keys.items():
            if self._is_primitive(of):
                yield _input(key, self._named(of))

    def _pointing(self, name: str) -> Iterator[Thing]:
        """Return the lists of what points to a resource."""
        types: set[str] = set()
        for one in self.definitions.all_search_parameters:
            if one.type == "reference" and name in one.target and len(one.target) <= _POINTED_MAX:
                types.update(one.base)
        back = _input("_reference", _needed(_named("SCALAR", "code")))
        for one_type in sorted(types.intersection(self.definitions.resource_types)):
            yield from self._lists(one_type, back)

    def _connection(self, name: str) -> Thing:
        count, place = _named("SCALAR", "Int"), _named("SCALAR", "ID")
        fields = [
            _field("count", count),
            _field("pagesize", count),
            _field("first", place),
            _field("next", place),
            _field("edges", _list(_named("OBJECT", f"{name}Edge"))),
        ]
        return _type("OBJECT", f"{name}Connection", fields=fields, interfaces=[])

    def _edge(self, name: str) -> Thing:
        fields = [
            _field("mode", _named("SCALAR", "String")),
            _field("resource", self._named(name)),
        ]
        return _type("OBJECT", f"{name}Edge", fields=fields, interfaces=[])

    def _is_primitive(self, kind: str) -> bool:
        held = self.definitions.types.get(kind)
        return held is None or held.kind == "primitive-type"

    def _named(self, kind: str) -> Thing:
        """Return a type where it is referred to; its fields are made when they are asked for."""
        if kind in ("Resource", "DomainResource"):
            return {
                **_named("INTERFACE", "Resource"),
                "fields": self._resource()["fields"],
            }
        if self._is_primitive(kind):
            return _named("SCALAR", _BUILT_IN.get(kind, kind))
        return self._object(kind)


def _named(kind: str, name: str) -> Thing:
    return {"__typename": "__Type", "kind": kind, "name": name}


def _type(kind: str, name: str, **more: Any) -> Thing:
    if kind == "OBJECT":
        more.setdefault("interfaces", [])
    return {**_named(kind, name), **more}


def _list(of: Thing) -> Thing:
    return {"__typename": "__Type", "kind": "LIST", "ofType": of}


def _needed(of: Thing) -> Thing:
    return {"__typename": "__Type", "kind": "NON_NULL", "ofType": of}


def _field(name: str, type: Thing, args: Sequence[Thing] = ()) -> Thing:
    return {
        "__typename": "__Field",
        "name": name,
        "args": list(args),
        "type": type,
        "isDeprecated": False,
    }


def _input(name: str, type: Thing) -> Thing:
    return {"__typename": "__InputValue", "name": name, "type": type, "isDeprecated": False}


def _directive(name: str, given: Sequence[tuple[str, str]]) -> Thing:
    return {
        "__typename": "__Directive",
        "name": name,
        "locations": list(_EVERYWHERE) if name in _STANDARD else ["FIELD"],
        "args": [_input(one, _needed(_named("SCALAR", kind))) for one, kind in given],
        "isRepeatable": False,
    }
