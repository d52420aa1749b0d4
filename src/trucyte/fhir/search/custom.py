"""Search parameters that users define: read strictly, and compiled like R4's own.

An expression of dots, choices and `where()` becomes plain Python beside that of R4's
parameters; any other is FHIRPath. What the index could not answer truly is refused here,
with the reason, before anyone relies on it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.path.path import Paths
from trucyte.fhir.path.problems import PathProblem
from trucyte.fhir.search.converters import CONVERTERS
from trucyte.fhir.search.definitions import ComponentDefinition, ParameterDefinition
from trucyte.fhir.search.expression import (
    Equal,
    Extension,
    Key,
    NotSupported,
    Path,
    Step,
    parse,
    split,
)
from trucyte.fhir.search.generate import Generator
from trucyte.fhir.search.limits import ALL_ALLOWED, Limits, read_limits
from trucyte.fhir.search.parameters import KINDS, Component, Parameter
from trucyte.fhir.unprocessable import Unprocessable

EXPRESSION_MAX: Final = 4000
COMPONENTS_MAX: Final = 8
ABSTRACT: Final = ("Resource", "DomainResource")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9\-_]{0,63}", re.ASCII)
_TYPE_FIRST = re.compile(r"\(*\s*([A-Z][A-Za-z]*)\b")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
# A replay of the journal must give the same index, whenever and wherever it runs.
_OF_THE_WORLD = re.compile(
    r"\b(now|today|timeOfDay|memberOf|subsumes|subsumedBy|conformsTo)\s*\(", re.ASCII
)


class SearchParameterUnreadable(Unprocessable):
    """The SearchParameter cannot be used: {element} is missing or not valid."""

    code = "search-parameter-unreadable"


class SearchParameterBase(Unprocessable):
    """The SearchParameter names the base {base}, which is no resource type of FHIR R4."""

    code = "search-parameter-base"


class SearchParameterExpression(Unprocessable):
    """The expression of the SearchParameter cannot be used on {type}: {reason}."""

    code = "search-parameter-expression"


class SearchParameterTaken(Problem):
    """The search parameter {parameter} is already defined for {type}; choose another code."""

    kind = Kind.CONFLICT
    code = "search-parameter-taken"


class SearchParameterBeyond(Unprocessable):
    """A SearchParameter like this is not supported: {reason}."""

    kind = Kind.UNSUPPORTED
    code = "search-parameter-beyond"


@dataclass(frozen=True, slots=True)
class CompiledParameter:
    """A user's search parameter, checked."""

    url: str
    code: str
    type: str
    targets: tuple[str, ...]
    components: tuple[ComponentDefinition, ...]
    # Concrete resource types to the part of the expression that is theirs.
    expressions: Mapping[str, str]
    plain: Mapping[str, tuple[Path, ...]]  # of the types whose part needs no full language
    limits: Limits = ALL_ALLOWED

    def parameter(self, resource_type: str, number: int) -> Parameter:
        """Return it as parameter `number` of a type that is among its bases."""
        return Parameter(
            code=self.code,
            type=self.type,
            number=number,
            paths=self.plain.get(resource_type, ()),
            targets=self.targets,
            sources=(number,),
            component_types=tuple(part.type for part in self.components),
            pairs=tuple(Component(part.type, -1, part.targets) for part in self.components),
            is_custom=True,
            is_by_path=resource_type not in self.plain,
            limits=self.limits,
        )

    def definition(self, resource_type: str) -> ParameterDefinition:
        """Return it as definitions have it, for one type."""
        expression = self.expressions[resource_type]
        return ParameterDefinition(self.code, self.type, expression, self.targets, self.components)


