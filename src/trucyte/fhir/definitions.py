"""The language as data: types, code sets, search parameters, compartments.

A `Definitions` is what `package.compile_package` made of a FHIR package, loaded from
its compact cache. Loading reads an index only; a type, a code set or a code system is
decoded when it is first asked for. Everything here is frozen and may be shared.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import zstandard

from trucyte.base.problem import Problem

# Raised with every change of the shapes below, so that an old cache is never misread.
FORMAT = 1
_MAGIC = b"trucyte-definitions %d\n" % FORMAT


class NotDefinitions(Problem):
    """The compiled definitions are of another version; build them again."""

    code = "definitions-format"


class Binding(msgspec.Struct, frozen=True, array_like=True):
    """Which codes an element may hold."""

    strength: str  # required, extensible, preferred, example
    value_set: str  # canonical URL without version


class Invariant(msgspec.Struct, frozen=True, array_like=True):
    """A rule in FHIRPath that must hold at one element."""

    key: str
    severity: str
    human: str
    expression: str


class Element(msgspec.Struct, frozen=True, array_like=True):
    """One element of a type, as JSON sees it."""

    name: str  # JSON key, a choice without its suffix: "value"
    path: str  # "Observation.value[x]"
    min: int
    max: int | None  # None: no limit
    # Names in `Definitions.types`; a backbone element is the type of its path.
    types: tuple[str, ...]
    is_array: bool
    is_choice: bool
    targets: tuple[str, ...]  # resource types a Reference may point to; empty: any
    canonical_targets: tuple[str, ...]  # the same for a canonical
    profiles: tuple[str, ...]  # profiles of a data type, such as SimpleQuantity
    binding: Binding | None
    invariants: tuple[Invariant, ...]
    is_modifier: bool
    is_summary: bool

    @property
    def choices(self) -> Mapping[str, str]:
        """Full JSON key ("valueQuantity") to type name; empty where there is no choice."""
        if not self.is_choice:
            return {}
        return {self.name + name[0].upper() + name[1:]: name for name in self.types}


class TypeDefinition(msgspec.Struct, frozen=True, array_like=True):
    """A resource, a data type, a primitive or a backbone element."""

    name: str  # "Observation", "Quantity", "Observation.component"
    kind: str  # resource, complex-type, primitive-type, backbone
    base: str  # name of the type it specializes, "" at the top
    is_abstract: bool
    url: str  # of its StructureDefinition
    pattern: str  # lexical form of a primitive, "" elsewhere
    elements: dict[str, Element]  # by JSON key, in the order of the definition
    invariants: tuple[Invariant, ...]  # at the type itself

    @property
    def keys(self) -> dict[str, tuple[Element, str]]:
        """Every JSON key the type may hold, to its element and the type of its value."""
        keys: dict[str, tuple[Element, str]] = {}
        for element in self.elements.values():
            if element.is_choice:
                keys.update({key: (element, name) for key, name in element.choices.items()})
            else:
                keys[element.name] = (element, element.types[0])
        return keys


class Component(msgspec.Struct, frozen=True, array_like=True):
    """One part of a composite search parameter."""

    definition: str  # canonical URL of the parameter that reads the part
    expression: str


class SearchParameter(msgspec.Struct, frozen=True, array_like=True):
    """One search parameter."""

    url: str
    code: str
    type: str  # token, reference, date, string, number, quantity, uri, composite, special
    base: tuple[str, ...]
    expression: str
    target: tuple[str, ...]
    components: tuple[Component, ...]


class Compartment(msgspec.Struct, frozen=True, array_like=True):
    """Which resources belong to a patient, an encounter or a device."""

    code: str  # type of the resource at its centre
    resources: dict[str, tuple[str, ...]]  # type to search parameter codes; () where none


class Concept(msgspec.Struct, frozen=True, array_like=True):
    """One code of a code system."""

    code: str
    display: str
    parents: tuple[str, ...]


class CodeSystem(msgspec.Struct, frozen=True, array_like=True):
    """A code system of the package with its concepts, parents before children."""

    url: str
    is_complete: bool
    concepts: tuple[Concept, ...]


class ValueSet(msgspec.Struct, frozen=True, array_like=True):
    """A code set, expanded."""

    url: str
    systems: dict[str, tuple[str, ...]]  # code system to codes


class Content(msgspec.Struct, frozen=True, array_like=True):
    """What a cache holds; each value is decoded when it is asked for."""

    package: str
    version: str
    types: dict[str, msgspec.Raw]
    value_sets: dict[str, msgspec.Raw]
    open_value_sets: tuple[str, ...]
    code_systems: dict[str, msgspec.Raw]
    search_parameters: msgspec.Raw
    compartments: msgspec.Raw


_ENCODER = msgspec.msgpack.Encoder()


def pack(value: Any) -> msgspec.Raw:
    """Encode one value of a `Content`."""
    return msgspec.Raw(_ENCODER.encode(value))


def write(content: Content) -> bytes:
    """Return the cache of `content`, as `Definitions.load` reads it."""
    packed = zstandard.ZstdCompressor(level=12).compress(_ENCODER.encode(content))
    return _MAGIC + packed


class _Types(Mapping[str, TypeDefinition]):
    """The types by name, each decoded once."""

    def __init__(self, raw: dict[str, msgspec.Raw]) -> None:
        self._raw = raw
        self._decoder = msgspec.msgpack.Decoder(TypeDefinition)
        self._decoded: dict[str, TypeDefinition] = {}

    def __getitem__(self, name: str) -> TypeDefinition:
        found = self._decoded.get(name)
        if found is None:
            found = self._decoded[name] = self._decoder.decode(self._raw[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __contains__(self, name: object) -> bool:
        return name in self._raw


class Definitions:
    """One FHIR package, ready to be walked."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.package = content.package
        self.version = content.version
        self.types: Mapping[str, TypeDefinition] = _Types(content.types)
        self._resource_types: frozenset[str] | None = None
        self._open = frozenset(content.open_value_sets)
        self._value_sets: dict[str, ValueSet | None] = {}
        self._codes: dict[str, frozenset[str] | None] = {}
        self._parameters: tuple[SearchParameter, ...] | None = None
        self._by_type: dict[str, dict[str, SearchParameter]] = {}
        self._compartments: dict[str, Compartment] | None = None

    @classmethod
    def load(cls, cache: bytes) -> "Definitions":
        """Read a cache; raises `NotDefinitions` if it is of another format."""
        if not cache.startswith(_MAGIC):
            raise NotDefinitions()
        try:
            packed = zstandard.ZstdDecompressor().decompress(memoryview(cache)[len(_MAGIC) :])
            return cls(msgspec.msgpack.decode(packed, type=Content))
        except (zstandard.ZstdError, msgspec.DecodeError):
            raise NotDefinitions() from None

    @property
    def resource_types(self) -> frozenset[str]:
        """The names of the resource types there can be instances of."""
        if self._resource_types is None:
            self._resource_types = frozenset(
                definition.name
                for definition in self.types.values()
                if definition.kind == "resource" and not definition.is_abstract
            )
        return self._resource_types

    def value_set(self, url: str) -> ValueSet | None:
        """Return an expanded code set, or None: unknown, or too open to be listed.

        A version behind `|` is not looked at: a package has one.
        """
        url = url.partition("|")[0]
        if url not in self._value_sets:
            raw = self._content.value_sets.get(url)
            self._value_sets[url] = (
                None if raw is None else msgspec.msgpack.decode(raw, type=ValueSet)
            )
        return self._value_sets[url]

    def codes(self, value_set_url: str) -> frozenset[str] | None:
        """Return all codes of a code set whatever their system, or None as `value_set` does."""
        url = value_set_url.partition("|")[0]
        if url not in self._codes:
            found = self.value_set(url)
            self._codes[url] = (
                None
                if found is None
                else frozenset(code for codes in found.systems.values() for code in codes)
            )
        return self._codes[url]

    def is_open(self, value_set_url: str) -> bool:
        """Say whether the package has this code set but cannot list it (UCUM, mime types …)."""
        return value_set_url.partition("|")[0] in self._open

    def code_system(self, url: str) -> CodeSystem | None:
        """Return a code system of the package, decoded anew at each call."""
        raw = self._content.code_systems.get(url)
        return None if raw is None else msgspec.msgpack.decode(raw, type=CodeSystem)

    @property
    def all_search_parameters(self) -> tuple[SearchParameter, ...]:
        """Every search parameter of the package."""
        if self._parameters is None:
            self._parameters = msgspec.msgpack.decode(
                self._content.search_parameters, type=tuple[SearchParameter, ...]
            )
        return self._parameters

    def search_parameters(self, type: str) -> Mapping[str, SearchParameter]:
        """Return the parameters of a resource type by code, those of its bases included."""
        if type not in self._by_type:
            bases = {type, *self.bases(type)}
            self._by_type[type] = {
                parameter.code: parameter
                for parameter in self.all_search_parameters
                if bases.intersection(parameter.base)
            }
        return self._by_type[type]

    def bases(self, type: str) -> tuple[str, ...]:
        """Return what a type specializes, nearest first: ("DomainResource", "Resource")."""
        found = []
        base = self.types[type].base
        while base:
            found.append(base)
            base = self.types[base].base if base in self.types else ""
        return tuple(found)

    @property
    def compartments(self) -> Mapping[str, Compartment]:
        """The compartments by the type at their centre."""
        if self._compartments is None:
            listed = msgspec.msgpack.decode(
                self._content.compartments, type=tuple[Compartment, ...]
            )
            self._compartments = {compartment.code: compartment for compartment in listed}
        return self._compartments
