"""The search parameters of one resource type, and which of them need no values of their own.

Many parameters say what others already say: `patient` is `subject` kept to Patients,
`combo-code` is `code` and `component-code`. Such a parameter has *sources*: a search for
it is answered by their values, which saves their space in the index.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trucyte.fhir.search.definitions import ParameterDefinition
from trucyte.fhir.search.expression import (
    FirstEntry,
    Key,
    NotSupported,
    Path,
    ResolvesTo,
    parse,
)
from trucyte.fhir.search.limits import ALL_ALLOWED, Limits

# Answered by the index itself, or not at all, never from values.
BUILT_IN = frozenset({"_id", "_lastUpdated", "_text", "_content", "_query", "_filter"})
# What a value can be; `special` is Location.near.
KINDS = frozenset(
    {"token", "reference", "date", "string", "number", "quantity", "uri", "composite", "special"}
)
RANGED = frozenset({"date", "number", "quantity"})
PRESENCE_BITS = 64  # of the index's map of those present
DECEASED = "Patient.deceased.exists() and Patient.deceased != false"
# What a Bundle is about, where its first entry says so: Bundle.composition, Bundle.message.
FIRST_ENTRY = "Bundle.entry[0].resource"
# R4 prints the extension's address as nobody writes it: both are read.
MAIDEN_NAME = "patient-extensions-Patient-mothersMaidenName"


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a composite, and the parameter that has the same values."""

    type: str
    source: int  # -1: none has
    targets: tuple[str, ...] = ()  # of a reference


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter of a resource type."""

    code: str
    type: str
    # Its place in the type's parameters. Of R4's own it is also the bit among those present:
    # what would move it is a new form of the index (`records.form`). Nothing keeps the number
    # of a custom one.
    number: int
    paths: tuple[Path, ...]
    targets: tuple[str, ...]
    # Whose values answer it: its own number, or those of the parameters it repeats.
    sources: tuple[int, ...]
    # Kept to references of this type, where its values are another parameter's.
    target_only: str | None = None
    # A composite on the resource itself: both components must hold, each by its source.
    components: tuple[Component, ...] = ()
    component_types: tuple[str, ...] = ()
    # A composite on a repeating element: its values are kept in pairs.
    pairs: tuple[Component, ...] = ()
    is_custom: bool = False  # defined by a user, not by R4
    is_by_path: bool = False  # its values need the full language
    limits: Limits = ALL_ALLOWED

    @property
    def is_beside_number(self) -> bool:
        """Whether its pairs are a token beside the row that another parameter has anyway."""
        return (
            self.component_types == ("token", "quantity")
            and not self.is_custom
            and bool(self.pairs)
            and self.pairs[1].source >= 0
        )

    @property
    def stored(self) -> bool:
        """Whether it has values of its own."""
        return self.sources == (self.number,)


def parameters_of(
    definitions: Sequence[ParameterDefinition], resource_type: str
) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """Return the parameters of a type, and the codes of those that need the full language."""
    read: list[tuple[ParameterDefinition, tuple[Path, ...]]] = []
    left = []
    # Those that came late stand last, so that the others keep their bits.
    for definition in sorted(definitions, key=_came_late):
        if definition.code in BUILT_IN:
            continue
        try:
            paths = _own_paths(definition, resource_type)
            if definition.type not in KINDS:
                raise NotSupported(definition.type)
        except NotSupported:
            left.append(definition.code)
        else:
            read.append((definition, paths))
    sources = _find_sources(read)
    made = tuple(
        _make(number, definition, paths, sources[number], read)
        for number, (definition, paths) in enumerate(read)
    )
    return made, tuple(left)


def _came_late(definition: ParameterDefinition) -> bool:
    return definition.expression == FIRST_ENTRY or definition.type == "special"


def _own_paths(definition: ParameterDefinition, resource_type: str) -> tuple[Path, ...]:
    """Return the paths that begin at this type; `Resource` and its like stand for it."""
    if definition.expression == DECEASED:
        return ((Key(resource_type), Key("deceased")),)
    if definition.expression == FIRST_ENTRY:
        return tuple((Key(resource_type), FirstEntry(target)) for target in definition.targets)
    names = (resource_type, "Resource", "DomainResource")
    paths = parse(definition.expression)
    if MAIDEN_NAME in definition.expression:
        paths += parse(definition.expression.replace(MAIDEN_NAME, "patient-mothersMaidenName"))
    return tuple(
        (Key(resource_type), *path[1:])
        for path in paths
        if isinstance(path[0], Key) and path[0].name in names
    )


Read = Sequence[tuple[ParameterDefinition, tuple[Path, ...]]]
Sources = tuple[tuple[int, ...], str | None]


def _find_sources(read: Read) -> list[Sources]:
    """Return for each parameter whose values answer it; small sets of paths first."""
    found: list[Sources] = [((number,), None) for number in range(len(read))]
    order = sorted(range(len(read)), key=lambda n: (len(read[n][1]), n))
    bases: list[int] = []
    for number in order:
        definition = read[number][0]
        kept = _source_by_target(number, read, bases)
        others = _sources_by_union(number, read, bases)
        if kept is not None:
            found[number] = kept
        elif others and definition.expression != DECEASED:
            found[number] = (others, None)
        else:
            bases.append(number)
    return _retry_targets(read, found, bases)


def _retry_targets(read: Read, found: list[Sources], bases: Sequence[int]) -> list[Sources]:
    """`patient` may stand before the `subject` it repeats: look once more."""
    for number in bases:
        kept = _source_by_target(number, read, bases)
        if kept is not None:
            found[number] = kept
    return found


def _sources_by_union(number: int, read: Read, bases: Sequence[int]) -> tuple[int, ...]:
    definition, paths = read[number]
    # A composite on the resource itself keeps no pairs: only the others count.
    wanted = {path for path in paths if definition.type != "composite" or len(path) > 1}
    parts = [
        other
        for other in bases
        if _alike(read[other][0], definition) and set(read[other][1]) <= wanted
    ]
    covered = {path for other in parts for path in read[other][1]}
    return tuple(parts) if wanted and covered == wanted else ()


def _alike(one: ParameterDefinition, other: ParameterDefinition) -> bool:
    """Whether their values have one form, component by component."""
    return one.type == other.type and one.components == other.components


def _source_by_target(number: int, read: Read, bases: Sequence[int]) -> Sources | None:
    definition, paths = read[number]
    last = {path[-1] for path in paths}
    step = last.pop() if len(last) == 1 else None
    if definition.type != "reference" or not isinstance(step, ResolvesTo):
        return None
    wanted = {path[:-1] for path in paths}
    for other in bases:
        if read[other][0].type == "reference" and set(read[other][1]) == wanted:
            return (other,), step.type
    return None


def _make(
    number: int, definition: ParameterDefinition, paths: tuple[Path, ...], sources: Sources,
    read: Read,
) -> Parameter:  # fmt: skip
    components: tuple[Component, ...] = ()
    pairs: tuple[Component, ...] = ()
    if definition.type == "composite":
        for path in paths:
            made = tuple(
                Component(c.type, _component_source(path, c.expression, c.type, read), c.targets)
                for c in definition.components
            )
            components, pairs = (made, pairs) if len(path) == 1 else (components, made)
    return Parameter(
        code=definition.code,
        type=definition.type,
        number=number,
        paths=paths,
        targets=definition.targets,
        sources=sources[0],
        target_only=sources[1],
        components=components,
        component_types=tuple(c.type for c in definition.components),
        pairs=pairs,
    )


def _component_source(root: Path, expression: str, kind: str, read: Read) -> int:
    """Return the parameter whose paths are a component's, as close as there is, or -1."""
    whole = expression.removeprefix("%resource.")
    start = root if whole == expression else root[:1]
    wanted = {_lower_types(start + path) for path in parse(whole)}
    fitting = [
        (len(paths), number)
        for number, (definition, paths) in enumerate(read)
        if definition.type == kind and wanted <= {_lower_types(path) for path in paths}
    ]
    return min(fitting)[1] if fitting else -1


def _lower_types(path: Path) -> tuple[str, ...]:
    # One component says DateTime where the element has dateTime.
    return tuple(str(step).lower() for step in path)
