"""What is known of definitions: R4's own, packages over them, loose files over those.

Found by canonical URL and version; profiles come with their snapshots, generated when
they are first asked for. The two cores of Viet Nam answer for each other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from trucyte.base.problem import Problem
from trucyte.fhir.definitions import Definitions
from trucyte.fhir.packages.read import Definition, Package
from trucyte.fhir.packages.snapshot import snapshot
from trucyte.fhir.packages.structures import Cache, trimmed
from trucyte.fhir.packages.tree import Node, flatten, read_tree

STRUCTURES = "http://hl7.org/fhir/StructureDefinition/"
# The two cores that are in use in Viet Nam; what one lacks is looked up in the other.
CORES = ("http://fhir.hl7.org.vn/core", "http://fhir.ehealth.gov.vn/core")
_BASES_MAX = 50
_CORE = "hl7.fhir.r4.core"


class ProfileUnknown(Problem):
    """The profile {profile} is not among the given definitions."""

    code = "profile-not-found"


class ProfileCyclic(Problem):
    """The profile {profile} rests on itself."""

    code = "profile-cyclic"


class BaseUnknown(Problem):
    """The profile {profile} rests on {base}, which is not among the given definitions."""

    code = "profile-base-unknown"


class ProfileUnreadable(Problem):
    """The profile {profile} has neither a snapshot nor a differential that can be read."""

    code = "profile-unreadable"


@dataclass(frozen=True, slots=True)
class Missing:
    """A dependency that no given package meets."""

    package: str
    dependency: str
    version: str


@dataclass(frozen=True, slots=True)
class Structure:
    """A StructureDefinition with the tree of its snapshot."""

    url: str
    version: str
    type: str
    is_profile: bool
    source: Mapping[str, Any]
    tree: Node


class Library:
    """Definitions by canonical URL; what is added later wins."""

    def __init__(self, core: Definitions, cache: Cache) -> None:
        self.core = core
        # What a check by this library is a check against.
        self.packages = [f"{core.package} {core.version}"]
        self._cache = cache
        self._added: dict[str, list[Definition]] = {}
        self._structures: dict[str, Structure] = {}
        self._core_sources: dict[str, Mapping[str, Any]] = {}
        self._making: set[str] = set()

    # --- what is there ------------------------------------------------------------------

    def add(self, definitions: Iterable[Definition]) -> None:
        """Add definitions; those without a canonical URL cannot be asked for."""
        for definition in definitions:
            if definition.url:
                self._added.setdefault(definition.url, []).append(definition)
        self._structures.clear()

    def beside(self, definitions: Iterable[Definition]) -> "Library":
        """Return a library of the same R4 with other definitions over it."""
        made = Library(self.core, self._cache)
        made.add(definitions)
        return made

    def add_package(self, package: Package) -> None:
        """Add all definitions of a package."""
        self.packages.append(f"{package.name} {package.version}")
        self.add(package.definitions)

    def added(self, type: str) -> Iterator[Definition]:
        """Yield what was added of one resource type."""
        for versions in self._added.values():
            for definition in versions:
                if definition.type == type:
                    yield definition

    def find(self, canonical: str, type: str) -> Mapping[str, Any] | None:
        """Return an added definition by `url` or `url|version`, or None."""
        for name in aliases(canonical):
            url, _, version = name.partition("|")
            for definition in reversed(self._added.get(url, [])):
                if definition.type == type and _is_version(definition.version, version):
                    return definition.content
        return None

    def value_set_source(self, canonical: str) -> Mapping[str, Any] | None:
        """Return a value set with its `compose`, or None."""
        found = self.find(canonical, "ValueSet")
        if found is None:
            raw = self._cache.value_sets.get(canonical.partition("|")[0])
            return None if raw is None else msgspec.msgpack.decode(raw)
        return found

    def source(self, canonical: str) -> Mapping[str, Any] | None:
        """Return a StructureDefinition, or None."""
        found = self.find(canonical, "StructureDefinition")
        if found is not None:
            return found
        url = canonical.partition("|")[0]
        if url not in self._core_sources:
            raw = self._cache.structures.get(url)
            if raw is None:
                return None
            self._core_sources[url] = msgspec.msgpack.decode(raw)
        return self._core_sources[url]

    # --- profiles -----------------------------------------------------------------------

    def structure(self, canonical: str) -> Structure:
        """Return a type or profile with its snapshot.

        Raises `ProfileUnknown`, `ProfileCyclic`, `BaseUnknown`, `ProfileUnreadable`, and
        what `snapshot` raises.
        """
        made = self._structures.get(canonical)
        if made is None:
            source = self.source(canonical)
            if source is None:
                raise ProfileUnknown(profile=canonical)
            url = str(source.get("url", canonical))
            if url in self._making:
                raise ProfileCyclic(profile=url)
            if len(self._making) > _BASES_MAX:
                raise ProfileUnreadable(profile=url)
            self._making.add(url)
            try:
                made = self._structures[canonical] = self._made(url, source)
            finally:
                self._making.discard(url)
        return made

    def snapshot_of(self, source: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the snapshot of a profile as a list of elements; raises as `structure`."""
        return flatten(self._tree(str(source.get("url", "")), source))

    def type_structure(self, type_name: str) -> Structure:
        """Return the structure of an R4 type; raises `ProfileUnknown`."""
        return self.structure(STRUCTURES + type_name)

    def _made(self, url: str, source: Mapping[str, Any]) -> Structure:
        return Structure(
            url=url,
            version=str(source.get("version", "")),
            type=str(source.get("type", "")).removeprefix(STRUCTURES),
            is_profile=source.get("derivation") == "constraint",
            source=source,
            tree=self._tree(url, source),
        )

    def _tree(self, url: str, source: Mapping[str, Any]) -> Node:
        try:
            lean = trimmed(source)
            elements = lean.get("snapshot", {}).get("element")
            if elements:
                return read_tree(elements)
            if not lean.get("differential", {}).get("element") and not lean.get("baseDefinition"):
                raise ProfileUnreadable(profile=url)
            return self._generated(url, lean)
        except (KeyError, TypeError, AttributeError, ValueError, AssertionError, RecursionError):
            raise ProfileUnreadable(profile=url) from None

    def _generated(self, url: str, lean: Mapping[str, Any]) -> Node:
        base = str(lean.get("baseDefinition", ""))
        try:
            parent = self.structure(base)
        except ProfileUnknown:
            raise BaseUnknown(profile=url, base=base or "?") from None
        type_name = str(lean.get("type", "")).removeprefix(STRUCTURES)
        whole = self.source(STRUCTURES + type_name)
        root = self.type_structure(type_name).tree if whole is not None else None
        return snapshot(lean, parent.tree, root, self._find_type)

    def _find_type(self, code: str, profiles: tuple[str, ...]) -> Node | None:
        """Return the tree of a type, of its profile where there is exactly one to be had."""
        if len(profiles) == 1:
            try:
                return self.structure(profiles[0]).tree
            except (ProfileUnknown, ProfileCyclic):
                pass
        name = _FHIRPATH_TYPES.get(code, code)
        return self.type_structure(name).tree if self.source(STRUCTURES + name) else None