def compile_parameter(
    resource: Mapping[str, Any],
    definitions: Definitions,
    others: Sequence[CompiledParameter] = (),
    paths: Paths | None = None,
) -> CompiledParameter:
    """Compile a SearchParameter (parsed JSON) beside R4's own and the user's `others`.

    One of the same `url` among `others` is what this one replaces.

    Raises SearchParameterUnreadable, SearchParameterBase, SearchParameterTaken,
    SearchParameterExpression, SearchParameterBeyond (R4 SearchParameter; 3.1.1.4).
    """
    code, kind = _code(resource), _kind(resource)
    beside = [other for other in others if other.url != resource.get("url")]
    types = _base_types(resource, definitions)
    for type_name in types:
        _check_free(code, type_name, definitions, beside)
    components = _components(resource, definitions, beside) if kind == "composite" else ()
    expression = _text(resource, "expression", EXPRESSION_MAX)
    compiler = _Compiler(definitions, paths or Paths(definitions), kind, components)
    expressions = {name: compiler.own_part(expression, name) for name in types}
    read = {name: compiler.plain(part, name) for name, part in expressions.items()}
    for name, part in expressions.items():
        if read[name] is None:
            compiler.check_by_path(part, name)
    return CompiledParameter(
        url=_text(resource, "url", EXPRESSION_MAX),
        code=code,
        type=kind,
        targets=_targets(resource, definitions),
        components=components,
        expressions=expressions,
        plain={name: found for name, found in read.items() if found is not None},
        limits=_limits(resource),
    )


class _Compiler:
    """Reads the expressions of one parameter."""

    def __init__(
        self,
        definitions: Definitions,
        paths: Paths,
        kind: str,
        components: Sequence[ComponentDefinition],
    ) -> None:
        self._definitions = definitions
        self._paths = paths
        self._kind = kind
        self._components = components

    def own_part(self, expression: str, type_name: str) -> str:
        """Return the parts of a union that can begin at this type."""
        known = self._definitions.resource_types
        names = (type_name, *ABSTRACT)
        kept = []
        for part in split(expression, "|"):
            first = _TYPE_FIRST.match(part.strip())
            if first is None or first[1] in names or first[1] not in known:
                kept.append(part.strip())
        if not kept:
            raise SearchParameterExpression(type=type_name, reason="no part begins at this type")
        return " | ".join(kept)

    def plain(self, expression: str, type_name: str) -> tuple[Path, ...] | None:
        """Return the paths of an expression that generated code can read, else None.

        Raises SearchParameterExpression where they end at nothing of the parameter's type.
        """
        try:
            paths = tuple(_rooted(path, type_name) for path in parse(expression))
            ends = self._ends(paths, type_name)
        except (NotSupported, RecursionError):
            return None
        if not ends:
            raise SearchParameterExpression(
                type=type_name, reason=f"no element it finds can be searched as {self._kind}"
            )
        return paths

    def _ends(self, paths: Sequence[Path], type_name: str) -> bool:
        generator = Generator(self._definitions, type_name)
        ends = [generator.ends(path, self._kind) for path in paths]
        if self._kind != "composite":
            return any(end in CONVERTERS[self._kind] for found in ends for end in found)
        for base in (end for found in ends for end in found):
            for component in self._components:
                generator.component_ends(component, base)
        return any(ends)

    def check_by_path(self, expression: str, type_name: str) -> None:
        """Check what the full language will evaluate.

        Raises SearchParameterExpression.
        """
        of_base = [part.expression.removeprefix("%resource.") for part in self._components]
        for text in (expression, *of_base):
            world = _OF_THE_WORLD.search(_TEXT.sub("''", text))
            if world is not None:
                raise SearchParameterExpression(
                    type=type_name, reason=f"{world[1]}() does not depend on the resource alone"
                )
        try:
            self._paths.check(expression, type_name)
            for text in (expression, *of_base):
                self._paths.compile(text, is_strict=False)
        except PathProblem as problem:
            raise SearchParameterExpression(type=type_name, reason=str(problem)) from None


