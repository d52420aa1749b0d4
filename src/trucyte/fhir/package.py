"""From a FHIR package to compact definitions.

Takes the bytes of a package archive (`package/*.json` in a gzipped tar, as HL7
publishes them), gives the bytes of a cache that `Definitions.load` reads. Only the
types themselves are compiled: constraints of profiles are the validator's matter.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from trucyte.base.problem import Problem
from trucyte.fhir.definitions import (
    Binding,
    Compartment,
    Component,
    Content,
    Element,
    Invariant,
    SearchParameter,
    TypeDefinition,
    pack,
    write,
)
from trucyte.fhir.expansion import Terminology
from trucyte.fhir.packages.structures import compile_structures

_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
_FHIR_TYPE = _STRUCTURE + "structuredefinition-fhir-type"
_REGEX = _STRUCTURE + "regex"
_SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
# Teaching examples in the core package that repeat the code of a real parameter.
_EXAMPLE_PARAMETER = "http://hl7.org/fhir/SearchParameter/example"
_NESTED = frozenset({"BackboneElement", "Element"})

_DECODER = msgspec.json.Decoder()


class NotAPackage(Problem):
    """The archive is no FHIR package: {reason}."""

    code = "not-a-package"


def compile_package(tgz: bytes) -> bytes:
    """Compile a package archive to a cache; seconds. Raises `NotAPackage`."""
    manifest, resources = _read(tgz)
    by_type: dict[str, list[dict[str, Any]]] = {}
    for resource in resources:
        by_type.setdefault(resource["resourceType"], []).append(resource)
    terminology = Terminology(by_type.get("CodeSystem", ()), by_type.get("ValueSet", ()))
    expanded, unlisted = terminology.expand_all()
    types = _types(by_type.get("StructureDefinition", ()))
    parameters = [
        _search_parameter(source)
        for source in by_type.get("SearchParameter", ())
        if not source["url"].startswith(_EXAMPLE_PARAMETER)
    ]
    compartments = [_compartment(r) for r in by_type.get("CompartmentDefinition", ())]
    return write(
        Content(
            package=str(manifest.get("name", "")),
            version=str(manifest.get("version", "")),
            types={definition.name: pack(definition) for definition in types},
            value_sets={value_set.url: pack(value_set) for value_set in expanded},
            open_value_sets=tuple(unlisted),
            code_systems={s.url: pack(s) for s in terminology.code_systems()},
            search_parameters=pack(sorted(parameters, key=lambda p: p.url)),
            compartments=pack(compartments),
        )
    )


def compile_profiles(tgz: bytes) -> bytes:
    """Compile the structures and open value sets of a package archive to a cache of their own.

    `packages.structures.load` reads it. Raises `NotAPackage`.
    """
    _, resources = _read(tgz)
    value_sets = [one for one in resources if one["resourceType"] == "ValueSet"]
    systems = [one for one in resources if one["resourceType"] == "CodeSystem"]
    open_sets = frozenset(Terminology(systems, value_sets).expand_all()[1])
    return compile_structures(
        (one for one in resources if one["resourceType"] == "StructureDefinition"),
        (one for one in value_sets if one["url"] in open_sets),
        len(resources),
    )


def _read(tgz: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    manifest: dict[str, Any] = {}
    resources = []
    try:
        # Unzipped as a whole first: a tar that breaks off would lose members in silence.
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(tgz))) as archive:
            for name, data in _json_members(archive):
                content = _DECODER.decode(data)
                if name == "package/package.json":
                    manifest = content
                elif isinstance(content, dict) and "resourceType" in content:
                    resources.append(content)
    except (tarfile.TarError, EOFError, OSError, zlib.error, msgspec.DecodeError) as error:
        raise NotAPackage(reason=type(error).__name__) from None
    if not manifest:
        raise NotAPackage(reason="package/package.json is missing")
    return manifest, resources


def _json_members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        folder, _, name = member.name.rpartition("/")
        if folder != "package" or not name.endswith(".json") or name.startswith("."):
            continue
        file = archive.extractfile(member)
        if file is not None:
            yield member.name, file.read()


# --- Types ------------------------------------------------------------------------------


def _types(structures: Iterable[Mapping[str, Any]]) -> Iterator[TypeDefinition]:
    for structure in structures:
        if structure.get("derivation") == "constraint" or structure["kind"] == "logical":
            continue
        yield from _definitions_in(structure)


def _definitions_in(structure: Mapping[str, Any]) -> Iterator[TypeDefinition]:
    """Yield the type and, each as a type of its own, its backbone elements."""
    elements = structure["snapshot"]["element"]
    root = structure["type"]
    parents = {path.rpartition(".")[0] for path in (e["path"] for e in elements)}
    for element in elements:
        path: str = element["path"]
        if path != root and path not in parents:
            continue
        nested = path != root
        yield TypeDefinition(
            name=path,
            kind="backbone" if nested else structure["kind"],
            base=element["type"][0]["code"] if nested else _last(structure, "baseDefinition"),
            is_abstract=not nested and bool(structure["abstract"]),
            url=structure["url"],
            pattern=_pattern(structure) if structure["kind"] == "primitive-type" else "",
            elements={
                made.name: made
                for made in (_element(child, parents, structure) for child in elements)
                if made.path.rpartition(".")[0] == path
            },
            invariants=_invariants(element, structure["url"]),
        )


def _last(structure: Mapping[str, Any], field: str) -> str:
    return str(structure.get(field, "")).rpartition("/")[2]


def _pattern(structure: Mapping[str, Any]) -> str:
    for element in structure["snapshot"]["element"]:
        if element["path"].endswith(".value"):
            for extension in element["type"][0].get("extension", ()):
                if extension["url"] == _REGEX:
                    return str(extension["valueString"])
    return ""


def _element(source: Mapping[str, Any], parents: set[str], structure: Mapping[str, Any]) -> Element:
    path: str = source["path"]
    name = path.rpartition(".")[2]
    is_choice = name.endswith("[x]")
    types = source.get("type", ())
    if "contentReference" in source:
        names: tuple[str, ...] = (source["contentReference"].partition("#")[2],)
    elif path in parents and any(t["code"] in _NESTED for t in types):
        names = (path,)
    else:
        names = tuple(_type_name(t, path, structure) for t in types)
    return Element(
        name=name.removesuffix("[x]"),
        path=path,
        min=source["min"],
        max=None if source["max"] == "*" else int(source["max"]),
        types=names,
        is_array=source.get("base", source)["max"] not in ("0", "1"),
        is_choice=is_choice,
        targets=_targets(types, "Reference"),
        canonical_targets=_targets(types, "canonical"),
        profiles=tuple(profile for t in types for profile in t.get("profile", ())),
        binding=_binding(source),
        invariants=_invariants(source, structure["url"]),
        is_modifier=bool(source.get("isModifier")),
        is_summary=bool(source.get("isSummary")),
    )


def _type_name(source: Mapping[str, Any], path: str, structure: Mapping[str, Any]) -> str:
    code: str = source["code"]
    if not code.startswith(_SYSTEM_TYPE):
        return code
    if structure["kind"] == "resource" and path == structure["type"] + ".id":
        return "id"  # the definition says string, the text (R4 2.27.1.1) says id
    for extension in source.get("extension", ()):
        if extension["url"] == _FHIR_TYPE:
            return str(extension.get("valueUrl") or extension.get("valueUri"))
    return code.removeprefix(_SYSTEM_TYPE).lower()


def _targets(types: Iterable[Mapping[str, Any]], code: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for source in types:
        if source["code"] == code:
            for target in source.get("targetProfile", ()):
                found[target.rpartition("/")[2]] = None
    return () if "Resource" in found else tuple(found)


def _binding(source: Mapping[str, Any]) -> Binding | None:
    binding = source.get("binding")
    if not binding or "valueSet" not in binding:
        return None
    return Binding(binding["strength"], binding["valueSet"].partition("|")[0])


def _invariants(source: Mapping[str, Any], url: str) -> tuple[Invariant, ...]:
    """Take the rules written at this element; inherited ones live with their own type."""
    return tuple(
        Invariant(rule["key"], rule["severity"], rule["human"], rule.get("expression", ""))
        for rule in source.get("constraint", ())
        if rule.get("source", url) == url
    )


# --- Search -----------------------------------------------------------------------------


def _search_parameter(source: Mapping[str, Any]) -> SearchParameter:
    return SearchParameter(
        url=source["url"],
        code=source["code"],
        type=source["type"],
        base=tuple(source.get("base", ())),
        expression=source.get("expression", ""),
        target=tuple(source.get("target", ())),
        components=tuple(
            Component(part["definition"], part["expression"])
            for part in source.get("component", ())
        ),
    )


def _compartment(source: Mapping[str, Any]) -> Compartment:
    return Compartment(
        source["code"],
        {entry["code"]: tuple(entry.get("param", ())) for entry in source["resource"]},
    )