_FHIRPATH_TYPES = {"http://hl7.org/fhirpath/System.String": "string"}


def aliases(canonical: str) -> Iterator[str]:
    """Yield a canonical, then what the other core of Viet Nam would call it."""
    yield canonical
    for one, other in (CORES, CORES[::-1]):
        if canonical.startswith(one + "/"):
            yield other + canonical.removeprefix(one)


def _is_version(there: str, wanted: str) -> bool:
    return not wanted or there == wanted or there.startswith(wanted + ".")


def in_order(packages: Iterable[Package]) -> tuple[list[Package], list[Missing]]:
    """Return packages with what they need before them, and what is missing.

    A version `1.2.x` is met by the highest 1.2; R4's own package is always there. Of two
    versions of one package the higher comes later, so that it wins.
    """
    everything = sorted(packages, key=lambda one: (one.name, _order(one.version)))
    ordered: list[Package] = []
    placing: set[tuple[str, str]] = set()

    def place(package: Package) -> None:
        if (package.name, package.version) in placing:
            return
        placing.add((package.name, package.version))
        for name, version in package.dependencies.items():
            found = _best(everything, name, version)
            if found is not None:
                place(found)
        for other in everything:
            if other.name == package.name and _order(other.version) < _order(package.version):
                place(other)
        ordered.append(package)

    for package in everything:
        place(package)
    return ordered, [lack for package in everything for lack in _missing(package, everything)]


def _missing(package: Package, everything: list[Package]) -> Iterator[Missing]:
    for name, version in package.dependencies.items():
        if name != _CORE and _best(everything, name, version) is None:
            yield Missing(package.name, name, version)


def _best(packages: list[Package], name: str, version: str) -> Package | None:
    stem = version.rstrip("x*").rstrip(".") if version.endswith(("x", "*")) else version
    fitting = [
        package
        for package in packages
        if package.name == name
        and (version in ("latest", "") or _is_version(package.version, stem))
    ]
    return max(fitting, key=lambda one: _order(one.version), default=None)


def _order(version: str) -> tuple[tuple[int, str], ...]:
    """Order 1.10.0 behind 1.9.0, and 1.0.0-ballot before 1.0.0."""
    number, _, label = version.partition("-")
    parts = [(int(p) if p.isdigit() else 0, "") for p in number.split(".")]
    return (*parts, (0, label or "~"))