def _rooted(path: Path, type_name: str) -> Path:
    """Let a path begin at its type, and read `extension(…).value` in one step."""
    first = path[0]
    names = (type_name, *ABSTRACT)
    inner = path[1:] if isinstance(first, Key) and first.name in names else path
    steps: list[Step] = []
    for step in inner:
        last = steps[-1] if steps else None
        if isinstance(step, Equal) and step.name == "url" and last == Key("extension"):
            steps[-1] = Extension(step.value)
        elif isinstance(last, Extension) and step == Key("value"):
            continue
        elif isinstance(last, Extension) and isinstance(step, Key | Equal | Extension):
            raise NotSupported("an extension in an extension")
        else:
            steps.append(step)
    return (Key(type_name), *steps)


def _text(resource: Mapping[str, Any], name: str, longest: int) -> str:
    value = resource.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise SearchParameterUnreadable(element=name)
    return value


def _listed(resource: Mapping[str, Any], name: str) -> list[Any]:
    value = resource.get(name, [])
    if not isinstance(value, list):
        raise SearchParameterUnreadable(element=name)
    return value


def _limits(resource: Mapping[str, Any]) -> Limits:
    try:
        return read_limits(resource)
    except ValueError as error:
        raise SearchParameterUnreadable(element=str(error)) from None


def _code(resource: Mapping[str, Any]) -> str:
    if resource.get("resourceType") != "SearchParameter":
        raise SearchParameterUnreadable(element="resourceType")
    code = resource.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise SearchParameterUnreadable(element="code")
    return code


def _kind(resource: Mapping[str, Any]) -> str:
    kind = resource.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SearchParameterUnreadable(element="type")
    if kind == "special":
        raise SearchParameterBeyond(reason="the type special has no meaning of its own")
    return kind


def _base_types(resource: Mapping[str, Any], definitions: Definitions) -> tuple[str, ...]:
    """Return the concrete types of its bases, sorted."""
    found: set[str] = set()
    for base in _listed(resource, "base"):
        if base == "Resource":
            found |= definitions.resource_types
        elif base == "DomainResource":
            found.update(t for t in definitions.resource_types if base in definitions.bases(t))
        elif isinstance(base, str) and base in definitions.resource_types:
            found.add(base)
        else:
            raise SearchParameterBase(base=_shown(base))
    if not found:
        raise SearchParameterUnreadable(element="base")
    return tuple(sorted(found))


def _shown(name: object) -> str:
    fits = isinstance(name, str) and _CODE.fullmatch(name)
    return str(name) if fits else "(unreadable)"


def _check_free(
    code: str, type_name: str, definitions: Definitions, others: Iterable[CompiledParameter]
) -> None:
    own = code in definitions.search_parameters(type_name)
    if own or any(other.code == code and type_name in other.expressions for other in others):
        raise SearchParameterTaken(parameter=code, type=type_name)


def _targets(resource: Mapping[str, Any], definitions: Definitions) -> tuple[str, ...]:
    targets = _listed(resource, "target")
    if any(t not in definitions.resource_types and t != "Resource" for t in targets):
        raise SearchParameterUnreadable(element="target")
    return tuple(targets)


def _components(
    resource: Mapping[str, Any], definitions: Definitions, others: Sequence[CompiledParameter]
) -> tuple[ComponentDefinition, ...]:
    known = {p.url: (p.type, p.target) for p in definitions.all_search_parameters}
    known |= {p.url: (p.type, p.targets) for p in others}
    parts = _listed(resource, "component")
    if not 2 <= len(parts) <= COMPONENTS_MAX:
        raise SearchParameterUnreadable(element="component")
    return tuple(_component(part, known) for part in parts)


def _component(part: Any, known: Mapping[str, tuple[str, tuple[str, ...]]]) -> ComponentDefinition:
    if not isinstance(part, Mapping):
        raise SearchParameterUnreadable(element="component")
    found = known.get(str(part.get("definition")))
    if found is None:
        raise SearchParameterUnreadable(element="component.definition")
    kind, targets = found
    # A string is searched by its beginning, which no hash of the whole can answer.
    if kind in ("string", "composite", "special"):
        raise SearchParameterBeyond(reason=f"a composite with a component of type {kind}")
    return ComponentDefinition(_text(part, "expression", EXPRESSION_MAX), kind, targets)
